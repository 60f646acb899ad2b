"""Datasets of older schema versions brought up to date in place: one function a version, one transaction for all.

Readers read the versions in ``tables.READABLE_VERSIONS`` as they are; a writer migrates first. A migration that is
killed has changed nothing.
"""

from collections.abc import Callable

from gameil.dataset import checksums
from gameil.dataset.environment import Environment, MapFullError, Writing
from gameil.dataset.schema import SCHEMA_VERSION, dump_json, load_json


def _add_filters_and_checksums(writing: Writing) -> None:
    """1 to 2: filters become a list, and the rows get their checksums."""
    sums = {database: checksums.of_rows(writing, database) for database in checksums.CHECKED}
    writing.put("meta", b"filters", dump_json([]))
    writing.put("meta", b"checksums", dump_json(sums))


MIGRATIONS: dict[int, Callable[[Writing], None]] = {1: _add_filters_and_checksums}
"""By the version that they start from; each leads to the next."""


def migrate(environment: Environment) -> int:
    """Brings the dataset in an environment open for writing to ``SCHEMA_VERSION``; returns the version it had."""
    while True:
        try:
            with environment.write() as writing:
                found = int(load_json(writing.get("meta", b"schema_version") or b"0", "meta/schema_version"))
                for version in range(found, SCHEMA_VERSION):
                    MIGRATIONS[version](writing)
                if found != SCHEMA_VERSION:
                    writing.put("meta", b"schema_version", dump_json(SCHEMA_VERSION))
            return found
        except MapFullError:
            environment.grow()
