"""Many supervised examples in flat arrays: what loaders hand out and learners eat.

Letters: ``B`` positions, ``L`` the legal actions of all of them in a row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError

CONTEXT = ("opponent_rating", "seconds", "year", "moves_left")
"""Columns of ``PositionBatch.context``: the opponent's rating; seconds a player has for the game (40 moves of increment
included); the year with the month as its fraction; plies from the position to the end of the record."""


@dataclass(frozen=True, slots=True, eq=False)
class PositionBatch:
    """Observations with their legal actions, the action to imitate, and how the game ended for the mover."""

    observations: NDArray[np.float16]
    """``[B, *shape]``, the mover's frame."""
    legal: NDArray[np.int32]
    """``[L]``: legal actions, ascending within a position."""
    offsets: NDArray[np.int64]
    """``[B + 1]``: position ``b`` owns ``legal[offsets[b]:offsets[b + 1]]``."""
    actions: NDArray[np.int64]
    """``[B]``: the move played, or the best of the expert's label."""
    target_probs: NDArray[np.float32] | None
    """``[L]``: policy to imitate beside ``legal``; None means all on ``actions``."""
    returns: NDArray[np.float32]
    """``[B]``: outcome for the mover in [-1, 1]; 0 where unknown."""
    return_weights: NDArray[np.float32]
    """``[B]``: 1, or 0 where the outcome is unknown."""
    weights: NDArray[np.float32]
    """``[B]``: weight of the policy target."""
    game_ids: NDArray[np.uint64]
    """``[B]``: game in the dataset."""
    plies: NDArray[np.int32]
    """``[B]``: number of actions before the position."""
    ratings: NDArray[np.int32]
    """``[B]``: the mover's rating, 0 where unknown."""
    context: NDArray[np.float32] | None = None
    """``[B, 4]``: the game around the position (``CONTEXT``), 0 where unknown; None: all unknown."""
    owners: NDArray[np.int8] | None = None
    """``[B, H * W]``: who owns each cell in the end, 1 the mover, -1 the opponent, all 0 where that is not known; None
    where it was not asked for (``LoaderConfig.final_boards``)."""

    def __post_init__(self) -> None:
        size = len(self.actions)
        if len(self.offsets) != size + 1 or len(self.observations) != size:
            raise ShapeError(
                f"a batch of {size} positions needs {size + 1} offsets and {size} observations, "
                f"got {len(self.offsets)} and {len(self.observations)}"
            )
        if self.target_probs is not None and len(self.target_probs) != len(self.legal):
            raise ShapeError(f"{len(self.target_probs)} target_probs for {len(self.legal)} legal actions")

    def __len__(self) -> int:
        return len(self.actions)

    def num_legal(self) -> NDArray[np.int64]:
        """Number of legal actions of each position, ``[B]``."""
        return np.diff(self.offsets)

    def take(self, indices: NDArray[np.int64]) -> "PositionBatch":
        """The positions at ``indices``, in that order."""
        starts = self.offsets[indices]
        counts = self.offsets[indices + 1] - starts
        offsets = np.zeros(len(indices) + 1, dtype=np.int64)
        np.cumsum(counts, out=offsets[1:])
        places = span_places(starts, counts)
        return PositionBatch(
            observations=self.observations[indices],
            legal=self.legal[places],
            offsets=offsets,
            actions=self.actions[indices],
            target_probs=None if self.target_probs is None else self.target_probs[places],
            returns=self.returns[indices],
            return_weights=self.return_weights[indices],
            weights=self.weights[indices],
            game_ids=self.game_ids[indices],
            plies=self.plies[indices],
            ratings=self.ratings[indices],
            context=None if self.context is None else self.context[indices],
            owners=None if self.owners is None else self.owners[indices],
        )

    def conditions(self, names: Sequence[str]) -> NDArray[np.float32]:
        """What a conditioned network is told, a new array ``[B, len(names)]``: ``rating`` or columns of ``context``."""
        told = np.zeros((len(self), len(names)), np.float32)
        for column, name in enumerate(names):
            if name == "rating":
                told[:, column] = self.ratings
            elif self.context is not None:
                told[:, column] = self.context[:, CONTEXT.index(name)]
        return told

    def soft_targets(self) -> NDArray[np.float32]:
        """``target_probs``, spelled out as one-hot where it is None, ``[L]``."""
        if self.target_probs is not None:
            return self.target_probs
        owners = np.repeat(np.arange(len(self)), self.num_legal())
        one_hot: NDArray[np.float32] = (self.legal == self.actions[owners]).astype(np.float32)
        return one_hot

    @staticmethod
    def concatenate(parts: Sequence["PositionBatch"]) -> "PositionBatch":
        """All positions of ``parts`` (at least one) in a row."""
        if not parts:
            raise ShapeError("nothing to concatenate: no parts")
        if len(parts) == 1:
            return parts[0]
        soft = any(part.target_probs is not None for part in parts)
        joined = {
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            for field in fields(PositionBatch)
            if field.name not in ("offsets", "target_probs", "context", "owners")
        }
        offsets = np.zeros(sum(len(part) for part in parts) + 1, dtype=np.int64)
        np.cumsum(np.concatenate([part.num_legal() for part in parts]), out=offsets[1:])
        target_probs = np.concatenate([part.soft_targets() for part in parts]) if soft else None
        return PositionBatch(
            **joined,
            offsets=offsets,
            target_probs=target_probs,
            context=_joined([part.context for part in parts], [len(part) for part in parts], np.float32),
            owners=_joined([part.owners for part in parts], [len(part) for part in parts], np.int8),
        )


def _joined(
    arrays: Sequence[NDArray[Any] | None], lengths: Sequence[int], dtype: type[np.generic]
) -> NDArray[Any] | None:
    """Arrays of two dimensions in a row, with zeros where one is None; None where all are."""
    widths = {array.shape[1] for array in arrays if array is not None}
    if not widths:
        return None
    (width,) = widths
    zeros = [np.zeros((length, width), dtype) for length in lengths]
    return np.concatenate([zero if array is None else array for array, zero in zip(arrays, zeros, strict=True)])


def span_places(starts: NDArray[np.int64], counts: NDArray[np.int64]) -> NDArray[np.int64]:
    """The ``counts[b]`` places from ``starts[b]`` on, for all ``b`` in a row, ``[sum(counts)]``."""
    ends = np.cumsum(counts)
    places = np.repeat(starts - (ends - counts), counts)
    places += np.arange(len(places))
    return places


def row_starts(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each row begins, of ascending ``rows`` ``[L]`` that leave none out."""
    return np.flatnonzero(np.diff(rows, prepend=-1))


def flat_legal(legal_lists: Sequence[Sequence[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Legal actions of ``B`` positions in a row ``[L]``, and the position each belongs to ``[L]``."""
    counts = np.fromiter(map(len, legal_lists), np.int64, len(legal_lists))
    flat = np.fromiter(chain.from_iterable(legal_lists), np.int64, int(counts.sum()))
    return flat, np.repeat(np.arange(len(legal_lists)), counts)
