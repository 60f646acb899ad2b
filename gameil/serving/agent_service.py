"""Runs the site's agents: one thread an agent, all waiting requests of all games in one ``Agent.act`` call."""

from collections.abc import Mapping
from concurrent.futures import Future

from gameil.games.game import Game, State
from gameil.serving.opponents import Choice, Opponent


class AgentService:
    """Registered agents, built when they are first needed."""

    def __init__(self, named: Mapping[str, str], *, max_agents: int = 16, seed: int = 0) -> None:
        self._named = dict(named)

    def opponents(self, game: Game) -> list[Opponent]:
        """Who can be chosen for ``game``."""
        return []

    def decide(self, choice: Choice, game_handle: int, state: State) -> "Future[int]":
        """The action that the agent chooses; fails with ``AgentError``."""
        raise NotImplementedError

    def close(self) -> None:
        """Ends all agents."""
