"""Walks a zip archive by its directory, entry by entry, in memory that no directory can fill (PKWARE APPNOTE 6.3.10).

The library ``zipfile`` reads the whole directory into memory, makes an object of each entry, and decompresses methods
other than deflate without a bound. Here an entry is read when its member is asked for, and only deflate is allowed.
"""

import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from gameil.records.archives import Readable
from gameil.records.decompression import Counted

STORED, DEFLATED = 0, 8
"""The methods that are read. Others (bzip2, LZMA, ...) could ask for gigabytes."""
MAX_NAMES = 20_000
"""Entries among which ``ZipArchive.find`` looks."""
_PACKED = 1 << 14
"""Compressed bytes read at a time."""
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR64 = struct.Struct("<4sLQL")
_ENTRY = struct.Struct("<4s6H3L5H2L")
_LOCAL = struct.Struct("<4s5H3L2H")
_ENCRYPTED, _UTF8 = 1, 1 << 11
_UNIX = 3
_FULL = 0xFFFFFFFF
"""A 32-bit field whose value stands in the zip64 extra field."""


@dataclass(frozen=True, slots=True)
class ZipMember:
    """A file in a zip archive."""

    name: str
    """As written; bytes that are no UTF-8 are surrogates."""
    data: Readable
    """May be read at any time while the file is open. Raises ``zipfile.BadZipFile``, ``zlib.error``, or ``EOFError``
    where it is cut or a bomb."""
    refused: str | None
    """Why the data is of no use, None where it can be read."""


class ZipArchive:
    """An open archive. Raises ``zipfile.BadZipFile`` where its directory cannot be found."""

    def __init__(self, file: IO[bytes], counted: Counted | None = None) -> None:
        """Opens it; ``counted`` counts what is decompressed, and stops at bombs."""
        self._file = file
        self._start, self._end, self._shift = _directory(file)
        self._counted = counted or Counted(file)
        # Members are read in any order, and more than once where they overlap: all of the file counts as taken.
        self._counted.taken = file.seek(0, 2)
        self._places: dict[str, int] | None = None

    def members(self) -> Iterator[ZipMember]:
        """The files in the order of the directory; directories and links are passed over.

        Raises ``zipfile.BadZipFile`` where an entry is damaged.
        """
        place = self._start
        while place < self._end:
            member, place = self._member(place)
            if member is not None:
                yield member

    def find(self, name: str) -> ZipMember | None:
        """The member of this name, in any case of letters; None where there is none among the first entries."""
        if self._places is None:
            self._places = {}
            place = self._start
            while place < self._end and len(self._places) < MAX_NAMES:
                member, behind = self._member(place)
                if member is not None:
                    self._places.setdefault(member.name.casefold(), place)
                place = behind
        found = self._places.get(name.casefold())
        return None if found is None else self._member(found)[0]

    def _member(self, place: int) -> tuple[ZipMember | None, int]:
        """The member of the entry at ``place`` and the place of the next entry."""
        self._file.seek(place)
        block = self._file.read(_ENTRY.size)
        if len(block) < _ENTRY.size or not block.startswith(b"PK\x01\x02"):
            raise zipfile.BadZipFile("a damaged entry of the directory")
        fields = _ENTRY.unpack(block)
        _, made, _, flags, method, _, _, checksum, packed, size, name_size, extra_size, remark_size, *_ = fields
        attributes, offset = fields[-2:]
        raw_name = self._file.read(name_size)
        sizes = _extended((size, packed, offset), self._file.read(extra_size))
        behind = place + _ENTRY.size + name_size + extra_size + remark_size
        name = raw_name.decode("utf-8", "surrogateescape") if flags & _UTF8 else raw_name.decode("cp437")
        is_link = made >> 8 == _UNIX and stat.S_ISLNK(attributes >> 16)
        if name.endswith("/") or is_link:
            return None, behind
        refused = None
        if flags & _ENCRYPTED:
            refused = "is encrypted, which is not supported"
        elif method not in (STORED, DEFLATED):
            refused = f"is compressed by method {method} of zip, which is not supported"
        size, packed, offset = sizes
        data = _Data(
            self._file, offset + self._shift, packed, size, checksum, self._counted if method == DEFLATED else None
        )
        return ZipMember(name, data, refused), behind


class _Data:
    """The bytes of one member."""

    def __init__(
        self, file: IO[bytes], place: int, packed: int, size: int, checksum: int, deflated: Counted | None
    ) -> None:
        self._file = file
        self._place = place
        self._left = packed
        self._size = size
        self._stated = checksum
        self._counted = deflated
        self._inflater = zlib.decompressobj(-zlib.MAX_WBITS) if deflated is not None else None
        self._is_open = False
        self._given = 0
        self._checksum = 0

    def read(self, size: int, /) -> bytes:
        if not self._is_open:
            self._pass_header()
        block = self._packed(size) if self._inflater is None else self._inflated(self._inflater, size)
        if block:
            self._checksum = zlib.crc32(block, self._checksum)
            self._given += len(block)
            if self._counted is not None:
                self._counted.make(len(block))
        elif (self._given, self._checksum) != (self._size, self._stated):
            raise zipfile.BadZipFile("size or checksum is not the stated one")
        return block

    def _inflated(self, inflater: "zlib._Decompress", size: int) -> bytes:
        block = b""
        while not block and not inflater.eof:
            packed = inflater.unconsumed_tail or self._packed(_PACKED)
            block = inflater.decompress(packed, size)
            if not packed and not block:
                raise EOFError("compressed data ends early")
        return block

    def _packed(self, size: int) -> bytes:
        wanted = min(size, self._left)
        # Other members may have been read in between.
        self._file.seek(self._place)
        block = self._file.read(wanted)
        if len(block) < wanted:
            raise EOFError("the archive ends within a member")
        self._place += wanted
        self._left -= wanted
        return block

    def _pass_header(self) -> None:
        self._file.seek(self._place)
        block = self._file.read(_LOCAL.size)
        if len(block) < _LOCAL.size or not block.startswith(b"PK\x03\x04"):
            raise zipfile.BadZipFile("no file is where the directory says")
        self._place += _LOCAL.size + sum(_LOCAL.unpack(block)[-2:])
        self._is_open = True


def _directory(file: IO[bytes]) -> tuple[int, int, int]:
    """First byte and end of the directory, and what to add to the offsets in it: bytes may stand before the archive."""
    length = file.seek(0, 2)
    tail_start = max(0, length - _END.size - 0xFFFF)
    file.seek(tail_start)
    tail = file.read()
    found = tail.rfind(b"PK\x05\x06")
    if found < 0 or len(tail) - found < _END.size:
        raise zipfile.BadZipFile("it has no directory at its end")
    size, offset = _END.unpack_from(tail, found)[5:7]
    end = tail_start + found
    before = end - _LOCATOR64.size
    if before >= 0:
        file.seek(before)
        locator = file.read(_LOCATOR64.size)
        place = before - _END64.size
        if locator.startswith(b"PK\x06\x07") and place >= 0:
            file.seek(place)
            block = file.read(_END64.size)
            if not block.startswith(b"PK\x06\x06"):
                raise zipfile.BadZipFile("its directory is damaged")
            size, offset = _END64.unpack(block)[-2:]
            end = place
    start = end - size
    if start < 0 or start < offset:
        raise zipfile.BadZipFile("its directory is cut")
    return start, end, start - offset


def _extended(fields: tuple[int, int, int], extra: bytes) -> tuple[int, ...]:
    """The fields, with the values of the zip64 extra field in place of full ones."""
    place = 0
    while place + 4 <= len(extra):
        kind, size = struct.unpack_from("<HH", extra, place)
        if kind == 1:
            values = iter(struct.iter_unpack("<Q", extra[place + 4 : place + 4 + size // 8 * 8]))
            return tuple(next(values, (field,))[0] if field == _FULL else field for field in fields)
        place += 4 + size
    return fields
