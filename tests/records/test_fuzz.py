"""Readers never raise, always end, and point into the file, whatever bytes they are given."""

import bz2
import gzip
import io
import lzma
import tarfile

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord, RecordError
from gameil.records.sources import open_sources
from tests.records.reading import read
from tests.records.strategies import RECORDS, almost


def check(records: list[GameRecord | RecordError], data: bytes) -> None:
    offsets = [record.source.offset for record in records]
    assert offsets == sorted(offsets)
    assert records, "something must be said about any file"
    for record in records:
        assert 0 <= record.source.offset <= len(data)
        if isinstance(record, RecordError):
            assert record.reason
            assert record.detail.isprintable()
            assert len(record.excerpt) <= 200
            assert record.excerpt.isprintable()
        else:
            assert record.moves
            assert record.clocks is None or len(record.clocks) == len(record.moves)
            assert record.movers is None or len(record.movers) == len(record.moves)
            assert all(-1 <= index < len(record.moves) for index in record.comments)


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=50)
@given(data=st.binary(max_size=400))
def test_any_bytes(format: str, data: bytes) -> None:
    check(read(format, data), data)


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=120)
@given(choice=st.data())
def test_bytes_that_look_almost_like_records(format: str, choice: st.DataObject) -> None:
    data = choice.draw(almost(format))
    whole = read(format, data)
    check(whole, data)
    drip = choice.draw(st.integers(1, 40))
    assert read(format, data, drip=drip) == whole


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=25)
@given(choice=st.data())
def test_mutated_records(format: str, choice: st.DataObject) -> None:
    record = choice.draw(RECORDS[format])
    data = bytearray(format_record(record, format).encode() * 2)
    for _ in range(choice.draw(st.integers(1, 4))):
        begin = choice.draw(st.integers(0, len(data)))
        end = choice.draw(st.integers(begin, min(len(data), begin + 30)))
        data[begin:end] = choice.draw(st.binary(max_size=4))
    check(read(format, bytes(data)), bytes(data))


@pytest.mark.parametrize(
    ("format", "unit"),
    [
        *[
            ("pgn", unit)
            for unit in ("(", "{", "[", '["', "1.", "1-0 ", "e4", "\n[", "%\n", "\\", '[A "', " ", "$", "0-")
        ],
        *[("sgf", unit) for unit in ("(", "(;", "[", "\\", ";", "B[", "B[aa]", "];", "(;B[aa", "A[a]", " ", ")")],
        *[("jsonl", unit) for unit in ("[", "{", '"', "\n", '{"a":', "1", "\\")],
    ],
)
def test_repetition_takes_linear_time(format: str, unit: str) -> None:
    """A quadratic pattern would need minutes for this; pytest's own time limit would then end it."""
    data = unit.encode() * (150_000 // len(unit))
    check(read(format, data), data)
    check(read(format, data + b'\n[Event "x"]\n\n1. e4 *\n(;B[aa])'), data + b" " * 40)


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstandard.compress, None])
@settings(max_examples=40)
@given(choice=st.data())
def test_damaged_files_never_raise_anything_but_records_errors(
    tmp_path_factory: pytest.TempPathFactory, pack: object, choice: st.DataObject
) -> None:
    text = b'[Event "x"]\n\n1. e4 e5 1-0\n\n' * 40
    data = bytearray(pack(text) if callable(pack) else _tar(text))
    for _ in range(choice.draw(st.integers(0, 5))):
        data[choice.draw(st.integers(0, len(data) - 1))] = choice.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("fuzz") / "games.bin"
    path.write_bytes(data[: choice.draw(st.integers(0, len(data)))])
    records, refusal = [], None
    try:
        records = list(read_records(path))
    except RecordsError as error:
        refusal = str(error)
    assert all(isinstance(record, (GameRecord, RecordError)) for record in records)
    assert refusal is None or (str(path) in refusal and "\n" not in refusal)


def _tar(text: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for name in ("a.pgn", "b.pgn"):
            member = tarfile.TarInfo(name)
            member.size = len(text)
            archive.addfile(member, io.BytesIO(text))
    return buffer.getvalue()


@settings(max_examples=60)
@given(data=st.binary(max_size=2000))
def test_any_file(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.mktemp("fuzz") / "file"
    path.write_bytes(data)
    refusal = None
    try:
        for source in open_sources(path):
            while source.read(100):
                pass
    except RecordsError as error:
        refusal = str(error)
    assert refusal is None or str(path) in refusal
