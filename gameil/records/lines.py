"""Cuts a source into lines, one raw record each, in flat memory: for formats that hold a game a line."""

from collections.abc import Iterator

from gameil.records.record import RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import Window


def split_lines(source: Source, format: str, most_bytes: int) -> Iterator[RawRecord | RecordError]:
    """Yields the lines, unparsed; blank ones are passed over, longer ones than ``most_bytes`` are errors."""
    window = Window(source)
    start = 0
    found = 0
    while True:
        end = window.data.find(b"\n", start)
        if end < 0 and not window.ended:
            window.drop(start)
            start = 0
            if len(window.data) > most_bytes:
                found += 1
                yield window.error(0, "too large", f"a line of more than {most_bytes} bytes")
                _skip_line(window)
            window.extend()
            continue
        cut = end < 0
        end = len(window.data) if cut else end
        if cut and source.broken is not None:
            yield RecordError(window.at(start), "truncated", source.broken)
            return
        line = window.data[start:end]
        if line.strip():
            found += 1
            yield RawRecord(format, line, window.at(start))
        if cut:
            break
        start = end + 1
    if not found:
        yield window.error(0, "no records", "no line holds a record")


def _skip_line(window: Window) -> None:
    while True:
        end = window.data.find(b"\n")
        if end >= 0:
            window.drop(end + 1)
            return
        window.drop(len(window.data))
        if window.ended:
            return
        window.extend()
