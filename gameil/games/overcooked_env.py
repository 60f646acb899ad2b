"""Overcooked as a PettingZoo parallel environment, over the rules of ``overcooked``."""

from typing import Any, ClassVar, Literal

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pettingzoo import ParallelEnv

from gameil.games.overcooked import ACTIONS, Cooks, Kitchen
from gameil.games.overcooked_view import CELL, NUM_PLANES, picture, sketch, write_planes

AGENTS = ("cook_0", "cook_1")


class OvercookedEnv(ParallelEnv[str, NDArray[Any], int]):  # type: ignore[misc]
    """Two cooks in one kitchen for ``horizon`` steps. Nothing in it is random: the seed changes nothing.

    Actions are those of ``overcooked.ACTIONS``. Both cooks get the points of every soup served; with ``shaping``, both
    also that many times the points of useful deeds (Carroll et al. 2019 let it sink to 0 in training). The end is a
    truncation: the kitchen would go on.
    """

    metadata: ClassVar[dict[str, Any]] = {
        "name": "overcooked",
        "is_parallelizable": True,
        "render_modes": ["rgb_array"],
        "render_fps": 7,
    }

    def __init__(
        self,
        layout: str = "cramped_room",
        horizon: int = 400,
        shaping: float = 0.0,
        view: Literal["planes", "pixels"] = "planes",
    ) -> None:
        """Raises ``GameError`` for an unknown kitchen."""
        self.kitchen = Kitchen.of(layout)
        self.horizon, self.shaping, self.view = horizon, shaping, view
        self.render_mode = "rgb_array"
        self.possible_agents = list(AGENTS)
        self.agents: list[str] = []
        self.steps = 0
        self.cooks = Cooks(self.kitchen)
        height, width = self.kitchen.height, self.kitchen.width
        self._space: spaces.Space[Any]
        if view == "pixels":
            self._space = spaces.Box(0, 255, (height * CELL, width * CELL, 3), np.uint8)
        else:
            self._space = spaces.Box(0.0, 1.0, (NUM_PLANES, height, width), np.float32)
        self._actions = spaces.Discrete(len(ACTIONS))

    def observation_space(self, agent: str) -> spaces.Space[Any]:
        return self._space

    def action_space(self, agent: str) -> spaces.Space[Any]:
        return self._actions

    def reset(
        self, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[dict[str, NDArray[Any]], dict[str, dict[str, Any]]]:
        """Back to the start."""
        self.agents = list(AGENTS)
        self.steps = 0
        self.cooks = Cooks(self.kitchen)
        return self._observations(), {agent: {} for agent in AGENTS}

    def step(
        self, actions: dict[str, int]
    ) -> tuple[dict[str, NDArray[Any]], dict[str, float], dict[str, bool], dict[str, bool], dict[str, dict[str, Any]]]:
        """Both cooks act at once."""
        first, second = AGENTS
        points, *useful = self.cooks.step(int(actions[first]), int(actions[second]))
        points += self.shaping * sum(useful)
        self.steps += 1
        over = self.steps >= self.horizon
        rewards = dict.fromkeys(AGENTS, points)
        if over:
            self.agents = []
        return (
            self._observations(),
            rewards,
            dict.fromkeys(AGENTS, False),
            dict.fromkeys(AGENTS, over),
            {agent: {} for agent in AGENTS},
        )

    def _observations(self) -> dict[str, NDArray[Any]]:
        return {agent: self.observe(agent) for agent in AGENTS}

    def observe(self, agent: str) -> NDArray[Any]:
        """What one cook sees now."""
        player, numbers = AGENTS.index(agent), self.cooks.numbers()
        if self.view == "pixels":
            return picture(self.kitchen, numbers, player)
        planes = np.empty((NUM_PLANES, self.kitchen.height, self.kitchen.width), np.float32)
        write_planes(self.kitchen, numbers, player, planes)
        return planes

    def state(self) -> NDArray[Any]:
        """All of the kitchen as numbers (``Cooks.numbers``), int16."""
        return np.array(self.cooks.numbers(), np.int16)

    def clone(self) -> "OvercookedEnv":
        """An independent copy at the same step."""
        twin = OvercookedEnv(self.kitchen.name, self.horizon, self.shaping, self.view)
        twin.agents, twin.steps, twin.cooks = list(self.agents), self.steps, self.cooks.copy()
        return twin

    def render(self) -> NDArray[np.uint8]:
        """The kitchen as the first cook sees it."""
        return picture(self.kitchen, self.cooks.numbers(), 0)

    def sketch(self) -> str:
        """The kitchen for a terminal."""
        return f"step {self.steps} of {self.horizon}\n{sketch(self.kitchen, self.cooks.numbers())}"

    def close(self) -> None:
        """Nothing to free."""


def parallel_env(**options: Any) -> OvercookedEnv:
    """The environment, under the name that PettingZoo's modules have for it."""
    return OvercookedEnv(**options)
