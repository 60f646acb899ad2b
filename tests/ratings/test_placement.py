"""Places on a ladder: closed forms, what is held, whom to play next, coverage in simulation."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.ratings import ladder_coverage
from gameil.ratings.bradley_terry import ELO, bradley_terry
from gameil.ratings.intervals import elo_of_score
from gameil.ratings.placement import AGENT_SPREAD, Trial, next_level, place
from gameil.seeding import generator

HELD = {0: 0.0, 1: 200.0, 2: 400.0, 3: 600.0}


def test_one_level_gives_what_the_score_says() -> None:
    """Many games of score 3/4 outweigh the prior; no draws, so the dispersion is that of coins."""
    trials = [Trial(1, 0, score, 1) for score in [1.0, 1.0, 1.0, 0.0] * 1000]
    placement = place(1, trials, held={0: 500.0})
    assert placement.elo[1] - 500.0 == pytest.approx(elo_of_score(0.75), abs=1.0)
    assert placement.dispersion == pytest.approx(1.0, abs=0.01)
    half = 1.959964 * ELO / math.sqrt(4000 * 0.75 * 0.25)
    interval = placement.above(0).interval
    assert interval.high - interval.low == pytest.approx(2 * half, rel=0.02)


def test_split_pairs_and_draws_make_the_interval_narrower() -> None:
    coins = place(1, [Trial(1, 0, score, 1) for score in [1.0, 0.0] * 100], held={0: 0.0})
    draws = place(1, [Trial(1, 0, 0.5, 2)] * 80 + [Trial(1, 0, 1.0, 2), Trial(1, 0, 0.0, 2)] * 10, held={0: 0.0})
    assert draws.dispersion < 0.5 < coins.dispersion
    assert draws.covariance[1, 1] < 0.5 * coins.covariance[1, 1]


def test_without_games_the_prior_stands() -> None:
    placement = place(4, [], held=HELD)
    assert placement.elo == pytest.approx([0.0, 200.0, 400.0, 600.0, 300.0])
    assert math.sqrt(placement.covariance[4, 4]) == pytest.approx(AGENT_SPREAD)
    assert placement.covariance[:4] == pytest.approx(np.zeros((4, 5)))
    free = place(4, [], held={1: 50.0})
    assert free.elo == pytest.approx([-150.0, 50.0, 250.0, 450.0, 150.0])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 5))
def test_many_games_agree_with_bradley_terry(seed: int, levels: int) -> None:
    """Without draws both are the same model; the prior is worth little beside hundreds of games."""
    rng = generator(seed, "games")
    wins = rng.integers(300, 700, (levels + 1, levels + 1)).astype(float)
    np.fill_diagonal(wins, 0.0)
    trials = [
        Trial(first, second, wins[first, second] / games, int(games))
        for first in range(levels + 1)
        for second in range(first)
        if (games := wins[first, second] + wins[second, first])
    ]
    placement = place(levels, trials, held={0: 0.0})
    assert placement.elo == pytest.approx(bradley_terry(wins, anchor=0).elo, abs=3.0)


def test_the_next_level_is_the_nearest_one_and_climbs() -> None:
    placement = place(4, [], held=HELD)
    assert next_level(placement, 8) in (1, 2)
    strong = place(4, [Trial(4, 1, 1.0, 2)] * 8, held=HELD)
    assert next_level(strong, 8) == 3
    weak = place(4, [Trial(4, 1, 0.0, 2)] * 8, held=HELD)
    assert next_level(weak, 8) == 0
    # Between two unrated levels whose distance is unknown, games against the nearest tell most.
    between = place(4, [Trial(4, 2, 0.4, 2)] * 10, held={2: 0.0})
    assert between.nearest == next_level(between, 8) == 2


def test_wrong_ladders_are_refused() -> None:
    for held in ({}, {4: 0.0}):
        with pytest.raises(ValueError, match="needs the rating of one of them"):
            place(4, [], held=held)


@pytest.mark.parametrize("rated", [True, False])
def test_places_cover_the_truth_as_often_as_promised(rated: bool) -> None:
    """80 agents: three standard deviations below 95 % are 87.7 %."""
    found = ladder_coverage(80, generator(5, str(rated)), rated=rated)
    assert found["coverage"] >= 0.877
    assert found["games"] < 200, "a series of fixed length would need about 200 games once the level is known"
