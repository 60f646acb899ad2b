"""Hex in SGF: the moves of FF[4]'s game 11 (https://www.red-bean.com/sgf/hex.html) and of Little Golem's own dialect.

Both call a cell by column and row from the upper left, and the first player joins the first row with the last. FF[4]
writes ``B[f8]`` and ``W[swap-pieces]``, Black first. Little Golem writes ``W[fh]`` and ``B[swap]``, and its colours are
those of the nodes only: the player who moves first, with W, is named ``PB`` and is B in the result. Either way ``PB``
is seat 0. The swap takes the first stone away and puts the second player's on the mirrored cell.
"""

import re
from dataclasses import dataclass

from gameil.records.record import Termination
from gameil.records.sgf_moves import MainLine
from gameil.records.sgf_result import read_result
from gameil.records.sgf_tree import RefusedError
from gameil.records.window import excerpt

SMALLEST_HEX, LARGEST_HEX = 2, 26
USUAL_HEX = 11
"""Lines of a board whose size is not stated."""
NO_SWAP = "no swap"
"""What our writer puts into ``RU`` where the swap rule is off; elsewhere it is on, as everybody plays."""
CELL = re.compile(r"([a-z])([1-9][0-9]?)")
LETTERS = re.compile(r"[a-z]{2}")
SWAPS = frozenset({"swap", "swap-pieces"})
GIVING_UP: dict[str, Termination] = {"resign": "resignation", "forfeit": "forfeit"}


@dataclass(frozen=True, slots=True)
class HexLine:
    """The main line of a game of Hex."""

    moves: tuple[str, ...]
    """Cells such as ``f8``, and ``swap``; who gives up is not among them."""
    loser: int | None
    """Seat that gave up by a move."""
    termination: Termination
    comments: dict[int, str]


def is_hex(game: str, event: str) -> bool:
    """Whether a root is one of Hex: ``GM[11]``, or nothing and an event of Little Golem's such as ``hex.mc.2010``."""
    return game == "11" or (game == "" and re.match(r"hex\.", event, re.IGNORECASE) is not None)


def read_hex_line(line: MainLine, size: int) -> HexLine:
    """Reads the moves. Raises ``RefusedError`` for a tree that cannot be used."""
    if line.setup or line.late_setup is not None:
        raise RefusedError("setup", "stones that nobody played")
    values = [value.lower() for value in line.moves]
    ending = GIVING_UP.get(values[-1]) if values else None
    cells = values[:-1] if ending is not None else values
    if not cells:
        raise RefusedError("no moves", "a game without moves")
    golem = any(LETTERS.fullmatch(value) for value in cells)
    first = line.movers[0]
    if first == 1 and not golem:
        raise RefusedError("first move", "White moves first, who joins left and right: only Black is known to")
    for index, mover in enumerate(line.movers[: len(cells)]):
        if mover != (first + index) % 2:
            raise RefusedError("out of turn", f"move {index + 1}: {'BW'[mover]}[{excerpt(values[index])}]")
    last = len(cells) - 1
    comments: dict[int, str] = {}
    for index, comment in sorted(line.comments.items()):
        place = min(index, last)
        comments[place] = f"{comments[place]} {comment}" if place in comments else comment
    return HexLine(
        moves=tuple(_read_cell(value, size, golem=golem) for value in cells),
        loser=(line.movers[-1] - first) % 2 if ending is not None else None,
        termination=ending or "unknown",
        comments=comments,
    )


def _read_cell(value: str, size: int, *, golem: bool) -> str:
    if value in SWAPS:
        return "swap"
    if golem and LETTERS.fullmatch(value):
        column, row = value[0], ord(value[1]) - ord("a") + 1
    else:
        cell = CELL.fullmatch(value)
        if cell is None or golem:
            dialect = "Little Golem's" if golem else "FF[4]'s"
            raise RefusedError("syntax", f"[{excerpt(value)}] is no move of Hex in {dialect} way")
        column, row = cell[1], int(cell[2])
    if ord(column) - ord("a") >= size or row > size:
        raise RefusedError("off board", f"move [{excerpt(value)}] is not a cell of a {size}x{size} board")
    return f"{column}{row}"


def read_hex_result(text: str) -> tuple[tuple[float, float] | None, Termination]:
    """As for Go, and Little Golem's bare ``B`` and ``W``."""
    return read_result(f"{text}+" if text in ("B", "W") else text)
