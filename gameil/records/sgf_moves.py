"""Points, setup stones and the moves of the main line of an SGF game of Go."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from gameil.records.sgf_tree import iterate_nodes, plain_text

LARGEST_BOARD = 19
"""Lines of the largest board accepted: SGF knows up to 52, no rules engine here more than 19."""
SEATS = {"B": 0, "W": 1}

STRIDE = 6
"""Characters of a node such as ``;B[pd]``."""
STRIDE_MOVES = re.compile(r"(?:;[BW]\[[a-z][a-z]\])*+\)?+")
PLAIN_MOVES = re.compile(r"(?>;[BW]\[[a-z]{0,2}\])*+\)?+")
PLAIN_MOVE = re.compile(r"([BW])\[([a-z]{0,2})\]")
MOVERS = bytes.maketrans(b"BW", b"\x00\x01")
RECTANGLE = re.compile(r"([a-z])([a-z]):([a-z])([a-z])")


@dataclass(slots=True)
class MainLine:
    """What the nodes of the main line say."""

    moves: list[str]
    movers: tuple[int, ...]
    comments: dict[int, str]
    clocks: dict[int, float]
    setup: list[tuple[str, list[str]]]
    """Setup properties in nodes behind the root, before the first move."""
    late_setup: str | None = None
    """Name of a setup property that comes after a move."""


def read_main_line(text: str, root: Mapping[str, list[str]], root_end: int) -> MainLine:
    """Reads the nodes from ``root_end`` on, and the root where it holds a move itself."""
    first = plain_text(root["C"][0]) if root.get("C") else ""
    comments = {-1: first} if first else {}
    if "B" not in root and "W" not in root:
        nodes = "".join(text[root_end:].split())
        if STRIDE_MOVES.fullmatch(nodes):
            nodes = nodes.removesuffix(")")
            movers = tuple(nodes[1::STRIDE].encode().translate(MOVERS))
            moves = list(map(str.__add__, nodes[3::STRIDE], nodes[4::STRIDE]))
            return MainLine(moves, movers, comments, {}, [])
        if PLAIN_MOVES.fullmatch(nodes):
            found = PLAIN_MOVE.findall(nodes)
            return MainLine([move for _, move in found], tuple(SEATS[who] for who, _ in found), comments, {}, [])
    return _read_nodes(text, comments)


def _read_nodes(text: str, comments: dict[int, str]) -> MainLine:
    line = MainLine([], (), comments, {}, [])
    movers: list[int] = []
    remarks: dict[int, list[str]] = {index: [remark] for index, remark in comments.items()}
    for index, node in enumerate(iterate_nodes(text)):
        for name, values in node:
            value = values[0] if values else ""
            if name in SEATS:
                line.moves.append(value.strip())
                movers.append(SEATS[name])
            elif index == 0:
                continue
            elif name in ("AB", "AW", "AE"):
                if line.moves:
                    line.late_setup = line.late_setup or name
                line.setup.append((name, values))
            elif name == "C":
                _add_comment(remarks, len(line.moves) - 1, plain_text(value))
            elif name in ("BL", "WL") and movers and movers[-1] == SEATS[name[0]]:
                _add_clock(line.clocks, len(line.moves) - 1, value)
    line.movers = tuple(movers)
    line.comments = {index: " ".join(parts) for index, parts in remarks.items()}
    return line


def _add_comment(remarks: dict[int, list[str]], index: int, remark: str) -> None:
    if remark:
        remarks.setdefault(index, []).append(remark)


def _add_clock(clocks: dict[int, float], index: int, value: str) -> None:
    try:
        seconds = float(value[:20])
    except ValueError:
        return
    if abs(seconds) < 1e9:
        clocks[index] = seconds


def expand_points(values: Iterable[str]) -> Iterator[str]:
    """The points of a list that may hold rectangles ``aa:cc`` (FF[4] compressed point lists)."""
    for value in values:
        rectangle = RECTANGLE.fullmatch(value.strip())
        if rectangle:
            left, top, right, bottom = map(ord, rectangle.groups())
            for row in range(top, bottom + 1):
                for column in range(left, right + 1):
                    yield chr(column) + chr(row)
        else:
            yield value.strip()


@lru_cache(maxsize=LARGEST_BOARD)
def board_points(size: int) -> frozenset[str]:
    """All points of a board, and the pass ``""``."""
    letters = "abcdefghijklmnopqrs"[:size]
    return frozenset(column + row for column in letters for row in letters) | {""}
