"""A network with search: the trees of all requests grow together, one network call a simulation step."""

from collections.abc import Sequence

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.network import decide
from gameil.errors import AgentError
from gameil.games.game import Game, State
from gameil.search.information_sets import InformationSetSearch
from gameil.search.puct import BatchedSearch
from gameil.search.result import SearchResult, kept_after
from gameil.search.rules import Search
from gameil.search.tree import KeptTree


class SearchAgent:
    """Draws from what the search found, at temperature 0 the best.

    Every request is searched anew, or in what is left of the game's last tree: then its simulations come on top.
    """

    def __init__(self, name: str, game: Game, search: Search, *, temperature: float = 0.0, reuse: bool = False) -> None:
        """
        Args:
            name: what the agent is called.
            game: which it plays.
            search: what finds the moves.
            temperature: as of ``network.decide``.
            reuse: keep each game's tree from move to move.

        Raises:
            AgentError: the search is not for such a game, or cannot go on in an older tree.
        """
        if not game.capabilities.clonable:
            raise AgentError(f"agent {name!r}: states of {game.id} cannot be copied, so they cannot be searched")
        if not (game.capabilities.perfect_information or isinstance(search, InformationSetSearch)):
            raise AgentError(f"agent {name!r}: this search needs perfect information, which {game.id} does not have")
        if reuse and not isinstance(search, BatchedSearch):
            raise AgentError(f"agent {name!r}: only rule=puct can go on in an older tree")
        self.name = name
        self._search = search
        self._temperature = temperature
        self._reuse = reuse
        self._kept: dict[int, tuple[list[int], KeptTree]] = {}
        """By game: all actions up to the root of the tree that is left, and the tree."""

    def search(self, state: State, rng: np.random.Generator) -> SearchResult:
        """One search from nothing, with its tree."""
        return self._search.run([state], [rng], keep=True)

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        states, rngs = [request.state for request in requests], [request.rng for request in requests]
        if isinstance(self._search, BatchedSearch) and self._reuse:
            kept = [self._left(request) for request in requests]
            result = self._search.run(states, rngs, kept=kept, keep=True)
        else:
            result = self._search.run(states, rngs)
        with np.errstate(divide="ignore"):
            log_weights = np.log(result.action_weights)
        decisions = decide(log_weights, requests, temperature=self._temperature, values=result.values)
        for row, request in enumerate(requests if self._reuse else ()):
            action = int(decisions.actions[row])
            below = result.kept_below(row, [action])
            if below is not None:
                self._kept[request.game] = ([*request.state.history, action], below)
        return decisions

    def _left(self, request: Request) -> KeptTree | None:
        """What is left of the game's tree after the moves made since; None where they were not in it."""
        past, tree = self._kept.pop(request.game, (None, None))
        history = request.state.history
        if past is None or tree is None or history[: len(past)] != past:
            return None
        return kept_after(tree, request.state.game, history[len(past) :])

    def end(self, games: Sequence[int]) -> None:
        for game in games:
            self._kept.pop(game, None)

    def close(self) -> None:
        self._kept.clear()
