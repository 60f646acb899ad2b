"""The payoff table: decay by hand, both sides of a pair, resets, growth."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.league.payoff import Payoff, Result


def two(**options: float) -> Payoff:
    payoff = Payoff(**options)
    payoff.add_player(learns=True)
    payoff.add_player(learns=False)
    return payoff


def test_nothing_known_is_even() -> None:
    assert two().win_rate(0, 1) == 0.5


def test_decay_by_hand() -> None:
    payoff = two(decay=0.5)
    for score in (1.0, 0.5, 0.0):
        payoff.add(Result(0, 1, score))
    # games 1, 1.5, 1.75; scores 1, 1, 0.5
    assert payoff.win_rate(0, 1) == pytest.approx(0.5 / 1.75)
    assert payoff.recent_games(0, [1])[0] == pytest.approx(1.75)


def test_too_few_games_are_even() -> None:
    payoff = two(decay=1.0, min_games=3)
    payoff.add(Result(0, 1, 1.0))
    payoff.add(Result(0, 1, 1.0))
    assert payoff.win_rate(0, 1) == 0.5
    payoff.add(Result(0, 1, 1.0))
    assert payoff.win_rate(0, 1) == 1.0


def test_both_sides_know() -> None:
    payoff = Payoff(decay=1.0)
    for _ in range(2):
        payoff.add_player(learns=True)
    payoff.add(Result(1, 0, 1.0))
    payoff.add(Result(0, 1, 0.5))
    assert (payoff.win_rate(0, 1), payoff.win_rate(1, 0)) == (0.25, 0.75)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.sampled_from([0.0, 0.5, 1.0])), max_size=60))
def test_tables_add_up(results: list[tuple[int, int, float]]) -> None:
    payoff = Payoff(decay=0.99)
    for number in range(4):
        payoff.add_player(learns=number < 2)
    for home, away, score in results:
        payoff.add(Result(home, away, score))
    everybody = [0, 1, 2, 3]
    table, games = payoff.table(everybody), payoff.games(everybody)
    np.testing.assert_allclose(table + table.T, 1.0)
    assert games.sum() == 2 * sum(home != away for home, away, _ in results)
    assert not games.diagonal().any()
    for learner in (0, 1):
        rates = payoff.win_rates(learner, everybody)
        assert ((rates >= 0.0) & (rates <= 1.0)).all()
    wins, draws = payoff.counts(everybody)
    for home in everybody:
        for away in everybody:
            own = [score for h, a, score in results if (h, a) == (home, away) and h != a]
            own += [1.0 - score for h, a, score in results if (a, h) == (home, away) and h != a]
            assert wins[home, away] == sum(score == 1.0 for score in own)
            assert draws[home, away] == sum(score == 0.5 for score in own)


def test_who_starts_anew_is_unknown_to_all() -> None:
    payoff = Payoff(decay=1.0)
    for learns in (True, True, False):
        payoff.add_player(learns=learns)
    for home, away in ((0, 1), (0, 2), (1, 2)):
        payoff.add(Result(home, away, 1.0))
    payoff.reset(0)
    assert payoff.win_rate(0, 2) == payoff.win_rate(1, 0) == 0.5
    assert payoff.win_rate(1, 2) == 1.0
    assert payoff.games([0, 1, 2]).sum() == 2


def test_growing_keeps_what_is_known() -> None:
    payoff = two(decay=1.0)
    payoff.add(Result(0, 1, 1.0))
    for number in range(100):
        assert payoff.add_player(learns=number == 50) == 2 + number
    assert payoff.win_rate(0, 1) == 1.0
    assert payoff.win_rate(52, 101) == 0.5
    payoff.add(Result(52, 101, 0.0))
    assert payoff.win_rate(52, 101) == 0.0


@pytest.mark.parametrize("result", [Result(0, 2, 1.0), Result(0, 1, 1.5), Result(0, 1, math.nan)])
def test_nonsense_is_refused(result: Result) -> None:
    with pytest.raises(ValueError, match="no such players or score"):
        two().add(result)
