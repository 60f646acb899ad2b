"""Short ways to read text and bytes in the tests of the readers."""

import dataclasses
import io

from gameil.records.formats import find_format, load_function
from gameil.records.record import GameRecord, Provenance, RawRecord, RecordError
from gameil.records.sources import Source

HERE = Provenance("memory", 0)


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as a slow decompressor may: games must not depend on where blocks end."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._size, size) if size is not None and size >= 0 else self._size)


def read(format: str, text: str | bytes, drip: int | None = None) -> list[GameRecord | RecordError]:
    """All records and errors of a text; ``drip``: so many bytes are read at a time."""
    data = text.encode() if isinstance(text, str) else text
    stream = Dripping(data, drip) if drip else io.BytesIO(data)
    raws = load_function(find_format(format).splitter)(Source("memory", stream))
    # Not through ``parse_record``, which hides what a parser raises.
    parse = load_function(find_format(format).parser)
    return [parse(raw) if isinstance(raw, RawRecord) else raw for raw in raws]


def read_one(format: str, text: str | bytes) -> GameRecord:
    """The only record of a text."""
    (record,) = read(format, text)
    assert isinstance(record, GameRecord), record
    return record


def read_error(format: str, text: str | bytes) -> RecordError:
    """The only error of a text."""
    (error,) = read(format, text)
    assert isinstance(error, RecordError), error
    return error


def content(record: GameRecord) -> GameRecord:
    """The record without where it stood and how loosely it was written."""
    return dataclasses.replace(record, source=HERE, tolerances=())
