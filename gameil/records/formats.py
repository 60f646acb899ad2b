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
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from gameil.errors import RecordsError
from gameil.records.record import GameRecord, Provenance, RawRecord, RecordError
from gameil.records.sources import NUMPY_ARCHIVE, Source, open_sources


@dataclass(frozen=True)
class Format:
    """One way of writing games down. Its functions are ``module:function``, imported when first used."""

    name: str
    extensions: tuple[str, ...]
    content: re.Pattern[bytes]
    """What the first bytes of such a file look like; of text, byte order mark and white space are left out."""
    splitter: str
    """``(Source) -> Iterator[RawRecord | RecordError]``: cheap, streaming, in flat memory."""
    parser: str
    """``(RawRecord) -> GameRecord | RecordError``: one outcome a raw record, whatever its bytes; never raises."""
    writer: str | None
    """``(GameRecord) -> str``: the text of one record, with its line end; None where records are only read."""
    packer: str | None = None
    """``(file, records) -> number of records``: writes a whole binary file, in place of ``writer``."""
    binary: bool = False
    """Files are no text: control bytes are expected in them."""


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


register_format(
    Format(
        "pgn",
        (".pgn",),
        re.compile(rb"\[[A-Za-z]\w*[ \t]*\"|%|[;{]|1\s*\.\s*[A-Za-z]"),
        splitter="gameil.records.pgn_reader:split_pgn",
        parser="gameil.records.pgn_reader:parse_pgn",
        writer="gameil.records.pgn_writer:format_pgn",
    )
)
register_format(
    Format(
        "sgf",
        (".sgf",),
        re.compile(rb"\(\s*;"),
        splitter="gameil.records.sgf_reader:split_sgf",
        parser="gameil.records.sgf_reader:parse_sgf",
        writer="gameil.records.sgf_writer:format_sgf",
    )
)
register_format(
    Format(
        "jsonl",
        (".jsonl", ".ndjson"),
        re.compile(rb"\{\s*\""),
        splitter="gameil.records.jsonl_reader:split_jsonl",
        parser="gameil.records.jsonl_reader:parse_jsonl",
        writer="gameil.records.jsonl_writer:format_jsonl",
    )
)

register_format(
    Format(
        "wthor",
        (".wtb",),
        # Century, year, month and day; games, no names; year played; board size, kind.
        re.compile(
            rb"[\x13\x14][\x00-\x63][\x01-\x0c][\x01-\x1f].{4}\x00\x00.[\x07\x08][\x00-\x0a][\x00\x01]", re.DOTALL
        ),
        splitter="gameil.records.wthor_reader:split_wthor",
        parser="gameil.records.wthor_reader:parse_wthor",
        writer=None,
        binary=True,
    )
)
register_format(
    Format(
        "mat",
        (".mat",),
        # Looked at before PGN, whose comments start with a semicolon too.
        re.compile(rb"(?:;[^\n]*+\n\s*+)*+\d{1,9}[ \t]+points?[ \t]+match"),
        splitter="gameil.records.backgammon_reader:split_match",
        parser="gameil.records.backgammon_reader:parse_match_game",
        writer="gameil.records.backgammon_writer:format_match",
    )
)
register_format(
    Format(
        "othello",
        (".pgn",),
        # Tags as in PGN; a square in capitals where chess would have its first move, or the name of the game.
        re.compile(
            rb"(?:\[[^\n]*+\n\s*+)*+1\s*\.\s*[A-H][1-8]\s"
            rb"|(?:\[(?!Game|Variant)[^\n]*+\n\s*+)*+\[(?:Game|Variant)\s+\"(?i:othello|reversi)"
        ),
        splitter="gameil.records.othello_reader:split_othello",
        parser="gameil.records.othello_reader:parse_othello",
        writer="gameil.records.othello_writer:format_othello",
    )
)
register_format(
    Format(
        "othello-transcripts",
        (),
        re.compile(rb"(?:[A-Ha-h][1-8][ \t]*+){4}"),
        splitter="gameil.records.othello_reader:split_transcripts",
        parser="gameil.records.othello_reader:parse_transcript",
        writer=None,
    )
)
register_format(
    Format(
        "usi",
        (".usi", ".sfen"),
        re.compile(rb"(?:position[ \t]+)?(?:startpos|sfen[ \t]+[1-9A-Za-z+]+/)"),
        splitter="gameil.records.usi_reader:split_usi",
        parser="gameil.records.usi_reader:parse_usi",
        writer="gameil.records.usi_writer:format_usi",
    )
)
register_format(
    Format(
        "kif",
        (".kif", ".kifu"),
        # In UTF-8 or Shift_JIS: the words for start, handicap, event, players, or the line above the moves.
        re.compile(
            rb"#KIF|(?:#[^\n]*+\n\s*+)*+(?:"
            + b"|".join(
                re.escape(word.encode(charset))
                for word in ("開始日時：", "手合割：", "棋戦：", "先手：", "下手：", "手数--")
                for charset in ("utf-8", "cp932")
            )
            + rb")"
        ),
        splitter="gameil.records.kif_reader:split_kif",
        parser="gameil.records.kif_reader:parse_kif",
        writer="gameil.records.kif_writer:format_kif",
    )
)
register_format(
    Format(
        "npz",
        (".npz",),
        NUMPY_ARCHIVE,
        splitter="gameil.records.trajectories_reader:split_trajectories",
        parser="gameil.records.trajectories_reader:parse_trajectory",
        writer=None,
        packer="gameil.records.trajectories_writer:pack_trajectories",
        binary=True,
    )
)
register_format(
    Format(
        "hex-text",
        (),
        re.compile(rb"(?:White|Black) (?:places [a-z]\d|swaps|resigns)"),
        splitter="gameil.records.hex_text_reader:split_hex_text",
        parser="gameil.records.hex_text_reader:parse_hex_text",
        writer=None,
    )
)

ENTRY_POINTS = "gameil.formats"
"""Each entry point of this group is a ``Format``."""
GAME_FORMATS = {"chess": "pgn", "go": "sgf", "othello": "othello", "hex": "sgf"}
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


def split_records(path: Path, format: str | None = None, skip: int = 0) -> Iterator[RawRecord | RecordError]:
    """What ``read_records`` streams, cut out but not parsed: one item for each of its items."""
    if format is not None:
        find_format(format)
    yield from itertools.islice(_split(path, format), skip, None)


def parse_record(raw: RawRecord) -> GameRecord | RecordError:
    """Parses what ``split_records`` cut out."""
    parsed: GameRecord | RecordError = load_function(find_format(raw.format).parser)(raw)
    return parsed


def _split(path: Path, format: str | None) -> Iterator[RawRecord | RecordError]:
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
