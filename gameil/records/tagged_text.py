"""Games that stand in a file as those of PGN do, tags first and then moves: what their formats have in common."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace

from gameil.errors import RecordsError
from gameil.records.pgn_reader import split_pgn
from gameil.records.pgn_tags import UNSTATED, read_tags
from gameil.records.pgn_writer import TAG_NAME, TERMINATIONS
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source

SECTION = re.compile(r"(?>\s*+\[[^\n]*+(?:\n|\Z))*+")


def split_tagged(source: Source, format: str) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a stream in order, unparsed, as raw records of ``format``."""
    for raw in split_pgn(source):
        yield replace(raw, format=format) if isinstance(raw, RawRecord) else raw


def read_tagged(raw: RawRecord, tolerances: list[str]) -> tuple[dict[str, str], str]:
    """The tags of a game and the text behind them; adds to ``tolerances``."""
    try:
        text = raw.data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.data.decode("latin-1")
        tolerances.append("latin-1")
    section = SECTION.match(text)
    moves_begin = section.end() if section else 0
    return read_tags(text[:moves_begin], tolerances), text[moves_begin:]


def further_tags(
    record: GameRecord, seats: tuple[str, str], *, rating: str, own: Collection[str], format: str
) -> Iterator[tuple[str, str]]:
    """The tags behind a format's own first ones: ratings, titles, time control, termination, all others.

    Args:
        seats: names of the seats in tags.
        rating: what stands behind the seat in the name of its rating's tag.
        own: names of tags that stand for fields of a record, or that the reader refuses.
        format: named in the error.

    Raises ``RecordsError`` for a tag whose name the format cannot carry.
    """
    for seat, player in zip(seats, record.players, strict=False):
        if player.rating is not None:
            yield f"{seat}{rating}", str(player.rating)
        if player.title is not None:
            yield f"{seat}Title", player.title
    if record.time_control is not None:
        yield "TimeControl", record.time_control
    if record.termination in TERMINATIONS:
        yield "Termination", TERMINATIONS[record.termination]
    for name, value in record.tags.items():
        if not TAG_NAME.fullmatch(name) or name in own:
            raise RecordsError(f"{format} cannot carry a tag named {name!r:.80}")
        if value not in UNSTATED:
            yield name, value
