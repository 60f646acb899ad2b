"""Giving texts their ids: known ones from memory or from the dataset, new ones with the next transaction."""

from itertools import count

from gameil.dataset.codec import Refer, text_reference
from gameil.dataset.environment import Reading
from gameil.dataset.schema import pack_id
from gameil.dataset.tables import string_hash_key, string_key

_MOST_STRINGS = 50_000
"""Texts remembered between commits; the others are looked up again."""


class Interner:
    """Ids of texts in the sub-database ``strings``; ``pending`` has the puts that the next transaction must make."""

    def __init__(self, reading: Reading) -> None:
        self._next = reading.size("strings") // 2
        self._known: dict[str, bytes] = {}
        self._pending_hashes: set[bytes] = set()
        self.pending: list[tuple[str, bytes, bytes]] = []
        """``(sub-database, key, value)``."""

    def references(self, reading: Reading) -> Refer:
        """The function that gives a text's reference, with a new id where it has none; lives as long as ``reading``."""
        known = self._known

        def refer(text: str) -> bytes:
            found = known.get(text)
            if found is None:
                number = self._find_or_add(text.encode("utf-8", "surrogatepass"), reading)
                found = known[text] = text_reference(number)
            return found

        return refer

    def committed(self) -> None:
        """The pending puts were made."""
        self.pending.clear()
        self._pending_hashes.clear()
        if len(self._known) > _MOST_STRINGS:
            self._known.clear()

    def _find_or_add(self, data: bytes, reading: Reading) -> int:
        for attempt in count():
            key = string_hash_key(data, attempt)
            if key in self._pending_hashes:  # another text's: this one would be known
                continue
            value = reading.get("strings", key)
            if value is None:
                break
            number = int.from_bytes(value, "big")
            if reading.get("strings", string_key(number)) == data:
                return number
        number = self._next
        self._next += 1
        self.pending += [("strings", string_key(number), data), ("strings", key, pack_id(number))]
        self._pending_hashes.add(key)
        return number
