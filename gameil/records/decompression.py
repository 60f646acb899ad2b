"""Decompressors that stream in bounded memory, notice cuts, and stop at bombs."""

import bz2
import contextlib
import gzip
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable
from typing import IO, cast

import zstandard

from gameil.records.archives import Readable
from gameil.records.zstd_frames import FrameWatch, frame_filling_window

_ZSTD_READ = 1 << 17
"""Compressed bytes read at a time, and from which on a file takes the memory of its window at once."""
STEP = 1 << 13
"""Bytes asked of a decompressor at a time, and the most that a damaged archive member loses before the damage."""
MAX_WINDOW = 1 << 27
"""Largest window of zstd and memory of xz accepted, bytes: 128 MiB, what ``zstd --long`` needs. Half of it for each
layer further inside."""
BOMB_RATIO = 200
"""Bytes made of one byte of a file, all layers together, above which it counts as a decompression bomb. Texts of games
compress 3 to 20 times; deflate can reach 1,032 times."""
BOMB_BYTES = 1 << 28
"""Decompressed bytes from which on ``BOMB_RATIO`` counts."""

BROKEN = (EOFError, OSError, zlib.error, lzma.LZMAError, zstandard.ZstdError, tarfile.TarError, zipfile.BadZipFile)
"""What the decompressors raise on a cut or damaged stream."""


class Counted:
    """A file, with the bytes read from it and the bytes made of them."""

    def __init__(self, file: IO[bytes], watch: Callable[[int], None] = lambda taken: None) -> None:
        self._file = file
        self._watch = watch
        self.taken = 0
        self.made = 0
        """Bytes that came out of all decompressors together."""

    def read(self, size: int, /) -> bytes:
        block = self._file.read(size)
        self.taken += len(block)
        self._watch(self.taken)
        return block

    @property
    def is_bomb(self) -> bool:
        """Too many bytes made for the bytes taken."""
        return self.made > BOMB_BYTES and self.made > BOMB_RATIO * self.taken

    def make(self, size: int) -> None:
        """Counts bytes made. Raises ``EOFError`` where they are too many."""
        self.made += size
        if self.is_bomb:
            raise EOFError(
                f"grows more than {BOMB_RATIO:,} times when decompressed: taken for a bomb, what follows is not read"
            )


class KeepsGoodPart:
    """Reads in small steps, so that what came before a failure is handed out before the failure is raised."""

    def __init__(self, stream: Readable, counted: Counted | None = None) -> None:
        self._counted = counted
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
                if self._counted is not None:
                    self._counted.make(len(part))
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


def _open_zstd(stream: IO[bytes], window: int) -> Readable:
    return _Zstd(stream, window)


class _Zstd:
    """A zstd reader that notices a cut: the library itself takes the end of a cut file for its end."""

    def __init__(self, stream: IO[bytes], window: int) -> None:
        self._packed = _Packed(stream)
        self._decompressor = zstandard.ZstdDecompressor(max_window_size=window)
        self._window = window
        self._watch = FrameWatch(self._packed)
        self._reader: Readable | None = None

    def read(self, size: int, /) -> bytes:
        if self._reader is None:
            self._take_memory()
            packed = cast(IO[bytes], self._watch)
            self._reader = self._decompressor.stream_reader(packed, read_size=_ZSTD_READ, read_across_frames=True)
        block = self._reader.read(size)
        if not block and not self._watch.complete:
            raise EOFError("compressed data ends in the middle of a zstd frame")
        return block

    def _take_memory(self) -> None:
        """Lets a large file's window be filled at once: where that is more than there is, the file ends here, not late.

        The library keeps the window's memory for the frames that follow.
        """
        head = self._packed.peek(_ZSTD_READ)
        frame = frame_filling_window(head) if len(head) == _ZSTD_READ else b""
        if frame and zstandard.get_frame_parameters(frame).window_size <= self._window:
            reader = self._decompressor.stream_reader(frame)
            while reader.read(1 << 20):
                pass


class _Packed:
    """Compressed bytes, some of which may be looked at before they are taken."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._head = b""

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer than ``size`` only before the end or a cut, which is told again by ``read``."""
        with contextlib.suppress(EOFError):
            while len(self._head) < size and (block := self._stream.read(size - len(self._head))):
                self._head += block
        return self._head[:size]

    def read(self, size: int = -1, /) -> bytes:
        if not self._head:
            return self._stream.read(size)
        block, self._head = (self._head, b"") if size < 0 else (self._head[:size], self._head[size:])
        return block


def _open_gzip(stream: IO[bytes], window: int) -> Readable:
    del window  # always 32 KiB
    return gzip.GzipFile(fileobj=stream, mode="rb")


def _open_bz2(stream: IO[bytes], window: int) -> Readable:
    del window  # at most 4 MiB
    return bz2.BZ2File(stream, "rb")


def _open_xz(stream: IO[bytes], window: int) -> Readable:
    return _Xz(stream, window)


class _Xz:
    """An xz file of one or more streams, padded or not. ``lzma.LZMAFile`` takes no limit of memory."""

    def __init__(self, stream: IO[bytes], window: int) -> None:
        self._stream = stream
        # xz needs about a MiB beside its window.
        self._limit = window + (2 << 20)
        self._decompressor: lzma.LZMADecompressor | None = None
        self._packed = b""

    def read(self, size: int, /) -> bytes:
        block = b""
        while not block:
            if self._decompressor is None or self._decompressor.eof:
                self._packed = self._rest().lstrip(b"\x00")
                if not self._packed and self._decompressor is None:
                    raise EOFError("compressed data ends before it begins")
                if not self._packed:
                    return b""
                self._decompressor = lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=self._limit)
            elif self._decompressor.needs_input:
                self._packed = self._stream.read(STEP)
                if not self._packed:
                    raise EOFError("compressed data ends early")
            else:
                self._packed = b""
            try:
                block = self._decompressor.decompress(self._packed, size)
            except MemoryError as error:
                raise EOFError(f"needs more than {self._limit:,} bytes of memory to be decompressed") from error
        return block

    def _rest(self) -> bytes:
        """What stands behind the last stream, padding left out; nothing at the end."""
        rest = self._decompressor.unused_data if self._decompressor is not None else b""
        while not rest.strip(b"\x00"):
            rest = self._stream.read(STEP)
            if not rest:
                break
        return rest


DECOMPRESSORS: tuple[tuple[bytes, Callable[[IO[bytes], int], Readable]], ...] = (
    (b"\x28\xb5\x2f\xfd", _open_zstd),
    (b"\x1f\x8b", _open_gzip),
    (b"BZh", _open_bz2),
    (b"\xfd7zXZ\x00", _open_xz),
)
