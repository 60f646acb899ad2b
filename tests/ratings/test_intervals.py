"""Known answers by hand, and the properties a reader relies on."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.ratings.intervals import (
    Z_95,
    Interval,
    elo_difference,
    elo_of_score,
    mean_interval,
    pair_interval,
    score_interval,
    score_of_elo,
)


def test_without_draws_it_is_wilsons_interval() -> None:
    # n = 10, 7 wins, z = 1.96: centre (0.7 + 0.192073) / 1.384146 = 0.644493,
    # half sqrt(0.384146 * 0.21 + 0.384146² / 4) / 1.384146 = sqrt(0.080671 + 0.036892) / 1.384146 = 0.247717.
    interval = score_interval(7, 0, 3)
    assert interval.low == pytest.approx(0.644493 - 0.247717, abs=1e-5)
    assert interval.high == pytest.approx(0.644493 + 0.247717, abs=1e-5)


def test_draws_narrow_the_interval_by_hand() -> None:
    # n = 100, 30 wins, 40 draws, 30 losses: m = 0.5, q = 40 / 4 / 103.8415 = 0.0963006, c = 0.0384146;
    # half² = c (0.25 - q) + c² (0.25 - q) = c (1 + c) (0.1536994) = 0.00613105; / (1 + c)² = 0.00568577 -> 0.0754040.
    interval = score_interval(30, 40, 30)
    assert interval.high - 0.5 == pytest.approx(0.0754040, abs=1e-6)
    assert 0.5 - interval.low == pytest.approx(0.0754040, abs=1e-6)
    assert interval.high < score_interval(50, 0, 50).high


@pytest.mark.parametrize("n", [1, 2, 10, 100])
def test_one_sided_results_leave_room(n: int) -> None:
    # Wilson at n of n: [n / (n + z²), 1]; and n draws leave a range as wide.
    wins, losses, draws = score_interval(n, 0, 0), score_interval(0, 0, n), score_interval(0, n, 0)
    assert wins.low == pytest.approx(n / (n + Z_95**2))
    assert wins.high == pytest.approx(1.0)
    assert losses.low == pytest.approx(0.0, abs=1e-12)
    assert losses.high == pytest.approx(1.0 - wins.low)
    assert draws.high - draws.low == pytest.approx(wins.high - wins.low)
    assert draws.high + draws.low == pytest.approx(1.0)


def test_no_games_say_nothing() -> None:
    assert score_interval(0, 0, 0) == Interval(0.0, 1.0)


def test_pairs_that_always_split_are_surer_than_their_games() -> None:
    # The opening decides each game: 50 pairs of one win and one loss. Games say ±0.096, pairs know the score is even.
    # n = 50, all x = ½: the width of 50 draws, z² / (n + z²) = 0.071344.
    pairs = pair_interval([(1.0, 0.0)] * 50)
    assert pairs.high - pairs.low == pytest.approx(0.071344, abs=1e-5)
    games = score_interval(50, 0, 50)
    assert games.high - games.low > 2 * (pairs.high - pairs.low)


def test_pairs_that_repeat_a_game_count_once() -> None:
    assert pair_interval([(1.0, 1.0)] * 30 + [(0.0, 0.0)] * 20) == score_interval(30, 0, 20)


def test_elo_known_answers() -> None:
    assert elo_of_score(0.5) == 0.0
    assert elo_of_score(10 / 11) == pytest.approx(400.0)
    assert elo_of_score(0.75) == pytest.approx(190.8485, abs=1e-4)


@pytest.mark.parametrize("games", [0, 1, 100])
def test_elo_of_one_sided_results_is_finite_and_ordered(games: int) -> None:
    result = elo_difference(1.0, score_interval(games, 0, 0), games)
    assert math.isfinite(result.interval.low)
    assert math.isfinite(result.interval.high)
    assert result.interval.low <= result.difference <= result.interval.high
    worst = elo_difference(0.0, score_interval(0, 0, games), games)
    assert worst.difference == pytest.approx(-result.difference)


def test_elo_after_a_hundred_wins() -> None:
    # point: 1 - 0.5 / 101 -> 201 to 1 -> 400 log10(201) = 921.28; low: Wilson 100 / 103.8415 -> odds 26.0315.
    result = elo_difference(1.0, score_interval(100, 0, 0), 100)
    assert result.difference == pytest.approx(921.28, abs=0.01)
    assert result.interval.low == pytest.approx(400 * math.log10(100 / Z_95**2), abs=1e-6)


@given(st.integers(0, 200), st.integers(0, 200), st.integers(0, 200))
def test_interval_holds_the_score_and_mirrors(wins: int, draws: int, losses: int) -> None:
    interval, mirror = score_interval(wins, draws, losses), score_interval(losses, draws, wins)
    games = wins + draws + losses
    score = (wins + draws / 2) / games if games else 0.5
    assert 0.0 <= interval.low <= score + 1e-12
    assert score - 1e-12 <= interval.high <= 1.0
    assert interval.low == pytest.approx(1.0 - mirror.high, abs=1e-9)


@given(st.floats(-1200, 1200))
def test_elo_and_score_are_inverse(difference: float) -> None:
    assert elo_of_score(score_of_elo(difference)) == pytest.approx(difference, abs=1e-6)


def test_bad_counts_are_refused() -> None:
    with pytest.raises(ValueError, match="negative"):
        score_interval(-1, 0, 0)
    with pytest.raises(ValueError, match=r"\[0, 1\]"):
        mean_interval([1.5])
