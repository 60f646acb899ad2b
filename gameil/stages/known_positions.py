"""Which positions of a dataset's training games are seen again, and what people played in them: the lookup baseline.

Letters: ``B`` positions of a batch, ``L`` their legal actions in a row, ``K`` different positions.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.positions.encoder import EncoderConfig
from gameil.positions.position_batch import PositionBatch

BARE = EncoderConfig(last_moves=0, ko=False)
"""A game's own observation, without the moves that led there."""
FALLBACK = 0.1
"""Share of the lookup's policy that is uniform, so that no move is impossible: a plain choice, not tuned."""


def position_keys(observations: NDArray[np.floating], num_planes: int) -> NDArray[np.uint64]:
    """Numbers of 64 bits that tell positions apart, ``[B]``: what lies where, without counters (chess's fifty moves).

    Args:
        observations: ``[B, *shape]``, the game's own observation first.
        num_planes: how many planes (numbers, for a vector) that is.
    """
    if len(observations) == 0:
        return np.zeros(0, np.uint64)
    present = np.packbits((observations[:, :num_planes] == 1).reshape(len(observations), -1), axis=1)
    digests = b"".join(hashlib.blake2b(row, digest_size=8).digest() for row in present)
    return np.frombuffer(digests, np.uint64)


class KnownPositions:
    """The moves of training games by position."""

    def __init__(self, keys: NDArray[np.uint64], actions: NDArray[np.int64]) -> None:
        """Takes a position's key and the action played in it, for each position of the training games."""
        order = np.lexsort((actions, keys))
        keys, actions = keys[order], actions[order]
        new_pair = np.ones(len(keys), bool)
        new_pair[1:] = (keys[1:] != keys[:-1]) | (actions[1:] != actions[:-1])
        starts = np.flatnonzero(new_pair)
        self._counts = np.diff(np.append(starts, len(keys)))
        self._actions = actions[starts]
        self._pair_keys = keys[starts]
        self.num_positions = len(np.unique(keys))

    @staticmethod
    def of_dataset(dataset: Path, num_planes: int) -> "KnownPositions":
        """Those of all training games, with two or more legal actions."""
        loader = Loader(dataset, "train", BARE, LoaderConfig(), augment=False)
        return KnownPositions.of_batches(loader.once(batch_size=4096), num_planes)

    @staticmethod
    def of_batches(batches: Iterable[PositionBatch], num_planes: int) -> "KnownPositions":
        """Those of some batches."""
        keys, actions = [np.zeros(0, np.uint64)], [np.zeros(0, np.int64)]
        for batch in batches:
            keys.append(position_keys(batch.observations, num_planes))
            actions.append(batch.actions)
        return KnownPositions(np.concatenate(keys), np.concatenate(actions))

    def seen(self, keys: NDArray[np.uint64]) -> NDArray[np.bool_]:
        """Which positions occur in training games, ``[B]``."""
        places = np.searchsorted(self._pair_keys, keys)
        inside = places < len(self._pair_keys)
        found = np.zeros(len(keys), bool)
        found[inside] = self._pair_keys[places[inside]] == keys[inside]
        return found

    def log_probs(
        self, keys: NDArray[np.uint64], legal: NDArray[np.int32], offsets: NDArray[np.int64]
    ) -> NDArray[np.float32]:
        """How often each legal action was played there, mixed with a uniform share; uniform where never seen, ``[L]``.

        Args:
            keys: ``[B]``.
            legal: ``[L]``.
            offsets: ``[B + 1]``.
        """
        counts = np.diff(offsets)
        probs = np.repeat(1.0 / counts, counts)
        for row in np.flatnonzero(self.seen(keys)).tolist():
            low, high = (
                np.searchsorted(self._pair_keys, keys[row]),
                np.searchsorted(self._pair_keys, keys[row], side="right"),
            )
            mine = slice(offsets[row], offsets[row + 1])
            played = np.zeros(counts[row])
            places = np.searchsorted(legal[mine], self._actions[low:high])
            inside = places < counts[row]
            inside[inside] = legal[mine][places[inside]] == self._actions[low:high][inside]
            played[places[inside]] = self._counts[low:high][inside]
            if played.sum():
                probs[mine] = FALLBACK * probs[mine] + (1 - FALLBACK) * played / played.sum()
        return np.log(probs).astype(np.float32)
