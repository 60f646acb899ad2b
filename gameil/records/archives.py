"""Walks a tar archive as a stream, in memory that no header can fill: its names and sizes are a stranger's.

The library ``tarfile`` reads a name's header whole whatever size it states, nests a call for every header before a
member, and keeps all members. Here headers are read one after another, and only what the next member needs is kept.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

TAR_BLOCK = 512
"""Bytes of a tar header; data is filled up to a multiple of it."""
MAX_HEADER = 1 << 20
"""Bytes of a long name or extended header that are read; more is refused."""
_SKIP = 1 << 16
"""Bytes read at a time where data is passed over."""
_EXTENDED = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_PASSED_OVER = (tarfile.GNUTYPE_LONGLINK, tarfile.XGLTYPE)
"""Headers that say nothing about a file's name or data: targets of links, and remarks about all members."""
_MORE_HOLES = 504
"""Byte of a block of holes that is set where another one follows; in the member's own header it is byte 482."""


class Readable(Protocol):
    """All that is needed of a stream."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""
        ...


@dataclass(frozen=True, slots=True)
class TarMember:
    """A file in a tar archive."""

    name: str
    """As written; bytes that are no UTF-8 are surrogates."""
    data: "TarData"
    """To be read before the next member is asked for. Raises ``tarfile.ReadError`` where the archive ends before it."""
    refused: str | None
    """Why the data is of no use, None where it is the file as it was."""


def tar_members(stream: Readable) -> Iterator[TarMember]:
    """The files of an archive in order; directories, links and devices are passed over.

    Raises ``tarfile.ReadError`` where a header is damaged, larger than ``MAX_HEADER``, or cut.
    """
    long_name: bytes | None = None
    fields: dict[bytes, bytes] = {}
    while block := _read_up_to(stream, TAR_BLOCK):
        if not any(block):
            return
        header = _parse(block)
        if header.type in _EXTENDED:
            fields = _extended_fields(_read_header(stream, header.size))
            continue
        if header.type == tarfile.GNUTYPE_LONGNAME:
            long_name = _read_header(stream, header.size).partition(b"\0")[0]
            continue
        if header.type in _PASSED_OVER:
            _pass_over(stream, _padded(header.size))
            continue
        size = _number(fields[b"size"]) if b"size" in fields else header.size
        is_sparse = header.type == tarfile.GNUTYPE_SPARSE or any(name.startswith(b"GNU.sparse.") for name in fields)
        if header.type == tarfile.GNUTYPE_SPARSE:
            more = bool(block[482])
            while more:
                more = bool(_read_all(stream, TAR_BLOCK)[_MORE_HOLES])
        has_data = header.isreg() or header.type not in tarfile.SUPPORTED_TYPES
        data = TarData(stream, size if has_data else 0)
        if header.isreg():
            written = fields.get(b"GNU.sparse.name") or fields.get(b"path") or long_name
            name = header.name if written is None else written.decode("utf-8", "surrogateescape")
            yield TarMember(name, data, "is a sparse file of tar, which is not supported" if is_sparse else None)
        if has_data:
            _pass_over(stream, data.left + _padded(size) - size)
        long_name, fields = None, {}


class TarData:
    """The bytes of one member."""

    def __init__(self, stream: Readable, size: int) -> None:
        self._stream = stream
        self.left = size
        """Bytes not read yet."""
        self.failed = False
        """The archive ended, or broke, while this was read."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes, none at the end."""
        wanted = min(size, self.left)
        if not wanted:
            return b""
        self.failed = True
        block = self._stream.read(wanted)
        if not block:
            raise tarfile.ReadError("unexpected end of data")
        self.failed = False
        self.left -= len(block)
        return block


def _parse(block: bytes) -> tarfile.TarInfo:
    """The header in a block. Only the library's reading of one block is used, which looks at nothing else."""
    try:
        header = tarfile.TarInfo.frombuf(block, "utf-8", "surrogateescape")
    except (tarfile.TarError, ValueError, OverflowError) as error:
        raise tarfile.ReadError(f"damaged tar header: {error}") from error
    if header.size < 0:
        raise tarfile.ReadError(f"damaged tar header: a size of {header.size} bytes")
    return header


def _extended_fields(data: bytes) -> dict[bytes, bytes]:
    """Fields of an extended header (POSIX.1-2001, pax): records ``length key=value`` with a line end, one by one."""
    fields: dict[bytes, bytes] = {}
    place = 0
    while place < len(data) and data[place]:
        digits = data[place : place + 20].partition(b" ")[0]
        record = data[place : place + _number(digits)]
        key, equals, value = record[len(digits) + 1 : -1].partition(b"=")
        if len(record) < _number(digits) or not equals or not record.endswith(b"\n"):
            raise tarfile.ReadError("damaged tar header: an extended field is cut")
        if key in (b"path", b"size") or key.startswith(b"GNU.sparse."):
            fields[key] = value
        place += len(record)
    return fields


def _number(digits: bytes) -> int:
    if not digits.isdigit() or len(digits) > 20:
        raise tarfile.ReadError("damaged tar header: an extended field states no number")
    return int(digits)


def _read_header(stream: Readable, size: int) -> bytes:
    if size > MAX_HEADER:
        raise tarfile.ReadError(f"a tar header states {size:,} bytes for a name, more than {MAX_HEADER:,}")
    return _read_all(stream, _padded(size))[:size]


def _read_all(stream: Readable, size: int) -> bytes:
    data = _read_up_to(stream, size)
    if len(data) < size:
        raise tarfile.ReadError("unexpected end of data")
    return data


def _read_up_to(stream: Readable, size: int) -> bytes:
    """``size`` bytes, fewer only at the end: a stream may give less than it is asked for."""
    parts: list[bytes] = []
    while size > 0 and (part := stream.read(min(size, _SKIP))):
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _pass_over(stream: Readable, size: int) -> None:
    while size > 0:
        part = stream.read(min(size, _SKIP))
        if not part:
            raise tarfile.ReadError("unexpected end of data")
        size -= len(part)


def _padded(size: int) -> int:
    return -(-size // TAR_BLOCK) * TAR_BLOCK
