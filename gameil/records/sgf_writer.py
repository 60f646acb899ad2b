"""Writes records of Go and Hex as SGF (FF[4], UTF-8): one game tree without variations."""

import re
from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.record import GameRecord
from gameil.records.sgf_game import CARRIED, UNTAGGED
from gameil.records.sgf_hex import CELL, NO_SWAP, USUAL_HEX, read_hex_result
from gameil.records.sgf_moves import LARGEST_BOARD
from gameil.records.sgf_result import read_result

MOVES_A_LINE = 12
PROPERTY = re.compile(r"[A-Z]{1,12}")
TAG_NAME = re.compile(r"[A-Za-z]\w*")
POINT = re.compile(r"(?:[a-z]{2})?")
ENDS = {"resignation": "R", "time": "T", "forfeit": "F"}


def format_sgf(record: GameRecord) -> str:
    """One game tree and a line end. Raises ``RecordsError`` for what SGF cannot carry."""
    if (record.game, record.notation) not in (("go", "sgf"), ("hex", "action")):
        raise RecordsError(f"sgf holds go in SGF points and hex in cells, not {record.game} in {record.notation!r}")
    other = sorted(record.parameters.keys() - {"board_size", "komi" if record.game == "go" else "swap"})
    if other or record.start is not None:
        raise RecordsError(f"sgf cannot carry {', '.join(other) or 'a start position'} of a record of {record.game}")
    if record.game == "hex" and (record.setup or record.movers is not None):
        raise RecordsError("sgf cannot carry setup stones or movers of a record of hex")
    root = "".join(f"{name}[{_escape(value)}]" for name, value in _root(record))
    nodes = list(_nodes(record))
    lines = ["".join(nodes[begin : begin + MOVES_A_LINE]) for begin in range(0, len(nodes), MOVES_A_LINE)]
    return "\n".join([f"(;{root}{_carried(record)}{_setup(record)}", *lines]) + ")\n"


def _root(record: GameRecord) -> Iterator[tuple[str, str]]:
    is_hex = record.game == "hex"
    yield from (("GM", "11" if is_hex else "1"), ("FF", "4"), ("CA", "UTF-8"))
    yield "SZ", str(record.parameters.get("board_size", USUAL_HEX if is_hex else LARGEST_BOARD))
    if is_hex and not record.parameters.get("swap", False):
        yield "RU", NO_SWAP
    if "komi" in record.parameters:
        yield "KM", f"{float(record.parameters['komi']):g}"
    for seat, player in zip("BW", record.players, strict=False):
        if player.name is not None:
            yield f"P{seat}", player.name
        if player.title is not None:
            yield f"{seat}R", player.title
        elif player.rating is not None:
            yield f"{seat}R", str(player.rating)
    result = _result(record)
    if result:
        yield "RE", result
    if record.date is not None:
        yield "DT", record.date.replace("-??", "")
    if record.event is not None:
        yield "EV", record.event
    if record.time_control is not None:
        yield "TM", record.time_control
    yield from ((name, value) for name, value in record.tags.items() if _is_property(name))
    if record.comments.get(-1):
        yield "C", record.comments[-1]


def _is_property(name: str) -> bool:
    return PROPERTY.fullmatch(name) is not None and name not in UNTAGGED


def _carried(record: GameRecord) -> str:
    """One private property for the tags that are no properties of SGF."""
    others = {name: value for name, value in record.tags.items() if not _is_property(name)}
    for name in others:
        if not TAG_NAME.fullmatch(name):
            raise RecordsError(f"sgf cannot carry a tag named {name!r:.80}")
    return CARRIED + "".join(f"[{name}:{_escape(value)}]" for name, value in others.items()) if others else ""


def _result(record: GameRecord) -> str:
    """The result as written where SGF's reader understands it the same way, else made from the returns."""
    read = read_hex_result if record.game == "hex" else read_result
    if read(record.result)[0] == record.returns:
        return "" if record.result == "*" else record.result
    if record.returns is None:
        return "?"
    if record.returns[0] == record.returns[1]:
        return "0"
    return ("B+" if record.returns[0] > record.returns[1] else "W+") + ENDS.get(record.termination, "")


def _setup(record: GameRecord) -> str:
    """``AB`` and ``AW`` with their points: their order within a seat is kept, Black's come first."""
    stones = ["".join(f"[{_point(point)}]" for seat, point in record.setup if seat == player) for player in (0, 1)]
    return "".join(f"{name}{points}" for name, points in zip(("AB", "AW"), stones, strict=True) if points)


def _nodes(record: GameRecord) -> Iterator[str]:
    first = 1 if any(seat == 0 for seat, _ in record.setup) else 0
    for index, move in enumerate(record.moves):
        seat = record.movers[index] if record.movers is not None else (first + index) % 2
        clock = record.clocks[index] if record.clocks is not None else None
        left = f"{'BW'[seat]}L[{clock:g}]" if clock is not None else ""
        comment = record.comments.get(index)
        text = _cell(move) if record.game == "hex" else _point(move)
        yield f";{'BW'[seat]}[{text}]{left}" + (f"C[{_escape(comment)}]" if comment else "")


def _point(text: str) -> str:
    if not POINT.fullmatch(text):
        raise RecordsError(f"sgf cannot carry the move {text!r:.80}")
    return text


def _cell(text: str) -> str:
    if text != "swap" and not CELL.fullmatch(text):
        raise RecordsError(f"sgf cannot carry the move {text!r:.80}")
    return "swap-pieces" if text == "swap" else text


def _escape(value: str) -> str:
    return " ".join(value.split()).replace("\\", "\\\\").replace("]", "\\]")
