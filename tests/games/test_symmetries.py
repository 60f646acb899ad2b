"""The groups of the boards, by hand."""

import numpy as np
import pytest

from gameil.games.registry import make_game


@pytest.mark.parametrize(
    ("game_id", "size", "keeping"),
    [
        ("tic_tac_toe", 8, 8),
        ("go(board_size=9)", 8, 8),
        ("othello", 8, 4),
        ("connect_four", 2, 2),
        ("hex(board_size=5)", 2, 2),
        ("breakthrough", 2, 2),
        ("chess", 1, 1),
        ("backgammon", 1, 1),
    ],
)
def test_group_sizes(game_id: str, size: int, keeping: int) -> None:
    symmetries = make_game(game_id).symmetries()
    assert len(symmetries) == size
    assert sum(each.keeps_start for each in symmetries) == keeping


def test_every_symmetry_has_its_inverse() -> None:
    for game_id in ("tic_tac_toe", "othello", "hex(board_size=5)", "breakthrough", "connect_four"):
        symmetries = make_game(game_id).symmetries()
        for one in symmetries:
            inverses = [
                two
                for two in symmetries
                if np.array_equal(one.cells[two.cells], symmetries[0].cells)
                and np.array_equal(two.actions[one.actions], symmetries[0].actions)
            ]
            assert len(inverses) == 1


def test_quarter_turn_of_tic_tac_toe() -> None:
    """New cell i shows old cell cells[i]: turning by 90 degrees brings the left column to the top or bottom row."""
    turn = next(each for each in make_game("tic_tac_toe").symmetries() if each.name == "rotate_90")
    board = np.arange(9)[turn.cells].reshape(3, 3)
    assert board.tolist() == [[6, 3, 0], [7, 4, 1], [8, 5, 2]]
    assert [int(turn.actions[action]) for action in (0, 1, 2)] == [2, 5, 8]


def test_othello_keeps_the_pass() -> None:
    assert all(each.actions[64] == 64 for each in make_game("othello").symmetries())


def test_breakthrough_mirror_exchanges_left_and_right() -> None:
    game = make_game("breakthrough")
    mirror = game.symmetries()[1]
    state = game.initial_state()
    action = state.parse("a7b6")
    assert state.text(int(mirror.actions[action])) == "h7g6"


def test_handicap_stones_are_not_kept_by_all() -> None:
    keeping = {each.name for each in make_game("go(handicap=2)").symmetries() if each.keeps_start}
    assert keeping == {"identity", "rotate_180", "transpose", "anti_transpose"}
