"""What seats went through in games under way, and the trajectories that come of it when the games are over.

Letters: ``G`` seat trajectories, ``N`` decisions of all of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import Game
from gameil.positions.position_batch import flat_legal
from gameil.rollout.opening_statistics import UNTOLD
from gameil.rollout.trajectories import Trajectories
from gameil.search.tree import return_scale


@dataclass(slots=True, eq=False)
class SeatSteps:
    """The decisions of one seat of one game, in the order of time."""

    observations: list[NDArray[np.float16]] = field(default_factory=list)
    legal: list[list[int]] = field(default_factory=list)
    places: list[int] = field(default_factory=list)
    """Of the action taken among the legal ones."""
    log_probs: list[float] = field(default_factory=list)
    values: list[float] = field(default_factory=list)
    returns_before: list[float] = field(default_factory=list)
    """The seat's return so far."""
    moments: list[int] = field(default_factory=list)
    """When it was, as the game counts: plies, or the length of the history."""

    def add(
        self,
        observation: NDArray[np.float16],
        legal: list[int],
        place: int,
        *,
        log_prob: float,
        value: float,
        return_before: float,
        moment: int,
    ) -> None:
        """One decision more."""
        self.observations.append(observation)
        self.legal.append(legal)
        self.places.append(place)
        self.log_probs.append(log_prob)
        self.values.append(value)
        self.returns_before.append(return_before)
        self.moments.append(moment)


@dataclass(frozen=True, slots=True, eq=False)
class EndedSeat:
    """A seat of a game that is over, with at least one decision."""

    steps: SeatSteps
    plies: Sequence[int] | NDArray[np.int32]
    """Actions of the game before each decision, chance left out."""
    final_return: float
    bootstrap: float | None
    """Value behind the last decision of a game that was cut; None where the rules ended it."""
    seat: int
    opponent: int
    opening: int = -1
    told: int = UNTOLD


def gather(
    ended: Sequence[EndedSeat],
    game: Game,
    observation_shape: tuple[int, ...],
    *,
    discount: float,
    temperature: float,
    frames: int,
) -> Trajectories:
    """The trajectories of these seats, in their order; what the fields mean is said there."""
    scale = return_scale(game)
    starts = np.zeros(len(ended) + 1, np.int64)
    np.cumsum([len(one.steps.places) for one in ended], out=starts[1:])
    size = int(starts[-1])
    legal, rows = flat_legal([legal for one in ended for legal in one.steps.legal])
    offsets = np.zeros(size + 1, np.int64)
    np.cumsum(np.bincount(rows, minlength=size), out=offsets[1:])
    places = np.array([place for one in ended for place in one.steps.places], np.int64) + offsets[:-1]
    observations = np.empty((size, *observation_shape), np.float16)
    rewards = np.empty(size, np.float32)
    discounts = np.full(size, discount, np.float32)
    plies = np.empty(size, np.int32)
    for index, one in enumerate(ended):
        place = slice(starts[index], starts[index + 1])
        observations[place] = one.steps.observations
        rewards[place] = np.diff([*one.steps.returns_before, one.final_return]) / scale
        plies[place] = one.plies
        if one.bootstrap is None:
            discounts[starts[index + 1] - 1] = 0.0
    return Trajectories(
        observations=observations,
        legal=legal,
        offsets=offsets,
        actions=legal[places],
        action_places=places,
        behaviour_log_probs=np.array([x for one in ended for x in one.steps.log_probs], np.float32),
        values=np.array([x for one in ended for x in one.steps.values], np.float32),
        rewards=rewards,
        discounts=discounts,
        starts=starts,
        bootstrap_values=np.array([one.bootstrap or 0.0 for one in ended], np.float32),
        outcomes=np.array([one.final_return / scale for one in ended], np.float32),
        opponents=np.array([one.opponent for one in ended], np.int64),
        seats=np.array([one.seat for one in ended], np.int64),
        plies=plies,
        openings=np.array([one.opening for one in ended], np.int64),
        told=np.array([one.told for one in ended], np.int64),
        frames=frames,
        temperature=temperature,
    )
