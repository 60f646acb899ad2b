"""Bytes of the dataset's values: variable-length integers and text, compact, and read with every bound checked.

Integers are little-endian base 128 (LEB128). A text is one integer whose two low bits say what follows:
0 inline UTF-8 of that many bytes, 1 the id of an interned text, 2 a decimal number that stands for itself, 3 None.
"""

import struct
from collections.abc import Callable, Sequence

from gameil.errors import DatasetError

Refer = Callable[[str], bytes]
"""Gives the bytes that stand for an interned text: ``text_reference`` of its id, a new one where needed."""
Lookup = Callable[[int], str]
"""Gives the text of an id."""

LONGEST_INTERNED = 64
"""Longer texts are rarely met twice, so they are written inline."""
_LARGEST = 1 << 64


class UnstorableError(DatasetError):
    """A value of one game does not fit the format; other games can still be stored."""


def text_reference(number: int) -> bytes:
    """The bytes of a text that is interned under this id."""
    out = ByteWriter()
    out.uint(number << 2 | 1)
    return out.getvalue()


def resolve(parts: Sequence[bytes | str], refer: Refer) -> bytes:
    """The bytes of a value whose interned texts have no ids yet."""
    return b"".join([part if type(part) is bytes else refer(part) for part in parts])  # type: ignore[arg-type]


class ByteWriter:
    """Collects the bytes of one value. Interned texts get their ids last, as only the dataset's writer knows them."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._parts: list[bytes | str] = []

    def uint(self, value: int) -> None:
        """A non-negative integer below 2**64."""
        if not 0 <= value < _LARGEST:
            raise UnstorableError(f"a stored integer must be in [0, 2**64), got {value}")
        out = self._bytes
        while value > 0x7F:
            out.append(value & 0x7F | 0x80)
            value >>= 7
        out.append(value)

    def optional_int(self, value: int | None) -> None:
        """A signed integer of 32 bits or None (zigzag, 0 for None)."""
        if value is not None and not -(1 << 31) <= value < 1 << 31:
            raise UnstorableError(f"a stored rating must fit in 32 bits, got {value}")
        self.uint(0 if value is None else (value << 1 if value >= 0 else (-value << 1) - 1) + 1)

    def text(self, value: str | None, *, intern: bool = True) -> None:
        """A text or None. Numbers, long texts and addresses go inline, all others are interned unless told not to."""
        if value is None:
            self.uint(3)
            return
        if value.isdigit() and value.isascii() and len(value) < 18 and (value[0] != "0" or value == "0"):
            self.uint(int(value) << 2 | 2)
            return
        if intern and 1 < len(value) <= LONGEST_INTERNED and "://" not in value:
            self.shared_text(value)
            return
        data = value.encode("utf-8", "surrogatepass")
        self.uint(len(data) << 2)
        self._bytes += data

    def shared_text(self, value: str) -> None:
        """A text that many values have in common, interned whatever it is."""
        if self._bytes:
            self._parts.append(bytes(self._bytes))
            self._bytes.clear()
        self._parts.append(value)

    def double(self, value: float) -> None:
        self._bytes += struct.pack("<d", value)

    def blob(self, data: bytes) -> None:
        """Bytes as they are; their number must be known to the reader."""
        self._bytes += data

    def parts(self) -> list[bytes | str]:
        """The value, as bytes with interned texts between them: what ``resolve`` takes."""
        return [*self._parts, bytes(self._bytes)]

    def getvalue(self, refer: Refer | None = None) -> bytes:
        """The bytes of the value; ``refer`` is needed where it interns texts."""
        if refer is None:
            if self._parts:
                raise DatasetError(f"this value interns no text, got {self._parts[-1]!r}")
            return bytes(self._bytes)
        return resolve(self.parts(), refer)


class ByteReader:
    """Reads back what ``ByteWriter`` wrote. Any read past the end raises ``DatasetError`` naming ``what``."""

    def __init__(self, data: bytes, lookup: Lookup, what: str) -> None:
        self._data = data
        self._place = 0
        self._lookup = lookup
        self._what = what

    def damaged(self, why: str) -> DatasetError:
        """The error for a value that cannot be right."""
        return DatasetError(f"{self._what} is damaged at byte {self._place} of {len(self._data)}: {why}")

    def uint(self) -> int:
        value = 0
        shift = 0
        data = self._data
        place = self._place
        while True:
            if place >= len(data):
                raise self.damaged("an integer is cut off")
            byte = data[place]
            place += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                break
            shift += 7
            if shift > 63:
                raise self.damaged("an integer is too long")
        if value >= _LARGEST:
            raise self.damaged("an integer is too large")
        self._place = place
        return value

    def count(self, item_size: int = 1) -> int:
        """A number of items that must fit, ``item_size`` bytes each, into what is left."""
        value = self.uint()
        if value * item_size > len(self._data) - self._place:
            raise self.damaged(f"{value} items of at least {item_size} bytes do not fit")
        return value

    def optional_int(self) -> int | None:
        value = self.uint()
        if value == 0:
            return None
        value -= 1
        return -((value + 1) >> 1) if value & 1 else value >> 1

    def text(self) -> str | None:
        head = self.uint()
        kind, value = head & 3, head >> 2
        if kind == 3:
            return None
        if kind == 2:
            return str(value)
        if kind == 1:
            return self._lookup(value)
        try:
            return self.blob(value).decode("utf-8", "surrogatepass")
        except UnicodeDecodeError as error:
            raise self.damaged("a text is not UTF-8") from error

    def skip_text(self) -> None:
        """Passes over a text without looking it up."""
        head = self.uint()
        if head & 3 == 0:
            self.blob(head >> 2)

    def required_text(self) -> str:
        value = self.text()
        if value is None:
            raise self.damaged("a text is missing")
        return value

    def double(self) -> float:
        value: float = struct.unpack("<d", self.blob(8))[0]
        return value

    def blob(self, size: int) -> bytes:
        end = self._place + size
        if end > len(self._data):
            raise self.damaged(f"{size} bytes wanted, {len(self._data) - self._place} left")
        data = self._data[self._place : end]
        self._place = end
        return data

    def rest(self) -> bytes:
        """All bytes that are left."""
        return self.blob(len(self._data) - self._place)

    def finish(self) -> None:
        """Raises unless everything was read."""
        if self._place != len(self._data):
            raise self.damaged(f"{len(self._data) - self._place} bytes are left over")
