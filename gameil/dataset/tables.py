"""The small tables of a dataset: meta, strings, sources, total counts, digest. Shared by reader and writer."""

import hashlib
from pathlib import Path
from typing import Any

from gameil.dataset.codec import Lookup
from gameil.dataset.environment import Reading
from gameil.dataset.schema import SCHEMA_VERSION, Counts, Cursor, DatasetMeta, SplitRule, dump_json, load_json
from gameil.errors import ConfigError, DatasetError
from gameil.positions.filters import parse_filter

_MOST_STRINGS = 200_000
"""Texts kept in memory; then the table starts anew."""
READABLE_VERSIONS = (1, SCHEMA_VERSION)
"""Schema versions that are read as they are; ``migrations`` brings the older ones up to date before writing."""
_MALFORMED = (TypeError, ValueError, KeyError, AttributeError, ConfigError)


class StringTable:
    """Interned texts by id, remembered in memory within a bound."""

    def __init__(self) -> None:
        self._known: dict[int, str] = {}
        self._file: object = None

    def lookup(self, reading: Reading, path: Path) -> Lookup:
        """The function that decoders ask, valid as long as the transaction."""
        if reading.file != self._file:  # the dataset was rewritten: its ids are others
            self._known.clear()
            self._file = reading.file
        known = self._known

        def text_of(number: int) -> str:
            text = known.get(number)
            if text is None:
                value = reading.get("strings", string_key(number)) if number < 2**32 else None
                if value is None:
                    raise DatasetError(f"{path}: damaged: no text {number} in the sub-database strings")
                if len(known) >= _MOST_STRINGS:
                    known.clear()
                text = known[number] = value.decode("utf-8", "surrogatepass")
            return text

        return text_of


def string_key(number: int) -> bytes:
    """Key of the text with this id in ``strings``: they sort after all hashes, so that new ones are appended."""
    return b"t" + number.to_bytes(4, "big")


def string_hash_key(data: bytes, attempt: int) -> bytes:
    """Key in ``strings`` that leads from an encoded text to its id; ``attempt`` counts up where hashes collide."""
    return b"h" + hashlib.blake2b(data, digest_size=7, salt=attempt.to_bytes(2, "big")).digest()


def read_meta(reading: Reading, path: Path) -> DatasetMeta:
    """The dataset's description. Raises ``DatasetError`` where it has none, or one of another version."""
    version = read_meta_value(reading, path, "schema_version")
    if version is None:
        raise DatasetError(f"{path}: not a dataset of gameil, or one whose making was cut off: it states no version")
    if version not in READABLE_VERSIONS:
        raise DatasetError(
            f"{path}: made by {read_meta_value(reading, path, 'created_with')} with schema version {version}, "
            f"but this gameil reads versions {READABLE_VERSIONS[0]} to {SCHEMA_VERSION}: "
            f"{'use a newer gameil' if isinstance(version, int) and version > SCHEMA_VERSION else 'ingest it again'}"
        )
    try:
        return DatasetMeta(
            family=str(read_meta_value(reading, path, "family")),
            schema_version=version,
            split=SplitRule(**read_meta_value(reading, path, "split")),
            created_with=str(read_meta_value(reading, path, "created_with")),
            sealed=bool(read_meta_value(reading, path, "sealed")),
            filters=tuple(parse_filter(values) for values in read_meta_value(reading, path, "filters") or ()),
        )
    except _MALFORMED as error:
        raise DatasetError(f"{path}: meta is damaged: {error}") from error


def read_meta_value(reading: Reading, path: Path, name: str) -> Any:
    """One value of ``meta``, None where it is not there."""
    value = reading.get("meta", name.encode())
    return None if value is None else load_json(value, f"{path}: meta/{name}")


def read_checksums(reading: Reading, path: Path) -> dict[str, int] | None:
    """The checksum of each sub-database that has one; None in a dataset of schema version 1."""
    values = read_meta_value(reading, path, "checksums")
    try:
        return None if values is None else {str(name): int(value) for name, value in values.items()}
    except _MALFORMED as error:
        raise DatasetError(f"{path}: meta/checksums is damaged: {error}") from error


def read_total(reading: Reading, path: Path) -> Counts:
    """Counts over all sources."""
    try:
        return Counts.parse(read_meta_value(reading, path, "counts") or {})
    except _MALFORMED as error:
        raise DatasetError(f"{path}: meta/counts is damaged: {error}") from error


def read_sources(reading: Reading, path: Path) -> dict[str, tuple[Cursor | None, Counts]]:
    """Cursor and counts of every source by its name."""
    sources = {}
    for key, value in reading.items("sources"):
        what = f"{path}: source {key.decode('utf-8', 'replace')}"
        values = load_json(value, what)
        try:
            cursor = None if values["cursor"] is None else Cursor(**values["cursor"])
            sources[str(values["name"])] = (cursor, Counts.parse(values["counts"]))
        except _MALFORMED as error:
            raise DatasetError(f"{what} is damaged: {error}") from error
    return sources


def set_digest(reading: Reading, path: Path) -> str:
    """Hexadecimal digest of the family, the split rule, the set of games and the set of labels."""
    meta = read_meta(reading, path)
    sums = [read_meta_value(reading, path, name) or 0 for name in ("games_sum", "labels_sum")]
    content = dump_json([meta.family, meta.split.values(), reading.size("games"), *(str(value) for value in sums)])
    return hashlib.blake2b(content, digest_size=16).hexdigest()
