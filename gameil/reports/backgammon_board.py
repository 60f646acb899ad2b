"""The backgammon board: its 28 places as read from the rules engine's text, and its drawing.

Places, in the order of the one row of cells: points 1 to 24 as the first player counts them (0-23), the first player's
bar (24) and the second's (25), checkers that they bore off (26, 27). A cell is ``x3`` (three of the first player's),
``o2``, or ``.``.
"""

import re

from gameil.reports.board_drawing import EMPTY, Cells, Marked, Sheet, draw_stone
from gameil.reports.svg import Drawing

POINTS = 24
BARS, OFFS = (24, 25), (26, 27)
_CHECKERS = 15
STEP = 36.0
"""Width of a point."""
_WIDTH, _HEIGHT = 14.6 * STEP, 11.6 * STEP
_TALL = 5 * STEP * 0.9
_ROW = re.compile(r"\|([.xo\d]{6})\|([.xo\d]{6})\|")


def read_backgammon(text: str) -> Cells:
    """The places as one row; nothing where the text is no backgammon board."""
    rows = [match[1] + match[2] for line in text.splitlines() if (match := _ROW.fullmatch(line.strip()))]
    bar = re.search(r"^Bar: ?([xo]*)$", text, re.M)
    scores = re.search(r"^Scores, X: (\d+), O: (\d+)$", text, re.M)
    if len(rows) != 10 or bar is None or scores is None:
        return []
    places = [EMPTY] * 28
    for column in range(12):
        places[11 - column] = _pile("".join(row[column] for row in rows[:5]))
        places[12 + column] = _pile("".join(row[column] for row in rows[5:][::-1]), from_below=True)
    for seat, letter in enumerate("xo"):
        waiting, off = bar[1].count(letter), int(scores[seat + 1])
        places[BARS[seat]] = f"{letter}{waiting}" if waiting else EMPTY
        places[OFFS[seat]] = f"{letter}{off}" if off else EMPTY
    return [places]


def _pile(cells: str, *, from_below: bool = False) -> str:
    """A point's five cells from the edge inwards: digits at the edge count piles that are higher."""
    letters = set(cells) & {"x", "o"}
    if not letters:
        return EMPTY
    digits = re.match(r"\d*", cells)
    assert digits is not None
    number = digits[0][::-1] if from_below else digits[0]
    count = int(number) if number else sum(cell in letters for cell in cells)
    return f"{letters.pop()}{count}"


def place_centre(place: int, *, turned: bool) -> tuple[float, float]:
    """``(x, y)`` of the middle of a place; ``turned``: as the first player sees it, home at the lower right."""
    if place < POINTS:
        column = 11 - place if place < 12 else place - 12
        x = STEP * (0.8 + column + (1 if column > 5 else 0))
        upper = (place < 12) != turned
    else:
        x = STEP * 6.8 if place in BARS else STEP * 14.05
        # Checkers wait on the far side of the bar, and leave beside their own home.
        upper = ((place % 2 == 0) != turned) if place in OFFS else ((place % 2 == 0) == turned)
    inset = STEP * 0.3 + _TALL / 2
    return x, inset if upper else _HEIGHT - inset


def draw_backgammon(sheet: Sheet, cells: Cells, marked: Marked, label: str) -> Drawing:
    """The board with its points numbered as the player below counts them."""
    svg = Drawing(_WIDTH, _HEIGHT, label=label, css_class="board")
    svg.rect(0, 0, _WIDTH, _HEIGHT, rx=8, fill="#6d4a2f")
    top = STEP * 0.3
    for left in (0.3, 7.3):
        svg.rect(STEP * left, top, STEP * 6, _HEIGHT - 2 * top, fill="#e9dcc0")
    svg.rect(STEP * 13.5, top, STEP * 1.0, _HEIGHT - 2 * top, rx=4, fill="#54371f")
    for place in range(POINTS):
        x, y = place_centre(place, turned=sheet.turned)
        upper = y < _HEIGHT / 2
        base, tip = (top, top + _TALL) if upper else (_HEIGHT - top, _HEIGHT - top - _TALL)
        points = f"{x - STEP / 2:g},{base:g} {x + STEP / 2:g},{base:g} {x:g},{tip:g}"
        svg.add("polygon", points=points, fill="#b5673c" if place % 2 else "#8d9a6b", opacity=0.85)
        number = place + 1 if sheet.turned else POINTS - place
        svg.text(x, 9.5 if upper else _HEIGHT - 1.5, str(number), class_="edge on-frame", text_anchor="middle")
    for place, cell in enumerate(cells[0]):
        if cell != EMPTY:
            _draw_pile(svg, place, cell, turned=sheet.turned, marked=(0, place) in marked)
    return svg


def _draw_pile(svg: Drawing, place: int, cell: str, *, turned: bool, marked: bool) -> None:
    x, y = place_centre(place, turned=turned)
    upper = y < _HEIGHT / 2
    count = int(cell[1:])
    edge, inwards = (STEP * 0.3, 1) if upper else (_HEIGHT - STEP * 0.3, -1)
    if place in OFFS:
        for index in range(count):
            at = edge + inwards * (2 + index * _TALL / _CHECKERS)
            height = _TALL / _CHECKERS - 1.4
            fill = "#26272b" if cell[0] == "x" else "#fbfaf6"
            svg.rect(x - STEP * 0.4, at if upper else at - height, STEP * 0.8, height, rx=2, fill=fill)
        return
    radius = STEP * 0.44
    if place in BARS:
        edge += inwards * STEP * 1.1
    for index in range(min(count, 5)):
        last = index == min(count, 5) - 1
        draw_stone(svg, x, edge + inwards * radius * (1 + 2 * index), radius, cell[0], marked=marked and last)
    if count > 5:
        at = edge + inwards * radius * 9
        fill = "#fbfaf6" if cell[0] == "x" else "#26272b"
        svg.text(x, at + 5, str(count), fill=fill, font_size=14, font_weight="bold", text_anchor="middle")
