"""PFSP: its formulas by hand, and its edges for any win rates."""

import math
from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gameil.league.pfsp import Weighting, draw, pfsp_probs, without_monotone_suffix

WEIGHTINGS: tuple[Weighting, ...] = get_args(Weighting)
rates = hnp.arrays(np.float64, st.integers(1, 40), elements=st.floats(0.0, 1.0))
extreme = hnp.arrays(np.float64, st.integers(1, 40), elements=st.sampled_from([0.0, 1.0, 1e-300, 1.0 - 1e-16, 0.5]))


@given(rates | extreme, st.sampled_from(WEIGHTINGS))
def test_always_probabilities(x: np.ndarray, weighting: Weighting) -> None:
    probs = pfsp_probs(x, weighting)
    assert probs.shape == x.shape
    assert np.isfinite(probs).all()
    assert probs.min() >= 0.0
    assert math.isclose(probs.sum(), 1.0, rel_tol=1e-9)


@given(rates, st.sampled_from(["squared", "linear", "linear_capped"]))
def test_who_is_beaten_less_is_never_met_less(x: np.ndarray, weighting: Weighting) -> None:
    probs = pfsp_probs(x, weighting)
    order = np.argsort(x)
    assert (np.diff(probs[order]) <= 1e-12).all()


@given(rates)
def test_variance_does_not_tell_winning_from_losing(x: np.ndarray) -> None:
    np.testing.assert_allclose(pfsp_probs(x, "variance"), pfsp_probs(1.0 - x, "variance"), atol=1e-9)


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_all_beaten_always_are_met_alike(weighting: Weighting) -> None:
    np.testing.assert_array_equal(pfsp_probs(np.ones(4), weighting), np.full(4, 0.25))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
def test_all_lost_against_are_met_alike(weighting: Weighting) -> None:
    np.testing.assert_array_equal(pfsp_probs(np.zeros(4), weighting), np.full(4, 0.25))


@pytest.mark.parametrize("weighting", WEIGHTINGS)
@pytest.mark.parametrize("rate", [0.0, 0.3, 1.0])
def test_a_single_opponent_is_met_always(weighting: Weighting, rate: float) -> None:
    np.testing.assert_array_equal(pfsp_probs(np.array([rate]), weighting), [1.0])


def test_by_hand() -> None:
    x = np.array([0.0, 0.5, 0.9])
    np.testing.assert_allclose(pfsp_probs(x, "squared"), np.array([1.0, 0.25, 0.01]) / 1.26)
    np.testing.assert_allclose(pfsp_probs(x, "variance"), np.array([0.0, 0.25, 0.09]) / 0.34)
    np.testing.assert_allclose(pfsp_probs(x, "linear"), np.array([1.0, 0.5, 0.1]) / 1.6)
    np.testing.assert_allclose(pfsp_probs(x, "linear_capped"), np.array([0.5, 0.5, 0.1]) / 1.1)


@pytest.mark.parametrize("bad", [[], [0.5, math.nan], [-0.1], [1.1], [math.inf]])
def test_nonsense_is_refused(bad: list[float]) -> None:
    with pytest.raises(ValueError, match=r"opponents|win rates"):
        pfsp_probs(np.array(bad, np.float64), "squared")


@given(extreme, st.sampled_from(WEIGHTINGS), st.integers(0, 2**32))
def test_nobody_of_probability_nothing_is_drawn(x: np.ndarray, weighting: Weighting, seed: int) -> None:
    probs = pfsp_probs(x, weighting)
    assert probs[draw(probs, np.random.Generator(np.random.PCG64(seed)))] > 0.0


def test_draws_follow_probabilities() -> None:
    rng = np.random.Generator(np.random.PCG64(0))
    drawn = np.bincount([draw(np.array([0.2, 0.0, 0.8]), rng) for _ in range(4000)], minlength=3)
    assert drawn[1] == 0
    assert abs(drawn[0] / 4000 - 0.2) < 4 * math.sqrt(0.16 / 4000)


@pytest.mark.parametrize(
    ("rates", "left"),
    [
        ([], 0),
        ([0.4], 0),
        ([0.9, 0.7, 0.5], 0),  # the newer the harder, as while nothing is forgotten
        ([0.5, 0.9, 0.6, 0.5], 2),  # the oldest is harder than its successor: forgotten
        ([0.5, 0.9], 2),
        ([0.5, 0.5], 0),
    ],
)
def test_the_suffix_that_falls_is_left_out(rates: list[float], left: int) -> None:
    assert without_monotone_suffix(np.array(rates)) == left
