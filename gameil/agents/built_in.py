"""The built-in search player: OpenSpiel's C++ Monte Carlo tree search with random rollouts, on all cores.

UCT with proven results backed up (Winands et al. 2008, "Monte-Carlo Tree Search Solver"). It sees the rules engine's
own states; seats and actions are translated by the adapter. Games that hide information go to
``search.information_sets``.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyspiel
from numpy.typing import NDArray

from gameil.agents.agent import Decisions, Request
from gameil.agents.engine_pool import usable_cores
from gameil.errors import AgentError, GameError
from gameil.games.game import Game, State
from gameil.games.open_spiel import OpenSpielGame, OpenSpielState
from gameil.search.information_sets import visit_counts

EXPLORATION = 2.0
"""UCT's exploration constant, OpenSpiel's example value; rewards are in the game's own unit."""
_MEMORY_MB = 1000
"""Limit on one search's tree."""
_SEEDS = 1 << 31


class MctsAgent:
    """Searches every request anew, seeded from the request; the searches run in threads (OpenSpiel releases Python's
    lock inside ``step``)."""

    def __init__(self, name: str, game: Game, *, simulations: int, exploration: float = EXPLORATION) -> None:
        self._game = open_spiel_game(name, game)
        self.name = name
        self._simulations = simulations
        self._exploration = exploration
        self._executor: ThreadPoolExecutor | None = None

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        jobs = [(request.state, int(request.rng.integers(_SEEDS))) for request in requests]
        if len(jobs) == 1:
            actions = [self._search(*jobs[0])]
        else:
            if self._executor is None:
                self._executor = ThreadPoolExecutor(usable_cores(), thread_name_prefix="mcts")
            actions = list(self._executor.map(lambda job: self._search(*job), jobs))
        return Decisions.certain(actions)

    def _search(self, state: State, seed: int) -> int:
        if not isinstance(state, OpenSpielState):
            raise AgentError(f"agent {self.name!r} plays OpenSpiel's games only")
        try:
            if self._game.capabilities.perfect_information:
                evaluator = pyspiel.RandomRolloutEvaluator(1, seed)
                bot = _mcts_bot(self._game, evaluator, self._simulations, self._exploration, seed)
                return state.from_raw(int(bot.step(state.raw)))
            rng = np.random.Generator(np.random.PCG64(seed))
            counts, _ = visit_counts(state, simulations=self._simulations, exploration=self._exploration, rng=rng)
            return min(counts, key=lambda action: (-counts[action], action))
        except (pyspiel.SpielError, GameError) as error:
            raise AgentError(f"agent {self.name!r} cannot search {self._game.id}: {error}") from error

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None


def mcts_visits(
    state: State, simulations: int, seed: int, *, exploration: float = EXPLORATION
) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """What one search found at its root, for labels. Holds Python's lock while it searches: parallel in processes only.

    Args:
        state: perfect information, neither terminal nor a chance node; not mutated.
        simulations: rollouts; a position that is proven earlier ends the search.
        seed: of the rollouts.

    Returns:
        actions: ``[k]``, legal, in the mover's frame, ascending.
        visits: ``[k]``. Where a win is proven, the moves that are proven to win share all visits.
        value: mean return of the mover over all rollouts, in the game's unit; the proven return where there is one.

    Raises:
        AgentError: the game cannot be searched so.
    """
    game = open_spiel_game("mcts", state.game)
    if not isinstance(state, OpenSpielState) or not game.capabilities.perfect_information:
        raise AgentError(f"mcts visit counts need perfect information, which {game.id} does not have")
    root = _mcts_bot(game, pyspiel.RandomRolloutEvaluator(1, seed), simulations, exploration, seed).mcts_search(
        state.raw
    )
    children = sorted(root.children, key=lambda child: state.from_raw(child.action))
    player = game.raw_player(state.current_player())
    actions = np.array([state.from_raw(child.action) for child in children], np.int64)
    visits = np.array([child.explore_count for child in children], np.int64)
    proven = np.array([child.outcome[player] if child.outcome else -np.inf for child in children])
    if proven.max() > 0.0:
        won = proven == proven.max()
        total = int(visits.sum())
        visits = np.where(won, np.maximum(visits, 1), 0)
        visits[int(np.argmax(visits))] += max(0, total - int(visits.sum()))
        return actions, visits, float(proven.max())
    if root.outcome:
        return actions, visits, float(root.outcome[player])
    # The rewards of a child are those of the player who chose it.
    return actions, visits, float(sum(child.total_reward for child in children) / max(1, int(visits.sum())))


def open_spiel_game(name: str, game: Game) -> OpenSpielGame:
    """``game`` as one that OpenSpiel's searches can play. Raises ``AgentError`` with the reason where they cannot."""
    if not isinstance(game, OpenSpielGame):
        raise AgentError(f"agent {name!r} plays OpenSpiel's games only, not {game.id}")
    if game.capabilities.intermediate_rewards:
        raise AgentError(f"agent {name!r} needs rewards at the end of the game only, which {game.id} does not keep to")
    return game


def _mcts_bot(game: OpenSpielGame, evaluator: Any, simulations: int, exploration: float, seed: int) -> Any:
    return pyspiel.MCTSBot(game.raw, evaluator, exploration, simulations, _MEMORY_MB, True, seed, False)
