"""Overcooked by hand: a soup from onion to window, who goes where, what shaping pays; PettingZoo's own test."""

import importlib
import warnings

import numpy as np
import pytest

from gameil.errors import GameError
from gameil.games.overcooked import (
    COOK_STEPS,
    COOKING,
    INTERACT,
    LAYOUTS,
    ONION,
    POT,
    READY,
    SOUP,
    STAY,
    Cooks,
    Kitchen,
)
from gameil.games.overcooked_env import OvercookedEnv
from gameil.games.overcooked_view import CELL, NUM_PLANES, picture, sketch, write_planes
from gameil.games.registry import make_game

NORTH, SOUTH, EAST, WEST = range(4)


def cooks() -> Cooks:
    return Cooks(Kitchen.of("cramped_room"))


def test_a_soup_from_onion_to_window() -> None:
    """XXPXX / O  2O / X1  X / XDXSX: player 0 begins at column 1, row 2; player 1 at column 3, row 1."""
    state = cooks()
    pot = 2
    points = useful = 0.0

    def play(*actions: int) -> None:
        nonlocal points, useful
        for action in actions:
            paid, first, second = state.step(action, STAY)
            points, useful = points + paid, useful + first + second

    play(NORTH)  # to column 1, row 1
    for number in (1, 2, 3):
        play(WEST, INTERACT)  # an onion from the box on the left
        assert state.held[0] == ONION
        play(EAST, NORTH, INTERACT)  # below the pot
        assert state.held[0] == 0
        assert state.objects[pot] == (POT + number if number < 3 else COOKING + 1)
        play(WEST)
    assert useful == 3 * 3.0
    play(SOUTH, SOUTH, INTERACT)  # a dish while it cooks
    assert useful == 3 * 3.0 + 3.0
    play(*[STAY] * COOK_STEPS)
    assert state.objects[pot] == READY
    play(NORTH, EAST, NORTH, INTERACT)
    assert state.held[0] == SOUP
    assert state.objects[pot] == 0
    assert useful == 3 * 3.0 + 3.0 + 5.0
    assert points == 0.0
    play(SOUTH, EAST, SOUTH, INTERACT)
    assert points == 20.0
    assert state.held[0] == 0


def test_cooks_do_not_meet_or_change_places() -> None:
    state = cooks()
    state.places = [6, 7]  # side by side
    state.step(EAST, WEST)
    assert state.places == [6, 7]
    assert state.facing == [EAST, WEST]
    state.places = [6, 8]
    state.step(EAST, WEST)  # both to the cell between them
    assert state.places == [6, 8]
    state.step(EAST, STAY)
    assert state.places == [7, 8]
    state.step(EAST, NORTH)  # into the other
    assert state.places == [7, 8]
    state.step(STAY, SOUTH)
    state.step(EAST, STAY)
    assert state.places == [8, 13]


def test_counters_hold_one_thing() -> None:
    state = cooks()
    state.places, state.facing, state.held = [6, 8], [NORTH, EAST], [ONION, 0]
    state.step(INTERACT, STAY)
    assert (state.held[0], state.objects[1]) == (0, ONION)
    state.held[0] = ONION
    state.step(INTERACT, STAY)
    assert (state.held[0], state.objects[1]) == (ONION, ONION)
    state.held[0] = 0
    state.step(INTERACT, STAY)
    assert (state.held[0], state.objects[1]) == (ONION, 0)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_it_is_a_pettingzoo_environment(layout: str, capsys: pytest.CaptureFixture[str]) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its own imports warn
        parallel_api_test = importlib.import_module("pettingzoo.test").parallel_api_test
    parallel_api_test(OvercookedEnv(layout, horizon=20), num_cycles=50)
    env = OvercookedEnv(layout, horizon=20, view="pixels")
    parallel_api_test(env, num_cycles=50)
    env.reset()
    twin = env.clone()
    env.step({"cook_0": EAST, "cook_1": WEST})
    assert twin.steps == 0
    assert env.render().shape == (env.kitchen.height * CELL, env.kitchen.width * CELL, 3)
    capsys.readouterr()


def test_each_cook_sees_itself_first() -> None:
    state = cooks()
    state.held = [ONION, 0]
    planes = np.empty((2, NUM_PLANES, 4, 5), np.float32)
    for player in (0, 1):
        write_planes(state.kitchen, state.numbers(), player, planes[player])
    assert planes[0, NORTH, 2, 1] == planes[1, 4 + NORTH, 2, 1] == 1.0
    assert planes[1, NORTH, 1, 3] == planes[0, 4 + NORTH, 1, 3] == 1.0
    assert np.array_equal(planes[0, 8:], planes[1, 8:])
    assert planes[0, 16, 2, 1] == 1.0
    first, second = picture(state.kitchen, state.numbers(), 0), picture(state.kitchen, state.numbers(), 1)
    assert not np.array_equal(first, second)
    assert "^o" in sketch(state.kitchen, state.numbers())


def test_shaping_pays_both_and_kitchens_are_named() -> None:
    state = make_game("pettingzoo:overcooked(shaping=0.5)").initial_state()
    for action in (NORTH, WEST, INTERACT, EAST, NORTH, INTERACT):
        state.apply(action)
        state.apply(STAY)
    assert state.returns().tolist() == [1.5, 1.5]
    assert state.text(INTERACT) == "interact"
    assert "step 6 of 400" in str(state)
    with pytest.raises(GameError, match="no kitchen 'nowhere'"):
        OvercookedEnv("nowhere")
    with pytest.raises(GameError, match="not one of"):
        make_game("pettingzoo:overcooked(layout=nowhere)")
