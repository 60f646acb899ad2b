"""Seat trajectories: what one seat went through in a game, the opponents and chance being part of its environment.

Letters: ``N`` decisions of all trajectories in a row, ``G`` trajectories, ``L`` the legal actions of all decisions in a
row.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError
from gameil.positions.position_batch import span_places

LEARNER = -1
"""Opponent of a game in which the learner holds all seats."""
DEMONSTRATION = -2
"""Opponent of a seat that a person played (``experience.demonstrations``): the tag of demonstrations."""


@dataclass(frozen=True, slots=True, eq=False)
class Trajectories:
    """All decisions of ``G`` seat trajectories in a row, each trajectory in the order of time."""

    observations: NDArray[np.float16]
    """``[N, *shape]``."""
    legal: NDArray[np.int64]
    """``[L]``."""
    offsets: NDArray[np.int64]
    """``[N + 1]``: decision ``n`` owns ``legal[offsets[n]:offsets[n + 1]]``."""
    actions: NDArray[np.int64]
    """``[N]``."""
    action_places: NDArray[np.int64]
    """``[N]``: where each action stands in ``legal``."""
    behaviour_log_probs: NDArray[np.float32]
    """``[N]``: log mu(a | s) when it was played."""
    values: NDArray[np.float32]
    """``[N]``: the behaviour network's values, for the learner's seat."""
    rewards: NDArray[np.float32]
    """``[N]``: the seat's rewards until its next decision, in units of the game's greatest return."""
    discounts: NDArray[np.float32]
    """``[N]``: gamma, and 0 after the last decision of a terminated game."""
    starts: NDArray[np.int64]
    """``[G + 1]``: trajectory ``g`` is ``starts[g]:starts[g + 1]``."""
    bootstrap_values: NDArray[np.float32]
    """``[G]``: value after the last decision of a truncated game, 0 of a terminated one."""
    outcomes: NDArray[np.float32]
    """``[G]``: the seat's final return; of a truncated game what it was by then."""
    opponents: NDArray[np.int64]
    """``[G]``: index of the opponent, ``LEARNER`` where the learner held all seats."""
    seats: NDArray[np.int64]
    """``[G]``."""
    plies: NDArray[np.int32]
    """``[N]``: actions of the game before each decision, chance left out."""
    openings: NDArray[np.int64]
    """``[G]``: which of the games of people it began as (or is, of demonstrations); -1 for none."""
    told: NDArray[np.int64]
    """``[G]``: which of people's openings the policy was told (``rollout.opening_statistics``); -1 for none."""
    frames: int
    """Actions in all the games, everybody's, openings and chance left out."""
    temperature: float = 1.0
    """Of the behaviour policy, ``softmax(logits / temperature)``: the policy whose gradient these decisions give."""

    def __len__(self) -> int:
        return len(self.actions)

    def lengths(self) -> NDArray[np.int64]:
        """Decisions of each trajectory, ``[G]``."""
        return np.diff(self.starts)


def take_trajectories(batch: Trajectories, chosen: NDArray[np.int64]) -> Trajectories:
    """The trajectories ``chosen`` alone, in that order. ``frames`` counts their decisions."""
    lengths = batch.lengths()[chosen]
    decisions = span_places(batch.starts[chosen], lengths)
    counts = np.diff(batch.offsets)[decisions]
    offsets = np.zeros(len(decisions) + 1, np.int64)
    np.cumsum(counts, out=offsets[1:])
    starts = np.zeros(len(chosen) + 1, np.int64)
    np.cumsum(lengths, out=starts[1:])
    own = {"legal", "offsets", "action_places", "starts", "frames", "temperature"}
    by_trajectory = {"bootstrap_values", "outcomes", "opponents", "seats", "openings", "told"}
    parts: dict[str, Any] = {
        field.name: getattr(batch, field.name)[chosen if field.name in by_trajectory else decisions]
        for field in fields(batch)
        if field.name not in own
    }
    return Trajectories(
        legal=batch.legal[span_places(batch.offsets[decisions], counts)],
        offsets=offsets,
        action_places=batch.action_places[decisions] - batch.offsets[decisions] + offsets[:-1],
        starts=starts,
        frames=len(decisions),
        temperature=batch.temperature,
        **parts,
    )


def join_trajectories(parts: Sequence[Trajectories]) -> Trajectories:
    """All trajectories of ``parts`` (at least one, all played at one temperature) in a row."""
    first = parts[0]
    if len(parts) == 1:
        return first
    if any(part.temperature != first.temperature for part in parts):
        raise ShapeError("trajectories of several temperatures cannot be joined")
    legal_before = np.cumsum([0, *[len(part.legal) for part in parts]])
    before = np.cumsum([0, *[len(part) for part in parts]])
    own = {"offsets", "action_places", "starts", "frames", "temperature"}
    joined: dict[str, Any] = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts])
        for field in fields(Trajectories)
        if field.name not in own
    }
    return Trajectories(
        offsets=np.concatenate([[0], *[part.offsets[1:] + legal_before[i] for i, part in enumerate(parts)]]),
        action_places=np.concatenate([part.action_places + legal_before[i] for i, part in enumerate(parts)]),
        starts=np.concatenate([[0], *[part.starts[1:] + before[i] for i, part in enumerate(parts)]]),
        frames=sum(part.frames for part in parts),
        temperature=first.temperature,
        **joined,
    )
