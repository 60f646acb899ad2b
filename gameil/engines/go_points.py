"""Points of a Go board as GTP names them, handicap places, and the area score of a finished board."""

from gameil.errors import ConfigError

LETTERS = "ABCDEFGHJKLMNOPQRST"
"""Columns; there is no I."""


def fixed_handicap(size: int, stones: int) -> list[str]:
    """Places of a fixed handicap (GTP specification, section 4.1.1).

    Raises ``ConfigError`` for a number of stones that the size does not allow.
    """
    most = 9 if size % 2 and size > 7 else 4
    if size < 7 or not 2 <= stones <= most:
        raise ConfigError(f"invalid number of stones {stones} on {size}x{size}")
    edge = 4 if size >= 13 else 3
    low, high, middle = edge, size + 1 - edge, (size + 1) // 2
    corners = [(low, low), (high, high), (high, low), (low, high)]
    places = corners[: min(stones, 4)]
    if stones >= 6:
        places += [(low, middle), (high, middle)]
    if stones >= 8:
        places += [(middle, low), (middle, high)]
    if stones in (5, 7, 9):
        places.append((middle, middle))
    return [f"{LETTERS[column - 1]}{row}" for column, row in places]


def area_score(rows: list[str], komi: float) -> float:
    """Black's points less White's: stones on the board, empty areas that touch one colour only, and komi.

    Every stone counts as alive, as the rules that games are played by have it.

    Args:
        rows: the board, one character a point: ``X`` Black, ``O`` White, any other empty.
        komi: White's.
    """
    board = {(r, c): mark for r, line in enumerate(rows) for c, mark in enumerate(line)}
    points = {"X": 0, "O": 0}
    seen: set[tuple[int, int]] = set()
    for start, mark in board.items():
        if mark in points:
            points[mark] += 1
            continue
        if start in seen:
            continue
        area, borders, todo = 0, set[str](), [start]
        seen.add(start)
        while todo:
            row, column = todo.pop()
            area += 1
            for near in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
                found = board.get(near)
                if found in points:
                    borders.add(str(found))
                elif found is not None and near not in seen:
                    seen.add(near)
                    todo.append(near)
        if len(borders) == 1:
            points[borders.pop()] += area
    return points["X"] - points["O"] - komi


def board_rows(picture: str) -> list[str]:
    """The points of the rules engine's picture of a board, from the top row down."""
    rows = []
    for line in picture.splitlines():
        label, _, marks = line.strip().partition(" ")
        if label.isdecimal() and marks and not set(marks) - set("XO+"):
            rows.append(marks)
    return rows
