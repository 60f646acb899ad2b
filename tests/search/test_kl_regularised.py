"""KL-regularised search against its closed form, and between its two extremes."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.search.evaluators import ArrayEvaluation
from gameil.search.kl_regularised import RegularisedConfig, RegularisedSearch
from tests.search.tree_game import Decision, End, TreeGame

PRIOR = np.array([0.5, 0.3, 0.2])


def prior(states, legal) -> ArrayEvaluation:
    flat = np.concatenate([PRIOR[: len(actions)] / PRIOR[: len(actions)].sum() for actions in legal])
    return ArrayEvaluation(np.log(flat).astype(np.float32), np.zeros(len(states), np.float32))


def search(root, **config):
    state = TreeGame(root).initial_state()
    return RegularisedSearch(prior, RegularisedConfig(**config)).run([state], [np.random.default_rng(0)])


@pytest.mark.parametrize("eta", [0.05, 0.3, 2.0])
@pytest.mark.parametrize("leaves", [1, 4])
def test_of_a_bandit_it_is_the_closed_form_and_the_visits_follow_it(eta: float, leaves: int) -> None:
    values = np.array([-0.4, 0.1, 0.5])
    arms = {arm: End((value, -value)) for arm, value in enumerate(values)}
    result = search(Decision(0, arms), simulations=600, eta=eta, leaves=leaves)
    wanted = PRIOR * np.exp(values / eta)
    wanted /= wanted.sum()
    np.testing.assert_allclose(result.action_weights[0, :3], wanted, atol=1e-4)
    np.testing.assert_allclose(result.visit_counts[0, :3] / 600, wanted, atol=0.02 if eta > 0.1 else 0.08)


def test_the_opponent_is_expected_to_play_like_people_too() -> None:
    """Player 1's refutation has prior 0.3; a great eta expects it that often, a small one always."""
    trap = Decision(1, {0: End((1.0, -1.0)), 1: End((-1.0, 1.0))})
    root = Decision(0, {0: trap, 1: End((0.0, 0.0))})
    people = search(root, simulations=800, eta=50.0)
    assert people.q[0, 0] == pytest.approx(0.5 / 0.8 - 0.3 / 0.8, abs=0.02)
    strong = search(root, simulations=800, eta=0.02)
    assert strong.q[0, 0] < -0.2  # visited no more than it takes to see that
    assert strong.chosen[0] == 1


@pytest.mark.parametrize("bad", [{"simulations": 0}, {"leaves": 0}, {"eta": 0.0}])
def test_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        RegularisedConfig(**bad)
