"""Information-set search against OpenSpiel's own, by exploitability: how much a best response wins from its policy."""

import numpy as np
import pyspiel
from open_spiel.python.algorithms import exploitability
from open_spiel.python.policy import TabularPolicy

from gameil.agents.information_set import visit_counts
from gameil.games.open_spiel import OpenSpielState
from gameil.games.registry import make_game

SIMULATIONS = 1500


def nash_gap(game_id: str, decide) -> float:
    """Exploitability of the policy that ``decide(raw state) -> {action: share}`` gives at every information state."""
    raw = pyspiel.load_game(game_id)
    table = TabularPolicy(raw)
    for index, state in enumerate(table.states):
        table.action_probability_array[index] = 0.0
        for action, share in decide(state).items():
            table.action_probability_array[index, action] = share
    return exploitability.exploitability(raw, table)


def ours(game_id: str, simulations: int):
    game, rng = make_game(game_id), np.random.default_rng(0)

    def decide(raw):
        state = OpenSpielState(game, raw.clone())
        counts, _ = visit_counts(state, simulations=simulations, exploration=2.0, rng=rng)
        return {action: count / sum(counts.values()) for action, count in counts.items()}

    return decide


def theirs(game_id: str, simulations: int):
    bot = pyspiel.ISMCTSBot(0, pyspiel.RandomRolloutEvaluator(1, 0), 2.0, simulations)

    def decide(raw):
        return dict(bot.get_policy(raw))

    return decide


def test_exploitability_in_kuhn_poker_is_that_of_open_spiel() -> None:
    raw = pyspiel.load_game("kuhn_poker")
    uniform = exploitability.exploitability(raw, TabularPolicy(raw))
    mine = nash_gap("kuhn_poker", ours("kuhn_poker", SIMULATIONS))
    other = nash_gap("kuhn_poker", theirs("kuhn_poker", SIMULATIONS))
    assert mine < uniform / 2
    assert mine < other + 0.05
