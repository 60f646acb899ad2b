"""Checkers: the engine plays English draughts, and both seats see one board."""

import numpy as np
import pytest

from gameil.errors import NotationError
from gameil.games.game import State
from gameil.games.notation import follow
from gameil.games.registry import make_game

PERFT = (7, 49, 302, 1469, 7361)
"""Numbers of games of one to five turns: https://aartbik.com/strategy.php, a capture of several men being one turn."""


def count(state: State, turns: int) -> int:
    total = 0
    for action in state.legal_actions():
        after = state.clone()
        after.apply(action)
        left = turns - (after.current_player() != state.current_player())
        total += count(after, left) if left else 1
    return total


def play(*moves: str) -> State:
    state = make_game("checkers").initial_state()
    read = follow(state, "draughts")
    for move in moves:
        read(move)
    return state


def observe(state: State, player: int) -> np.ndarray:
    out = np.empty(state.game.observation_shape, dtype=np.float32)
    state.write_observation(out, player)
    return out


def test_the_engine_plays_the_rules() -> None:
    state = make_game("checkers").initial_state()
    assert tuple(count(state, turns + 1) for turns in range(len(PERFT))) == PERFT


def test_first_moves_have_one_id_for_both_sides() -> None:
    state = play()
    first, before = state.legal_actions(), observe(state, 0)
    assert np.array_equal(before, observe(state, 1))
    assert before[0, :3].sum() == 12
    move = state.parse("11-15", "draughts")
    state.apply(move)
    assert state.parse("22-18", "draughts") == move  # the same man seen from the other side
    assert state.legal_actions() == first


def test_a_move_takes_a_man_from_its_source_to_its_target() -> None:
    state = play()
    board = state.game.board
    assert board is not None
    source, target = board.action_cells[state.parse("11-15", "draughts")].tolist()
    assert (source, target) == (2 * 8 + 2, 3 * 8 + 3)
    state.apply(state.parse("11-15", "draughts"))
    assert observe(state, 0)[0].reshape(-1)[[source, target]].tolist() == [0, 1]
    assert observe(state, 1)[2].reshape(-1)[board.opponent_view[[source, target]]].tolist() == [0, 1]


def test_one_player_captures_several_men_in_a_row() -> None:
    state = play("11-15", "23-19", "8-11", "22-17", "11-16", "24-20", "16x23", "27x18")
    assert state.current_player() == 1
    assert [state.text(action, "draughts") for action in state.legal_actions()] == ["18x11"]


def test_one_step_is_read_at_a_time_but_a_whole_turn_is_followed() -> None:
    moves = ("11-15", "23-19", "8-11", "22-17", "11-16", "24-20", "16x23")
    state = play(*moves)
    with pytest.raises(NotationError, match="malformed: not one step"):
        state.parse("27x18x11", "draughts")
    assert play(*moves, "27x18x11").history == play(*moves, "27x18", "18x11").history == play(*moves, "27x11").history
    with pytest.raises(NotationError, match="illegal"):
        play(*moves, "27x18x9")
