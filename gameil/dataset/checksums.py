"""Checksums of a dataset's rows: one sum a sub-database, kept by the writer, computed again by verification.

    sum of crc32(key + value) over all rows, modulo 2**64

It follows from the rows whatever their order, so it is kept up with each commit; any one changed, lost or added row
changes it. Labels, which have a sum in the dataset's digest, and the index, which verification makes anew, have none.
"""

from collections.abc import Iterable
from zlib import crc32

from gameil.dataset.environment import Reading

CHECKED = ("digests", "duplicates", "games", "observations", "rejected", "strings")
"""Sub-databases that have a checksum. Rows are only ever added, except to ``observations``."""
_REPLACED = ("observations",)
_MODULUS = 1 << 64
_NONE = dict.fromkeys(CHECKED, 0)


def no_rows() -> dict[str, int]:
    """The checksums of an empty dataset."""
    return dict(_NONE)


def after_writes(
    checksums: dict[str, int], reading: Reading, writes: Iterable[tuple[str, bytes, bytes]]
) -> dict[str, int]:
    """The checksums when ``writes``, ``(sub-database, key, value)``, will have been put; of equal keys the last."""
    sums = dict(checksums)
    added = {(database, key): value for database, key, value in writes if database in sums}
    for (database, key), value in added.items():
        sums[database] += crc32(value, crc32(key))
        if database in _REPLACED:
            old = reading.get(database, key)
            sums[database] -= 0 if old is None else crc32(old, crc32(key))
    return {database: value % _MODULUS for database, value in sums.items()}


def of_rows(reading: Reading, database: str) -> int:
    """The checksum of a sub-database as it is."""
    return sum(crc32(value, crc32(key)) for key, value in reading.items(database)) % _MODULUS
