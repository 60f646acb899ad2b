"""What a position is worth at a glance, for searches that must stop before the end: a number in [-1, 1] for seat 0.

Read from a state's own text; rough on purpose. A game without an entry is worth nothing before its end.
"""

import math
import re
from collections.abc import Callable

from gameil.games.game import State

_CHESS = {"p": 1.0, "n": 3.0, "b": 3.0, "r": 5.0, "q": 9.0}
"""Pawns, the usual counting."""
_OTHELLO = (
    (120, -20, 20, 5, 5, 20, -20, 120),
    (-20, -40, -5, -5, -5, -5, -40, -20),
    (20, -5, 15, 3, 3, 15, -5, 20),
    (5, -5, 3, 3, 3, 3, -5, 5),
)
"""Weights of the upper half of the board: Norvig, "Paradigms of Artificial Intelligence Programming" (1992), 18.5."""
_CONNECT_FOUR = (0.0, 1.0, 4.0, 12.0, 0.0)
"""Worth of a line of four cells by how many the one side holds while the other holds none."""


def static_value(state: State) -> float:
    """The guess for seat 0, in (-1, 1); 0 where the game has none."""
    value = VALUES.get(state.game.name)
    return 0.0 if value is None else value(str(state))


def _squashed(lead: float, much: float) -> float:
    return math.tanh(lead / much)


def _chess(text: str) -> float:
    board = text.split()[0]
    lead = sum(_CHESS.get(letter.lower(), 0.0) * (1.0 if letter.isupper() else -1.0) for letter in board)
    return _squashed(lead, 10.0)


def _othello(text: str) -> float:
    rows = [match[1].split() for match in re.finditer(r"^\d+ ((?:[-xo] ?){8}) ?\d+", text, re.MULTILINE)]
    lead = 0.0
    for row, line in enumerate(rows):
        weights = _OTHELLO[min(row, 7 - row)]
        lead += sum(weights[column] * ((cell == "x") - (cell == "o")) for column, cell in enumerate(line))
    return _squashed(lead, 150.0)


def _checkers(text: str) -> float:
    cells = "".join(re.findall(r"^\d([.o8+*]+)", text, re.MULTILINE))
    lead = cells.count("o") - cells.count("+") + 1.6 * (cells.count("8") - cells.count("*"))
    return _squashed(lead, 4.0)


def _breakthrough(text: str) -> float:
    """Pieces, and how far the foremost have come; the first player's (b) walk down from the top."""
    rows = re.findall(r"^\d+([.bw]+)", text, re.MULTILINE)
    lead, last = 0.0, len(rows) - 1
    for place, row in enumerate(rows):
        lead += row.count("b") * (1.0 + place**2 / 40.0) - row.count("w") * (1.0 + (last - place) ** 2 / 40.0)
    return _squashed(lead, 4.0)


def _connect_four(text: str) -> float:
    rows = [line for line in text.split() if re.fullmatch(r"[.xo]+", line)]
    height, width = len(rows), len(rows[0])
    lead = 0.0
    for row in range(height):
        for column in range(width):
            for down, right in ((0, 1), (1, 0), (1, 1), (1, -1)):
                if row + 3 * down < height and 0 <= column + 3 * right < width:
                    line = [rows[row + step * down][column + step * right] for step in range(4)]
                    first, second = line.count("x"), line.count("o")
                    if not (first and second):
                        lead += _CONNECT_FOUR[first] - _CONNECT_FOUR[second]
    return _squashed(lead, 30.0)


VALUES: dict[str, Callable[[str], float]] = {
    "chess": _chess,
    "othello": _othello,
    "checkers": _checkers,
    "breakthrough": _breakthrough,
    "connect_four": _connect_four,
}
