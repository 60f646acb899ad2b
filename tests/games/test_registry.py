"""Ids, parameters, and one line for each refusal."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import GameError
from gameil.games.parameters import PARAMETERS
from gameil.games.registry import known_games, make_game


@pytest.mark.parametrize(
    ("game_id", "canonical", "family"),
    [
        ("go", "go", "go"),
        ("go()", "go", "go"),
        (" go( komi = 0.5 , board_size=9 ) ", "go(board_size=9,komi=0.5)", "go(board_size=9)"),
        ("go(komi=7.5)", "go", "go"),
        ("go(komi=7,handicap=4)", "go(handicap=4,komi=7.0)", "go"),
        ("chess(chess960=true)", "chess(chess960=True)", "chess"),
        ("hex(board_size=13,swap=True)", "hex(board_size=13,swap=True)", "hex(board_size=13,swap=True)"),
    ],
)
def test_ids_are_canonical(game_id: str, canonical: str, family: str) -> None:
    game = make_game(game_id)
    assert (game.id, game.family) == (canonical, family)
    assert make_game(canonical) is game
    assert game.name == canonical.partition("(")[0]


@pytest.mark.parametrize(
    ("game_id", "complaint"),
    [
        ("go(board_size=500)", "board_size=500 is outside 2..19"),
        ("go(board_size=1)", "outside 2..19"),
        ("go(board_size=9.5)", "not a whole number"),
        ("go(komi=much)", "not a number"),
        ("go(komi=nan)", "outside"),
        ("go(komi=1000)", "outside"),
        ("go(komi=0.1)", "multiple of 0.25"),
        ("go(handicap=1)", "handicap=1"),
        ("go(handicap=2,board_size=9)", "only known on 19x19"),
        ("hex(board_size=100)", "outside"),
        ("chess(chess960=maybe)", "neither True nor False"),
        ("chess(variant=atomic)", "no parameter 'variant'"),
        ("connect_four(rows=2)", "outside"),
        ("connect_four(x_in_row=9)", "fits neither"),
        ("pettingzoo:cooperative_pong_v6(render_ratio=5)", "goes through paddles"),
        ("goofspiel(points_order=up)", "not one of"),
        ("go(board_size=9", "malformed"),
        ("go(9)", "malformed parameter"),
        ("go(komi=1,komi=2)", "twice"),
        ("../etc/passwd", "malformed"),
        ("", "malformed"),
        ("no_such_game", "unknown game 'no_such_game'"),
        ("pettingzoo:no_such_game", "unknown game pettingzoo:no_such_game"),
        ("pettingzoo:tictactoe_v3(size=4)", "has no parameter 'size'"),
        ("mfg_garnet", "unknown game"),
    ],
)
def test_bad_ids_are_refused_in_one_line(game_id: str, complaint: str) -> None:
    with pytest.raises(GameError) as caught:
        make_game(game_id)
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_a_game_or_a_game_error(text: str) -> None:
    try:
        game = make_game(text)
    except GameError as error:
        lines = str(error).splitlines()
    else:
        lines = [game.id]
        assert make_game(game.id) is game
    assert len(lines) == 1


def test_known_games_can_be_made() -> None:
    names = known_games()
    assert len(names) == len(set(names)) > 90
    assert set(PARAMETERS) <= set(names)
    for name in ("2048", "amazons", "checkers", "liars_dice", "oshi_zumo"):
        assert name in names
        game = make_game(name)
        assert game.id == name
        assert game.initial_state().legal_actions()


@pytest.mark.parametrize("name", sorted(PARAMETERS))
def test_bounds_of_every_parameter_are_accepted_by_the_engine(name: str) -> None:
    """Our bounds lie within the engine's: a value that we let through never fails behind us."""
    rooms = {"x_in_row": "rows=20,columns=20", "ball_speed": "render_ratio=1", "render_ratio": "ball_speed=1"}
    for key, rule in PARAMETERS[name].items():
        values = rule.choices or ((True, False) if isinstance(rule.default, bool) else (rule.least, rule.greatest))
        for value in values:
            text = str(value) if isinstance(rule.default, (str, bool)) else f"{value:g}"
            room = f",{rooms[key]}" if key in rooms else ""
            game = make_game(f"{name}({key}={text}{room})")
            assert game.initial_state().legal_actions()


def test_games_are_picklable_by_id() -> None:
    for game_id in ("chess(chess960=True)", "go(board_size=9)", "kuhn_poker(players=3)"):
        game = pickle.loads(pickle.dumps(make_game(game_id)))
        assert game.id == game_id
        assert np.array_equal(game.initial_state().returns(), np.zeros(game.num_players))
