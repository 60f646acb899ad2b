"""Rewards for being where a game of people was at the same decision: motion imitation on games.

Peng et al., "DeepMimic" (2018), equation 4; each trajectory of the policy is held against one drawn game of the same
seat. Letters: ``N`` decisions.
"""

from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.losses.reference import observation_distances, reference_rewards
from gameil.rollout.trajectories import Trajectories

_AT_ONCE = 4096


class ReferenceConfig(Protocol):
    """The weights of the reward; see ``losses.reference``."""

    @property
    def sharpness(self) -> float: ...

    @property
    def imitation_weight(self) -> float: ...

    @property
    def goal_weight(self) -> float: ...


def reference_game_rewards(
    batch: Trajectories, shown: Trajectories, config: ReferenceConfig, rng: np.random.Generator
) -> NDArray[np.float32]:
    """Rewards of all decisions, ``[N]``.

    Args:
        batch: the policy's; a trajectory that began as one of people's games (``openings``) is held against that one,
            others against one of their seat drawn here.
        shown: people's.
    """
    places, known = reference_places(batch, shown, rng)
    rewards = np.empty(len(batch), np.float32)
    for start in range(0, len(batch), _AT_ONCE):
        part = slice(start, start + _AT_ONCE)
        distances = observation_distances(
            torch.from_numpy(batch.observations[part]), torch.from_numpy(shown.observations[places[part]])
        )
        rewards[part] = reference_rewards(
            distances,
            torch.from_numpy(known[part]),
            torch.from_numpy(batch.rewards[part]),
            sharpness=config.sharpness,
            imitation_weight=config.imitation_weight,
            goal_weight=config.goal_weight,
        ).numpy()
    return rewards


def reference_places(
    batch: Trajectories, shown: Trajectories, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """For every decision that of its reference game at the same ply, and whether there is one, ``[N]`` each."""
    by_seat = {int(seat): np.flatnonzero(shown.seats == seat) for seat in np.unique(shown.seats)}
    by_game = {
        pair: index for index, pair in enumerate(zip(shown.openings.tolist(), shown.seats.tolist(), strict=True))
    }
    places = np.zeros(len(batch), np.int64)
    known = np.zeros(len(batch), np.bool_)
    for trajectory, seat in enumerate(batch.seats.tolist()):
        drawn = int(rng.choice(by_seat.get(seat, np.arange(len(shown.seats)))))
        reference = by_game.get((int(batch.openings[trajectory]), seat), drawn)
        own = slice(*batch.starts[trajectory : trajectory + 2])
        theirs = slice(*shown.starts[reference : reference + 2])
        found = np.searchsorted(shown.plies[theirs], batch.plies[own])
        inside = np.minimum(found, theirs.stop - theirs.start - 1)
        places[own] = theirs.start + inside
        known[own] = shown.plies[theirs][inside] == batch.plies[own]
    return places, known
