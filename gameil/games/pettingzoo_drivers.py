"""The two ways of PettingZoo, agents in turns (AEC) and all at once (Parallel), as one: who acts, and what came of it.

Both hide agents that are dead, and both stop before the last empty steps, so that what was seen last can still be
asked for. Players are places in ``possible_agents``.
"""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError
from gameil.games.game import TERMINAL_PLAYER


class Driver(Protocol):
    """An environment under way."""

    env: Any
    player: int
    """Who acts, or ``TERMINAL_PLAYER``."""
    nothing: NDArray[np.float64]
    """What ``step`` returns where it brought nobody anything: zeros ``[P]``, always this one array."""

    def reset(self, seed: int) -> None: ...

    def step(self, action: Any) -> NDArray[np.float64]:
        """The player's action. Returns what it brought to each player, ``[P]``."""

    def observe(self, player: int) -> Any:
        """What a player is shown, mask and all. Raises ``GameError`` for one that is gone."""

    def truncated(self, player: int) -> bool:
        """The player was stopped by a limit, not by the rules."""

    def info(self, player: int) -> dict[str, Any]: ...

    def state(self) -> NDArray[Any] | None:
        """The environment's global state, where it has one."""

    def clone(self) -> "Driver": ...


def _by_player(
    rewards: Mapping[str, float], agents: Sequence[str], nothing: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rewards ``[P]``, ``nothing`` itself where there are none: most steps bring none."""
    if not any(rewards.values()):
        return nothing
    return np.array([rewards.get(agent, 0.0) for agent in agents], np.float64)


class TurnsDriver:
    """Agents in turns."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.player = TERMINAL_PLAYER
        self._agents = list(env.possible_agents)
        self._index = {agent: index for index, agent in enumerate(self._agents)}
        self.nothing = np.zeros(len(self._agents))

    def reset(self, seed: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.env.reset(seed=seed)
        self._find_player()

    def step(self, action: Any) -> NDArray[np.float64]:
        env = self.env
        env.step(action)
        brought = _by_player(env.rewards, self._agents, self.nothing)
        self._find_player()  # the empty steps of dead agents clear the rewards
        return brought

    def _find_player(self) -> None:
        """Lets agents that are out of a going game take the empty step that PettingZoo asks of them."""
        env = self.env
        while env.agents:
            agent = env.agent_selection
            if not (env.terminations[agent] or env.truncations[agent]):
                self.player = self._index[agent]
                return
            if all(env.terminations[other] or env.truncations[other] for other in env.agents):
                break
            env.step(None)
        self.player = TERMINAL_PLAYER

    def observe(self, player: int) -> Any:
        try:
            return self.env.observe(self._agents[player])
        except (KeyError, ValueError, AttributeError) as error:  # agents that have left
            raise GameError(f"player {player} is gone and sees nothing") from error

    def truncated(self, player: int) -> bool:
        agent = self._agents[player]
        return bool(self.env.truncations.get(agent, False) and not self.env.terminations.get(agent, False))

    def info(self, player: int) -> dict[str, Any]:
        found: dict[str, Any] = self.env.infos.get(self._agents[player], {})
        return found

    def state(self) -> NDArray[Any] | None:
        return None

    def clone(self) -> "TurnsDriver":
        twin = TurnsDriver(self.env.clone())
        twin.player = self.player
        return twin


class AtOnceDriver:
    """All agents at once: they are asked one after the other, and nothing moves before all have answered."""

    def __init__(self, env: Any) -> None:
        self.env = env
        self.player = TERMINAL_PLAYER
        self._agents = list(env.possible_agents)
        self._index = {agent: index for index, agent in enumerate(self._agents)}
        self.nothing = np.zeros(len(self._agents))
        self._waiting: list[str] = []
        self._chosen: dict[str, Any] = {}
        self._shown: dict[str, Any] = {}
        self._infos: dict[str, Any] = {}
        self._truncated: set[str] = set()

    def reset(self, seed: int) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._shown, self._infos = self.env.reset(seed=seed)
        self._truncated = set()
        self._ask_all()

    def _ask_all(self) -> None:
        self._chosen = {}
        self._waiting = list(self.env.agents)
        self.player = self._index[self._waiting[0]] if self._waiting else TERMINAL_PLAYER

    def step(self, action: Any) -> NDArray[np.float64]:
        self._chosen[self._waiting.pop(0)] = action
        if self._waiting:
            self.player = self._index[self._waiting[0]]
            return self.nothing
        shown, rewards, terminated, truncated, self._infos = self.env.step(self._chosen)
        # Those that have left keep what they saw last.
        self._shown = shown if len(shown) == len(self._shown) else {**self._shown, **shown}
        if any(truncated.values()):
            self._truncated |= {agent for agent, cut in truncated.items() if cut and not terminated.get(agent, False)}
        self._ask_all()
        return _by_player(rewards, self._agents, self.nothing)

    def observe(self, player: int) -> Any:
        try:
            return self._shown[self._agents[player]]
        except KeyError as error:
            raise GameError(f"player {player} is gone and sees nothing") from error

    def truncated(self, player: int) -> bool:
        return self._agents[player] in self._truncated

    def info(self, player: int) -> dict[str, Any]:
        found: dict[str, Any] = self._infos.get(self._agents[player], {})
        return found

    def state(self) -> NDArray[Any] | None:
        try:
            found: NDArray[Any] = self.env.state()
        except (NotImplementedError, AttributeError):
            return None
        return found

    def clone(self) -> "AtOnceDriver":
        twin = AtOnceDriver(self.env.clone())
        twin.player, twin._waiting, twin._chosen = self.player, list(self._waiting), dict(self._chosen)
        twin._shown, twin._infos, twin._truncated = self._shown, self._infos, set(self._truncated)
        return twin
