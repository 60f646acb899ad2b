"""Pictures of positions: SVG boards drawn from a state's own text, for the games whose boards we know.

A game without a drawing here is shown by its text, so every game has a picture.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gameil.reports.pieces import SHAPES
from gameil.reports.svg import Drawing, escape

EMPTY = "."
BLACK = "#26272b"
WHITE = "#fbfaf6"

Cells = list[list[str]]
"""Rows from the top; ``.`` empty, ``x`` the first player's stone, ``o`` the second's, chess: FEN letters."""


@dataclass(frozen=True)
class Position:
    """A board as read from a state's text."""

    kind: str
    cells: Cells

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


def read_position(game: str, text: str) -> Position | None:
    """The board in a state's text; None for a game that is not drawn, or a text that does not look as expected."""
    reader = READERS.get(game)
    if reader is None:
        return None
    cells = reader(text)
    if not cells or any(len(line) != len(cells[0]) for line in cells):
        return None
    return Position(game, cells)


def board_picture(position: Position | None, text: str, marked: set[tuple[int, int]], label: str) -> str:
    """HTML of one position: SVG where the board is known, else the text. ``marked`` cells show the last move."""
    if position is None:
        return f'<pre class="board">{escape(text)}</pre>'
    draw = DRAWERS[position.kind]
    return draw(position.cells, marked, label)


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


def _stone(svg: Drawing, x: float, y: float, radius: float, cell: str, marked: bool) -> None:
    dark = cell == "x"
    svg.circle(x, y, radius, fill=BLACK if dark else WHITE, stroke=BLACK, stroke_width=1)
    if marked:
        svg.circle(x, y, radius * 0.35, fill="none", stroke="#d9482b" if not dark else "#ff9a76", stroke_width=2.4)


def _draw_chess(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    svg = _with_edges(8, 8, label)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            light = (row + column) % 2 == 0
            fill = "#efe3c8" if light else "#b58f63"
            if (row, column) in marked:
                fill = "#f4d774" if light else "#d3ac3b"
            svg.rect(20 + column * 40, row * 40, 40, 40, fill=fill)
            if cell != EMPTY:
                own = WHITE if cell.isupper() else BLACK
                svg.group(
                    SHAPES[cell.lower()],
                    transform=f"translate({20 + column * 40} {row * 40})",
                    fill=own,
                    stroke=BLACK if cell.isupper() else "#ddd6c6",
                    stroke_width=1.3 if cell.isupper() else 0.7,
                    stroke_linejoin="round",
                )
    return str(svg)


def _draw_squares(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    height, width = len(cells), len(cells[0])
    svg = _with_edges(height, width, label)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            svg.rect(20 + column * 40, row * 40, 40, 40, fill="#efe3c8" if (row + column) % 2 == 0 else "#b58f63")
            if cell != EMPTY:
                _stone(svg, 40 + column * 40, 20 + row * 40, 14, cell, (row, column) in marked)
    return str(svg)


def _draw_othello(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    height, width = len(cells), len(cells[0])
    svg = _with_edges(height, width, label, from_top=True)
    svg.rect(20, 0, width * 40, height * 40, fill="#3f7f57")
    for index in range(width + 1):
        svg.line(20 + index * 40, 0, 20 + index * 40, height * 40, stroke="#2b5c3d")
    for index in range(height + 1):
        svg.line(20, index * 40, 20 + width * 40, index * 40, stroke="#2b5c3d")
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            if cell != EMPTY:
                _stone(svg, 40 + column * 40, 20 + row * 40, 16, cell, (row, column) in marked)
    return str(svg)


def _draw_connect_four(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    height, width = len(cells), len(cells[0])
    svg = Drawing(width * 40 + 8, height * 40 + 24, label=label, css_class="board")
    svg.rect(0, 0, width * 40 + 8, height * 40 + 8, rx=10, fill="#2f62a8")
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            x, y = 24 + column * 40, 24 + row * 40
            fill = {"x": "#e4b52c", "o": "#cf4333"}.get(cell, "#f4f6fa")
            svg.circle(x, y, 15.5, fill=fill, stroke="#24508c", stroke_width=1.5)
            if (row, column) in marked:
                svg.circle(x, y, 6, fill="none", stroke="#ffffff", stroke_width=2.6)
    for column in range(width):
        svg.text(24 + column * 40, height * 40 + 21, str(column), class_="edge", text_anchor="middle")
    return str(svg)


def _draw_tic_tac_toe(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    size = len(cells)
    svg = Drawing(size * 60, size * 60, label=label, css_class="board")
    for index in range(1, size):
        svg.line(index * 60, 6, index * 60, size * 60 - 6, stroke="#55585f", stroke_width=2)
        svg.line(6, index * 60, size * 60 - 6, index * 60, stroke="#55585f", stroke_width=2)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            x, y = 30 + column * 60, 30 + row * 60
            width = 6 if (row, column) in marked else 4
            if cell == "x":
                for sign in (1, -1):
                    svg.line(x - 15, y - 15 * sign, x + 15, y + 15 * sign, stroke="#2563a8", stroke_width=width)
            elif cell == "o":
                svg.circle(x, y, 16, fill="none", stroke="#c2571a", stroke_width=width)
    return str(svg)


def _draw_go(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    size = len(cells)
    step = 30.0
    full = (size - 1) * step + 60
    svg = Drawing(full, full, label=label, css_class="board")
    svg.rect(0, 0, full, full, rx=4, fill="#e3bd77")
    for index in range(size):
        at = 30 + index * step
        svg.line(at, 30, at, full - 30, stroke="#5d4a26")
        svg.line(30, at, full - 30, at, stroke="#5d4a26")
        letter = "ABCDEFGHJKLMNOPQRSTUVWXYZ"[index]
        svg.text(at, full - 5, letter, class_="edge", text_anchor="middle")
        svg.text(10, full - at + 4, str(index + 1), class_="edge", text_anchor="middle")
    for row in _star_lines(size):
        for column in _star_lines(size):
            svg.circle(30 + column * step, 30 + row * step, 3.2, fill="#5d4a26")
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            if cell != EMPTY:
                _stone(svg, 30 + column * step, 30 + row * step, step * 0.46, cell, (row, column) in marked)
    return str(svg)


def _star_lines(size: int) -> Sequence[int]:
    if size < 9 or size % 2 == 0:
        return ()
    edge = 2 if size < 13 else 3
    return (edge, size // 2, size - 1 - edge)


def _draw_hex(cells: Cells, marked: set[tuple[int, int]], label: str) -> str:
    height, width = len(cells), len(cells[0])
    radius = 18.0
    across = radius * math.sqrt(3)
    full_width = across * (width + (height - 1) / 2) + 16
    svg = Drawing(full_width, radius * 1.5 * (height - 1) + 2 * radius + 16, label=label, css_class="board")

    def centre(row: int, column: int) -> tuple[float, float]:
        return 8 + across * (column + 0.5 + row / 2), 8 + radius + row * radius * 1.5

    # The first player joins top and bottom, the second left and right: their edges carry their colours.
    corners = [centre(0, 0), centre(0, width - 1), centre(height - 1, width - 1), centre(height - 1, 0)]
    for start, end, colour in ((0, 1, BLACK), (2, 3, BLACK), (1, 2, "#c9c4b8"), (3, 0, "#c9c4b8")):
        (x1, y1), (x2, y2) = corners[start], corners[end]
        svg.line(x1, y1, x2, y2, stroke=colour, stroke_width=2.6 * radius, stroke_linecap="round")
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            x, y = centre(row, column)
            angles = [math.radians(60 * corner + 30) for corner in range(6)]
            points = " ".join(f"{x + radius * math.cos(a):.1f},{y + radius * math.sin(a):.1f}" for a in angles)
            svg.add("polygon", points=points, fill="#eef0f2", stroke="#8b929c", stroke_width=1)
            if cell != EMPTY:
                _stone(svg, x, y, radius * 0.66, cell, (row, column) in marked)
    return str(svg)


def _with_edges(height: int, width: int, label: str, *, from_top: bool = False) -> Drawing:
    """A drawing with squares of 40 from (20, 0), files lettered below, ranks numbered at the left."""
    svg = Drawing(width * 40 + 22, height * 40 + 20, label=label, css_class="board")
    for row in range(height):
        svg.text(9, row * 40 + 25, str(row + 1 if from_top else height - row), class_="edge", text_anchor="middle")
    for column in range(width):
        svg.text(40 + column * 40, height * 40 + 16, "abcdefghijklmnop"[column], class_="edge", text_anchor="middle")
    return svg


READERS: dict[str, Callable[[str], Cells]] = {
    "chess": _read_chess,
    "tic_tac_toe": _read_plain,
    "connect_four": _read_plain,
    "othello": _read_spaced,
    "go": _read_go,
    "hex": _read_hex,
    "breakthrough": _read_breakthrough,
}
DRAWERS: dict[str, Callable[[Cells, set[tuple[int, int]], str], str]] = {
    "chess": _draw_chess,
    "tic_tac_toe": _draw_tic_tac_toe,
    "connect_four": _draw_connect_four,
    "othello": _draw_othello,
    "go": _draw_go,
    "hex": _draw_hex,
    "breakthrough": _draw_squares,
}
