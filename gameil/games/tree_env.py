"""A slope with one tree in the middle: the smallest game where the average of two good answers is the worst one.

The lecture's picture: half of the people pass the tree on the left, half on the right, and who drives by their average
drives into it. One real number steers.
"""

from typing import Any, ClassVar

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

STEPS = 8
"""Steps of a run."""
TREE_STEP = 3
"""After so many steps the tree is reached."""
TREE_WIDTH = 0.45
"""Half its width; the slope reaches from -1 to 1."""
TURN = 0.5
"""How far the hardest turn leads sideways in a step."""
SKIER = "skier"


class TreeEnv(ParallelEnv[str, NDArray[Any], NDArray[Any]]):  # type: ignore[misc]
    """One skier, who is paid 1 for arriving; the tree ends the run. The start differs a little by the seed."""

    metadata: ClassVar[dict[str, Any]] = {"name": "tree", "is_parallelizable": True, "render_modes": []}

    def __init__(self) -> None:
        self.possible_agents = [SKIER]
        self.agents: list[str] = []
        self.render_mode = None
        self.place = 0.0
        self.steps = 0
        self._seen = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._steering = spaces.Box(-1.0, 1.0, (1,), np.float32)

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._seen

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self._steering

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, Any]]]:
        """To the top, at most 0.05 from the middle."""
        rng = np.random.Generator(np.random.PCG64(0 if seed is None else seed))
        self.place, self.steps = float(rng.uniform(-0.05, 0.05)), 0
        self.agents = [SKIER]
        return {SKIER: self._observation()}, {SKIER: {}}

    def step(
        self, actions: dict[str, NDArray[Any]]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """One step down."""
        steering = float(np.clip(actions[SKIER][0], -1.0, 1.0))
        self.place = float(np.clip(self.place + TURN * steering, -1.0, 1.0))
        self.steps += 1
        crashed = self.steps == TREE_STEP and abs(self.place) < TREE_WIDTH
        arrived = self.steps == STEPS
        if crashed or arrived:
            self.agents = []
        return (
            {SKIER: self._observation()},
            {SKIER: float(arrived)},
            {SKIER: crashed or arrived},
            {SKIER: False},
            {SKIER: {}},
        )

    def _observation(self) -> NDArray[np.float32]:
        return np.array([self.place, 2.0 * self.steps / STEPS - 1.0], np.float32)


def parallel_env() -> TreeEnv:
    """The environment, under the name that PettingZoo's modules have for it."""
    return TreeEnv()
