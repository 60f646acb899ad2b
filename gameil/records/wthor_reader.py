"""Reads WTHOR, the binary archive of tournament Othello of the French federation: a header and 68 bytes a game.

Format: <https://www.ffothello.org/wthor/Format_WThor.pdf>. Numbers are little-endian. Names of players and tournaments
stand in two other files, ``WTHOR.JOU`` and ``WTHOR.TRN``, looked for beside the games. Passes are not written.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence

from gameil.records.record import GameRecord, PlayerInfo, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import Window, excerpt

HEADER = struct.Struct("<4BIHH4B")
"""Century, year, month, day of making; games; entries (names only); year played; board size; kind; depth; nothing."""
GAME = struct.Struct("<HHHBB60s")
"""Tournament, black, white; black's discs, at best play from ``depth`` empty squares on; moves."""
MOST_NAMES = 1 << 16
"""Players and tournaments are numbered with two bytes."""
PLAYER_BYTES, TOURNAMENT_BYTES = 20, 26
"""Bytes a name, filled up with zeros."""
SQUARES = 64
NAMES = ("event", "black", "white")
"""Keys of a record's context that hold names; missing where the name is unknown."""


def split_wthor(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a ``.wtb`` stream in order, each with its header's facts and its names as context."""
    window = Window(source)
    while len(window.data) < HEADER.size and not window.ended:
        window.extend()
    if len(window.data) < HEADER.size:
        why = source.broken or f"a header has {HEADER.size} bytes, these are {len(window.data)}"
        yield window.error(0, "truncated", why)
        return
    *_, number, _, year, size, kind, depth, _ = HEADER.unpack_from(window.data)
    refused = _refusal(size, kind)
    if refused is not None:
        yield window.error(0, *refused, HEADER.size)
        return
    tournaments = _names(source.beside("WTHOR.TRN", HEADER.size + MOST_NAMES * TOURNAMENT_BYTES), TOURNAMENT_BYTES)
    players = _names(source.beside("WTHOR.JOU", HEADER.size + MOST_NAMES * PLAYER_BYTES), PLAYER_BYTES)
    facts = {"year": str(year), "depth": str(depth)}
    start = HEADER.size
    for done in range(number):
        while len(window.data) - start < GAME.size and not window.ended:
            window.drop(start)
            start = 0
            window.extend()
        if len(window.data) - start < GAME.size:
            missing = f"the header says {number:,} games, after {done:,} only {len(window.data) - start} bytes are left"
            yield window.error(start, "truncated", source.broken or missing)
            return
        data = window.data[start : start + GAME.size]
        named = zip(NAMES, (tournaments, players, players), GAME.unpack(data)[:3], strict=True)
        names = {key: known[index] for key, known, index in named if index < len(known) and known[index]}
        yield RawRecord("wthor", data, window.at(start), facts | names)
        start += GAME.size
    if not window.data[start:]:
        window.extend()
    if window.data[start:]:
        yield window.error(start, "extra data", f"more bytes than the {number:,} games that the header says", start)
    elif not number:
        yield window.error(0, "no records", "the header says 0 games")


def _refusal(size: int, kind: int) -> tuple[str, str] | None:
    """Reason and detail for a file whose games are not played by the usual rules."""
    if size not in (0, 8):  # 0: written before the format knew other boards
        return "board size", f"games on a {size}x{size} board: only 8x8 is known"
    return ("variant", f"kind {kind} of WTHOR file: only 0, games between two players, is known") if kind else None


def _names(data: bytes | None, width: int) -> Sequence[str | None]:
    """The names of a companion file by number; None for those that say nobody."""
    rows = range(HEADER.size, len(data or b"") - width + 1, width)
    cut = ((data or b"")[row : row + width].partition(b"\0")[0] for row in rows)
    names = (" ".join(raw.decode("latin-1").split()) for raw in cut)
    return [name if name.strip("? ") else None for name in names]


def parse_wthor(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game: moves as ``f5``, the result as discs of Black and White, the year as date."""
    _, _, _, discs, best, squares = GAME.unpack(raw.data)
    squares = squares.rstrip(b"\0")
    if not squares:
        return RecordError(raw.source, "no moves", "a game without moves")
    if discs > SQUARES:
        return RecordError(raw.source, "result", f"black has {discs} discs on a board of {SQUARES} squares")
    moves = tuple(map(_SQUARES.get, squares))
    if None in moves:
        index = moves.index(None)
        detail = f"move {index + 1} is {squares[index]}, which is no square: 10 * row + column, each from 1 to 8"
        return RecordError(raw.source, "off board", detail, excerpt(squares.hex(" ")))
    context = raw.context
    players = (PlayerInfo(context.get("black")), PlayerInfo(context.get("white")))
    year = int(context["year"])
    return GameRecord(
        game="othello",
        notation="othello",
        moves=tuple(move for move in moves if move),
        source=raw.source,
        players=players if players != (PlayerInfo(), PlayerInfo()) else (),
        returns=_sign(2 * discs - SQUARES),
        result=f"{discs}-{SQUARES - discs}",
        date=f"{year:04d}-??-??" if year else None,
        event=context.get("event"),
        tags=_tags(context, best),
        tolerances=() if all(name in context for name in NAMES) else ("name missing",),
    )


def _sign(difference: int) -> tuple[float, float]:
    value = float((difference > 0) - (difference < 0))
    return value, 0.0 - value


def _tags(context: Mapping[str, str], best: int) -> dict[str, str]:
    """What best play from ``depth`` empty squares on would have made; nothing where it was not computed."""
    return {"TheoreticalScore": str(best), "Depth": context["depth"]} if context["depth"] != "0" else {}


_SQUARES = {10 * row + column: f"{'abcdefgh'[column - 1]}{row}" for row in range(1, 9) for column in range(1, 9)}
