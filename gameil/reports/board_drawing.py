"""How boards of squares, lines and hexagons are drawn, and where on the drawing each cell lies.

Places are in units of the drawing's view box; rows count from the top as in the position, whichever side is below.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gameil.reports.pieces import SHAPES
from gameil.reports.svg import Drawing

EMPTY = "."
BLACK = "#26272b"
WHITE = "#fbfaf6"
_LIGHT_SQUARE, _DARK_SQUARE = "#efe3c8", "#b58f63"
_LIGHT_MARKED, _DARK_MARKED = "#f4d774", "#d3ac3b"

Cells = list[list[str]]
"""Rows from the top; see ``boards.Position``."""
Marked = set[tuple[int, int]]
"""``(row, column)`` of the cells that show the last move."""

HAS_SIDES = frozenset({"chess", "breakthrough", "checkers", "backgammon"})
"""Boards that players see from opposite sides; all others are seen alike by both."""
_HEX_RADIUS = 18.0
_HEX_ACROSS = _HEX_RADIUS * math.sqrt(3)


@dataclass(frozen=True)
class Sheet:
    """A board's place on its drawing."""

    kind: str
    height: int
    width: int
    turned: bool = False
    """Seen from the other side; nothing on boards without sides."""

    @property
    def half(self) -> float:
        """Half the width of what belongs to a cell."""
        return {"go": 15.0, "hex": _HEX_ACROSS / 2, "tic_tac_toe": 30.0}.get(self.kind, 20.0)

    def seen(self, row: int, column: int) -> tuple[int, int]:
        """Row and column from the drawing's top left."""
        if self.turned and self.kind in HAS_SIDES:
            return self.height - 1 - row, self.width - 1 - column
        return row, column

    def centre(self, row: int, column: int) -> tuple[float, float]:
        """``(x, y)`` of a cell's middle."""
        row, column = self.seen(row, column)
        if self.kind == "hex":
            return 8 + _HEX_ACROSS * (column + 0.5 + row / 2), 8 + _HEX_RADIUS + row * _HEX_RADIUS * 1.5
        if self.kind == "go":
            return 30.0 + column * 30, 30.0 + row * 30
        if self.kind == "tic_tac_toe":
            return 30.0 + column * 60, 30.0 + row * 60
        if self.kind == "connect_four":
            return 24.0 + column * 40, 24.0 + row * 40
        return 40.0 + column * 40, 20.0 + row * 40


def draw_stone(svg: Drawing, x: float, y: float, radius: float, cell: str, *, marked: bool = False) -> None:
    """A stone of the first player (``x``, dark) or the second; capitals are kings."""
    dark = cell.lower() == "x"
    svg.circle(x + radius * 0.06, y + radius * 0.1, radius, fill="#000000", opacity=0.25)
    svg.circle(x, y, radius, fill=BLACK if dark else WHITE, stroke=BLACK, stroke_width=1)
    if cell.isupper():
        crown = '<path d="M-8 5 L-9 -5 L-4 -1 L0 -7 L4 -1 L9 -5 L8 5 Z"/>'
        place = f"translate({x:g} {y:g}) scale({radius / 15:.3g})"
        svg.group(crown, transform=place, fill="#e4b52c", stroke=BLACK, stroke_width=0.8)
    if marked:
        svg.circle(x, y, radius * 0.35, fill="none", stroke="#ff9a76" if dark else "#d9482b", stroke_width=2.4)


def _checkered(sheet: Sheet, marked: Marked, label: str) -> Drawing:
    """Light and dark squares, the lower right one light."""
    svg = _with_edges(sheet, label)
    for row in range(sheet.height):
        for column in range(sheet.width):
            x, y = sheet.centre(row, column)
            light = (sheet.height - row + sheet.width - column) % 2 == 0
            plain, special = (_LIGHT_SQUARE, _LIGHT_MARKED) if light else (_DARK_SQUARE, _DARK_MARKED)
            svg.rect(x - 20, y - 20, 40, 40, fill=special if (row, column) in marked else plain)
    return svg


def _draw_chess(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    svg = _checkered(sheet, marked, label)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            if cell != EMPTY:
                x, y = sheet.centre(row, column)
                svg.group(
                    SHAPES[cell.lower()],
                    transform=f"translate({x - 20:g} {y - 20:g})",
                    fill=WHITE if cell.isupper() else BLACK,
                    stroke=BLACK if cell.isupper() else "#ddd6c6",
                    stroke_width=1.3 if cell.isupper() else 0.7,
                    stroke_linejoin="round",
                )
    return svg


def _draw_squares(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    svg = _checkered(sheet, set(), label)
    _stones(svg, sheet, cells, marked, 14)
    return svg


def _draw_othello(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    svg = _with_edges(sheet, label, from_top=True)
    width, height = sheet.width * 40, sheet.height * 40
    svg.rect(20, 0, width, height, fill="#3f7f57")
    for index in range(sheet.width + 1):
        svg.line(20 + index * 40, 0, 20 + index * 40, height, stroke="#2b5c3d")
    for index in range(sheet.height + 1):
        svg.line(20, index * 40, 20 + width, index * 40, stroke="#2b5c3d")
    _stones(svg, sheet, cells, marked, 16)
    return svg


def _draw_connect_four(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    svg = Drawing(sheet.width * 40 + 8, sheet.height * 40 + 24, label=label, css_class="board")
    svg.rect(0, 0, sheet.width * 40 + 8, sheet.height * 40 + 8, rx=10, fill="#2f62a8")
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            x, y = sheet.centre(row, column)
            fill = {"x": "#e4b52c", "o": "#cf4333"}.get(cell, "#f4f6fa")
            svg.circle(x, y, 15.5, fill=fill, stroke="#24508c", stroke_width=1.5)
            if (row, column) in marked:
                svg.circle(x, y, 6, fill="none", stroke="#ffffff", stroke_width=2.6)
    for column in range(sheet.width):
        svg.text(24 + column * 40, sheet.height * 40 + 21, str(column), class_="edge", text_anchor="middle")
    return svg


def _draw_tic_tac_toe(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    size = sheet.height
    svg = Drawing(size * 60, size * 60, label=label, css_class="board")
    for index in range(1, size):
        svg.line(index * 60, 6, index * 60, size * 60 - 6, stroke="#7d828c", stroke_width=2)
        svg.line(6, index * 60, size * 60 - 6, index * 60, stroke="#7d828c", stroke_width=2)
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            x, y = sheet.centre(row, column)
            width = 6 if (row, column) in marked else 4
            if cell == "x":
                for sign in (1, -1):
                    svg.line(x - 15, y - 15 * sign, x + 15, y + 15 * sign, stroke="#2f74bd", stroke_width=width)
            elif cell == "o":
                svg.circle(x, y, 16, fill="none", stroke="#c9601f", stroke_width=width)
    return svg


def _draw_go(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    size = sheet.height
    full = (size - 1) * 30.0 + 60
    svg = Drawing(full, full, label=label, css_class="board")
    svg.rect(0, 0, full, full, rx=4, fill="#e3bd77")
    for index in range(size):
        at = 30 + index * 30.0
        svg.line(at, 30, at, full - 30, stroke="#5d4a26")
        svg.line(30, at, full - 30, at, stroke="#5d4a26")
        letter = "ABCDEFGHJKLMNOPQRSTUVWXYZ"[index]
        svg.text(at, full - 4, letter, class_="edge on-wood", text_anchor="middle")
        svg.text(9, full - at + 4, str(index + 1), class_="edge on-wood", text_anchor="middle")
    for row in _star_lines(size):
        for column in _star_lines(size):
            svg.circle(30 + column * 30.0, 30 + row * 30.0, 3.2, fill="#5d4a26")
    _stones(svg, sheet, cells, marked, 13.8)
    return svg


def _star_lines(size: int) -> Sequence[int]:
    if size < 9 or size % 2 == 0:
        return ()
    edge = 2 if size < 13 else 3
    return (edge, size // 2, size - 1 - edge)


def _draw_hex(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    height, width, radius = sheet.height, sheet.width, _HEX_RADIUS
    full_width = _HEX_ACROSS * (width + (height - 1) / 2) + 16
    svg = Drawing(full_width, radius * 1.5 * (height - 1) + 2 * radius + 16, label=label, css_class="board")
    # The first player joins top and bottom, the second left and right: their edges carry their colours.
    ends = [(0, 0), (0, width - 1), (height - 1, width - 1), (height - 1, 0)]
    corners = [sheet.centre(row, column) for row, column in ends]
    for start, end, colour in ((0, 1, BLACK), (2, 3, BLACK), (1, 2, "#c9c4b8"), (3, 0, "#c9c4b8")):
        (x1, y1), (x2, y2) = corners[start], corners[end]
        svg.line(x1, y1, x2, y2, stroke=colour, stroke_width=2.6 * radius, stroke_linecap="round")
    for row in range(height):
        for column in range(width):
            x, y = sheet.centre(row, column)
            angles = [math.radians(60 * corner + 30) for corner in range(6)]
            points = " ".join(f"{x + radius * math.cos(a):.1f},{y + radius * math.sin(a):.1f}" for a in angles)
            svg.add("polygon", points=points, fill="#eef0f2", stroke="#8b929c", stroke_width=1)
    _stones(svg, sheet, cells, marked, radius * 0.66)
    return svg


def _stones(svg: Drawing, sheet: Sheet, cells: Cells, marked: Marked, radius: float) -> None:
    for row, line in enumerate(cells):
        for column, cell in enumerate(line):
            if cell != EMPTY:
                draw_stone(svg, *sheet.centre(row, column), radius, cell, marked=(row, column) in marked)


def _with_edges(sheet: Sheet, label: str, *, from_top: bool = False) -> Drawing:
    """A drawing with squares of 40 from (20, 0), files lettered below, ranks numbered at the left."""
    svg = Drawing(sheet.width * 40 + 22, sheet.height * 40 + 20, label=label, css_class="board")
    for row in range(sheet.height):
        _, y = sheet.centre(row, 0)
        svg.text(9, y + 5, str(row + 1 if from_top else sheet.height - row), class_="edge", text_anchor="middle")
    for column in range(sheet.width):
        x, _ = sheet.centre(0, column)
        svg.text(x, sheet.height * 40 + 16, "abcdefghijklmnop"[column], class_="edge", text_anchor="middle")
    return svg


DRAWERS: dict[str, Callable[[Sheet, Cells, Marked, str], Drawing]] = {
    "chess": _draw_chess,
    "tic_tac_toe": _draw_tic_tac_toe,
    "connect_four": _draw_connect_four,
    "othello": _draw_othello,
    "go": _draw_go,
    "hex": _draw_hex,
    "breakthrough": _draw_squares,
    "checkers": _draw_squares,
}
