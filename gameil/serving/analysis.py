"""What a site says of a position: the policy's moves, the search's moves, and who stands better.

Asked is a snapshot of the game where one is registered, with a short search; else OpenSpiel's search with random
rollouts, which has no policy; in games that hide information the snapshot's bare policy, or a search over what may be.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.agents.spec import AgentSpec, network_options
from gameil.errors import GameilError
from gameil.games.game import Game, State
from gameil.seeding import stream_seed
from gameil.serving.batching import Worker

SIMULATIONS = 64
"""Of a snapshot's search."""
_ROLLOUTS = {"chess": 80, "backgammon": 60, "chinese_checkers": 100, "othello": 200, "checkers": 300, "go": 200}
"""Rollouts of a search without a network: about a tenth of a second, in which other games of the site wait."""
_USUAL_ROLLOUTS = 600
_HIDDEN_ROLLOUTS = 120


@dataclass(frozen=True, slots=True)
class MoveAnalysis:
    """What is thought of one move."""

    action: int
    policy: float | None
    """Its probability by the bare policy; None without a network."""
    search: float | None
    """Its share of the search, in [0, 1]; None without one."""


@dataclass(frozen=True, slots=True)
class Analysis:
    """What is thought of a position."""

    moves: tuple[MoveAnalysis, ...]
    """All legal moves, best first: by the search, then by the policy."""
    value: float | None
    """Expected return of the player to move, in [-1, 1]."""
    player: int
    """Seat to move."""

    @property
    def best(self) -> int:
        """The action that is advised."""
        return self.moves[0].action

    def value_of(self, seat: int) -> float | None:
        """Expected return of ``seat`` in a game of two where one's gain is the other's loss."""
        return self.value if self.value is None or seat == self.player else -self.value


Analyst = Worker[State, Analysis]


def network_analyst(spec: AgentSpec, game: Game) -> Analyst:
    """Asks a snapshot. Raises ``CheckpointError`` or ``ConfigError``."""
    from gameil.checkpoints.snapshot import load_snapshot
    from gameil.search.evaluators import network_evaluator
    from gameil.search.rules import RuleConfig, build_search

    snapshot = load_snapshot(Path(spec.target), game=game.id)
    evaluator = snapshot.evaluator(**network_options(spec))
    if not (game.capabilities.perfect_information and game.capabilities.clonable):
        from gameil.agents.network import state_judge

        judge = state_judge(snapshot.encoder, evaluator)

        def by_policy(states: Sequence[State]) -> list[Analysis]:
            evaluation = judge(states)
            return [
                _ranked(state, np.exp(evaluation.log_probs[row]), None, float(evaluation.values[row]))
                for row, state in enumerate(states)
            ]

        return Worker(by_policy)
    search = build_search(network_evaluator(evaluator, snapshot.encoder), RuleConfig(simulations=SIMULATIONS))

    def by_search(states: Sequence[State]) -> list[Analysis]:
        result = search.run(states, [_generator(state) for state in states])
        return [
            _ranked(state, result.priors[row], result.action_weights[row], float(result.values[row]))
            for row, state in enumerate(states)
        ]

    return Worker(by_search)


def rollout_analyst(game: Game) -> Analyst:
    """Asks OpenSpiel's search, one position at a time."""

    def one(state: State) -> Analysis:
        seed = stream_seed(0, "analysis", len(state.history)) >> 33
        weights = np.zeros(game.num_actions)
        try:
            if game.capabilities.perfect_information:
                from gameil.agents.built_in import mcts_visits

                rollouts = _ROLLOUTS.get(game.name, _USUAL_ROLLOUTS)
                actions, visits, value = mcts_visits(state, rollouts, seed)
                weights[actions] = visits
            else:
                from gameil.search.information_sets import visit_counts

                counts, value = visit_counts(
                    state, simulations=_HIDDEN_ROLLOUTS, exploration=2.0, rng=_generator(state)
                )
                weights[list(counts)] = list(counts.values())
        except GameilError:  # a game that cannot be searched: every move is as good
            return _ranked(state, None, None, None)
        low, high = game.reward_range
        scaled = float(np.clip(value / max(abs(low), abs(high), 1e-9), -1.0, 1.0))
        return _ranked(state, None, weights / max(1.0, weights.sum()), scaled)

    return Worker(lambda states: [one(state) for state in states])


def analyst(spec: AgentSpec | None, game: Game) -> Callable[[], Analyst]:
    """Builds whoever is asked: the snapshot of ``spec``, or nobody's network."""
    return lambda: rollout_analyst(game) if spec is None else network_analyst(spec, game)


def _ranked(
    state: State,
    policy: NDArray[np.floating] | None,
    search: NDArray[np.floating] | None,
    value: float | None,
) -> Analysis:
    moves = [
        MoveAnalysis(
            action,
            None if policy is None else float(policy[action]),
            None if search is None else float(search[action]),
        )
        for action in state.legal_actions()
    ]
    moves.sort(key=lambda move: (-(move.search or 0.0), -(move.policy or 0.0), move.action))
    return Analysis(tuple(moves), value, state.current_player())


def _generator(state: State) -> np.random.Generator:
    return np.random.Generator(np.random.PCG64(stream_seed(0, "analysis", len(state.history))))
