"""Formats by name, told by extension or content, read and written."""

import importlib
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.errors import RecordsError
from gameil.records.record import GameRecord, Provenance, RecordError
from gameil.records.sources import Source, open_sources


@dataclass(frozen=True)
class Format:
    """One way of writing games down. Reader and writer are ``module:function``, imported when first used."""

    name: str
    extensions: tuple[str, ...]
    content: re.Pattern[bytes]
    """What the first bytes of such a file look like, byte order mark and white space left out."""
    reader: str
    """``(Source) -> Iterator[GameRecord | RecordError]``."""
    writer: str
    """``(GameRecord) -> str``: the text of one record, with its line end."""


FORMATS: dict[str, Format] = {}


def register_format(added: Format) -> None:
    """Adds a format. Raises ``RecordsError`` where the name or an extension is taken."""
    for known in FORMATS.values():
        clash = {added.name, *added.extensions} & {known.name, *known.extensions}
        if clash:
            raise RecordsError(f"format {added.name}: {', '.join(sorted(clash))} is already taken by {known.name}")
    FORMATS[added.name] = added


register_format(
    Format(
        "pgn",
        (".pgn",),
        re.compile(rb"\[[A-Za-z]\w*[ \t]*\"|%|[;{]|1\s*\.\s*[A-Za-z]"),
        "gameil.records.pgn_reader:read_pgn",
        "gameil.records.pgn_writer:format_pgn",
    )
)
register_format(
    Format(
        "sgf",
        (".sgf",),
        re.compile(rb"\(\s*;"),
        "gameil.records.sgf_reader:read_sgf",
        "gameil.records.sgf_writer:format_sgf",
    )
)
register_format(
    Format(
        "jsonl",
        (".jsonl", ".ndjson"),
        re.compile(rb"\{\s*\""),
        "gameil.records.jsonl_reader:read_jsonl",
        "gameil.records.jsonl_writer:format_jsonl",
    )
)

GAME_FORMATS = {"chess": "pgn", "go": "sgf"}
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text of records holds."""
PACKED = re.compile(r"\.(?:zst|gz|bz2|xz)$", re.IGNORECASE)


def record_format(game_name: str) -> str:
    """The format that games of this name are written in: PGN, SGF, or JSON lines for all others."""
    return GAME_FORMATS.get(game_name, "jsonl")


def read_records(path: Path, format: str | None = None, skip: int = 0) -> Iterator[GameRecord | RecordError]:
    """Streams the games of a file or archive in order; bad games are values in their places.

    Args:
        path: plain or compressed file, or an archive; told by content.
        format: name of the format, None to tell by extension, then content.
        skip: records and errors to leave out at the start (already committed by a run that was interrupted).

    Raises:
        RecordsError: nothing in ``path`` can be read at all (missing, directory, empty, binary, unknown format).
    """
    if format is not None and format not in FORMATS:
        raise RecordsError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    yield from itertools.islice(_read(path, format), skip, None)


def _read(path: Path, format: str | None) -> Iterator[GameRecord | RecordError]:
    is_single = True
    for source in open_sources(path):
        is_single = is_single and source.name == str(path)
        if source.broken is not None and not source.peek(1):
            if source.name == str(path) and is_single:
                raise RecordsError(f"{path}: {source.broken}")
            yield RecordError(Provenance(source.name, 0), "truncated", source.broken)
            continue
        name, reason = (format, "") if format else _detect(source)
        if name is None and is_single:
            raise RecordsError(f"{path}: {reason}")
        if name is None:
            yield RecordError(Provenance(source.name, 0), "unknown format", reason)
            continue
        yield from _load(FORMATS[name].reader)(source)


def _detect(source: Source) -> tuple[str | None, str]:
    """The name of the source's format, or None and the reason why it is unknown."""
    head = source.peek()
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, "is UTF-16 text; convert it to UTF-8 first"
    if BINARY.search(head[:4096]):
        return None, "is binary data, not records as text"
    extension = Path(PACKED.sub("", source.name)).suffix.lower()
    for format in FORMATS.values():
        if extension in format.extensions:
            return format.name, ""
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    for format in FORMATS.values():
        if format.content.match(text):
            return format.name, ""
    return None, f"is of no known format ({', '.join(FORMATS)})"


def _load(place: str) -> Callable[..., Any]:
    module, _, function = place.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded


def format_record(record: GameRecord, format: str) -> str:
    """The text of one record, line end included. Raises ``RecordsError`` where the format cannot carry it."""
    if format not in FORMATS:
        raise RecordsError(f"unknown format {format!r}; known are {', '.join(FORMATS)}")
    text: str = _load(FORMATS[format].writer)(record)
    return text


def write_records(path: Path, records: Iterable[GameRecord]) -> int:
    """Writes records in the format of the path's extension; returns how many.

    The whole file is written to a temporary name, flushed to disk and renamed: it is there whole or not at all.
    """
    format = next((known for known in FORMATS.values() if path.suffix.lower() in known.extensions), None)
    if format is None:
        known = ", ".join(extension for known in FORMATS.values() for extension in known.extensions)
        raise RecordsError(f"{path}: cannot tell the format from {path.suffix!r}; known extensions are {known}")
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    count = 0
    try:
        with temporary.open("w", encoding="utf-8", newline="\n") as file:
            for record in records:
                file.write(format_record(record, format.name))
                count += 1
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        raise RecordsError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
    return count
