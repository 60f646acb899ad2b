"""A network with search: the trees of all requests grow together, one network call a simulation step."""

from collections.abc import Sequence

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.network import decide
from gameil.errors import AgentError
from gameil.games.game import Game, State
from gameil.search.puct import BatchedSearch
from gameil.search.result import SearchResult


class SearchAgent:
    """Draws from what the search found, at temperature 0 the best. Every request is searched anew."""

    def __init__(self, name: str, game: Game, search: BatchedSearch, *, temperature: float = 0.0) -> None:
        if not (game.capabilities.perfect_information and game.capabilities.clonable):
            raise AgentError(f"agent {name!r}: search needs perfect information, which {game.id} does not have")
        self.name = name
        self._search = search
        self._temperature = temperature

    def search(self, state: State, rng: np.random.Generator) -> SearchResult:
        """One search with its tree."""
        return self._search.run([state], [rng], keep=True)

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        result = self._search.run([request.state for request in requests], [request.rng for request in requests])
        with np.errstate(divide="ignore"):
            log_weights = np.log(result.action_weights)
        return decide(log_weights, requests, temperature=self._temperature, values=result.values)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass
