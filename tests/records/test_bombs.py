"""Files made to exhaust memory or patience: each is answered in flat memory and bounded time, and says why.

Each is read by a process of its own, whose peak memory is measured. The bombs are made as streams of equal pieces.
"""

import bz2
import gzip
import io
import json
import lzma
import struct
import subprocess
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import zstandard

from gameil.cli.main import main
from gameil.records.trajectories_reader import LAYOUT

MAX_MEBIBYTES = 200
"""What reading a bomb may hold beyond what reading a small file does."""
MAX_SECONDS = 20
"""Processor time; a quiet core needs a small part of it."""
MIB = 1 << 20
PGN_HEAD = b'[Event "x"]\n\n1. e4 '
MOVES = b"e4 e5 " * (MIB // 6)
GAME = b'[Event "y"]\n\n1. e4 e5 1-0\n\n'


@dataclass(frozen=True)
class Answer:
    """What became of a file."""

    records: int
    errors: list[list[str]]
    refusal: str | None
    seconds: float
    mebibytes: float

    @property
    def reasons(self) -> list[str]:
        return [reason for reason, _ in self.errors]


@pytest.fixture
def answer(tmp_path: Path, repository: Path) -> Callable[..., Answer]:
    """Reads bytes as a file in a measured process; they come in pieces, each so many times."""

    def ask(*pieces: bytes | tuple[bytes, int], name: str = "games", most: float = MAX_MEBIBYTES) -> Answer:
        path = tmp_path / name
        with path.open("wb") as file:
            for piece in pieces:
                data, times = piece if isinstance(piece, tuple) else (piece, 1)
                for _ in range(times):
                    file.write(data)
        script = repository / "tests" / "records" / "measure_reading.py"
        command = [sys.executable, str(script), str(path)]
        done = subprocess.run(command, cwd=repository, capture_output=True, text=True, timeout=250, check=True)
        found = Answer(**json.loads(done.stdout))
        assert found.mebibytes < most, found
        assert found.seconds < MAX_SECONDS, found
        texts = [*(detail for _, detail in found.errors), found.refusal or ""]
        assert all(text.isprintable() for text in texts)
        assert "Traceback" not in done.stderr
        return found

    return ask


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "zstd": zstandard.ZstdCompressor(level=1).compress,
    "gzip": lambda data: gzip.compress(data, 6),
    "bz2": bz2.compress,
    "xz": lambda data: lzma.compress(data, preset=0),
}


@pytest.mark.parametrize("packer", PACKERS)
def test_ten_gigabytes_in_a_few_megabytes(answer: Callable[..., Answer], packer: str) -> None:
    pack = PACKERS[packer]
    # A compressed file may be several, one behind the other.
    found = answer(pack(PGN_HEAD), (pack(MOVES), 10_000))
    assert found.records == 2
    assert found.reasons == ["too large", "truncated"]
    assert "grows more than 200 times when decompressed: taken for a bomb" in found.errors[1][1]


def test_a_bomb_in_a_bomb(answer: Callable[..., Answer]) -> None:
    blanks = zstandard.compress(b" " * (64 * MIB)) * 160
    found = answer(gzip.compress(lzma.compress(zstandard.compress(PGN_HEAD) + blanks)))
    assert found.reasons == ["too large", "truncated"]


def test_zip_members_that_share_their_data(answer: Callable[..., Answer]) -> None:
    """As in Fifield, "A better zip bomb" (2019): thousands of entries for one deflated stream."""
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15)
    game = PGN_HEAD + MOVES * 64
    packed = deflater.compress(game) + deflater.flush()
    local = (
        struct.pack("<4s5H3L2H", b"PK\x03\x04", 20, 0, 8, 0, 0, zlib.crc32(game), len(packed), len(game), 1, 0) + b"a"
    )
    entry = struct.pack(
        *("<4s6H3L5H2L", b"PK\x01\x02", 20, 20, 0, 8, 0, 0, zlib.crc32(game), len(packed), len(game)),
        *(1, 0, 0, 0, 0, 0, 0),
    )
    entry += b"a"
    size = len(local) + len(packed)
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 3000, 3000, 3000 * len(entry), size, 0)
    found = answer(local + packed, (entry, 3000), end)
    assert 3 <= found.records < 10
    assert found.reasons[0] == "too large"
    assert "taken for a bomb" in found.errors[-1][1]


def test_numeric_trajectories_with_huge_observations(answer: Callable[..., Answer]) -> None:
    games, row = 5, 60 * MIB
    buffer = io.BytesIO()
    arrays = {"format": np.array(LAYOUT), "game": np.array("nim")}
    arrays |= {"lengths": np.ones(games, np.int64), "actions": np.zeros(games, np.int64)}
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, array in arrays.items():
            with archive.open(f"{name}.npy", "w") as file:
                np.lib.format.write_array(file, array)
        with archive.open("observations.npy", "w") as file:
            header = {"descr": "|u1", "fortran_order": False, "shape": (games, row)}
            np.lib.format.write_array_header_1_0(file, header)
            for _ in range(games * row // MIB):
                file.write(bytes(MIB))
    found = answer(buffer.getvalue(), name="games.npz", most=300)
    assert found.records == 5
    assert found.reasons[-1:] == ["truncated"]
    assert "taken for a bomb" in found.errors[-1][1]


@pytest.mark.parametrize("text", [b'"', b"[", b" "])
def test_a_header_line_without_end(answer: Callable[..., Answer], text: bytes) -> None:
    line = zstandard.compress(text * (16 * MIB))
    found = answer(
        zstandard.compress(b'[Event "'), (line, 2), zstandard.compress(b"\n\n1. e4 *\n\n" + GAME), name="x.pgn"
    )
    assert found.reasons[:1] == ["too large"]
    assert found.records <= 3


def test_a_header_line_of_a_gigabyte_on_the_disk(answer: Callable[..., Answer]) -> None:
    found = answer(b'[Event "', (b"a" * MIB, 1024), b"\n\n1. e4 *\n\n" + GAME)
    assert found.reasons == ["too large"]
    assert found.records == 2


@pytest.mark.parametrize(
    ("name", "begin", "unit", "end"),
    [
        ("x.pgn", PGN_HEAD, b"(e5 ", b")"),
        ("x.sgf", b"(;GM[1];B[aa]", b"(;W[bb]", b")"),
        ("x.jsonl", b'{"game":', b"[", b"]"),
    ],
)
def test_ten_million_deep(answer: Callable[..., Answer], name: str, begin: bytes, unit: bytes, end: bytes) -> None:
    found = answer(begin, (unit * 10_000, 1000), (end * 10_000, 1000), name=name)
    assert found.reasons == ["too large"]


@pytest.mark.parametrize(
    ("name", "begin", "unit", "end"),
    [
        ("x.pgn", PGN_HEAD, b"(e5 ", b" 1-0"),
        ("x.pgn", PGN_HEAD, b"{", b" 1-0"),
        ("x.pgn", PGN_HEAD, b"e4 ", b" 1-0"),
        ("x.pgn", PGN_HEAD, b"{a}", b" 1-0"),
        ("x.pgn", b"", b'[a ""]\n', b"\n1. e4 1-0"),
        ("x.sgf", b"(;GM[1];B[aa]", b"(;W[bb]", b""),
        ("x.sgf", b"(;GM[1];B[aa]", b"(", b""),
        ("x.sgf", b"(;GM[1]", b";B[aa]", b")"),
        ("x.sgf", b"(;GM[1]", b";C[a]", b";B[aa])"),
        ("x.sgf", b"(;GM[1];B[aa]C[", b"\\a", b"])"),
        ("x.jsonl", b'{"game":', b"[", b""),
        ("x.jsonl", b'{"game":', b'{"a":', b""),
        ("x.jsonl", b'{"game":"nim","moves":["a"],"tags":{"a":"', b"\\u0061", b'"}}\n'),
        ("x.jsonl", b'{"game":"nim","moves":["a"', b',"a"', b"]}\n"),
    ],
)
def test_large_records_without_end_of_a_kind(
    answer: Callable[..., Answer], name: str, begin: bytes, unit: bytes, end: bytes
) -> None:
    # A quarter of what is allowed, which shows growth as well in less time.
    found = answer(begin, unit * (MIB // len(unit)), end, name=name, most=MAX_MEBIBYTES / 2)
    assert found.records == 1
    assert "too large" not in found.reasons


@pytest.mark.parametrize(
    ("unit", "complaint"),
    [(b"[aa:ss]", "more than 10,000 setup points"), (b"B[aa]", "a node of more than 100,000 properties")],
)
def test_stones_without_number(answer: Callable[..., Answer], unit: bytes, complaint: str) -> None:
    found = answer(b"(;GM[1]SZ[19]AB[aa]", unit * 500_000, b";B[bb])", name="x.sgf")
    assert found.errors == [["too large", complaint]]


def test_xz_and_zstd_may_not_ask_for_much_memory(answer: Callable[..., Answer]) -> None:
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 1 << 30}]
    huge = lzma.compress(GAME, filters=filters)
    found = answer(huge)
    assert found.refusal is not None
    assert "Memory usage limit" in found.refusal or "bytes of memory" in found.refusal
    frame = zstandard.ZstdCompressionParameters.from_level(1, window_log=31)
    stream = zstandard.ZstdCompressor(compression_params=frame).compressobj()
    found = answer(stream.compress(GAME) + stream.flush())
    assert found.refusal is not None
    # A layer further inside may have half.
    inner = lzma.compress(GAME, filters=[{"id": lzma.FILTER_LZMA2, "preset": 0, "dict_size": 100 << 20}])
    assert answer(inner).records == 1
    assert answer(gzip.compress(inner)).refusal is not None


def _header(name: bytes, size: int, kind: bytes = tarfile.REGTYPE) -> bytes:
    member = tarfile.TarInfo(name.decode())
    member.size = size
    member.type = kind
    return member.tobuf(tarfile.GNU_FORMAT)


@pytest.mark.parametrize("size", [(1 << 63) - 1, 1 << 80])
def test_a_tar_member_that_is_said_to_be_huge(answer: Callable[..., Answer], size: int) -> None:
    found = answer(_header(b"a.pgn", size), GAME * 3)
    assert found.reasons == ["truncated"]
    assert found.records == 3


@pytest.mark.parametrize("kind", [tarfile.REGTYPE, tarfile.XGLTYPE])
def test_very_many_tiny_members_of_tar(answer: Callable[..., Answer], kind: bytes) -> None:
    found = answer(
        (_header(b"a.pgn", 0, kind), 30_000), _header(b"z.pgn", len(GAME)), GAME.ljust(512, b"\0"), bytes(1024)
    )
    assert (found.records, found.errors) == (1, [])


def test_very_many_tiny_members_of_zip(answer: Callable[..., Answer]) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.pgn", b"")
    data = buffer.getvalue()
    start = data.index(b"PK\x01\x02")
    entry = data[start : data.index(b"PK\x05\x06")]
    number = 50_000
    end = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 0xFFFF, 0xFFFF, number * len(entry), start, 0)
    found = answer(data[:start], (entry, number), end)
    assert (found.records, found.errors) == (0, [])


def test_archives_within_archives_end(answer: Callable[..., Answer]) -> None:
    data = GAME
    for number in range(30):
        data = _header(b"%d.tar" % number, len(data)) + data + bytes(-len(data) % 512 + 1024)
    found = answer(data)
    assert found.reasons == ["truncated"]
    assert "more than 4 layers of compression and archives" in found.errors[0][1]


def test_a_bomb_on_the_command_line_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "games.pgn.zst"
    path.write_bytes(zstandard.compress(PGN_HEAD) + zstandard.compress(MOVES) * 1000)
    out = tmp_path / "games.lmdb"
    assert main(["ingest", str(path), "--game", "chess", "--out", str(out), "--workers", "1", "--quiet"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "no usable game: 2 records, rejected: 1 too large, 1 truncated" in error
    assert "taken for a bomb" in error
    assert not out.exists()
