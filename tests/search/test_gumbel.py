"""The Gumbel search where answers are known: bandits, proven ends, and that it improves the policy it is given."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, uniform_evaluator
from gameil.search.gumbel import GumbelConfig, GumbelSearch
from tests.search.random_game import tables
from tests.search.tree_game import Decision, End, TreeGame


def bandit(*arms: float):
    return TreeGame(Decision(0, {arm: End((value, -value)) for arm, value in enumerate(arms)})).initial_state()


def priors(*probs: float):
    def evaluate(states, legal) -> ArrayEvaluation:
        return ArrayEvaluation(np.log(np.tile(probs, len(states))).astype(np.float32), np.zeros(len(states)))

    return evaluate


def run(states, evaluator=uniform_evaluator, **config):
    rngs = [np.random.default_rng(row) for row in range(len(states))]
    return GumbelSearch(evaluator, GumbelConfig(**config)).run(states, rngs)


@pytest.mark.parametrize("best", range(4))
def test_bandit_finds_the_best_arm(best: int) -> None:
    state = bandit(*(0.8 if arm == best else 0.1 for arm in range(4)))
    result = run([state], simulations=16, considered=4, prove=False)
    assert result.chosen[0] == best
    assert result.action_weights[0].argmax() == best
    assert result.visit_counts.sum() == 16


def test_phases_of_sequential_halving() -> None:
    """16 simulations, 4 arms: 2 phases of 8. Each arm is tried twice, then the better two four times more."""
    result = run([bandit(0.9, 0.8, -0.5, -0.6)], simulations=16, considered=4, gumbel_scale=0.0, prove=False)
    assert result.visit_counts[0].tolist() == [6, 6, 2, 2]


def test_improved_policy_by_hand() -> None:
    """Two arms, both tried twice: pi' = softmax(log p + (50 + 2) 0.1 q') with q' stretched to 1 and 0."""
    result = run([bandit(0.6, 0.2)], priors(0.25, 0.75), simulations=4, considered=2, prove=False)
    assert result.visit_counts[0].tolist()[:2] == [2, 2]
    odds = (0.25 / 0.75) * np.exp(5.2)
    np.testing.assert_allclose(result.action_weights[0, :2], [odds / (1 + odds), 1 / (1 + odds)], rtol=1e-5)


def test_untried_actions_are_completed_with_the_mixed_value() -> None:
    """One simulation tries arm 1 (prior 0.7, value 0.6); arm 0 is completed with (V + 1 * 0.6) / 2 = 0.3, V = 0.

    Without rescaling: pi' odds = 0.7 / 0.3 * exp(51 * 0.1 * (0.6 - 0.3)).
    """
    result = run(
        [bandit(-1.0, 0.6)], priors(0.3, 0.7), simulations=1, considered=2, gumbel_scale=0.0, rescale=False, prove=False
    )
    odds = 0.7 / 0.3 * np.exp(5.1 * 0.3)
    np.testing.assert_allclose(result.action_weights[0, 1] / result.action_weights[0, 0], odds, rtol=1e-5)


def test_noise_draws_actions_in_proportion_to_their_prior() -> None:
    """With one considered action nothing is searched but the Gumbel-max draw: its frequencies are the prior's."""
    states = [bandit(0.0, 0.0, 0.0)] * 3000
    result = run(states, priors(0.6, 0.3, 0.1), simulations=1, considered=1, prove=False)
    np.testing.assert_allclose(np.bincount(result.chosen, minlength=3) / 3000, [0.6, 0.3, 0.1], atol=0.03)


def test_the_policy_improves_in_expectation() -> None:
    """Of exactly valued bandits, what is chosen is worth at least the prior's mean (theorem of section 3 of the paper),
    with as few simulations as considered actions."""
    rng = np.random.default_rng(0)
    gains = []
    for _ in range(40):
        values, probs = rng.uniform(-0.9, 0.9, 4), rng.dirichlet(np.ones(4))
        result = run([bandit(*values)] * 20, priors(*probs), simulations=2, considered=2, prove=False)
        gains.append(values[result.chosen].mean() - values @ probs)
    assert np.mean(gains) > 0.15
    assert np.mean(np.array(gains) > -0.1) > 0.9


def test_a_proven_win_takes_all() -> None:
    state = bandit(0.3, 1.0, 0.9, -1.0)
    result = run([state], simulations=64)
    assert result.known[0]
    assert result.action_weights[0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert result.visit_counts.sum() < 64


def test_a_row_does_not_depend_on_its_batch() -> None:
    states = []
    for row in range(8):
        state = make_game("connect_four").initial_state()
        for action in range(row):
            state.apply(action % 7)
        states.append(state)
    together = run(states, simulations=20)
    rngs = [np.random.default_rng(row) for row in range(8)]
    search = GumbelSearch([uniform_evaluator] * 2, GumbelConfig(simulations=20))
    lanes = search.run(states, rngs)
    alone = [
        GumbelSearch(uniform_evaluator, GumbelConfig(simulations=20)).run([state], [np.random.default_rng(row)])
        for row, state in enumerate(states)
    ]
    for row in range(8):
        np.testing.assert_array_equal(alone[row].visit_counts[0], together.visit_counts[row])
        np.testing.assert_array_equal(lanes.action_weights[row], together.action_weights[row])
        np.testing.assert_allclose(alone[row].action_weights[0].sum(), 1.0, rtol=1e-5)


def test_proofs_only_sharpen() -> None:
    """On random games with ends in them, proving changes no value for the worse for the mover where it is known."""
    for table in tables()[:4]:
        result = run([table.state()], table.evaluate, simulations=300)
        if result.known[0]:
            assert result.q[0, result.chosen[0]] == pytest.approx(result.values[0])


@pytest.mark.parametrize("bad", [{"simulations": 0}, {"considered": 0}, {"value_scale": -0.1}])
def test_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        GumbelConfig(**bad)


def test_looking_ahead_finds_the_win_that_the_policy_hides() -> None:
    """Connect four, three in a row: with look-ahead the win is known before the first simulation."""
    state = make_game("connect_four").initial_state()
    for action in (3, 0, 3, 0, 3, 6):
        state.apply(action)
    config = GumbelConfig(simulations=4, considered=2, gumbel_scale=0.0, look_ahead=True)
    result = GumbelSearch(uniform_evaluator, config).run([state], [np.random.default_rng(0)])
    assert result.known[0]
    assert (result.chosen[0], result.values[0]) == (3, 1.0)
    assert result.visit_counts.sum() == 0
    # What was found without a visit is known, not estimated.
    assert result.completed_q[0, 3] == 1.0


def test_nodes_may_have_more_children_than_the_roots() -> None:
    """Othello's first moves are four; later ones are more than the trees have room for at first."""
    state = make_game("othello").initial_state()
    result = GumbelSearch(uniform_evaluator, GumbelConfig(simulations=400)).run([state], [np.random.default_rng(0)])
    assert result.visit_counts.sum() == 400
