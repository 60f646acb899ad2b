"""The two conversions between a mover's value and a vector of all players."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from gameil.search.tree import for_movers, per_player


def test_two_players_are_exact_opposites() -> None:
    vectors = per_player(np.array([0.5, -1.0], np.float32), np.array([0, 1], np.int32), 2)
    np.testing.assert_array_equal(vectors, [[0.5, -0.5], [1.0, -1.0]])


def test_three_players_share_the_rest() -> None:
    vectors = per_player(np.array([0.5], np.float32), np.array([1], np.int32), 3)
    np.testing.assert_array_equal(vectors, [[-0.25, 0.5, -0.25]])


def test_one_player_keeps_its_value() -> None:
    np.testing.assert_array_equal(per_player(np.array([0.5], np.float32), np.array([0], np.int32), 1), [[0.5]])


def test_chance_finds_no_value() -> None:
    np.testing.assert_array_equal(for_movers(np.ones((1, 2), np.float32), np.array([-1], np.int32)), [0.0])


@given(st.integers(1, 5), st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=6), st.data())
def test_there_and_back(num_players: int, values: list[float], data: st.DataObject) -> None:
    players = np.array([data.draw(st.integers(0, num_players - 1)) for _ in values], np.int32)
    movers = np.array(values, np.float32)
    vectors = per_player(movers, players, num_players)
    np.testing.assert_array_equal(for_movers(vectors, players), movers)
    if num_players > 1:
        np.testing.assert_allclose(vectors.sum(axis=1), 0.0, atol=1e-6)
