"""Formats of other packages, formats that are only read, binary formats, and splitting apart from parsing."""

import re
from collections.abc import Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from gameil.errors import RecordsError
from gameil.records import formats
from gameil.records.formats import (
    FORMATS,
    Format,
    format_record,
    parse_record,
    read_records,
    split_records,
    write_records,
)
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import Window, raw_error

PGN = '[Event "{}"]\n\n1. e4 e5 2. Nf3 1-0\n\n'


def split_pairs(source: Source) -> Iterator[RawRecord]:
    """The splitter of a made-up binary format: two bytes a record behind a header of four."""
    window = Window(source)
    while not window.ended:
        window.extend()
    for place in range(4, len(window.data), 2):
        yield RawRecord(
            "pairs", window.data[place : place + 2], window.at(place), {"header": window.data[1:4].decode()}
        )


def parse_pairs(raw: RawRecord) -> GameRecord | RecordError:
    if len(raw.data) < 2:
        return raw_error(raw, "truncated", "half a record")
    moves = tuple(str(byte) for byte in raw.data)
    return GameRecord("tic_tac_toe", "action", moves, raw.source, event=raw.context["header"])


PAIRS = Format(
    "pairs",
    (".pairs",),
    re.compile(rb"\x00BIN"),
    f"{__name__}:split_pairs",
    f"{__name__}:parse_pairs",
    None,
    binary=True,
)
NOT_A_FORMAT = "pairs"


@pytest.fixture
def entry_point(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[EntryPoint]]:
    """Other packages' entry points, as if installed; formats are as before afterwards."""
    points: list[EntryPoint] = []
    monkeypatch.setattr(
        formats.importlib.metadata, "entry_points", lambda *, group: points if group == "gameil.formats" else ()
    )
    monkeypatch.setattr(formats, "FORMATS", dict(FORMATS))
    formats._add_entry_points.cache_clear()
    yield points
    formats._add_entry_points.cache_clear()


def test_another_package_adds_a_binary_format(tmp_path: Path, entry_point: list[EntryPoint]) -> None:
    entry_point.append(EntryPoint("pairs", f"{__name__}:PAIRS", "gameil.formats"))
    for name in ("games.pairs", "games.dat"):
        path = tmp_path / name
        path.write_bytes(b"\x00BIN" + bytes([0, 1, 8, 3, 4]))
        first, second, last = read_records(path)
        assert isinstance(first, GameRecord)
        assert isinstance(second, GameRecord)
        assert (first.moves, second.moves, second.source.offset, first.event) == (("0", "1"), ("8", "3"), 6, "BIN")
        assert isinstance(last, RecordError)
        assert (last.reason, last.source.offset) == ("truncated", 8)
    with pytest.raises(RecordsError, match="pairs is only read"):
        format_record(first, "pairs")
    with pytest.raises(RecordsError, match=r"'\.pairs'; known extensions are .*\.pgn"):
        write_records(tmp_path / "out.pairs", [first])


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("tests.no_such:X", r"format mine \(tests.no_such:X\) cannot be loaded: No module named"),
        (f"{__name__}:NOT_A_FORMAT", "NOT_A_FORMAT is a str, not a Format"),
        ("gameil.records.formats:TAKEN", r"format mine .* cannot be loaded"),
    ],
)
def test_an_entry_point_that_is_no_format_is_one_line(
    tmp_path: Path, entry_point: list[EntryPoint], value: str, message: str
) -> None:
    path = tmp_path / "games.pgn"
    path.write_text(PGN)
    entry_point.append(EntryPoint("mine", value, "gameil.formats"))
    with pytest.raises(RecordsError, match=message) as caught:
        list(read_records(path))
    assert "\n" not in str(caught.value)


def test_without_its_format_a_binary_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "games.pairs"
    path.write_bytes(b"\x00BIN" + bytes(range(8)))
    with pytest.raises(RecordsError, match="is binary data"):
        list(read_records(path))


@pytest.mark.parametrize(
    "further", ["1. d4 d5 1/2-1/2", "{ and } 1. d4 *", "; x\n1 . d4 0-1", "\n\n1.d4 d5 {1-0 1. e4} *"]
)
def test_splitting_gives_one_raw_record_for_each_record(tmp_path: Path, further: str) -> None:
    """Games without tags behind another's result are found by the splitter, wherever blocks end."""
    text = PGN.format("a") + PGN.format("b").strip() + f" {further} 1. c4 c5 1-0\n\n" + PGN.format("c")
    path = tmp_path / "games.pgn"
    path.write_text(text)
    raws = list(split_records(path))
    assert all(isinstance(raw, RawRecord) for raw in raws)
    records = [parse_record(raw) for raw in raws if isinstance(raw, RawRecord)]
    assert records == list(read_records(path))
    assert [record.moves[0] for record in records if isinstance(record, GameRecord)] == ["e4", "e4", "d4", "c4", "e4"]
    data = text.encode()
    assert b"".join(raw.data for raw in raws if isinstance(raw, RawRecord)) == data
    assert all(data[raw.source.offset :].startswith(raw.data) for raw in raws)
    assert list(split_records(path, skip=2)) == raws[2:]


def parse_never(raw: RawRecord) -> GameRecord:
    """A parser with a fault."""
    raise IndexError(f"{len(raw.data)} bytes\nare too many")


def test_a_parser_that_raises_spoils_one_record_only(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    faulty = replace(FORMATS["pgn"], parser=f"{__name__}:parse_never")
    monkeypatch.setitem(FORMATS, "pgn", faulty)
    path = tmp_path / "games.pgn"
    path.write_text(PGN.format("a") + PGN.format("b"))
    first, second = read_records(path)
    assert isinstance(first, RecordError)
    assert isinstance(second, RecordError)
    assert first.reason == "reader failed"
    assert first.detail == r"the reader of pgn raised IndexError: 34 bytes\nare too many"
    assert first.excerpt.startswith('[Event "a"]')
