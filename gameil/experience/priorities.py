"""Which of many stored transitions to learn from: prioritised replay that never forgets its demonstrations.

Only places are kept here; who stores what at a place is the caller's business. Letters: ``N`` places, ``B`` drawn ones.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import CheckpointError, ConfigError, ShapeError


@dataclass(frozen=True)
class PriorityConfig:
    """How places are drawn: ``P(i) = p_i^alpha / sum_j p_j^alpha``, ``p_i = |error_i| + bonus``."""

    __pydantic_config__ = {"extra": "forbid"}

    alpha: float = 0.4
    """0 draws uniformly, 1 in proportion to errors. Hester et al. 2018."""
    demonstration_bonus: float = 1.0
    """Added to the error of demonstrations: the paper's epsilon_d."""
    own_bonus: float = 0.001
    """Added to the error of all others, so that none is never drawn: the paper's epsilon_a."""

    def __post_init__(self) -> None:
        if not 0.0 <= self.alpha <= 1.0:
            raise ConfigError(f"priorities.alpha must be within 0 and 1, got {self.alpha}")
        for name in ("demonstration_bonus", "own_bonus"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"priorities.{name} must be positive, got {getattr(self, name)}")


class PrioritisedPlaces:
    """Draws places by priority. The first ones hold demonstrations and stay; the others are a ring of own experience.

    Schaul et al., "Prioritized Experience Replay" (2016); demonstrations as in Hester et al., "Deep Q-learning from
    Demonstrations" (2018). A sum tree in one array: node ``i`` has the children ``2 i`` and ``2 i + 1``, so that
    drawing and updating B places takes B log N steps, all B at once.
    """

    def __init__(self, demonstrations: int, capacity: int, config: PriorityConfig) -> None:
        """
        Args:
            demonstrations: places 0 .. demonstrations - 1, filled from the start.
            capacity: all places, own experience included.

        Raises:
            ConfigError: there is no room.
        """
        if demonstrations < 0 or capacity < max(1, demonstrations):
            raise ConfigError(f"replay of {capacity} places has no room for {demonstrations} demonstrations")
        self.config = config
        self.demonstrations = demonstrations
        self.capacity = capacity
        self._leaves = 1 << (capacity - 1).bit_length()
        self._tree = np.zeros(2 * self._leaves)
        self._next = demonstrations
        self._filled = demonstrations
        self._highest = 1.0
        """Greatest error seen: what nobody has learned from yet is given it, and so drawn soon."""
        self._set(np.arange(demonstrations), np.full(demonstrations, self._highest))

    def __len__(self) -> int:
        return self._filled

    def add(self, count: int) -> NDArray[np.int64]:
        """Places for ``count`` new transitions ``[count]``; where the ring is full, those of the oldest own ones.

        Raises ``ShapeError`` when the ring is smaller than ``count``.
        """
        ring = self.capacity - self.demonstrations
        if count > ring:
            raise ShapeError(f"{count} transitions do not fit into {ring} places of own experience")
        places = self.demonstrations + (self._next - self.demonstrations + np.arange(count)) % max(1, ring)
        if count:
            self._next = self.demonstrations + (int(places[-1]) + 1 - self.demonstrations) % ring
            self._filled = max(self._filled, int(places.max()) + 1)
            self._set(places, np.full(count, self._highest))
        return places

    def draw(
        self, batch: int, beta: float, rng: np.random.Generator, *, demonstration_share: float | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Draws places, with what each must be weighted with so that the mean stays that of uniform draws.

        Args:
            batch: ``B``, drawn independently, one from each of B equal parts of the total (Schaul et al., appendix B).
            beta: 1 corrects in full, 0 not at all; the paper goes from 0.6 to 1 as training goes on.
            demonstration_share: share of the batch that is drawn from the demonstrations, by priority among them, the
                rest from the others; None: by priority alone. With only one kind there, all are drawn from it.

        Returns:
            Places ``[B]`` and weights ``(N P(i))^-beta`` ``[B]``, divided by the greatest of them.
        """
        if not self._filled:
            raise ShapeError("an empty replay has nothing to draw")
        total = float(self._tree[1])
        shown = float(self._tree[self._leaves : self._leaves + self.demonstrations].sum())
        if demonstration_share is None or not 0 < self.demonstrations < self._filled:
            parts = [(batch, 0.0, total, 1.0)]
        else:
            number = round(batch * demonstration_share)
            parts = [(number, 0.0, shown, number / batch), (batch - number, shown, total - shown, 1.0 - number / batch)]
        places, probs = [], []
        for number, first, width, share in parts:
            if number:
                left = first + (np.arange(number) + rng.random(number)) * (width / number)
                found = self._find(left)
                places.append(found)
                probs.append(self._tree[found + self._leaves] * (share / width))
        weights = (self._filled * np.concatenate(probs)) ** -beta
        return np.concatenate(places), (weights / weights.max()).astype(np.float32)

    def _find(self, left: NDArray[np.float64]) -> NDArray[np.int64]:
        """The place below whose end each cumulative priority ``[B]`` lies."""
        nodes = np.ones(len(left), np.int64)
        while nodes[0] < self._leaves:
            nodes *= 2
            first = self._tree[nodes]
            right = (left >= first) & (self._tree[nodes + 1] > 0.0)  # rounding may ask for more than there is
            left = np.where(right, left - first, left)
            nodes += right
        return nodes - self._leaves

    def update(self, places: NDArray[np.int64], errors: NDArray[np.float32]) -> None:
        """Says how wrong the learner was about the transitions at ``places`` ``[B]``; the sign does not count."""
        if places.shape != errors.shape or not np.isfinite(errors).all():
            raise ShapeError(f"places {places.shape} and errors {errors.shape} must be alike, and errors finite")
        sizes = np.abs(errors).astype(np.float64)
        self._highest = max(self._highest, float(sizes.max(initial=0.0)))
        self._set(places, sizes)

    def probabilities(self) -> NDArray[np.float64]:
        """With which every place is drawn, ``[capacity]``; 0 where nothing was stored yet."""
        probs: NDArray[np.float64] = self._tree[self._leaves : self._leaves + self.capacity] / self._tree[1]
        return probs

    def _set(self, places: NDArray[np.int64], errors: NDArray[np.float64]) -> None:
        config = self.config
        bonus = np.where(places < self.demonstrations, config.demonstration_bonus, config.own_bonus)
        nodes = places + self._leaves
        self._tree[nodes] = (errors + bonus) ** config.alpha
        while len(nodes) and nodes[0] > 1:
            nodes = np.unique(nodes // 2)
            self._tree[nodes] = self._tree[2 * nodes] + self._tree[2 * nodes + 1]

    def state_dict(self) -> dict[str, Any]:
        """All that later draws depend on: the priorities ``[capacity]`` and plain values."""
        return {
            "priorities": self._tree[self._leaves : self._leaves + self.capacity].copy(),
            "state": {"next": self._next, "filled": self._filled, "highest": self._highest},
        }

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``. Raises ``CheckpointError`` when it is of another capacity."""
        priorities = state["priorities"]
        if priorities.shape != (self.capacity,):
            raise CheckpointError(f"the replay has {self.capacity} places, the checkpoint's {len(priorities)}")
        self._tree[self._leaves : self._leaves + self.capacity] = priorities
        for first in (self._leaves >> level for level in range(1, self._leaves.bit_length())):
            nodes = np.arange(first, 2 * first)
            self._tree[nodes] = self._tree[2 * nodes] + self._tree[2 * nodes + 1]
        self._next, self._filled = int(state["state"]["next"]), int(state["state"]["filled"])
        self._highest = float(state["state"]["highest"])
