"""Sequential tests: the likelihood ratio's known values, when they stop, and how often they are wrong."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.ratings import rating_coverage, sequential_errors, series_coverage
from gameil.errors import ConfigError
from gameil.ratings.intervals import score_of_elo
from gameil.ratings.sprt import SequentialTest, SprtConfig, log_likelihood_ratio, sprt
from gameil.seeding import generator

COUNTS = st.lists(st.integers(0, 300), min_size=3, max_size=3) | st.lists(st.integers(0, 300), min_size=5, max_size=5)


def test_without_draws_the_ratio_is_that_of_a_coin() -> None:
    """With wins and losses only a distribution is its mean: W log(s1 / s0) + L log((1 - s1) / (1 - s0))."""
    s0, s1 = score_of_elo(0.0), score_of_elo(40.0)
    expected = 70 * math.log(s1 / s0) + 50 * math.log((1 - s1) / (1 - s0))
    assert float(log_likelihood_ratio(np.array([50, 0, 70]), 0.0, 40.0)) == pytest.approx(expected, abs=1e-3)


def test_the_ratio_is_near_its_normal_approximation() -> None:
    """N (s1 - s0) (2 mean - s0 - s1) / (2 variance), for close bounds and many trials (fishtest's LLR_normalized)."""
    counts = np.array([120, 480, 900, 520, 140])
    scores = np.linspace(0.0, 1.0, 5)
    probs = counts / counts.sum()
    mean = float(probs @ scores)
    variance = float(probs @ (scores - mean) ** 2)
    s0, s1 = score_of_elo(0.0), score_of_elo(5.0)
    expected = counts.sum() * (s1 - s0) * (2 * mean - s0 - s1) / (2 * variance)
    assert float(log_likelihood_ratio(counts, 0.0, 5.0)) == pytest.approx(expected, rel=0.02)


@given(COUNTS, st.floats(-50, 50), st.floats(1, 50))
def test_the_ratio_changes_sign_with_the_point_of_view(counts: list[int], elo0: float, width: float) -> None:
    ours = float(log_likelihood_ratio(np.array(counts), elo0, elo0 + width))
    assert math.isfinite(ours)
    swapped = float(log_likelihood_ratio(np.array(counts), elo0 + width, elo0))
    mirrored = float(log_likelihood_ratio(np.array(counts[::-1]), -elo0, -elo0 - width))
    assert swapped == pytest.approx(-ours, abs=1e-6)
    assert mirrored == pytest.approx(ours, abs=1e-6)


def test_a_test_stops_where_it_decides_and_hears_nothing_after() -> None:
    config = SprtConfig(elo0=0.0, elo1=100.0)
    assert sprt(config, [1.0, 0.75] * 200).decision == "H1"
    assert sprt(config, [0.0, 0.25] * 200).decision == "H0"
    first = sprt(config, [1.0, 0.75] * 200)
    assert first.trials < 100
    assert sprt(config, ([1.0, 0.75] * 200)[: first.trials] + [0.0] * 500) == first
    assert sprt(config, [0.5] * 3).decision == "undecided"
    test = SequentialTest(config)
    assert test.result.log_likelihood_ratio == 0.0
    with pytest.raises(ValueError, match=r"multiple of 0\.25"):
        test.add(0.3)


@pytest.mark.parametrize(
    ("values", "complaint"),
    [
        ({"elo0": 0.0}, "needs both"),
        ({"elo0": 5.0, "elo1": 5.0}, "elo0 must be below elo1"),
        ({"elo0": 0.0, "elo1": 9999.0}, "within 2000"),
        ({"elo0": 0.0, "elo1": 5.0, "alpha": 0.6}, "alpha must be above 0 and below 0.5"),
    ],
)
def test_bad_bounds_are_refused(values: dict[str, float], complaint: str) -> None:
    with pytest.raises(ConfigError, match=complaint):
        SprtConfig(**values)


@pytest.mark.parametrize("model", ["pentanomial", "trinomial"])
def test_wrong_decisions_are_as_rare_as_promised(model: str) -> None:
    """300 simulated tests at each bound; three standard deviations above 5 % is 8.8 %."""
    config = SprtConfig(elo0=0.0, elo1=60.0, model=model)  # type: ignore[arg-type]
    at_h0 = sequential_errors(config, 0.0, 300, generator(1, model))
    at_h1 = sequential_errors(config, 60.0, 300, generator(2, model))
    assert at_h0["H1"] <= 0.088
    assert at_h1["H0"] <= 0.088
    assert at_h0["H0"] + at_h0["H1"] == pytest.approx(1.0)
    assert at_h0["games"] < 600, "a test of fixed size would need about 500"


def test_intervals_cover_the_truth_as_often_as_promised() -> None:
    """Differences inside one tournament are not independent: 150 tournaments give the mean within about two points."""
    assert 0.92 <= rating_coverage(150, generator(3, "ratings")) <= 0.98
    assert 0.92 <= series_coverage(400, 50.0, generator(4, "series")) <= 0.99
