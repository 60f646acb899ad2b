"""Zip archives are walked by their directory: as ``zipfile`` writes them, and as nobody should."""

import io
import struct
import zipfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, RecordError
from gameil.records.sources import open_sources
from gameil.records.zip_archive import ZipArchive

GAME = b'[Event "x"]\n\n1. e4 e5 1-0\n'
NOISE = Random(1).randbytes(100_000)


def zipped(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def content(data: bytes, block: int = 1000) -> dict[str, bytes]:
    """Name and bytes of all members."""
    found = {}
    for member in ZipArchive(io.BytesIO(data)).members():
        assert member.refused is None
        parts = []
        while part := member.data.read(block):
            assert len(part) <= block
            parts.append(part)
        found[member.name] = b"".join(parts)
    return found


def read(path: Path, data: bytes) -> list[GameRecord | RecordError]:
    path.write_bytes(data)
    return list(read_records(path))


MEMBERS = {"a.pgn": GAME, "dir/ä.bin": NOISE, "empty": b"", "zeros": bytes(300_000), "\x02.pgn": GAME}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("block", [1, 7, 65_536])
def test_members_are_what_zipfile_wrote(method: int, block: int) -> None:
    members = {**MEMBERS, "zeros": bytes(3000), "dir/ä.bin": NOISE[:3000]} if block < 10 else MEMBERS
    assert content(zipped(members, method), block) == members


def test_directories_and_links_are_passed_over() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("dir")
        link = zipfile.ZipInfo("link.pgn")
        link.create_system = 3
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
        archive.writestr("dir/a.pgn", GAME)
    assert content(buffer.getvalue()) == {"dir/a.pgn": GAME}


def test_bytes_before_and_behind_an_archive_do_not_matter() -> None:
    assert content(b"#!program\n" * 50 + zipped(MEMBERS)) == MEMBERS
    buffer = io.BytesIO(zipped(MEMBERS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"remark" * 1000
    assert content(buffer.getvalue()) == MEMBERS


def test_zip64() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("a", "w", force_zip64=True) as file,
    ):
        file.write(NOISE)
    data = buffer.getvalue()
    assert content(data) == {"a": NOISE}
    # The directory's own 64-bit end, and offset and sizes in an entry's extra field.
    start = data.index(b"PK\x01\x02")
    entry = bytearray(data[start : data.index(b"PK\x05\x06")])
    sizes = struct.unpack_from("<LL", entry, 20)
    entry[20:28], entry[42:46] = b"\xff" * 8, b"\xff" * 4
    extra = struct.pack("<HHQQQ", 1, 24, sizes[1], sizes[0], 0)
    entry[30:32] = struct.pack("<H", len(extra))
    entry += extra
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, 1, 1, len(entry), start)
    locator = struct.pack("<4sLQL", b"PK\x06\x07", 0, start + len(entry), 1)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    assert content(data[:start] + bytes(entry) + end64 + locator + end) == {"a": NOISE}


def test_members_may_be_read_in_any_order_and_found_by_name() -> None:
    archive = ZipArchive(io.BytesIO(zipped({"a": NOISE, "Dir/WTHOR.jou": b"names", "b": NOISE[::-1]})))
    first, _, last = archive.members()
    assert first.data.read(10) == NOISE[:10]
    assert last.data.read(10) == NOISE[::-1][:10]
    found = archive.find("dir/wthor.JOU")
    assert found is not None
    assert found.data.read(100) == b"names"
    assert first.data.read(10) == NOISE[10:20]
    assert archive.find("wthor.jou") is None


def test_other_methods_and_encryption_are_refused_beside_good_members(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.pgn": GAME, "b.pgn": GAME}))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    error, game = read(tmp_path / "games.zip", bytes(data))
    assert isinstance(error, RecordError)
    assert error.detail == "is encrypted, which is not supported"
    assert isinstance(game, GameRecord)
    for method in (zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA):
        (error,) = read(tmp_path / "games.zip", zipped({"a.pgn": GAME}, method))
        assert isinstance(error, RecordError)
        assert error.detail == f"is compressed by method {method} of zip, which is not supported"
        assert error.source.file.endswith("games.zip!a.pgn")


def test_a_wrong_checksum_is_an_error(tmp_path: Path) -> None:
    data = bytearray(zipped({"a.pgn": GAME * 3}, zipfile.ZIP_STORED))
    data[data.index(b"e4") + 1] = ord("3")
    *games, error = read(tmp_path / "games.zip", bytes(data))
    assert len(games) == 2
    assert isinstance(error, RecordError)
    assert error.detail == "size or checksum is not the stated one"


def test_names_are_only_names(tmp_path: Path) -> None:
    directory = tmp_path / "in"
    directory.mkdir()
    names = ["../../up.pgn", "/etc/cron.d/x.pgn", "C:\\x.pgn", "a\x1b[2J.pgn", "b\n.pgn", ""]
    data = zipped({f"name{number}.pgn": GAME for number in range(len(names))})
    for number, name in enumerate(names):
        # A name of another length needs another archive, so names are padded in front.
        data = data.replace(f"name{number}.pgn".encode(), name.encode()[-9:].rjust(9, b"x"))
    records = read(directory / "games.zip", data)
    assert [type(record) for record in records] == [GameRecord] * len(names)
    assert all(record.source.file.isprintable() for record in records)
    assert [path.name for path in tmp_path.rglob("*")] == ["in", "games.zip"]


def test_an_empty_name_and_names_that_are_no_utf8(tmp_path: Path) -> None:
    data = zipped({"ää": GAME}).replace("ää".encode(), b"\xff\xfe\xff\xfe")
    (record,) = read(tmp_path / "games.zip", data)
    assert record.source.file.endswith(r"games.zip!\udcff\udcfe\udcff\udcfe")
    # A name of no bytes: the one byte there is counts as an extra field.
    data = bytearray(zipped({"x": GAME}))
    for lengths in (data.index(b"PK\x01\x02") + 28, data.index(b"PK\x03\x04") + 26):
        data[lengths : lengths + 4] = struct.pack("<HH", 0, 1)
    (record,) = read(tmp_path / "games.zip", bytes(data))
    assert record.source.file.endswith("games.zip!")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda data: data[: len(data) // 2], "it has no directory at its end"),
        (lambda data: data[:-5], "it has no directory at its end"),
        (lambda data: data[: -22 + 12] + b"\xff\xff\xff\x7f" + data[-6:], "its directory is cut"),
    ],
)
def test_an_archive_without_a_directory_is_one_clear_line(tmp_path: Path, change: object, complaint: str) -> None:
    with pytest.raises(RecordsError, match=f"is a damaged or cut zip archive: {complaint}") as caught:
        read(tmp_path / "games.zip", change(zipped(MEMBERS)))  # type: ignore[operator]
    assert "\n" not in str(caught.value)


def test_a_damaged_entry_ends_the_archive(tmp_path: Path) -> None:
    data = zipped({"a.pgn": GAME, "b.pgn": GAME})
    second = data.rindex(b"PK\x01\x02")
    game, error = read(tmp_path / "games.zip", data[:second] + b"PK\x09" + data[second + 3 :])
    assert isinstance(game, GameRecord)
    assert isinstance(error, RecordError)
    assert error.detail == "a damaged entry of the directory"


@given(place=st.integers(0, 10_000), value=st.binary(min_size=1, max_size=8), cut=st.integers(0, 50))
def test_damaged_archives_never_raise_anything_but_records_errors(
    tmp_path_factory: pytest.TempPathFactory, place: int, value: bytes, cut: int
) -> None:
    data = bytearray(zipped({"a.pgn": GAME, "é.sgf": b"(;GM[1];B[aa])" * 30}))
    place %= len(data)
    data[place : place + len(value)] = value
    path = tmp_path_factory.mktemp("zip") / "games"
    path.write_bytes(data[: len(data) - (cut if cut > 25 else 0)])
    refusal = ""
    try:
        for source in open_sources(path):
            while source.read(1000):
                pass
            source.beside("x", 10)
    except RecordsError as error:
        refusal = str(error)
    assert "\n" not in refusal
