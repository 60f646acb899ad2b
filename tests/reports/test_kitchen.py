"""Pictures of kitchens: every thing of a state is drawn in its place."""

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from gameil.games.overcooked import COOKING, DISH, LAYOUTS, ONION, POT, READY, SOUP, Cooks, Kitchen
from gameil.games.registry import make_game
from gameil.reports.kitchen import CELL, COOK_NAMES, cook, kitchen_of, kitchen_picture, numbers_of, place, room, things


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_state_of_a_random_game_is_a_drawing(layout: str) -> None:
    kitchen, rng = Kitchen.of(layout), np.random.default_rng(0)
    state = Cooks(kitchen)
    for _ in range(200):
        state.step(int(rng.integers(6)), int(rng.integers(6)))
        ElementTree.fromstring(kitchen_picture(kitchen, state.numbers(), layout))
    titles = re.findall("<title>(.*?)</title>", room(kitchen))
    assert titles.count("pot") == kitchen.terrain.count("P")
    assert titles.count("onions") == kitchen.terrain.count("O")
    assert titles.count("serve soups here") == kitchen.terrain.count("S")
    assert len(titles) == len(kitchen.terrain) - kitchen.terrain.count(" ")


@pytest.mark.parametrize(
    ("inside", "badge"),
    [(POT + 1, "1/3"), (POT + 2, "2/3"), (COOKING + 5, "15"), (COOKING + 19, "1"), (READY, "ready")],
)
def test_a_pot_tells_its_onions_and_the_steps_that_are_left(inside: int, badge: str) -> None:
    kitchen = Kitchen.of("cramped_room")
    numbers = Cooks(kitchen).numbers()
    (pot,) = kitchen.pots
    assert things(kitchen, numbers) == ""
    numbers[6 + pot] = inside
    drawn = things(kitchen, numbers)
    assert re.findall(r"<text.*?>(.*?)</text>", drawn) == [badge]
    column, row = place(kitchen, pot)
    assert drawn.startswith(f'<g transform="translate({column * CELL} {row * CELL})">')


def test_cooks_show_where_they_look_what_they_hold_and_whose_they_are() -> None:
    drawn = {
        (who, facing, held, own): cook(who, facing, held, own=own)
        for who in (0, 1)
        for facing in range(4)
        for held in (0, ONION, DISH, SOUP)
        for own in (False, True)
    }
    assert len(set(drawn.values())) == len(drawn)
    for (who, *_), picture in drawn.items():
        ElementTree.fromstring(f"<svg>{picture}</svg>")
        assert COOK_NAMES[who] in picture


def test_only_overcooked_has_a_kitchen() -> None:
    pytest.importorskip("pettingzoo", reason="the games extra is not installed")
    game = make_game("pettingzoo:overcooked(layout=counter_circuit,view=pixels)")
    kitchen = kitchen_of(game)
    assert kitchen == Kitchen.of("counter_circuit")
    assert numbers_of(game.initial_state()) == Cooks(kitchen).numbers()
    assert kitchen_of(make_game("connect_four")) is None
