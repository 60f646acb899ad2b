"""Bradley-Terry ratings: closed forms, agreement with choix, anchors, covariance, tables that say too little."""

import choix
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.ratings.bradley_terry import ELO, bradley_terry, is_determined
from gameil.ratings.intervals import elo_of_score
from gameil.seeding import generator


def _table(rng: np.random.Generator, number: int, least: int, most: int) -> np.ndarray:
    table = rng.integers(least, most, (number, number)).astype(float)
    np.fill_diagonal(table, 0.0)
    return table


@pytest.mark.parametrize("number", [2, 5, 12])
def test_agrees_with_choix(number: int) -> None:
    """The same tables without draws give the same ratings (choix: Luce spectral ranking, natural units, mean 0)."""
    for trial in range(5):
        wins = _table(generator(7, number, trial), number, 1, 40)
        assert bradley_terry(wins).elo / ELO == pytest.approx(choix.ilsr_pairwise_dense(wins), abs=1e-6)


def test_two_agents_are_as_far_apart_as_their_score_says() -> None:
    ratings = bradley_terry([[0, 75], [25, 0]])
    assert ratings.difference(0, 1).difference == pytest.approx(elo_of_score(0.75))
    # The information of a coin with p = 3/4 is n p (1 - p): the variance in natural units is its inverse.
    half = 1.959964 * ELO / np.sqrt(100 * 0.75 * 0.25)
    interval = ratings.difference(0, 1).interval
    assert interval.high - interval.low == pytest.approx(2 * half, rel=1e-5)
    assert ratings.draw == 0.0


def test_draws_are_as_frequent_as_they_were() -> None:
    """Of equal agents that drew 60 of 100 games: nu / (2 + nu) = 0.6, so nu = 3."""
    ratings = bradley_terry([[0, 20], [20, 0]], [[0, 60], [60, 0]])
    assert ratings.draw == pytest.approx(3.0)
    assert ratings.elo == pytest.approx([0.0, 0.0], abs=1e-9)


def test_draws_keep_the_scale_of_logistic_elo_near_equality() -> None:
    ratings = bradley_terry([[0, 210], [190, 0]], [[0, 600], [600, 0]])
    assert ratings.difference(0, 1).difference == pytest.approx(elo_of_score(0.51), rel=0.01)
    half = 1.959964 * ELO * np.sqrt(0.4 / 4 / 1000) / 0.25
    interval = ratings.difference(0, 1).interval
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.02)


@settings(max_examples=30)
@given(st.integers(0, 2**32), st.integers(2, 6), st.floats(-3000, 3000))
def test_an_anchor_moves_everybody_alike(seed: int, number: int, elo: float) -> None:
    rng = generator(seed, "table")
    wins, draws = _table(rng, number, 1, 20), _table(rng, number, 0, 20)
    draws = draws + draws.T
    free = bradley_terry(wins, draws)
    anchored = bradley_terry(wins, draws, anchor=1, anchor_elo=elo)
    assert free.elo.sum() == pytest.approx(0.0, abs=1e-6)
    assert anchored.elo[1] == pytest.approx(elo, abs=1e-9)
    assert anchored.elo - anchored.elo[0] == pytest.approx(free.elo - free.elo[0], abs=1e-5)
    ours, theirs = anchored.difference(0, 1).interval, free.difference(0, 1).interval
    assert (ours.high - ours.low) == pytest.approx(theirs.high - theirs.low, rel=1e-5)
    assert anchored.covariance[1] == pytest.approx(np.zeros(number), abs=1e-9)
    assert np.linalg.eigvalsh(free.covariance).min() > -1e-6


def test_open_ratings_are_refused_and_prior_games_close_them() -> None:
    beaten = [[0, 10, 10], [0, 0, 5], [0, 5, 0]]
    with pytest.raises(ValueError, match="ratings are open"):
        bradley_terry(beaten)
    ratings = bradley_terry(beaten, prior_games=1.0)
    assert np.isfinite(ratings.elo).all()
    assert ratings.elo[0] > ratings.elo[1] + 300
    apart = np.zeros((4, 4))
    apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 5
    assert not is_determined(apart, np.zeros((4, 4)))
    with pytest.raises(ValueError, match="ratings are open"):
        bradley_terry(apart, prior_games=1.0)


@pytest.mark.parametrize(
    ("wins", "draws", "complaint"),
    [
        ([[0, 1, 2], [1, 0, 2]], None, "square"),
        ([[0, -1], [1, 0]], None, "not negative"),
        ([[1, 1], [1, 0]], None, "nobody plays itself"),
        ([[0, 1], [1, 0]], [[0, 1], [2, 0]], "the same for both"),
    ],
)
def test_wrong_tables_are_refused(wins: list[list[int]], draws: list[list[int]] | None, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        bradley_terry(wins, draws)
