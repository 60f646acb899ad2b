"""Frames of zstd (RFC 8878, section 3.1) without decompressing them, which is the library's work.

``FrameWatch`` lets compressed bytes go by and tells whether the last frame is complete; ``frame_filling_window`` makes
a frame.
"""

from collections.abc import Callable
from typing import Protocol

MAGIC = 0xFD2FB528
SKIPPABLE = 0x184D2A50
"""Magic of the first of 16 kinds of skippable frames (RFC 8878, section 3.1.2)."""
_LARGEST_BLOCK = 1 << 17


class _Readable(Protocol):
    def read(self, size: int = -1, /) -> bytes: ...


class FrameWatch:
    """A pass-through reader. ``complete`` is True where the bytes read so far end at the end of a frame."""

    def __init__(self, stream: _Readable) -> None:
        self._stream = stream
        self._header = bytearray()
        self._needed = 4
        self._skip = 0
        self._state: Callable[[], None] = self._magic
        self._checksum = 0

    @property
    def complete(self) -> bool:
        return self._state == self._magic and not self._header and not self._skip

    def read(self, size: int = -1, /) -> bytes:
        block = self._stream.read(size)
        self._follow(block)
        return block

    def _follow(self, block: bytes) -> None:
        position = 0
        while position < len(block):
            if self._skip:
                step = min(self._skip, len(block) - position)
                self._skip -= step
                position += step
                continue
            step = min(self._needed - len(self._header), len(block) - position)
            self._header += block[position : position + step]
            position += step
            if len(self._header) == self._needed:
                self._state()

    def _expect(self, needed: int, state: Callable[[], None]) -> None:
        self._header.clear()
        self._needed = needed
        self._state = state

    def _magic(self) -> None:
        magic = int.from_bytes(self._header, "little")
        if magic == MAGIC:
            self._expect(1, self._descriptor)
        elif magic & 0xFFFFFFF0 == SKIPPABLE:
            self._expect(4, self._skippable)
        else:
            # Not zstd: the library reports it; nothing left to follow.
            self._expect(1 << 62, self._magic)

    def _skippable(self) -> None:
        self._skip = int.from_bytes(self._header, "little")
        self._expect(4, self._magic)

    def _descriptor(self) -> None:
        descriptor = self._header[0]
        single_segment = descriptor >> 5 & 1
        self._checksum = 4 * (descriptor >> 2 & 1)
        dictionary = (0, 1, 2, 4)[descriptor & 3]
        content = (single_segment, 2, 4, 8)[descriptor >> 6]
        self._skip = 1 - single_segment + dictionary + content
        self._expect(3, self._block)

    def _block(self) -> None:
        header = int.from_bytes(self._header, "little")
        run_length = header >> 1 & 3 == 1
        self._skip = 1 if run_length else header >> 3
        if header & 1:
            self._skip += self._checksum
            self._expect(4, self._magic)
        else:
            self._expect(3, self._block)


def frame_filling_window(head: bytes) -> bytes:
    """A frame of zeros that fills the window of the frame that begins with ``head``; empty where that states none.

    A decompressor that has read it holds all the memory that the other frame can need.
    """
    if len(head) < 6 or int.from_bytes(head[:4], "little") != MAGIC or head[4] >> 5 & 1:
        return b""
    exponent, eighths = head[5] >> 3, head[5] & 7
    window = (8 + eighths) << (exponent + 7)
    run = _LARGEST_BLOCK << 3 | 1 << 1
    blocks = (run.to_bytes(3, "little") + b"\0") * (window // _LARGEST_BLOCK)
    return head[:4] + b"\0" + head[5:6] + blocks + (1).to_bytes(3, "little")
