"""Opening files: every compression and archive by content, cut and damaged ones, bombs, and paths that are no files."""

import bz2
import gzip
import io
import lzma
import re
import tarfile
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest
import zstandard

from gameil.errors import RecordsError
from gameil.records.formats import Format, read_records, register_format
from gameil.records.record import GameRecord, RecordError
from gameil.records.sources import open_sources
from gameil.records.zstd_frames import frame_filling_window

GAME = '[Event "Game {}"]\n\n1. e4 e5 2. Nf3 {} 1-0\n\n'
TEXT = "".join(GAME.format(index, "{ words }" * (index % 7)) for index in range(300)).encode()


LARGE = "".join(GAME.format(index, f"{{ {Random(index).randbytes(80).hex()} }}") for index in range(2000)).encode()
"""Enough that hardly compresses, for a cut to lie behind some of it."""


def tar(members: dict[str, bytes], mode: str = "w", format: int = tarfile.PAX_FORMAT) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode, format=format) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return buffer.getvalue()


def zip_(members: dict[str, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def zstd_frames(data: bytes) -> bytes:
    half = len(data) // 2
    skippable = b"\x50\x2a\x4d\x18\x03\x00\x00\x00abc"
    checked = zstandard.ZstdCompressor(write_checksum=True, write_content_size=False)
    return zstandard.compress(data[:half]) + skippable + checked.compress(data[half:])


def zstd_long(data: bytes) -> bytes:
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27, enable_ldm=True)
    # Written as a stream: the window follows from the parameters, not from the size.
    stream = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return stream.compress(data) + stream.flush()


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "two gzip members": lambda data: gzip.compress(data[:999]) + gzip.compress(data[999:]),
    "bzip2": lambda data: bz2.compress(data, compresslevel=1),
    "xz": lzma.compress,
    "zstd": zstandard.compress,
    "zstd frames": zstd_frames,
    "zstd with a 128 MiB window": zstd_long,
    "gzip in zstd": lambda data: zstandard.compress(gzip.compress(data)),
}


def write(directory: Path, data: bytes, name: str = "games") -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


def reasons(path: Path) -> list[str]:
    return [getattr(record, "reason", "game") for record in read_records(path)]


@pytest.mark.parametrize("packer", PACKERS)
@pytest.mark.parametrize("name", ["games", "games.pgn", "games.pgn.gz", "games.sgf.txt"])
def test_compression_is_told_by_content_whatever_the_name(tmp_path: Path, packer: str, name: str) -> None:
    path = write(tmp_path, PACKERS[packer](TEXT), name)
    records = list(read_records(path))
    assert [getattr(record, "event", record) for record in records] == [f"Game {index}" for index in range(300)]
    assert {record.source.file for record in records} == {str(path)}
    for record in records:
        assert TEXT[record.source.offset :].startswith(f'[Event "{record.event}"]'.encode())


@pytest.mark.parametrize("packer", [name for name in PACKERS if name != "plain"])
@pytest.mark.parametrize("share", [0.6, 0.999])
def test_a_cut_file_gives_its_good_games_and_says_that_it_is_cut(tmp_path: Path, packer: str, share: float) -> None:
    packed = PACKERS[packer](LARGE)
    path = write(tmp_path, packed[: int(len(packed) * share)])
    records = list(read_records(path))
    assert isinstance(records[-1], RecordError)
    assert records[-1].reason == "truncated"
    assert [getattr(record, "event", record) for record in records[:-1]] == [
        f"Game {index}" for index in range(len(records) - 1)
    ]
    # The zstd library holds back up to 128 KiB of a cut stream, which is most of the gzip file inside this one.
    assert len(records) > (1 if packer == "gzip in zstd" else 500)


def test_every_cut_of_a_zstd_file_is_noticed(tmp_path: Path) -> None:
    packed = zstd_frames(TEXT[:1200])
    whole = reasons(write(tmp_path, packed))
    unnoticed = []
    for size in range(1, len(packed)):
        try:
            found = reasons(write(tmp_path, packed[:size]))
        except RecordsError:
            continue
        if found[-1] != "truncated":
            unnoticed.append(size)
    # A cut between two frames leaves a complete file.
    assert len(unnoticed) <= 2
    assert whole[-1] == "game"


ARCHIVERS: dict[str, Callable[[dict[str, bytes]], bytes]] = {
    "tar": tar,
    "old tar": lambda members: tar(members, format=tarfile.USTAR_FORMAT),
    "tar.gz": lambda members: gzip.compress(tar(members)),
    "tar.zst": lambda members: zstandard.compress(tar(members)),
    "zip": zip_,
}


@pytest.mark.parametrize("archiver", ARCHIVERS)
def test_archives_give_their_members_in_order(tmp_path: Path, archiver: str) -> None:
    members = {
        "b.pgn": TEXT[: TEXT.index(b'[Event "Game 3"')],
        "dir/a.sgf": b"(;GM[1];B[aa])",
        "c.jsonl": b'{"game":"othello","moves":["d3"]}',
        "empty.pgn": b"",
        "d.pgn.gz": gzip.compress(TEXT),
        "notes.bin": b"\x00\x01\x02",
        "broken.zst": b"\x28\xb5\x2f\xfd\x00",
    }
    path = write(tmp_path, ARCHIVERS[archiver](members), "archive")
    records = list(read_records(path))
    assert [record.source.file for record in records if isinstance(record, GameRecord)] == [
        *[f"{path}!b.pgn"] * 3,
        f"{path}!dir/a.sgf",
        f"{path}!c.jsonl",
        *[f"{path}!d.pgn.gz"] * 300,
    ]
    errors = [(record.source.file, record.reason) for record in records if isinstance(record, RecordError)]
    assert errors == [(f"{path}!notes.bin", "unknown format"), (f"{path}!broken.zst", "truncated")]


@pytest.mark.parametrize("archiver", ARCHIVERS)
def test_names_inside_an_archive_touch_nothing(tmp_path: Path, archiver: str) -> None:
    names = ["../../outside.pgn", "/etc/absolute.pgn", "a\nb.pgn", "C:\\x.pgn"]
    path = write(tmp_path / "", ARCHIVERS[archiver]({name: TEXT for name in names}), "archive")
    records = list(read_records(path))
    assert sum(1 for record in records if isinstance(record, GameRecord)) == 4 * 300
    assert all(record.source.file.isprintable() for record in records)
    assert [file.name for file in tmp_path.iterdir()] == ["archive"]


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
@pytest.mark.parametrize("inner", [bytes, gzip.compress])
def test_a_cut_tar_gives_its_good_games_and_says_once_that_it_is_cut(
    tmp_path: Path, pack: Callable[[bytes], bytes], inner: Callable[[bytes], bytes]
) -> None:
    second = inner(LARGE)
    whole = tar({"a.pgn": LARGE, "b.pgn": second})
    cut = whole[: whole.index(b"b.pgn") + 512 + len(second) // 2]
    found = reasons(write(tmp_path, pack(cut)))
    assert found.count("truncated") == 1
    assert found[-1] == "truncated"
    assert 2500 < found.count("game") < 3500


def test_a_tar_that_is_cut_between_members_or_in_a_header_says_so_once(tmp_path: Path) -> None:
    whole = tar({"a.pgn": TEXT, "b.pgn": TEXT})
    header = whole.index(b"b.pgn")
    for end in (header + 200, header - 100):
        assert reasons(write(tmp_path, zstandard.compress(whole[:end])))[300:] == ["truncated"]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "is empty"),
        (bytes(range(256)) * 20, "is binary data"),
        (zstandard.compress(bytes(range(256)) * 20), "is binary data"),
        ("[Event".encode("utf-16"), "UTF-16"),
        (b"once upon a time", "is of no known format ("),
        (b"7z\xbc\xaf\x27\x1c" + bytes(100), "is a 7z archive"),
        (b"PK\x03\x04" + bytes(100), "damaged or cut zip archive"),
        (b"\x28\xb5\x2f\xfd" + b"\xff" * 60, "games"),
        (gzip.compress(gzip.compress(gzip.compress(gzip.compress(gzip.compress(TEXT))))), "more than 4 layers"),
    ],
)
def test_what_cannot_be_read_at_all_is_one_clear_line(tmp_path: Path, data: bytes, reason: str) -> None:
    path = write(tmp_path, data)
    with pytest.raises(RecordsError) as caught:
        list(read_records(path))
    assert str(caught.value).startswith(str(path))
    assert reason in str(caught.value)
    assert "\n" not in str(caught.value)


def test_directories_and_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="is a directory"):
        list(read_records(tmp_path))
    with pytest.raises(RecordsError, match="cannot be read: No such file"):
        list(read_records(tmp_path / "missing.pgn"))


def test_binary_noise_named_pgn_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordsError, match="is binary data"):
        list(read_records(write(tmp_path, bytes(range(256)) * 50, "noise.pgn")))


def test_format_can_be_stated_and_must_be_known(tmp_path: Path) -> None:
    path = write(tmp_path, b"e4 e5 *", "moves.txt")
    (record,) = read_records(path, format="pgn")
    assert isinstance(record, GameRecord)
    with pytest.raises(RecordsError, match=r"unknown format 'xml'; known are .*pgn, sgf"):
        list(read_records(path, format="xml"))


def test_skip_leaves_out_exactly_what_was_read_before(tmp_path: Path) -> None:
    path = write(tmp_path, zstandard.compress(TEXT + b'[Event "x"]\n\n*\n\n' + TEXT))
    whole = list(read_records(path))
    assert len(whole) == 601
    for skip in (0, 1, 300, 301, 601, 700):
        assert list(read_records(path, skip=skip)) == whole[skip:]


@pytest.mark.parametrize("packer", ["gzip", "bzip2", "zstd"])
def test_decompression_bombs_do_not_fill_the_memory(tmp_path: Path, packer: str) -> None:
    spaces = b'[Event "x"]\n\n1. e4 {' + b" " * (1 << 24)
    path = write(tmp_path, PACKERS[packer](spaces), "bomb.pgn")
    assert path.stat().st_size < 200_000
    tracemalloc.start()
    try:
        found = reasons(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert found == ["too large"]
    assert peak < 14 << 20


def test_formats_are_registered_once() -> None:
    with pytest.raises(RecordsError, match="format pgn: pgn is already taken by pgn"):
        register_format(Format("pgn", (".pgn",), re.compile(b"x"), "x:y", "x:z", None))
    with pytest.raises(RecordsError, match=r"format mine: \.pgn is already taken by pgn"):
        register_format(Format("mine", (".pgn",), re.compile(b"x"), "x:y", "x:z", None, binary=True))


@pytest.mark.parametrize("log", [17, 20, 23])
def test_a_large_zstd_file_takes_its_memory_at_once(tmp_path: Path, log: int) -> None:
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    text = LARGE + b"".join(GAME.format(index, Random(index).randbytes(900).hex()).encode() for index in range(400))
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    packed = compressor.compress(text) + compressor.flush()
    assert len(packed) > 1 << 17
    filling = frame_filling_window(packed)
    stated = zstandard.get_frame_parameters(filling)
    assert stated.window_size == zstandard.get_frame_parameters(packed).window_size == 1 << log
    assert zstandard.ZstdDecompressor().decompressobj().decompress(filling) == bytes(1 << log)
    source = next(sources := open_sources(write(tmp_path, packed)))
    assert b"".join(iter(source.read, b"")) == text
    assert next(sources, None) is None
    assert source.broken is None
    assert frame_filling_window(b"PK\x03\x04 and so on") == b""


def test_the_good_part_of_a_cut_zstd_inside_a_cut_gzip_is_kept(tmp_path: Path) -> None:
    packed = gzip.compress(zstandard.compress(LARGE[: len(LARGE) // 2], 1))
    assert 1 << 16 < len(packed) < 1 << 17
    records = list(read_records(write(tmp_path, packed[: len(packed) * 3 // 4])))
    assert sum(isinstance(record, GameRecord) for record in records) > 300
    assert isinstance(records[-1], RecordError)
    assert records[-1].reason == "truncated"
