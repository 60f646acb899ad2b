"""Openings of people's games that a learner is told, and rewarded for playing: AlphaStar's z on board games.

Vinyals et al. (2019), Methods, "Use of human data" and "Pseudo-rewards": each game draws a person's statistics z, which
the policy is conditioned on and rewarded for following; at random it is told nothing, so that it plays without too.

Letters: ``Z`` openings, ``K`` other conditions of the network, ``A`` actions, ``N`` decisions, ``G`` trajectories.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.positions.opening_vectors import opening_vector
from gameil.rollout.trajectories import Trajectories

UNTOLD = -1
"""Opening of a trajectory that was told none."""


@dataclass(frozen=True)
class OpeningsConfig:
    """Openings of the demonstrations that the learner is told."""

    __pydantic_config__ = {"extra": "forbid"}

    decisions: int = 0
    """Of each seat at the beginning of a game; 0 tells nothing. Vinyals et al. 2019: the first 20 things built."""
    dropout: float = 0.1
    """Share of the games in which nothing is told. Vinyals et al. 2019."""
    reward: float = 0.2
    """Of following an opening in full, in units of the greatest return; as much is lost by leaving it altogether."""

    def __post_init__(self) -> None:
        if self.decisions < 0 or not 0.0 <= self.dropout <= 1.0 or not self.reward >= 0.0:
            raise ConfigError(
                "openings: decisions and reward must be at least 0, dropout within 0 and 1, got "
                f"{self.decisions}, {self.reward} and {self.dropout}"
            )


class OpeningStatistics:
    """What people's seats played first, and who is told which."""

    def __init__(self, config: OpeningsConfig, shown: Trajectories, num_actions: int, *, known: int) -> None:
        """
        Args:
            config: how much is told.
            shown: people's games, of which trajectory ``g`` is opening ``g``.
            num_actions: ``A``.
            known: ``K``.
        """
        self.config = config
        self.known = known
        self.vectors: NDArray[np.float32] = np.stack(
            [
                opening_vector(shown.actions[start:end][: config.decisions], num_actions, known=known)
                for start, end in zip(shown.starts[:-1], shown.starts[1:], strict=True)
            ]
        )
        """``[Z, K + A]``."""
        self._by_seat = {int(seat): np.flatnonzero(shown.seats == seat) for seat in np.unique(shown.seats)}

    def draw(self, seat: int, rng: np.random.Generator) -> int:
        """An opening of a person in that seat, or ``UNTOLD``."""
        own = self._by_seat.get(seat)
        if own is None or rng.random() < self.config.dropout:
            return UNTOLD
        return int(own[rng.integers(len(own))])

    def rows(self, told: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the network is told, ``[len(told), K + A]``; zeros for ``UNTOLD``."""
        rows: NDArray[np.float32] = self.vectors[told] * (told != UNTOLD)[:, None]
        return rows

    def decisions(self, batch: Trajectories, chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        """What the network was told at decisions of a batch, ``[len(chosen), K + A]``."""
        owners = np.searchsorted(batch.starts, chosen, side="right") - 1
        return self.rows(batch.told[owners])

    def rewarded(self, batch: Trajectories) -> Trajectories:
        """The same games with the rewards for following what was told.

        r_t + w / n (1 if a_t is still open in z, else -1)    at each of the first n decisions
        """
        rewards, size = batch.rewards.copy(), self.config.reward / max(1, self.config.decisions)
        for trajectory in np.flatnonzero(batch.told != UNTOLD).tolist():
            start, end = batch.starts[trajectory : trajectory + 2]
            left = self.vectors[batch.told[trajectory], self.known :].copy()
            for place in range(start, min(end, start + self.config.decisions)):
                action = batch.actions[place]
                rewards[place] += size if left[action] > 0.0 else -size
                left[action] -= 1.0
        return replace(batch, rewards=rewards)


def tell_demonstrations(shown: Trajectories, dropout: float, rng: np.random.Generator) -> Trajectories:
    """People's games with their own openings told, but for a share of them."""
    told = np.arange(len(shown.seats))
    told[rng.random(len(told)) < dropout] = UNTOLD
    return replace(shown, told=told)
