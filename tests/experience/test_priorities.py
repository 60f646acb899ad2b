"""Prioritised draws against their formula, and demonstrations that stay."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import CheckpointError, ConfigError, ShapeError
from gameil.experience.priorities import PrioritisedPlaces, PriorityConfig
from gameil.seeding import generator


def test_probabilities_by_hand() -> None:
    """alpha 1: a demonstration with error 1 has 1 + 1 = 2, an own transition with error 3 has 3 + 0.001."""
    places = PrioritisedPlaces(1, 4, PriorityConfig(alpha=1.0))
    assert places.add(1).tolist() == [1]
    places.update(np.array([0, 1]), np.array([-1.0, 3.0], np.float32))
    np.testing.assert_allclose(places.probabilities(), np.array([2.0, 3.001, 0.0, 0.0]) / 5.001)


def test_demonstrations_are_never_evicted_and_the_oldest_goes_first() -> None:
    places = PrioritisedPlaces(3, 5, PriorityConfig())
    assert len(places) == 3
    assert [places.add(1).tolist() for _ in range(3)] == [[3], [4], [3]]
    assert places.add(2).tolist() == [4, 3]
    assert len(places) == 5
    with pytest.raises(ShapeError, match="3 transitions do not fit into 2"):
        places.add(3)


@given(st.integers(1, 40), st.integers(0, 10_000))
def test_draws_follow_the_probabilities(capacity: int, seed: int) -> None:
    """One draw from each of many equal parts: counts are the expected ones to within the two parts at each edge."""
    rng = np.random.default_rng(seed)
    demonstrations = int(rng.integers(capacity + 1))
    places = PrioritisedPlaces(demonstrations, capacity, PriorityConfig(alpha=0.7))
    places.add(capacity - demonstrations)
    places.update(np.arange(capacity), rng.random(capacity).astype(np.float32))
    drawn, weights = places.draw(2000, 0.5, rng)
    counts = np.bincount(drawn, minlength=capacity)
    probs = places.probabilities()
    assert probs.sum() == pytest.approx(1.0)
    assert np.abs(counts - 2000 * probs).max() <= 2.0
    expected = (capacity * probs[drawn]) ** -0.5
    np.testing.assert_allclose(weights, expected / expected.max(), rtol=1e-5)


def test_full_correction_makes_the_weighted_draw_uniform() -> None:
    """beta 1: sum_i P(i) w_i f_i is in proportion to the plain mean of f."""
    places = PrioritisedPlaces(2, 6, PriorityConfig())
    places.add(4)
    places.update(np.arange(6), np.array([0.1, 2.0, 0.5, 0.0, 1.0, 3.0], np.float32))
    drawn, weights = places.draw(60_000, 1.0, generator(0, "draw"))
    shares = np.bincount(drawn, weights=weights, minlength=6)
    np.testing.assert_allclose(shares / shares.sum(), np.full(6, 1 / 6), rtol=2e-3)


def test_what_is_new_gets_the_greatest_error_seen() -> None:
    places = PrioritisedPlaces(0, 3, PriorityConfig(alpha=1.0))
    places.add(1)
    places.update(np.array([0]), np.array([5.0], np.float32))
    places.update(np.array([0]), np.array([0.0], np.float32))
    places.add(1)
    np.testing.assert_allclose(places.probabilities()[:2], np.array([0.001, 5.001]) / 5.002)


def test_goes_on_from_its_state() -> None:
    whole, other = (PrioritisedPlaces(2, 7, PriorityConfig()) for _ in range(2))
    whole.add(4)
    whole.update(np.array([1, 3, 5]), np.array([0.3, 4.0, 0.1], np.float32))
    other.load_state_dict(whole.state_dict())
    for seed in range(3):
        for one, two in zip(*(each.draw(16, 0.6, generator(seed)) for each in (whole, other)), strict=True):
            np.testing.assert_array_equal(one, two)
        assert whole.add(1).tolist() == other.add(1).tolist()
    with pytest.raises(CheckpointError, match="7 places, the checkpoint's 3"):
        whole.load_state_dict({"priorities": np.zeros(3), "state": {}})


def test_refuses_the_impossible() -> None:
    with pytest.raises(ConfigError, match="no room"):
        PrioritisedPlaces(3, 2, PriorityConfig())
    for bad in ({"alpha": 1.5}, {"own_bonus": 0.0}):
        with pytest.raises(ConfigError):
            PriorityConfig(**bad)
    places = PrioritisedPlaces(0, 2, PriorityConfig())
    with pytest.raises(ShapeError, match="empty"):
        places.draw(1, 0.5, generator(0))
    with pytest.raises(ShapeError, match="finite"):
        places.update(np.array([0]), np.array([np.nan], np.float32))
