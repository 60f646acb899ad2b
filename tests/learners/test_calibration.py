"""Calibration: errors by hand, and a temperature and a nucleus that are found again."""

import numpy as np
import pytest

from gameil.learners.calibration import KEPT, calibrate, calibration_error, measure_calibration
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from tests.learners.test_behavioural_cloning import GAME, WORLD


def test_calibration_by_hand() -> None:
    # Bins of a fifteenth: 0.5 and 0.52 share one, (1 + 0 - 1.02) / 4; 0.8 and 0.95 have one each: 0.2 and 0.95.
    found = calibration_error(np.array([0.5, 0.52, 0.8, 0.95]), np.array([1.0, 0.0, 1.0, 0.0]))
    assert found == pytest.approx((0.02 + 0.2 + 0.95) / 4)
    assert calibration_error(np.array([1.0, 1.0]), np.array([1.0, 1.0])) == 0.0


def test_a_calibrated_choice_has_no_error() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(200_000)
    assert calibration_error(confidence, (rng.random(200_000) < confidence).astype(float)) < 0.01


def drawn(temperature: float, positions: int = 20_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Log-probabilities of random policies, and moves drawn from them at another temperature."""
    rng = np.random.default_rng(0)
    counts = rng.integers(2, 9, positions)
    owners = np.repeat(np.arange(positions), counts)
    starts = np.cumsum(counts) - counts
    logits = rng.standard_normal(len(owners)) * 2
    log_probs = logits - np.repeat(np.logaddexp.reduceat(logits, starts), counts)
    # The largest of logits with Gumbel noise is a draw from their softmax.
    noisy = log_probs / temperature + rng.gumbel(size=len(owners))
    played = noisy == np.repeat(np.maximum.reduceat(noisy, starts), counts)
    return log_probs, played, counts


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_the_temperature_of_draws_is_found_again(temperature: float) -> None:
    found = calibrate(*drawn(temperature))
    assert found.positions == 20_000
    assert found.temperature == pytest.approx(temperature, rel=0.05)
    assert found.nll_calibrated <= found.nll
    assert found.ece_calibrated < 0.015
    if temperature != 1.0:
        assert found.ece > 0.05


def test_top_p_keeps_the_share_it_says() -> None:
    log_probs, played, counts = drawn(1.0)
    found = calibrate(log_probs, played, counts)
    owners = np.repeat(np.arange(len(counts)), counts)
    scaled = np.exp(log_probs / found.temperature)
    probs = scaled / np.bincount(owners, weights=scaled)[owners]
    own = probs[played]
    likelier = np.bincount(owners, weights=np.where(probs > own[owners], probs, 0.0))
    assert float((likelier <= found.top_p).mean()) == pytest.approx(KEPT, abs=0.005)
    assert 0.8 < found.top_p < 1.0


def test_a_network_on_batches() -> None:
    model = build_model(ModelConfig(kind="mlp", hidden=8, value_hidden=4), GAME, GAME.observation_shape)
    found = measure_calibration(NetworkEvaluator(model), [WORLD, WORLD], max_positions=100)
    assert found is not None
    assert found.positions == len(WORLD)  # the first batch is enough
    assert found.nll == pytest.approx(np.log(WORLD.num_legal()).mean(), abs=0.15)
    assert measure_calibration(NetworkEvaluator(model), [], max_positions=100) is None
