"""Pictures of positions: SVG boards drawn from a state's own text, for the games whose boards we know.

A game without a drawing here is shown by its text, so every game has a picture.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from gameil.reports.backgammon_board import draw_backgammon, read_backgammon
from gameil.reports.board_drawing import DRAWERS as PLAIN_DRAWERS
from gameil.reports.board_drawing import EMPTY, Cells, Sheet
from gameil.reports.svg import Drawing, escape


@dataclass(frozen=True)
class Position:
    """A board as read from a state's text."""

    kind: str
    cells: Cells
    """Rows from the top; ``.`` empty, ``x`` the first player's stone, ``o`` the second's, ``X`` and ``O`` their kings;
    chess: FEN letters; backgammon: one row of 28 places (``backgammon_board``)."""

    def changes(self, before: "Position | None") -> set[tuple[int, int]]:
        """Cells that are occupied now and were not, or otherwise, before: what the last move put there."""
        if before is None or len(before.cells) != len(self.cells):
            return set()
        return {
            (row, column)
            for row, line in enumerate(self.cells)
            for column, cell in enumerate(line)
            if cell != EMPTY and cell != before.cells[row][column]
        }

    def sheet(self, *, turned: bool = False) -> Sheet:
        """Where its cells are drawn."""
        return Sheet(self.kind, len(self.cells), len(self.cells[0]), turned)


def read_position(game: str, text: str) -> Position | None:
    """The board in a state's text; None for a game that is not drawn, or a text that does not look as expected."""
    reader = READERS.get(game)
    if reader is None:
        return None
    cells = reader(text)
    if not cells or any(len(line) != len(cells[0]) for line in cells):
        return None
    return Position(game, cells)


def board_picture(
    position: Position | None,
    text: str,
    marked: set[tuple[int, int]],
    label: str,
    *,
    turned: bool = False,
    over: str = "",
) -> str:
    """HTML of one position: SVG where the board is known, else the text.

    Args:
        position: what to draw; None: ``text`` is shown.
        text: the state's own.
        marked: cells that show the last move.
        label: says to those who cannot see it what the picture shows.
        turned: seen from the other side of the board, where it has sides.
        over: trusted SVG markup drawn over it.
    """
    if position is None:
        return f'<pre class="board">{escape(text)}</pre>'
    drawing: Drawing = DRAWERS[position.kind](position.sheet(turned=turned), position.cells, marked, label)
    if over:
        drawing.group(over)
    return str(drawing)


def _read_chess(text: str) -> Cells:
    board = text.split()[0] if text.split() else ""
    rows = [re.sub(r"\d", lambda match: EMPTY * int(match[0]), row) for row in board.split("/")]
    return [list(row) for row in rows] if len(rows) == 8 else []


def _read_plain(text: str) -> Cells:
    """Lines of ``.xo`` only: tic-tac-toe, connect four."""
    lines = [line.strip() for line in text.splitlines()]
    return [list(line.lower()) for line in lines if line and re.fullmatch(r"[.xoXO]+", line)]


def _read_spaced(text: str) -> Cells:
    """Othello: ``1 - - x o ... 1``."""
    found = [re.fullmatch(r"\d+ ((?:[-xo] ?)+) ?\d+", line.strip()) for line in text.splitlines()]
    return [match[1].replace("-", EMPTY).split() for match in found if match]


def _read_go(text: str) -> Cells:
    found = [re.fullmatch(r"\d+ ([+XO]+)", line.strip()) for line in text.splitlines()]
    return [[{"+": EMPTY, "X": "x", "O": "o"}[cell] for cell in match[1]] for match in found if match]


def _read_hex(text: str) -> Cells:
    """x, y, z, X: the first player's stones and those connected to its edges; o, p, q, O: the second's."""
    meaning = {EMPTY: EMPTY, **dict.fromkeys("xyzX", "x"), **dict.fromkeys("opqO", "o")}
    lines = [line.split() for line in text.splitlines() if line.strip()]
    return [[meaning.get(cell, EMPTY) for cell in line] for line in lines]


def _read_breakthrough(text: str) -> Cells:
    found = [re.fullmatch(r"\d([.bw]+)", line.strip()) for line in text.splitlines()]
    return [[{"b": "x", "w": "o"}.get(cell, EMPTY) for cell in match[1]] for match in found if match]


def _read_checkers(text: str) -> Cells:
    """``o``, ``8``: the first player's men and kings, which start below; ``+``, ``*``: the second's."""
    meaning = {EMPTY: EMPTY, "o": "x", "8": "X", "+": "o", "*": "O"}
    found = [re.fullmatch(r"\d([.o8+*]+)", line.strip()) for line in text.splitlines()]
    return [[meaning[cell] for cell in match[1]] for match in found if match]


READERS: dict[str, Callable[[str], Cells]] = {
    "chess": _read_chess,
    "tic_tac_toe": _read_plain,
    "connect_four": _read_plain,
    "othello": _read_spaced,
    "go": _read_go,
    "hex": _read_hex,
    "breakthrough": _read_breakthrough,
    "checkers": _read_checkers,
    "backgammon": read_backgammon,
}
DRAWERS: dict[str, Callable[[Sheet, Cells, set[tuple[int, int]], str], Drawing]] = {
    **PLAIN_DRAWERS,
    "backgammon": draw_backgammon,
}
