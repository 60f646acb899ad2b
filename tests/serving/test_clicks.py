"""Clicks mean the actions that the picture shows: in random games of every pictured game, the cell of an action's last
click is the one that changes when the engine plays it."""

import numpy as np
import pytest

from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.reports.boards import READERS, board_picture, read_position
from gameil.serving.boards.clicks import Clicks
from gameil.serving.boards.overlay import overlay

GAMES = (
    "chess",
    "go(board_size=9)",
    "othello",
    "hex(board_size=5)",
    "connect_four",
    "breakthrough",
    "checkers",
    "tic_tac_toe",
    "backgammon",
)


@pytest.mark.parametrize("game_id", GAMES)
def test_an_actions_clicks_lead_to_it_and_to_the_cell_that_changes(game_id: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(2):
        state = make_game(game_id).initial_state()
        for _ in range(90):
            if state.is_terminal():
                break
            action = int(rng.choice(state.legal_actions()))
            if state.current_player() != CHANCE_PLAYER:
                position = read_position(state.game.name, str(state))
                assert position is not None
                clicks = Clicks(state, position)
                path = clicks.cells_of(action)
                found: list[int] = []
                for cell in path:
                    assert cell in clicks.next_cells()
                    found = clicks.click(cell)
                after = state.clone()
                after.apply(action)
                if path:
                    assert action in found
                    shown = read_position(state.game.name, str(after))
                    assert shown is not None
                    if game_id == "connect_four":  # the disc falls to where it comes to rest
                        assert [line[path[0][1]] for line in shown.cells] != [
                            line[path[0][1]] for line in position.cells
                        ]
                    elif len(set(path)) == len(path):
                        row, column = path[-1]
                        assert shown.cells[row][column] != position.cells[row][column]
                else:
                    assert action in clicks.buttons
            state.apply(action)


def test_castling_and_promotion_by_clicks() -> None:
    game = make_game("chess")
    state = game.initial_state("r3k3/7P/8/8/8/8/8/4K2R w K - 0 1")
    position = read_position("chess", str(state))
    assert position is not None
    clicks = Clicks(state, position)
    assert clicks.buttons == []
    assert clicks.click((7, 4)) == []
    (castling,) = clicks.click((7, 6))
    assert state.text(castling, "san") == "O-O"
    clicks.click((1, 7))
    pieces = clicks.click((0, 7))
    assert sorted(state.text(action, "uci") for action in pieces) == ["h7h8b", "h7h8n", "h7h8q", "h7h8r"]


def test_a_click_elsewhere_begins_again_and_a_second_one_takes_back() -> None:
    state = make_game("chess").initial_state()
    position = read_position("chess", str(state))
    assert position is not None
    clicks = Clicks(state, position)
    clicks.click((6, 4))
    clicks.click((6, 3))
    assert clicks.chosen == ((6, 3),)
    clicks.click((6, 3))
    assert clicks.chosen == ()
    assert clicks.click((0, 0)) == []  # the opponent's rook: nothing begins there
    assert clicks.chosen == ()


def test_what_has_no_cell_is_a_button() -> None:
    go = make_game("go(board_size=9)").initial_state()
    position = read_position("go", str(go))
    assert position is not None
    assert [go.text(action, "gtp").lower() for action in Clicks(go, position).buttons] == ["pass"]


@pytest.mark.parametrize("game_id", GAMES)
@pytest.mark.parametrize("turned", [False, True])
def test_every_cell_can_be_hit_within_the_picture(game_id: str, turned: bool) -> None:
    import re

    state = make_game(game_id).initial_state()
    while state.current_player() == CHANCE_PLAYER:
        state.apply(state.legal_actions()[0])
    position = read_position(state.game.name, str(state))
    assert position is not None
    clicks = Clicks(state, position)
    over = overlay(position, turned=turned, live=clicks.next_cells(), hint=clicks.cells_of(state.legal_actions()[0]))
    picture = board_picture(position, "", set(), "", turned=turned, over=over)
    size = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', picture)
    assert size is not None
    hits = re.findall(
        r'data-cell="(\d+),(\d+)" data-at="(\d+),(\d+)" x="([-\d.]+)" y="([-\d.]+)" width="([\d.]+)"', over
    )
    assert len(hits) == len(position.cells) * len(position.cells[0])
    assert len({hit[2:4] for hit in hits}) == len(hits)
    for *_, x, y, width in hits:
        assert -1 <= float(x) <= float(size[1]) - float(width) + 1
        assert -1 <= float(y) <= float(size[2])
    assert over.count('class="hit live"') == len(clicks.next_cells()) > 0


def test_every_picture_has_clicks() -> None:
    assert set(READERS) == {make_game(game_id).name for game_id in GAMES}
