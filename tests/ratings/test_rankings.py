"""Alpha-rank and Nash averaging: circles, clear orders, copies, and OpenSpiel's own alpha-rank."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.ratings.alpha_rank import alpha_rank, stationary
from gameil.ratings.nash_averaging import max_entropy_equilibrium, nash_average
from gameil.seeding import generator

CIRCLE = np.array([[0.5, 0.9, 0.1], [0.1, 0.5, 0.9], [0.9, 0.1, 0.5]])
"""Rock, paper, scissors."""
ORDER = np.array([[0.5, 0.8, 0.9], [0.2, 0.5, 0.7], [0.1, 0.3, 0.5]])
COPY = np.array([[0.5, 0.9, 0.1, 0.1], [0.1, 0.5, 0.9, 0.9], [0.9, 0.1, 0.5, 0.5], [0.9, 0.1, 0.5, 0.5]])
"""Rock, paper, and scissors twice."""


def _payoffs(seed: int, number: int) -> np.ndarray:
    table = generator(seed, "payoffs").random((number, number))
    return (table - table.T) / 2.0 + 0.5


@pytest.mark.parametrize("selection", [0.5, 2.0, 10.0])
def test_alpha_rank_agrees_with_open_spiel(selection: float) -> None:
    pytest.importorskip("matplotlib", reason="OpenSpiel's alpha-rank imports matplotlib, which gameil does not need")
    from open_spiel.python.egt import alpharank

    for seed in range(5):
        payoffs = _payoffs(seed, 6)
        expected = alpharank.compute([payoffs], m=50, alpha=selection)[2]
        assert alpha_rank(payoffs, selection=selection) == pytest.approx(expected, abs=1e-8)


def test_alpha_rank_of_a_circle_and_of_an_order() -> None:
    assert alpha_rank(CIRCLE) == pytest.approx(np.full(3, 1 / 3))
    assert alpha_rank(ORDER) == pytest.approx([1.0, 0.0, 0.0])
    assert alpha_rank(np.full((4, 4), 0.5)) == pytest.approx(np.full(4, 0.25))
    assert alpha_rank(np.array([[0.5]])) == pytest.approx([1.0])


def test_stationary_distribution_with_rates_far_apart() -> None:
    rates = np.array([[0.0, 1e-200], [1e-190, 0.0]])
    assert stationary(rates) == pytest.approx([1.0, 1e-10])


def test_nash_averaging_of_a_circle_an_order_and_copies() -> None:
    circle = nash_average(CIRCLE)
    assert circle.shares == pytest.approx(np.full(3, 1 / 3), abs=1e-5)
    assert circle.skill == pytest.approx(np.zeros(3), abs=1e-5)
    order = nash_average(ORDER)
    assert order.shares == pytest.approx([1.0, 0.0, 0.0], abs=1e-4)
    assert order.skill == pytest.approx([0.0, np.log(0.2 / 0.8), np.log(0.1 / 0.9)], abs=1e-3)
    # A copy shares with its original and changes nobody else (Balduzzi et al., "invariant to redundant agents").
    assert nash_average(COPY).shares == pytest.approx([1 / 3, 1 / 3, 1 / 6, 1 / 6], abs=1e-5)


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12))
def test_nobody_gains_against_the_equilibrium(seed: int, number: int) -> None:
    table = generator(seed, "game").normal(size=(number, number))
    game = table - table.T
    shares = max_entropy_equilibrium(game)
    assert shares.sum() == pytest.approx(1.0)
    assert shares.min() >= 0.0
    assert (game @ shares).max() < 1e-4


@pytest.mark.parametrize("table", [np.zeros((2, 3)), np.array([[0.5, 0.9], [0.9, 0.5]])])
def test_wrong_tables_are_refused(table: np.ndarray) -> None:
    with pytest.raises(ValueError, match=r"table of win rates"):
        nash_average(table)
    if table.shape[0] != table.shape[1]:
        with pytest.raises(ValueError, match="square table"):
            alpha_rank(table)
