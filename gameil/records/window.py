"""A sliding window of bytes over a source, with exact offsets: what the readers look for whole games in."""

from gameil.records.record import Provenance, RawRecord, RecordError, printable
from gameil.records.sources import Source

MAX_GAME_BYTES = 4 << 20
"""A single game longer than this is refused (``too large``) and skipped, so that memory stays bounded."""
MAX_EXCERPT = 200
"""Characters of the offending text that an error shows."""


class Window:
    """``data`` holds the source's bytes from ``base`` on; ``extend`` adds a block, ``drop`` forgets the front."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.data = b""
        self.base = 0
        """Offset of ``data[0]`` in the decompressed stream, bytes."""
        self.ended = False

    def extend(self) -> None:
        """Reads one more block, or notes the end."""
        block = self.source.read()
        if block:
            self.data += block
        else:
            self.ended = True

    def drop(self, count: int) -> None:
        """Forgets the first ``count`` bytes."""
        self.data = self.data[count:]
        self.base += count

    def at(self, position: int) -> Provenance:
        """The provenance of ``data[position]``."""
        return Provenance(self.source.name, self.base + position)

    def error(self, position: int, reason: str, detail: str, end: int | None = None) -> RecordError:
        """An error about the game at ``data[position:end]``, with an excerpt of it."""
        return RecordError(
            self.at(position),
            reason,
            detail,
            excerpt(self.data[position : min(end or len(self.data), position + MAX_EXCERPT)]),
        )


def raw_error(raw: RawRecord, reason: str, detail: str) -> RecordError:
    """An error about a whole raw record, with an excerpt of its bytes."""
    return RecordError(raw.source, reason, detail, excerpt(raw.data))


def excerpt(raw: bytes | str) -> str:
    """At most 200 characters of one printable line: control characters and undecodable bytes are escaped."""
    text = raw[:MAX_EXCERPT].decode("utf-8", "backslashreplace") if isinstance(raw, bytes) else raw[:MAX_EXCERPT]
    return printable(text)[:MAX_EXCERPT]
