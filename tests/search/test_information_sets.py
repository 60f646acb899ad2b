"""Information-set search: its exploitability (what a best response wins from it) against OpenSpiel's, and batches."""

import numpy as np
import pyspiel
import pytest
from open_spiel.python.algorithms import exploitability
from open_spiel.python.policy import TabularPolicy

from gameil.agents.agent import Request
from gameil.agents.search import SearchAgent
from gameil.errors import AgentError, ConfigError
from gameil.games.open_spiel import OpenSpielState
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, uniform_evaluator
from gameil.search.information_sets import InformationSetConfig, InformationSetSearch, visit_counts
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.rules import RuleConfig, build_search
from gameil.seeding import generator


def nash_gap(game_id: str, decide) -> float:
    """Exploitability of the policy that ``decide(raw state) -> {action: share}`` gives at every information state."""
    raw = pyspiel.load_game(game_id)
    table = TabularPolicy(raw)
    for index, state in enumerate(table.states):
        table.action_probability_array[index] = 0.0
        for action, share in decide(state).items():
            table.action_probability_array[index, action] = share
    return exploitability.exploitability(raw, table)


def ours(game_id: str, simulations: int, seed: int):
    game, rng = make_game(game_id), np.random.default_rng(seed)

    def decide(raw):
        state = OpenSpielState(game, raw.clone())
        counts, _ = visit_counts(state, simulations=simulations, exploration=2.0, rng=rng)
        return {action: count / sum(counts.values()) for action, count in counts.items()}

    return decide


def theirs(simulations: int, seed: int):
    bot = pyspiel.ISMCTSBot(seed, pyspiel.RandomRolloutEvaluator(1, seed), 2.0, simulations)

    def decide(raw):
        return dict(bot.get_policy(raw))

    return decide


@pytest.mark.parametrize(
    ("game_id", "simulations", "noise"),
    # Runs of Kuhn spread by less than 0.01; runs of Leduc with so few simulations by about 0.25.
    [("kuhn_poker", 1000, 0.02), ("leduc_poker", 40, 0.5)],
)
def test_exploitability_is_that_of_open_spiel_within_noise(game_id: str, simulations: int, noise: float) -> None:
    raw = pyspiel.load_game(game_id)
    uniform = exploitability.exploitability(raw, TabularPolicy(raw))
    mine, other = nash_gap(game_id, ours(game_id, simulations, 0)), nash_gap(game_id, theirs(simulations, 0))
    assert mine < uniform - noise / 2
    assert mine == pytest.approx(other, abs=noise)


class Strength:
    """Says of Kuhn poker what the cards say: bet (action 1) likelier and value higher with the higher card."""

    def __init__(self) -> None:
        self.batches: list[int] = []

    def __call__(self, states, legal) -> ArrayEvaluation:
        self.batches.append(len(states))
        values = np.array([int(state.information_state(state.current_player())[0]) - 1.0 for state in states])
        log_probs = np.log(np.array([[0.6 - 0.3 * value, 0.4 + 0.3 * value] for value in values]))
        return ArrayEvaluation(log_probs.reshape(-1).astype(np.float32), 0.5 * values.astype(np.float32))


def kuhn(*cards: int):
    state = make_game("kuhn_poker").initial_state()
    for card in cards:
        state.apply(card)
    return state


def test_a_result_does_not_depend_on_its_batch() -> None:
    states = [kuhn(0, 1), kuhn(1, 2), kuhn(2, 0)]
    search = InformationSetSearch(Strength(), InformationSetConfig(simulations=50))
    together = search.run(states, [generator(0, row) for row in range(3)])
    for row, state in enumerate(states):
        alone = search.run([state], [generator(0, row)])
        np.testing.assert_array_equal(alone.visit_counts[0], together.visit_counts[row])
    assert together.visit_counts.sum(axis=1).tolist() == [50, 50, 50]
    np.testing.assert_allclose(together.action_weights.sum(axis=1), 1.0, rtol=1e-6)


def test_nobody_looks_at_the_opponents_card() -> None:
    search = InformationSetSearch(Strength(), InformationSetConfig(simulations=80))
    found = [search.run([kuhn(1, hidden)], [generator(0)]).visit_counts for hidden in (0, 2)]
    np.testing.assert_array_equal(*found)


def test_several_leaves_a_step_spare_calls() -> None:
    evaluator = Strength()
    search = InformationSetSearch(evaluator, InformationSetConfig(simulations=40, leaves=8))
    result = search.run([kuhn(0, 1)], [generator(0)])
    assert len(evaluator.batches) <= 6
    assert result.visit_counts.sum() == 40
    # With the lowest card a bet loses whenever it is called.
    assert result.action_weights[0, 0] > 0.5


def test_agents_take_the_search_that_fits_the_game() -> None:
    game = make_game("kuhn_poker")
    agent = SearchAgent("x", game, build_search(uniform_evaluator, RuleConfig(20), game), temperature=1.0)
    decisions = agent.act([Request(0, 0, kuhn(2, 0), generator(0))])
    assert decisions.action_probs is not None
    assert decisions.action_probs[0].sum() == pytest.approx(1.0)
    with pytest.raises(AgentError, match="perfect information"):
        SearchAgent("x", game, BatchedSearch(uniform_evaluator, SearchConfig(simulations=20)))
    with pytest.raises(ConfigError, match="hides information"):
        build_search(uniform_evaluator, RuleConfig(20, rule="gumbel"), game)
