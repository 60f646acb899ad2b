"""Formats by name, told by extension or content, read and written.

Reading is split in two: a format's splitter cuts a source into raw records, its parser reads one of them, in any
process. Other packages add formats through the entry point group ``gameil.formats``; docs/adding-a-format.md.
"""

import importlib
import importlib.metadata
import itertools
import os
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any

from gameil.errors import RecordsError
from gameil.records.built_in_formats import BUILT_IN
from gameil.records.built_in_formats import Format as Format
from gameil.records.record import GameRecord, Provenance, RawRecord, RecordError
from gameil.records.sources import Source, open_sources
from gameil.records.window import excerpt

FORMATS: dict[str, Format] = {}


def register_format(added: Format) -> None:
    """Adds a format. Raises ``RecordsError`` where its name is taken, or an extension and one of the two is binary.

    Texts may share an extension: content tells them apart, that of the format added last is looked at first, and what
    fits none of them is of the format that had the extension first.
    """
    for known in FORMATS.values():
        clash = set(added.extensions) & set(known.extensions) if added.binary or known.binary else set()
        clash |= {added.name} & {known.name}
        if clash:
            raise RecordsError(f"format {added.name}: {', '.join(sorted(clash))} is already taken by {known.name}")
    FORMATS[added.name] = added


for _format in BUILT_IN:
    register_format(_format)

ENTRY_POINTS = "gameil.formats"
"""Each entry point of this group is a ``Format``."""
GAME_FORMATS = {"chess": "pgn", "go": "sgf", "othello": "othello", "hex": "sgf", "checkers": "pdn"}
BINARY = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
"""Bytes that no text of records holds."""
PACKED = re.compile(r"\.(?:zst|gz|bz2|xz)$", re.IGNORECASE)


def record_format(game_name: str) -> str:
    """The format that games of this name are written in: JSON lines where there is none of their own."""
    return GAME_FORMATS.get(game_name, "jsonl")


def record_extension(game_name: str) -> str:
    """The extension of files of games of this name, with its dot."""
    return FORMATS[record_format(game_name)].extensions[0]


def known_formats() -> dict[str, Format]:
    """``FORMATS``, with those of other packages. Raises ``RecordsError`` where one of these cannot be added."""
    _add_entry_points()
    return FORMATS


@lru_cache(maxsize=1)
def _add_entry_points() -> None:
    for point in importlib.metadata.entry_points(group=ENTRY_POINTS):
        try:
            added = point.load()
        except Exception as error:  # another package's code: whatever it raises is told in one line
            raise RecordsError(f"format {point.name} ({point.value}) cannot be loaded: {error}") from error
        if not isinstance(added, Format):
            raise RecordsError(f"format {point.name}: {point.value} is a {type(added).__name__}, not a Format")
        if FORMATS.get(added.name) != added:
            register_format(added)


def find_format(name: str) -> Format:
    """The format of this name. Raises ``RecordsError`` where there is none."""
    formats = known_formats()
    if name not in formats:
        raise RecordsError(f"unknown format {name!r}; known are {', '.join(formats)}")
    return formats[name]


def read_records(path: Path, format: str | None = None, skip: int = 0) -> Iterator[GameRecord | RecordError]:
    """Streams the games of a file or archive in order; bad games are values in their places.

    Args:
        path: plain or compressed file, or an archive; told by content.
        format: name of the format, None to tell by extension, then content.
        skip: records and errors to leave out at the start (already committed by a run that was interrupted).

    Raises:
        RecordsError: nothing in ``path`` can be read at all (missing, directory, empty, binary, unknown format).
    """
    for raw in split_records(path, format, skip):
        yield parse_record(raw) if isinstance(raw, RawRecord) else raw


def split_records(
    path: Path, format: str | None = None, skip: int = 0, watch: Callable[[int], None] = lambda taken: None
) -> Iterator[RawRecord | RecordError]:
    """What ``read_records`` streams, cut out but not parsed: one item for each of its items.

    ``watch`` is told how many bytes of the file were read, to know how far one is.
    """
    if format is not None:
        find_format(format)
    yield from itertools.islice(_split(path, format, watch), skip, None)


def parse_record(raw: RawRecord) -> GameRecord | RecordError:
    """Parses what ``split_records`` cut out. A parser that raises, which none should, makes it an error like others."""
    parse = load_function(find_format(raw.format).parser)
    try:
        parsed: GameRecord | RecordError = parse(raw)
    except Exception as error:  # one game must not end the reading of millions; it is counted, and told in quarantine
        detail = f"the reader of {raw.format} raised {type(error).__name__}: {error}"
        return RecordError(raw.source, "reader failed", detail, excerpt(raw.data))
    return parsed


def _split(path: Path, format: str | None, watch: Callable[[int], None]) -> Iterator[RawRecord | RecordError]:
    is_single = True
    for source in open_sources(path, watch):
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
        yield from load_function(find_format(name).splitter)(source)


def _detect(source: Source) -> tuple[str | None, str]:
    """The name of the source's format, or None and the reason why it is unknown."""
    head = source.peek()
    extension = Path(PACKED.sub("", source.name)).suffix.lower()
    formats = list(known_formats().values())
    for format in formats:
        if format.binary and (extension in format.extensions or format.content.match(head)):
            return format.name, ""
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        return None, "is UTF-16 text; convert it to UTF-8 first"
    if BINARY.search(head[:4096]):
        return None, "is binary data, not records as text"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    named = [format for format in formats if extension in format.extensions]
    texts = named or [format for format in formats if not format.binary]
    fitting = [format for format in texts if format.content.match(text)]
    if fitting or named:
        return fitting[-1].name if fitting else named[0].name, ""
    return None, f"is of no known format ({', '.join(known_formats())})"


@lru_cache(maxsize=256)
def load_function(place: str) -> Callable[..., Any]:
    """The function at ``module:function``."""
    module, _, function = place.partition(":")
    loaded: Callable[..., Any] = getattr(importlib.import_module(module), function)
    return loaded


def format_record(record: GameRecord, format: str) -> str:
    """The text of one record, line end included. Raises ``RecordsError`` where the format cannot carry it."""
    writer = find_format(format).writer
    if writer is None:
        raise RecordsError(f"{format} is only read; records cannot be written in it")
    text: str = load_function(writer)(record)
    return text


def writable_format(path: Path, format: str | None = None, game_name: str | None = None) -> str:
    """The name of the format to write at ``path``: the one given, or the extension's (the game's own of several).

    Raises ``RecordsError`` where there is none, or none that records can be written in.
    """
    writable = [known for known in known_formats().values() if known.writer or known.packer]
    if format is not None:
        if find_format(format) not in writable:
            raise RecordsError(f"{format} is only read; records can be written in {_names(writable)}")
        return format
    named = [known.name for known in writable if path.suffix.lower() in known.extensions]
    if not named:
        known = ", ".join(extension for known in writable for extension in known.extensions)
        raise RecordsError(f"{path}: cannot tell the format from {path.suffix!r}; known extensions are {known}")
    own = record_format(game_name) if game_name is not None else named[0]
    return own if own in named else named[0]


def _names(formats: Iterable[Format]) -> str:
    return ", ".join(known.name for known in formats)


def write_records(path: Path, records: Iterable[GameRecord]) -> int:
    """Writes records in the format of the path's extension, as ``write_texts`` does; returns how many.

    Where several formats have the extension, the first record's game decides.
    """
    left = iter(records)
    first = list(itertools.islice(left, 1))
    format = writable_format(path, game_name=first[0].game if first else None)
    if find_format(format).packer is not None:
        return write_packed(path, itertools.chain(first, left), format)
    return write_texts(path, (format_record(record, format) for record in itertools.chain(first, left)))


def write_packed(path: Path, records: Iterable[GameRecord], format: str) -> int:
    """Writes a whole file of a binary format, there whole or not at all; returns the number of records."""
    packer = find_format(format).packer
    assert packer is not None, format
    with _written_whole(path) as temporary, temporary.open("wb") as file:
        count: int = load_function(packer)(file, records)
        file.flush()
        os.fsync(file.fileno())
    return count


def write_texts(path: Path, texts: Iterable[str]) -> int:
    """Writes texts of records one after the other; returns how many texts.

    The whole file is written to a temporary name, flushed to disk and renamed: it is there whole or not at all.
    """
    count = 0
    with _written_whole(path) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as file:
        for text in texts:
            file.write(text)
            count += 1
        file.flush()
        os.fsync(file.fileno())
    return count


@contextmanager
def _written_whole(path: Path) -> Iterator[Path]:
    """A temporary path beside ``path`` that is renamed to it when all went well."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        temporary.replace(path)
    except OSError as error:
        raise RecordsError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)
