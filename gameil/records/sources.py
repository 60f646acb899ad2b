"""Opens any file of records: plain or compressed, single or an archive, told by its content, streamed in flat memory.

Nothing is ever extracted to disk, so that names inside an archive are only names.
"""

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast

import zstandard

from gameil.errors import RecordsError
from gameil.records.archives import Readable, tar_members
from gameil.records.zstd_frames import FrameWatch

BLOCK = 1 << 20
"""Bytes read at a time: the memory a reader holds is a few of these."""
PEEK = 1 << 16
"""Bytes looked at to tell what a file is."""
STEP = 1 << 13
"""Bytes asked of a decompressor at a time, and the most that a damaged archive member loses before the damage."""
MAX_WINDOW = 1 << 27
"""Largest zstd window accepted, bytes: 128 MiB, what ``zstd --long`` needs; more could exhaust memory."""
MAX_LAYERS = 4
"""Compressions and archives inside one another that are opened (``x.pgn.gz`` inside ``x.tar.zst`` is three)."""

BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError, zipfile.BadZipFile)
"""What the decompressors raise on a cut or damaged stream."""
UNREADABLE = (*BROKEN, ValueError, OverflowError, RuntimeError, struct.error)
"""What ``zipfile`` raises on names, sizes and methods that it cannot read, encryption included."""


class Source:
    """A named stream of decompressed bytes that never raises: it ends early and says why in ``broken``."""

    def __init__(self, name: str, stream: Readable, companions: "Companions | None" = None) -> None:
        self.name = name
        self.companions = companions
        self.broken: str | None = None
        """Why the stream ended early (cut or damaged), None while all is well."""
        self._stream = stream
        self._ahead = b""

    def read(self, size: int = BLOCK) -> bytes:
        """Up to ``size`` bytes; fewer than asked is normal, none means the end or ``broken``."""
        if self._ahead:
            block, self._ahead = self._ahead[:size], self._ahead[size:]
            return block
        return self._pull(size)

    def peek(self, size: int = PEEK) -> bytes:
        """The next bytes, up to ``size`` and fewer only at the end, without taking them."""
        while len(self._ahead) < size:
            block = self._pull(size - len(self._ahead))
            if not block:
                break
            self._ahead += block
        return self._ahead[:size]

    def beside(self, name: str, limit: int) -> bytes | None:
        """The bytes of the file ``name`` (in any case of letters) next to this one; None where there is none.

        Found in the same directory, and in the same folder of a zip archive; not in a tar archive, which is a stream.
        A file of more than ``limit`` bytes is as good as none.
        """
        try:
            data = self.companions(name, limit + 1) if self.companions is not None else None
        except UNREADABLE:
            return None
        return data if data is not None and len(data) <= limit else None

    def _pull(self, size: int) -> bytes:
        if self.broken is not None:
            return b""
        try:
            return self._stream.read(size)
        except BROKEN as error:
            self.broken = str(error) or type(error).__name__
            return b""


Companions = Callable[[str, int], bytes | None]
"""``(name, size)``: at most ``size`` bytes of the file of this name beside a source, None where there is none."""


def open_sources(path: Path) -> Iterator[Source]:
    """Yields the streams inside ``path`` in order: one for a plain or compressed file, one a member for an archive.

    Each must be read before the next is asked for. Raises ``RecordsError`` where the path is no readable file, empty,
    or an archive of an unsupported kind.
    """
    if path.is_dir():
        raise RecordsError(f"{path}: is a directory; name the files in it")
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        source = Source(str(path), file, partial(_in_directory, path.parent))
        if not source.peek(1):
            raise RecordsError(f"{path}: {source.broken or 'is empty'}")
        if source.peek(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            file.seek(0)
            yield from _zip_members(path, file)
        else:
            yield from _unwrap(source, MAX_LAYERS)


def _unwrap(source: Source, layers: int) -> Iterator[Source]:
    """Decompresses ``source`` layer by layer, and takes a tar archive apart."""
    magic = source.peek(512)
    kind = next((name for name, head in UNSUPPORTED.items() if magic.startswith(head)), None)
    if kind is not None:
        raise RecordsError(f"{source.name}: is a {kind}, which is not supported; unpack it first")
    opener = next((opener for head, opener in DECOMPRESSORS if magic.startswith(head)), None)
    is_tar = opener is None and _is_tar(magic)
    if layers == 0 and (opener is not None or is_tar):
        raise RecordsError(f"{source.name}: more than {MAX_LAYERS} layers of compression and archives")
    if opener is not None:
        inner = _KeepsGoodPart(opener(_as_file(source)))
        yield from _unwrap(Source(source.name, inner, source.companions), layers - 1)
    elif is_tar:
        yield from _tar_members(source, layers - 1)
    else:
        yield source


class _AsFile:
    """The part of a file object that decompressors ask of a source; passes its breakage on."""

    def __init__(self, source: Source) -> None:
        self._source = source

    def read(self, size: int = -1, /) -> bytes:
        block = self._source.read(BLOCK if size < 0 else size)
        if not block and self._source.broken is not None:
            raise EOFError(self._source.broken)
        return block

    def seekable(self) -> bool:
        return False


class _KeepsGoodPart:
    """Reads in small steps, so that what came before a failure is handed out before the failure is raised."""

    def __init__(self, stream: Readable) -> None:
        # ``read1`` returns what there is; ``read`` throws away all it has gathered when it fails.
        self._step: Callable[[int], bytes] = getattr(stream, "read1", stream.read)
        self._failure: Exception | None = None

    def read(self, size: int, /) -> bytes:
        if self._failure is not None:
            raise self._failure
        parts: list[bytes] = []
        wanted = size
        while wanted > 0:
            try:
                part = self._step(min(wanted, STEP))
            except BROKEN as failure:
                if not parts:
                    raise
                self._failure = failure
                break
            if not part:
                break
            parts.append(part)
            wanted -= len(part)
        return b"".join(parts)


def _as_file(source: Source) -> IO[bytes]:
    return cast(IO[bytes], _AsFile(source))


def _open_zstd(stream: IO[bytes]) -> Readable:
    decompressor = zstandard.ZstdDecompressor(max_window_size=MAX_WINDOW)
    watch = FrameWatch(stream)
    reader = decompressor.stream_reader(cast(IO[bytes], watch), read_size=1 << 17, read_across_frames=True)
    return _CompleteFrames(reader, watch)


class _CompleteFrames:
    """A zstd reader that notices a cut: the library itself takes the end of a cut file for its end."""

    def __init__(self, reader: Readable, watch: FrameWatch) -> None:
        self._reader = reader
        self._watch = watch

    def read(self, size: int, /) -> bytes:
        block = self._reader.read(size)
        if not block and not self._watch.complete:
            raise EOFError("compressed data ends in the middle of a zstd frame")
        return block


def _open_gzip(stream: IO[bytes]) -> Readable:
    return gzip.GzipFile(fileobj=stream, mode="rb")


def _open_bz2(stream: IO[bytes]) -> Readable:
    return bz2.BZ2File(stream, "rb")


def _open_xz(stream: IO[bytes]) -> Readable:
    return lzma.LZMAFile(stream, "rb")


DECOMPRESSORS: tuple[tuple[bytes, Callable[[IO[bytes]], Readable]], ...] = (
    (b"\x28\xb5\x2f\xfd", _open_zstd),
    (b"\x1f\x8b", _open_gzip),
    (b"BZh", _open_bz2),
    (b"\xfd7zXZ\x00", _open_xz),
)
UNSUPPORTED = {
    "7z archive": b"7z\xbc\xaf\x27\x1c",
    "rar archive": b"Rar!\x1a\x07",
    "zip archive inside another file": b"PK\x03\x04",
}


def _is_tar(head: bytes) -> bool:
    """True for a tar header: the checksum at byte 148 must hold, which also knows archives without a magic."""
    if len(head) < 512 or not head[0]:
        return False
    try:
        stated = int(head[148:156].rstrip(b"\x00 ") or b"x", 8)
    except ValueError:
        return False
    return stated == sum(head[:148]) + 8 * 32 + sum(head[156:512])


def _tar_members(source: Source, layers: int) -> Iterator[Source]:
    try:
        for member in tar_members(_as_file(source)):
            if member.refused is not None:
                yield _broken_source(f"{source.name}!{member.name}", member.refused)
            else:
                yield from _member(source.name, member.name, member.data, layers)
        # A cut between two members looks like the end; the stream below knows better.
        source.read(1)
        cut = source.broken
    except BROKEN as error:
        cut = str(error)
    if cut is not None:
        yield _broken_source(source.name, cut)


def _zip_members(path: Path, file: IO[bytes]) -> Iterator[Source]:
    try:
        archive = zipfile.ZipFile(file)
    except UNREADABLE as error:
        raise RecordsError(f"{path}: is a damaged or cut zip archive: {error}") from error
    with archive:
        for info in archive.infolist():
            if info.is_dir():
                continue
            try:
                stream = archive.open(info)
            except UNREADABLE as error:
                yield _broken_source(f"{path}!{info.filename}", str(error))
                continue
            companions = partial(_in_zip, archive, info.filename.rpartition("/")[0])
            with stream:
                yield from _member(str(path), info.filename, stream, MAX_LAYERS - 1, companions)


def _in_directory(directory: Path, name: str, size: int) -> bytes | None:
    found = [entry for entry in directory.iterdir() if entry.name.casefold() == name.casefold() and entry.is_file()]
    if not found:
        return None
    with min(found).open("rb") as file:
        return file.read(size)


def _in_zip(archive: zipfile.ZipFile, folder: str, name: str, size: int) -> bytes | None:
    wanted = f"{folder}/{name}".lstrip("/").casefold()
    found = next((info for info in archive.infolist() if info.filename.casefold() == wanted), None)
    if found is None:
        return None
    with archive.open(found) as stream:
        return stream.read(size)


def _member(
    archive: str, name: str, stream: Readable, layers: int, companions: Companions | None = None
) -> Iterator[Source]:
    source = Source(f"{archive}!{name}", _KeepsGoodPart(stream), companions)
    if not source.peek(1) and source.broken is None:
        return
    try:
        yield from _unwrap(source, layers)
    except RecordsError as error:
        # One unreadable member does not spoil the others.
        yield _broken_source(source.name, str(error))


def _broken_source(name: str, detail: str) -> Source:
    source = Source(name, _Nothing())
    source.broken = detail
    return source


class _Nothing:
    def read(self, size: int, /) -> bytes:
        del size
        return b""
