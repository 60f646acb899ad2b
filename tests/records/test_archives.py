"""Archives whose names, sizes and headers are hostile: flat memory, no recursion, one clear line."""

import gzip
import io
import tarfile
import tracemalloc
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.records.archives import MAX_HEADER, tar_members
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, RecordError

GAME = b'[Event "x"]\n\n1. e4 e5 1-0\n\n'
FORMATS = {"ustar": tarfile.USTAR_FORMAT, "gnu": tarfile.GNU_FORMAT, "pax": tarfile.PAX_FORMAT}
FILE = tarfile.REGTYPE


def header(kind: bytes, size: int, name: str = "a.pgn") -> bytes:
    member = tarfile.TarInfo(name)
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def entry(kind: bytes, data: bytes, name: str = "a.pgn") -> bytes:
    return header(kind, len(data), name) + data + bytes(-len(data) % 512)


def read(path: Path, data: bytes) -> list[GameRecord | RecordError]:
    path.write_bytes(data)
    return list(read_records(path))


def peak_of(action: Callable[[], object]) -> int:
    """Most bytes that Python held at a time."""
    tracemalloc.start()
    try:
        action()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def packed_letters(before: bytes, letters: int) -> bytes:
    """A gzip file of ``before`` and so many letters, made in little memory."""
    packer = zlib.compressobj(1, wbits=31)
    parts = [packer.compress(before), *(packer.compress(b"a" * (1 << 20)) for _ in range(letters >> 20))]
    return b"".join(parts) + packer.flush()


@pytest.mark.parametrize("kind", [tarfile.GNUTYPE_LONGNAME, tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE])
def test_a_header_that_states_a_huge_size_is_refused_in_flat_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "games.tar.gz"
    path.write_bytes(packed_letters(entry(FILE, GAME) + header(kind, 16 << 20), 16 << 20))
    found: list[GameRecord | RecordError] = []
    assert peak_of(lambda: found.extend(read_records(path))) < 6 << 20
    game, error = found
    assert isinstance(game, GameRecord)
    assert isinstance(error, RecordError)
    assert error.detail == "a tar header states 16,777,216 bytes for a name, more than 1,048,576"


def test_a_huge_header_at_the_start_is_one_clear_line(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match=r"games: a tar header states 300,000,000 bytes for a name, more than"):
        read(tmp_path / "games", header(tarfile.GNUTYPE_LONGNAME, 300_000_000) + b"a" * 9000)


@pytest.mark.parametrize("kind", [tarfile.XGLTYPE, tarfile.GNUTYPE_LONGLINK])
def test_headers_that_say_nothing_of_a_file_are_passed_over_in_flat_memory(tmp_path: Path, kind: bytes) -> None:
    path = tmp_path / "games.tar.gz"
    path.write_bytes(packed_letters(header(kind, 16 << 20), 16 << 20) + gzip.compress(entry(FILE, GAME)))
    found: list[GameRecord | RecordError] = []
    assert peak_of(lambda: found.extend(read_records(path))) < 6 << 20
    assert [type(record) for record in found] == [GameRecord]


def test_the_largest_accepted_name_is_read() -> None:
    name = "n" * (MAX_HEADER - 1)
    data = entry(tarfile.GNUTYPE_LONGNAME, name.encode() + b"\0") + entry(FILE, GAME)
    assert [member.name for member in tar_members(io.BytesIO(data))] == [name]


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.GNUTYPE_LONGNAME])
def test_thousands_of_headers_before_a_member_nest_nothing(tmp_path: Path, kind: bytes) -> None:
    one = entry(kind, b"b.pgn\0" if kind == tarfile.GNUTYPE_LONGNAME else b"14 path=b.pgn\n")
    (record,) = read(tmp_path / "games", one * 3000 + entry(FILE, GAME))
    assert isinstance(record, GameRecord)
    assert record.source.file.endswith("!a.pgn" if kind == tarfile.XGLTYPE else "!b.pgn")


def test_archives_inside_one_another_are_opened_to_a_bound(tmp_path: Path) -> None:
    data = GAME
    for _ in range(4):
        data = entry(FILE, data)
    assert isinstance(read(tmp_path / "four", data)[0], GameRecord)
    for _ in range(300):
        data = entry(FILE, data)
    (error,) = read(tmp_path / "many", data)
    assert isinstance(error, RecordError)
    assert "more than 4 layers" in error.detail


@pytest.mark.parametrize(
    ("extended", "detail"),
    [
        (b"14 path=b.pgn\n99 size=1\n", "an extended field is cut"),
        (b"8 size5\n", "an extended field is cut"),
        (b"0 path=b.pgn\n", "an extended field is cut"),
        (b"path=b.pgn\n", "an extended field states no number"),
        (b"1" * 600_000, "an extended field is cut"),
        (b"9 size=-\n", "an extended field states no number"),
    ],
)
def test_damaged_extended_headers_are_named(tmp_path: Path, extended: bytes, detail: str) -> None:
    data = entry(FILE, GAME) + entry(tarfile.XHDTYPE, extended) + entry(FILE, GAME)
    game, error = read(tmp_path / "games", data)
    assert isinstance(game, GameRecord)
    assert isinstance(error, RecordError)
    assert error.detail == f"damaged tar header: {detail}"


def test_a_damaged_header_between_members_is_not_taken_for_the_end(tmp_path: Path) -> None:
    damaged = bytearray(entry(FILE, GAME, "b.pgn"))
    damaged[0] ^= 1
    game, error = read(tmp_path / "games", entry(FILE, GAME) + damaged + entry(FILE, GAME))
    assert isinstance(game, GameRecord)
    assert isinstance(error, RecordError)
    assert (error.reason, error.detail) == ("truncated", "damaged tar header: bad checksum")


@pytest.mark.parametrize(
    "sparse",
    [
        header(tarfile.GNUTYPE_SPARSE, len(GAME)) + GAME + bytes(512 - len(GAME)),
        entry(tarfile.XHDTYPE, b"22 GNU.sparse.major=1\n22 GNU.sparse.minor=0\n") + entry(FILE, b"1\n" * 3000),
    ],
)
def test_sparse_files_are_refused_and_the_next_file_is_read(tmp_path: Path, sparse: bytes) -> None:
    error, game = read(tmp_path / "games", sparse + entry(FILE, GAME, "b.pgn"))
    assert isinstance(error, RecordError)
    assert error.detail == "is a sparse file of tar, which is not supported"
    assert isinstance(game, GameRecord)
    assert game.source.file.endswith("!b.pgn")


@pytest.mark.parametrize("format", FORMATS)
@given(
    files=st.lists(
        st.tuples(
            st.text(st.characters(codec="utf-8", exclude_characters="\0/"), min_size=1, max_size=90)
            | st.integers(101, 300).map(lambda size: "n" * 50 + "/" + "m" * (size - 51)),
            st.binary(max_size=2000),
            st.sampled_from([FILE, tarfile.AREGTYPE, tarfile.DIRTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, b"D"]),
        ),
        max_size=5,
    ),
    drip=st.integers(1, 3000),
)
def test_members_are_those_of_the_library(format: str, files: list[tuple[str, bytes, bytes]], drip: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=FORMATS[format]) as archive:
        for name, data, kind in files:
            member = tarfile.TarInfo(name)
            member.type = kind
            member.linkname = "target" * 30 if kind == tarfile.SYMTYPE and format != "ustar" else "target"
            member.size = len(data) if kind in (FILE, tarfile.AREGTYPE, b"D") else 0
            try:
                archive.addfile(member, io.BytesIO(data) if member.size else None)
            except ValueError:
                continue  # a name too long for the old format
    with tarfile.open(fileobj=io.BytesIO(buffer.getvalue())) as archive:
        expected = [(info.name, archive.extractfile(info)) for info in archive if info.isreg()]
        expected_data = [(name, stream.read() if stream else b"") for name, stream in expected]
    stream = io.BytesIO(buffer.getvalue())
    found = []
    for read_member in tar_members(stream):
        parts = []
        while part := read_member.data.read(drip):
            parts.append(part)
        found.append((read_member.name, b"".join(parts)))
    assert found == expected_data
