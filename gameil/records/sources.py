"""Opens any file of records: plain or compressed, single or an archive, told by its content, streamed in flat memory.

Nothing is ever extracted to disk, so that names inside an archive are only names.
"""

import re
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import IO, cast

from gameil.errors import RecordsError
from gameil.records.archives import Readable, TarMember, tar_members
from gameil.records.decompression import BROKEN, DECOMPRESSORS, MAX_WINDOW, Counted, KeepsGoodPart
from gameil.records.record import printable
from gameil.records.zip_archive import ZipArchive

BLOCK = 1 << 20
"""Bytes read at a time: the memory a reader holds is a few of these."""
PEEK = 1 << 16
"""Bytes looked at to tell what a file is."""
NUMPY_ARCHIVE = re.compile(rb"PK\x03\x04[\x00-\xff]{26}[\w-]{1,64}\.npy")
"""The start of NumPy's ``.npz``, a zip archive of arrays that is one file of records."""
MAX_LAYERS = 4
"""Compressions and archives inside one another that are opened (``x.pgn.gz`` inside ``x.tar.zst`` is three)."""


class Source:
    """A named stream of decompressed bytes that never raises: it ends early and says why in ``broken``."""

    def __init__(self, name: str, stream: Readable, companions: "Companions | None" = None) -> None:
        self.name = name
        self.companions = companions
        self.file: IO[bytes] | None = None
        """The open file itself, where a format takes it apart as it needs (``.npz``)."""
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
        except BROKEN:
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


def open_sources(path: Path, watch: Callable[[int], None] = lambda taken: None) -> Iterator[Source]:
    """Yields the streams inside ``path`` in order: one for a plain or compressed file, one a member for an archive.

    Each must be read before the next is asked for. ``watch`` is told how many bytes of the file were read.

    Raises ``RecordsError`` where the path is no readable file, empty, or an archive of an unsupported kind.
    """
    if path.is_dir():
        raise RecordsError(f"{path}: is a directory; name the files in it")
    try:
        file = path.open("rb")
    except OSError as error:
        raise RecordsError(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        counted = Counted(file, watch)
        source = Source(str(path), counted, partial(_in_directory, path.parent))
        if not source.peek(1):
            raise RecordsError(f"{path}: {source.broken or 'is empty'}")
        if NUMPY_ARCHIVE.match(source.peek(512)):
            source.file = file
            yield source
        elif source.peek(4) in (b"PK\x03\x04", b"PK\x05\x06"):
            yield from _zip_members(path, file, counted)
        else:
            yield from _unwrap(source, MAX_LAYERS, counted)


def _unwrap(source: Source, layers: int, counted: Counted) -> Iterator[Source]:
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
        inner = KeepsGoodPart(opener(_as_file(source), MAX_WINDOW >> (MAX_LAYERS - layers)), counted)
        yield from _unwrap(Source(source.name, inner, source.companions), layers - 1, counted)
    elif is_tar:
        yield from _tar_members(source, layers - 1, counted)
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


def _as_file(source: Source) -> IO[bytes]:
    return cast(IO[bytes], _AsFile(source))


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


def _tar_members(source: Source, layers: int, counted: Counted) -> Iterator[Source]:
    member: TarMember | None = None
    try:
        for member in tar_members(_as_file(source)):
            if member.refused is not None:
                yield _broken_source(_inside(source.name, member.name), member.refused)
            else:
                yield from _member(_inside(source.name, member.name), member.data, layers, counted)
        # A cut between two members looks like the end; the stream below knows better.
        source.read(1)
        cut = source.broken
    except BROKEN as error:
        # Whoever read the member that the cut went through has been told already.
        cut = None if member is not None and member.data.failed else str(error)
    if cut is not None:
        yield _broken_source(source.name, cut)


def _zip_members(path: Path, file: IO[bytes], counted: Counted) -> Iterator[Source]:
    try:
        archive = ZipArchive(file, counted)
    except BROKEN as error:
        raise RecordsError(f"{path}: is a damaged or cut zip archive: {error}") from error
    try:
        for member in archive.members():
            name = _inside(str(path), member.name)
            if member.refused is not None:
                yield _broken_source(name, member.refused)
                continue
            companions = partial(_in_zip, archive, member.name.rpartition("/")[0])
            yield from _member(name, KeepsGoodPart(member.data), MAX_LAYERS - 1, counted, companions)
            if counted.is_bomb:
                # Whoever read the member has been told; its neighbours would only say the same.
                return
    except BROKEN as error:
        yield _broken_source(str(path), str(error))


def _inside(archive: str, name: str) -> str:
    """What a member is called. Its name is a stranger's: it is shown and stored, and opens nothing."""
    return f"{archive}!{printable(name)}"


def _in_directory(directory: Path, name: str, size: int) -> bytes | None:
    found = [entry for entry in directory.iterdir() if entry.name.casefold() == name.casefold() and entry.is_file()]
    if not found:
        return None
    with min(found).open("rb") as file:
        return file.read(size)


def _in_zip(archive: ZipArchive, folder: str, name: str, size: int) -> bytes | None:
    found = archive.find(f"{folder}/{name}".lstrip("/"))
    if found is None or found.refused is not None:
        return None
    parts = []
    while size > 0 and (part := found.data.read(size)):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _member(
    name: str, stream: Readable, layers: int, counted: Counted, companions: Companions | None = None
) -> Iterator[Source]:
    source = Source(name, stream, companions)
    if not source.peek(1) and source.broken is None:
        return
    try:
        yield from _unwrap(source, layers, counted)
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
