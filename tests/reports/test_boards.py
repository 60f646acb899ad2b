"""Boards drawn from the rules engine's own text: every stone is where the engine says it is."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from gameil.games.registry import make_game
from gameil.reports.boards import DRAWERS, READERS, board_picture, read_position
from gameil.reports.pieces import SHAPES

GAMES = (
    "chess",
    "tic_tac_toe",
    "connect_four",
    "othello",
    "go(board_size=9)",
    "hex(board_size=5)",
    "breakthrough",
    "checkers",
    "backgammon",
)


def play(game_id: str, plies: int, seed: int = 0) -> tuple[str, list[str]]:
    """Name of the game and the state's text after every ply of a random game."""
    game = make_game(game_id)
    state = game.initial_state()
    rng = np.random.default_rng(seed)
    texts = [str(state)]
    while not state.is_terminal() and len(texts) <= plies:
        state.apply(int(rng.choice(state.legal_actions())))
        texts.append(str(state))
    return game.name, texts


@pytest.mark.parametrize("game_id", GAMES)
def test_every_position_of_a_game_can_be_drawn(game_id: str) -> None:
    name, texts = play(game_id, 60)
    before = None
    for text in texts:
        position = read_position(name, text)
        assert position is not None
        picture = board_picture(position, text, position.changes(before), f"{name} & <b>")
        root = ET.fromstring(picture)
        assert root.attrib["aria-label"] == f"{name} & <b>"
        before = position


def test_connect_four_stones_by_hand() -> None:
    game = make_game("connect_four")
    state = game.initial_state()
    for action in (3, 3, 0):
        state.apply(action)
    position = read_position("connect_four", str(state))
    assert position is not None
    stones = {(row, column): cell for row, line in enumerate(position.cells) for column, cell in enumerate(line)}
    assert {place: cell for place, cell in stones.items() if cell != "."} == {(5, 3): "x", (4, 3): "o", (5, 0): "x"}
    picture = board_picture(position, "", {(5, 0)}, "")
    assert picture.count('fill="#e4b52c"') == 2  # the first player's discs are yellow
    assert picture.count('fill="#cf4333"') == 1
    assert picture.count('stroke="#ffffff"') == 1  # the marked one


def test_chess_start_has_every_piece_once() -> None:
    position = read_position("chess", "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1")
    assert position is not None
    picture = board_picture(position, "", set(), "start")
    assert {letter: picture.count(shape) for letter, shape in SHAPES.items()} == {
        "p": 16,
        "r": 4,
        "n": 4,
        "b": 4,
        "q": 2,
        "k": 2,
    }
    assert [cell for cell in position.cells[7]] == list("RNBQKBNR")


def test_a_capture_marks_the_square_it_ends_on() -> None:
    before = read_position("chess", "4k3/8/8/3p4/4P3/8/8/4K3 w - - 0 1")
    after = read_position("chess", "4k3/8/8/3P4/8/8/8/4K3 b - - 0 1")
    assert before is not None
    assert after is not None
    assert after.changes(before) == {(3, 3)}


def test_hex_edges_count_as_stones() -> None:
    """The engine writes stones that reach an edge with letters of their own."""
    position = read_position("hex", "y . p\n . x .\n  z . q")
    assert position is not None
    assert position.cells == [["x", ".", "o"], [".", "x", "."], ["x", ".", "o"]]


@pytest.mark.parametrize("game", sorted(READERS))
def test_text_that_is_no_board_is_shown_as_text(game: str) -> None:
    text = "<script>alert(1)</script>"
    position = read_position(game, "" if game == "hex" else text)
    assert position is None
    assert board_picture(None, text, set(), "") == '<pre class="board">&lt;script&gt;alert(1)&lt;/script&gt;</pre>'


def test_every_reader_has_a_drawer() -> None:
    assert set(READERS) == set(DRAWERS)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in READERS)


def test_checkers_starts_with_twelve_men_a_side() -> None:
    name, texts = play("checkers", 0)
    position = read_position(name, texts[0])
    assert position is not None
    cells = "".join("".join(line) for line in position.cells)
    assert (cells.count("x"), cells.count("o")) == (12, 12)
    assert position.cells[7] == list("x.x.x.x.")  # who moves first starts below
    kings = read_position("checkers", "\n".join([f"{rank}........" for rank in "8765432"] + ["18.*....."]))
    assert kings is not None
    assert kings.cells[7] == list("X.O.....")


@pytest.mark.parametrize("seed", range(3))
def test_backgammon_never_loses_a_checker(seed: int) -> None:
    """All 15 of each side are somewhere, in every position of whole games: high piles are told by digits."""
    name, texts = play("backgammon", 10_000, seed)
    most = 0
    for text in texts:
        position = read_position(name, text)
        assert position is not None
        for letter in "xo":
            piles = [int(cell[1:]) for cell in position.cells[0] if cell[0] == letter]
            assert sum(piles) == 15
            most = max(most, *piles)
    assert most == 15  # one side bore all of its checkers off


def test_backgammon_start_by_hand() -> None:
    name, texts = play("backgammon", 0)
    position = read_position(name, texts[0])
    assert position is not None
    (places,) = position.cells
    assert {place + 1: cell for place, cell in enumerate(places) if cell[0] == "x"} == {
        6: "x5",
        8: "x3",
        13: "x5",
        24: "x2",
    }
    assert {24 - place: cell for place, cell in enumerate(places) if cell[0] == "o"} == {
        6: "o5",
        8: "o3",
        13: "o5",
        24: "o2",
    }


def test_a_turned_board_shows_every_cell_where_the_opposite_was() -> None:
    for name, texts in (play("chess", 9), play("breakthrough", 9), play("checkers", 9)):
        position = read_position(name, texts[-1])
        assert position is not None
        as_is, turned = position.sheet(), position.sheet(turned=True)
        for row in range(8):
            for column in range(8):
                assert turned.centre(row, column) == as_is.centre(7 - row, 7 - column)
    for name, texts in (play("othello", 3), play("hex(board_size=5)", 3)):  # no sides: seen alike
        position = read_position(name, texts[-1])
        assert position is not None
        assert position.sheet(turned=True).centre(0, 1) == position.sheet().centre(0, 1)
