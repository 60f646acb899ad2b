"""Demonstrations and the newest own experience in one store, from which off-policy learners draw transitions.

The first places hold the demonstrations and stay for ever; the others are a ring in which the newest decisions replace
the oldest (``priorities.PrioritisedPlaces`` says which place is which, and draws). Where a store is large, its
observations lie in a file instead of in memory.

Lecture, "Q-learning with demonstrations": the buffer begins with the demonstrations; Vecerik et al., "Leveraging
Demonstrations for Deep Reinforcement Learning" (2017), and Hester et al. (2018) keep them there for ever.

Letters: ``M`` places, ``B`` drawn ones, ``N`` decisions added, ``L`` legal actions in a row, ``A`` actions.
"""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.experience.priorities import PrioritisedPlaces, PriorityConfig
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule


@dataclass(frozen=True)
class ReplayConfig:
    """What is kept, and what is drawn of it."""

    __pydantic_config__ = {"extra": "forbid"}

    decisions: int = 100_000
    """Own decisions kept; the oldest leave. Demonstrations come on top."""
    shares: Literal["priority", "scheduled"] = "priority"
    """How much of a batch is demonstrations: as much as their priorities draw (Hester et al. 2018), or by schedule."""
    demonstration_share: Schedule = field(default_factory=lambda: Schedule(start=0.25, end=0.25, steps=0))
    """Their share by update, where it is scheduled. Paine et al. ("Making Efficient Use of Demonstrations", 2019) found
    1/256 to 1/4 best, by task."""
    priorities: PriorityConfig = field(default_factory=PriorityConfig)
    """How places are drawn; ``alpha = 0`` draws uniformly."""
    beta: Schedule = field(default_factory=lambda: Schedule(start=0.6, end=1.0, steps=10_000))
    """Exponent of the importance weights, by update. Hester et al. 2018 have 0.6; Schaul et al. 2016 anneal to 1."""
    memory_megabytes: int = 1024
    """Observations that would take more lie in a file of the run directory instead."""

    def __post_init__(self) -> None:
        if self.decisions < 1 or self.memory_megabytes < 0:
            raise ConfigError(
                f"replay.decisions must be at least 1, replay.memory_megabytes at least 0: {self.decisions}, "
                f"{self.memory_megabytes}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedDecisions:
    """Decisions read out of a replay, with their legal actions."""

    observations: NDArray[np.float16]
    """``[B, *shape]``."""
    legal: NDArray[np.int64]
    """``[L]``."""
    rows: NDArray[np.int64]
    """``[L]``: decision of each; every decision has at least one."""
    actions: NDArray[np.int64]
    """``[B]``."""
    action_places: NDArray[np.int64]
    """``[B]``: where each action stands among the legal ones."""


@dataclass(frozen=True, slots=True, eq=False)
class Ahead:
    """What followed some decisions within at most ``n`` steps: ``reward + discount * v(state)``."""

    rewards: NDArray[np.float32]
    """``[B]``: discounted sum; with the bootstrap of a trajectory that was cut on the way."""
    discounts: NDArray[np.float32]
    """``[B]``: of the value behind them; 0 where the trajectory ended on the way."""
    places: NDArray[np.int64]
    """``[B]``: where the decision behind them is stored; of itself where ``discounts`` is 0."""


class Replay:
    """Places with decisions, in the order of time within each trajectory."""

    def __init__(
        self,
        config: ReplayConfig,
        demonstrations: Trajectories | None,
        *,
        observation_shape: tuple[int, ...],
        num_actions: int,
        directory: Path | None = None,
    ) -> None:
        """
        Args:
            config: how large, and how it is drawn from.
            demonstrations: kept for ever; None for none.
            observation_shape: of one decision.
            num_actions: ``A``.
            directory: where a large store's file lies; None: the system's directory for temporary files.
        """
        self.config = config
        known = 0 if demonstrations is None else len(demonstrations)
        capacity = known + config.decisions
        self.places = PrioritisedPlaces(known, capacity, config.priorities)
        self._observations = _room((capacity, *observation_shape), config.memory_megabytes, directory)
        self._legal = np.zeros((capacity, (num_actions + 7) // 8), np.uint8)
        self._actions = np.zeros(capacity, np.int64)
        self._rewards = np.zeros(capacity, np.float32)
        self._discounts = np.zeros(capacity, np.float32)
        self._ends = np.zeros(capacity, bool)
        """The trajectory's last decision; its value behind, where it was cut, is in ``_bootstraps``."""
        self._bootstraps = np.zeros(capacity, np.float32)
        if demonstrations is not None:
            self._write(np.arange(known), demonstrations)

    def __len__(self) -> int:
        return len(self.places)

    @property
    def demonstrations(self) -> int:
        """Number of demonstrated decisions: places below it are tagged so."""
        return self.places.demonstrations

    def add(self, batch: Trajectories) -> None:
        """Stores an iteration's decisions. Raises ``ShapeError`` where the ring is smaller."""
        self._write(self.places.add(len(batch)), batch)

    def draw(
        self, batch: int, update: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.bool_]]:
        """Places to learn from at an update: places, importance weights, and which are demonstrations, ``[B]`` each."""
        config = self.config
        share = config.demonstration_share(update) if config.shares == "scheduled" else None
        places, weights = self.places.draw(batch, config.beta(update), rng, demonstration_share=share)
        return places, weights, places < self.demonstrations

    def decisions(self, places: NDArray[np.int64]) -> ReplayedDecisions:
        """What is stored at ``places`` ``[B]``."""
        rows, legal = np.nonzero(np.unpackbits(self._legal[places], axis=1))
        actions = self._actions[places]
        return ReplayedDecisions(
            observations=self._observations[places],
            legal=legal,
            rows=rows,
            actions=actions,
            action_places=np.flatnonzero(legal == actions[rows]),
        )

    def ahead(self, places: NDArray[np.int64], steps: int) -> Ahead:
        """What followed the decisions at ``places`` ``[B]``, at most ``steps`` of their seat later.

            R = r_t + d_t r_{t+1} + ... + (d_t ... d_{m-2}) r_{m-1},    D = d_t ... d_{m-1},    m <= t + n

        ``losses.returns.n_step_returns`` at one place each (a test holds them together).
        """
        rewards = np.zeros(len(places), np.float32)
        discounts = np.ones(len(places), np.float32)
        now, running = places.copy(), np.ones(len(places), bool)
        for _ in range(steps):
            rewards += np.where(running, discounts * self._rewards[now], 0.0)
            discounts = np.where(running, discounts * self._discounts[now], discounts)
            over = running & self._ends[now]
            rewards += np.where(over, discounts * self._bootstraps[now], 0.0)
            discounts = np.where(over, 0.0, discounts).astype(np.float32)
            running &= ~over & (discounts > 0.0)
            now = np.where(running, self._next(now), now)
        return Ahead(rewards, discounts, np.where(discounts > 0.0, now, places))

    def _next(self, places: NDArray[np.int64]) -> NDArray[np.int64]:
        """The places behind; within the ring, the first one's behind the last one. Of demonstrations, the same."""
        after = places + 1
        after[after == self.places.capacity] = self.demonstrations
        return after

    def _write(self, places: NDArray[np.int64], batch: Trajectories) -> None:
        self._observations[places] = batch.observations
        self._legal[places] = _packed_legal(batch, self._legal.shape[1])
        self._actions[places] = batch.actions
        self._rewards[places] = batch.rewards
        self._discounts[places] = batch.discounts
        last = batch.starts[1:] - 1
        ends = np.zeros(len(batch), bool)
        ends[last] = True
        bootstraps = np.zeros(len(batch), np.float32)
        bootstraps[last] = batch.bootstrap_values
        self._ends[places], self._bootstraps[places] = ends, bootstraps

    def state_dict(self) -> dict[str, Any]:
        """All that later draws depend on but the demonstrations, which are read again: ``arrays`` and ``state``."""
        own = slice(self.demonstrations, len(self))
        arrays = {name: np.ascontiguousarray(array[own]) for name, array in self._arrays().items()}
        priorities = self.places.state_dict()
        return {"arrays": {**arrays, "priorities": priorities["priorities"]}, "state": priorities["state"]}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``. Raises ``CheckpointError`` when it is of another capacity."""
        arrays: Mapping[str, NDArray[Any]] = state["arrays"]
        self.places.load_state_dict({"priorities": arrays["priorities"], "state": state["state"]})
        own = slice(self.demonstrations, len(self))
        for name, array in self._arrays().items():
            array[own] = arrays[name]

    def _arrays(self) -> dict[str, NDArray[Any]]:
        return {
            "observations": self._observations,
            "legal": self._legal,
            "actions": self._actions,
            "rewards": self._rewards,
            "discounts": self._discounts,
            "ends": self._ends,
            "bootstraps": self._bootstraps,
        }


def _room(shape: tuple[int, ...], megabytes: int, directory: Path | None) -> NDArray[np.float16]:
    """An array of that shape, in memory or, where it is larger than that, in a file that goes with the process."""
    if int(np.prod(shape)) * 2 <= megabytes << 20:
        return np.zeros(shape, np.float16)
    if directory is not None:
        directory.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=directory, prefix="replay-", suffix=".observations") as file:
        # The mapping keeps the nameless file alive, and the system frees it when the process ends, however it ends.
        return np.memmap(file.name, np.float16, "w+", shape=shape)


def _packed_legal(batch: Trajectories, width: int) -> NDArray[np.uint8]:
    """Legal actions as bits, ``[N, width]``."""
    bits = np.zeros((len(batch), width * 8), bool)
    bits[np.repeat(np.arange(len(batch)), np.diff(batch.offsets)), batch.legal] = True
    return np.packbits(bits, axis=1)
