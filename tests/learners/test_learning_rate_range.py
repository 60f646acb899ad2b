"""The search for a learning rate: it stops when the loss flies off, and what it suggests trains."""

import itertools

import pytest

from gameil.errors import ConfigError
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.learning_rate_range import CAUTION, LearningRateRange, search_learning_rate
from gameil.models.policy_value import build_model
from tests.learners.test_behavioural_cloning import GAME, MLP, WORLD


def learner(rate: float = 1.0) -> BehaviouralCloning:
    config = CloningConfig(learning_rate=rate, warmup_steps=0, ema_decay=0.0)
    return BehaviouralCloning(build_model(MLP, GAME, GAME.observation_shape, seed=1), config, total_steps=1000)


def test_the_suggestion_is_below_the_rate_of_the_lowest_loss() -> None:
    assert LearningRateRange([1e-3, 1e-2, 1e-1], [2.0, 1.0, 3.0]).suggestion == pytest.approx(1e-2 / CAUTION)


def test_it_ends_where_the_loss_flies_off_and_its_rate_trains() -> None:
    found = search_learning_rate(learner(), itertools.repeat(WORLD), low=1e-5, high=100.0, steps=80)
    assert len(found.rates) < 80
    assert found.rates[0] == pytest.approx(1e-5)
    assert found.losses[-1] > 1.4 * min(found.losses)
    assert 1e-4 < found.suggestion < 0.1
    trained = learner(found.suggestion)
    first = trained.step(WORLD).metrics["loss/policy"]
    for _ in range(60):
        last = trained.step(WORLD).metrics["loss/policy"]
    assert last < 0.6 * first


def test_bad_ranges_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 < low < high"):
        search_learning_rate(learner(), itertools.repeat(WORLD), low=1.0, high=0.1)
