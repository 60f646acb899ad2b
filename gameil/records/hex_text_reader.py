"""Reads Hex as sentences: ``White places a5.``, ``Black swaps.``, ``White resigns.``

The games are Little Golem's. White moves first, is seat 0 and joins the first row with the last. The size of the board
is not written: 13x13. After a swap, White's stone is gone and Black has one on the mirrored cell.
"""

import re
from collections.abc import Iterator

from gameil.records.record import GameRecord, RawRecord, RecordError, Termination
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, Window, excerpt, raw_error

SIZE = 13
SEATS = {"White": 0, "Black": 1}
ENDS: dict[str, tuple[int, Termination]] = {
    "resigns": (-1, "resignation"),
    "times out": (-1, "time"),
    "forfeits": (-1, "forfeit"),
    "wins": (1, "rules"),
}
"""What it means for the one who does it, and how the game ended."""
LINE = re.compile(r"(White|Black) (?:places ([a-z])([1-9][0-9]?)|(swaps)|(resigns|times out|forfeits|wins))\.?")
GAME_END = re.compile(rb"(?:resigns|times out|forfeits|wins)\.?[ \t\r]*+(?:\n|\Z)")


def split_hex_text(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields games, unparsed: each ends with the line that tells the winner, the last one with the text."""
    window = Window(source)
    begin = 0
    found = False
    while True:
        end = GAME_END.search(window.data, begin)
        # A line at the end of the window may go on behind it.
        if end and (window.ended or end[0].endswith(b"\n")):
            found = True
            yield _cut_out(window, begin, end.end())
            begin = end.end()
            continue
        if window.ended:
            break
        window.drop(begin)
        begin = 0
        if len(window.data) > MAX_GAME_BYTES:
            yield window.error(0, "too large", f"a game of more than {MAX_GAME_BYTES} bytes")
            return
        window.extend()
    if source.broken is not None:
        yield RecordError(window.at(len(window.data)), "truncated", source.broken)
    elif window.data[begin:].strip():
        yield _cut_out(window, begin, len(window.data))
    elif not found:
        yield window.error(0, "no records", "no line of a game")


def _cut_out(window: Window, begin: int, end: int) -> RawRecord:
    """A game without the blank lines before it."""
    data = window.data[begin:end].lstrip()
    return RawRecord("hex-text", data, window.at(end - len(data)))


def parse_hex_text(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game."""
    moves: list[str] = []
    returns: tuple[float, float] | None = None
    result = "*"
    termination: Termination = "unknown"
    for line in raw.data.decode("utf-8", "replace").splitlines():
        text = line.strip()
        if not text:
            continue
        match = LINE.fullmatch(text)
        if match is None or returns is not None:
            return raw_error(raw, "syntax", f"after {len(moves)} moves: {excerpt(text)!r} is no line of a game of Hex")
        who, column, row, swaps, ending = match.groups()
        if ending is not None:
            sign, termination = ENDS[ending]
            value = float(sign if SEATS[who] == 0 else -sign)
            returns, result = (value, 0.0 - value), text.removesuffix(".")
            continue
        if SEATS[who] != len(moves) % 2:
            return raw_error(raw, "out of turn", f"move {len(moves) + 1}: {who} moves again")
        if column is not None and (column > "m" or int(row) > SIZE):
            return raw_error(raw, "off board", f"move {len(moves) + 1}: {column}{row} is no cell of a 13x13 board")
        moves.append("swap" if swaps else f"{column}{row}")
    if not moves:
        return raw_error(raw, "no moves", "a game without moves")
    return GameRecord(
        game="hex",
        notation="action",
        moves=tuple(moves),
        source=raw.source,
        parameters={"board_size": SIZE, "swap": True},
        returns=returns,
        result=result,
        termination=termination,
    )
