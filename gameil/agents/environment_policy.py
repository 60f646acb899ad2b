"""Any policy of PettingZoo as an agent: a function of what the environment shows an agent, and of the agent's name.

Some are built in, as demonstrators of known styles; other packages add theirs through the entry point group
``gameil.policies``.
"""

import importlib.metadata
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Decisions, Request
from gameil.errors import AgentError, ConfigError
from gameil.games.game import Game
from gameil.games.pettingzoo_environment import RawEnvironment, raw_environment

Policy = Callable[[Any, str, np.random.Generator], Any]
"""``(observation, agent's name, generator) -> action``, all but the generator as PettingZoo has them; the observation
of a masked environment is its dictionary."""
ENTRY_POINTS = "gameil.policies"


class PolicyAgent:
    """A policy in every seat that it is given."""

    def __init__(self, name: str, game: Game, policy: Policy) -> None:
        """Raises ``AgentError`` for a game that is not PettingZoo's."""
        self.name = name
        self._raw: RawEnvironment = raw_environment(game)
        self._policy = policy

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        actions = np.empty(len(requests), np.int64)
        for row, request in enumerate(requests):
            shown = self._raw.observation(request.state, request.seat)
            chosen = self._policy(shown, self._raw.names[request.seat], request.rng)
            actions[row] = self._raw.codecs[request.seat].encode(chosen)
        return Decisions(actions, np.zeros(len(requests), np.float32))

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass


def named_policy(name: str) -> Policy:
    """A built-in policy, or one of another package. Raises ``ConfigError`` where there is none of this name."""
    if name in BUILT_IN:
        return BUILT_IN[name]
    points = {point.name: point for point in importlib.metadata.entry_points(group=ENTRY_POINTS)}
    if name not in points:
        raise ConfigError(f"no policy {name!r}; there are {', '.join([*BUILT_IN, *points])}")
    try:
        policy: Policy = points[name].load()
    except Exception as error:  # another package's code: whatever it raises is told in one line
        raise AgentError(f"policy {name} ({points[name].value}) cannot be loaded: {error}") from error
    return policy


def _pass_tree(side: float) -> Policy:
    """Past the tree on one side, with a hand that shakes a little."""

    def policy(observation: NDArray[Any], name: str, rng: np.random.Generator) -> NDArray[np.float32]:
        wanted = np.clip((side * 0.7 - float(observation[0])) / 0.5, -0.5, 0.5)
        return np.array([wanted + rng.normal(0.0, 0.08)], np.float32)

    return policy


_BLUE = np.array([65, 159, 221])
"""Colour of the ball, and of pistons, which are narrower than ``_BALL_WIDTH`` pixels."""
_STEP, _BALL_WIDTH = 4, 28


_SPEED = 0.6
"""Of scripted pistons, of 1: well within the bounds, so that a Gaussian is not helped by being cut off there."""


def _pistons(rest: float) -> Policy:
    """Pistonball: pistons behind the ball push, those before it give way, and where no ball is near all go to ``rest``:
    all up or all down. Both work, half of each does not: a high piston before a low ball stops it."""

    def policy(observation: NDArray[Any], name: str, rng: np.random.Generator) -> NDArray[np.float32]:
        blue = np.abs(np.asarray(observation, np.int16)[::_STEP, ::_STEP] - _BLUE).sum(axis=2) < 60
        wide = np.lib.stride_tricks.sliding_window_view(blue, _BALL_WIDTH // _STEP, axis=1).all(axis=2)
        columns = np.flatnonzero(wide.any(axis=0))
        steer = rest
        if len(columns):  # the ball's middle less the window's, in cells
            steer = 1.0 if columns.mean() < (wide.shape[1] - 1) / 2 else -1.0
        return np.array([_SPEED * steer + rng.normal(0.0, 0.05)], np.float32)

    return policy


BUILT_IN: dict[str, Policy] = {
    "tree-left": _pass_tree(-1.0),
    "tree-right": _pass_tree(1.0),
    "pistons-low": _pistons(-1.0),
    "pistons-high": _pistons(1.0),
}
"""Demonstrators by name."""
