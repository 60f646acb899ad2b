"""Writing a dataset: games, labels, counts and cursors are collected and committed together, all or nothing."""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from gameil import __version__
from gameil.dataset import checksums, environment
from gameil.dataset.codec import Refer, resolve
from gameil.dataset.encoded_game import EncodedGame, encode_game
from gameil.dataset.environment import DATA_FILE, WRITER_LOCK_FILE, MapFullError, Reading, Writing
from gameil.dataset.interning import Interner
from gameil.dataset.migrations import migrate
from gameil.dataset.schema import (
    INDEX_CHUNK,
    INDEX_DTYPE,
    SCHEMA_VERSION,
    Counts,
    Cursor,
    SplitRule,
    dump_json,
    label_hash,
    observation_key,
    pack_id,
    source_key,
)
from gameil.dataset.tables import read_checksums, read_meta, read_meta_value, read_sources, read_total
from gameil.dataset.value_codec import (
    encode_label,
    encode_label_key,
    encode_observations,
    encode_provenance,
    encode_rejected,
)
from gameil.errors import DatasetError
from gameil.games.registry import make_game
from gameil.positions.filters import FilterConfig, filter_values
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance, RecordError

_SUM_MODULUS = 1 << 128
INDEX_ENTRY = struct.Struct("<IIB3x")
"""The bytes of one ``INDEX_DTYPE``."""


@dataclass(frozen=True, slots=True)
class AddResult:
    """Where a game went."""

    game_id: int
    """Its id, or that of the equal game kept before."""
    duplicate: bool
    """An equal game was there already; only its provenance was added."""


class DatasetWriter:
    """The only writer of a dataset. A context manager: leaving it commits, an exception drops what is uncommitted."""

    def __init__(
        self,
        path: Path,
        family: str,
        *,
        split: SplitRule | None = None,
        filters: tuple[FilterConfig, ...] | None = None,
    ) -> None:
        """Opens the dataset at ``path``, making it where there is none.

        Args:
            family: the game family (``Game.family``).
            split: the split rule of a new dataset; None for the default, or for an old dataset's own.
            filters: what all its games pass (the caller sees to that); None for none, or for an old dataset's own.

        Raises:
            DatasetError: another process writes, it is sealed, of another family, version, split rule or filters, or
                no dataset.
        """
        self.path = Path(path)
        self.family = family
        self.created = not (self.path / DATA_FILE).exists()
        """This writer made the dataset."""
        self.last_rejected: RecordError | None = None
        """The record rejected last, an example for messages."""
        with environment.converted(self.path):
            if self.created and self.path.is_dir() and any(p.name != WRITER_LOCK_FILE for p in self.path.iterdir()):
                raise DatasetError(f"{path}: not a dataset (it has no file {DATA_FILE}), and not empty")
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = environment.lock_writer(self.path)
        self._environment = environment.acquire(self.path)
        self._environment.close()  # a reader of this process has it open read-only
        self._environment.writing = True
        try:
            self._open(split, filters)
        except BaseException:
            self._release()
            raise

    def _open(self, split: SplitRule | None, filters: tuple[FilterConfig, ...] | None) -> None:
        with self._environment.read() as reading:
            fresh = reading.get("meta", b"schema_version") is None and reading.size("games") == 0
        if fresh:
            self._write_meta(split or SplitRule(), filters or ())
        with self._environment.read() as reading:
            meta = read_meta(reading, self.path)
            if meta.family != self.family:
                raise DatasetError(f"{self.path}: a dataset of {meta.family}, not of {self.family}")
            if meta.sealed:
                raise DatasetError(f"{self.path}: sealed, so nothing can be written to it")
            if split is not None and split != meta.split:
                raise DatasetError(f"{self.path}: its split rule is {meta.split}, which cannot be changed to {split}")
            if filters is not None and filters != meta.filters:
                raise DatasetError(
                    f"{self.path}: its filters are {[filter_values(one) for one in meta.filters]}, "
                    f"which cannot be changed to {[filter_values(one) for one in filters]}"
                )
        if meta.schema_version != SCHEMA_VERSION:
            with environment.converted(self.path):
                migrate(self._environment)
        self.split, self.filters = meta.split, meta.filters
        self.migrated_from = meta.schema_version if meta.schema_version != SCHEMA_VERSION else None
        """The schema version that the dataset had before this writer opened it, where it was an older one."""
        with self._environment.read() as reading:
            self._next_id = reading.size("games")
            self._next_rejected = reading.size("rejected")
            self._total = read_total(reading, self.path)
            self._sources = read_sources(reading, self.path)
            self._sums = {
                name: int(read_meta_value(reading, self.path, name) or 0) for name in ("games_sum", "labels_sum")
            }
            self._checksums = read_checksums(reading, self.path) or checksums.no_rows()
            self._chunk = bytearray(reading.get("index", _chunk_key(self._next_id)) or b"")
            self._interner = Interner(reading)
        self._forget_pending()

    def add(self, played: PlayedGame, *, source: str | None = None) -> AddResult:
        """Stores a game, or the provenance of one that is there already (same content; and match id if generated).

        Args:
            source: name under which it is counted; default the file of its provenance.

        Raises:
            UnstorableError: a value of this game does not fit the format; nothing of it was counted or stored.
            DatasetError: the game is of another family.
        """
        return self.add_encoded([encode_game(played, self.split)], source=source)[0]

    def add_encoded(self, games: Sequence[EncodedGame], *, source: str | None = None) -> list[AddResult]:
        """As ``add``, for games that were made ready elsewhere with this dataset's split rule."""
        for game in games:
            if game.family != self.family:
                raise DatasetError(f"{self.path}: a dataset of {self.family} cannot take a game of {game.family}")
        with self._environment.read() as reading:
            refer = self._interner.references(reading)
            return [self._add(game, source, reading, refer) for game in games]

    def _add(self, game: EncodedGame, source: str | None, reading: Reading, refer: Refer) -> AddResult:
        counts = self._counts(source or game.file.partition("!")[0])
        counts.read += 1
        known = self._pending_digests.get(game.digest)
        if known is None:
            found = reading.get("digests", game.digest)
            known = None if found is None else int.from_bytes(found, "big")
        if known is not None:
            number = (self._total.duplicates + self._pending_duplicates) & 0xFFFFFFFF
            key = known.to_bytes(8, "big") + number.to_bytes(4, "big")
            provenance = encode_provenance(Provenance(game.file, game.offset), refer)
            self._pending.append(("duplicates", key, provenance))
            self._pending_duplicates += 1
            counts.duplicates += 1
            return AddResult(known, True)
        game_id = self._next_id
        self._pending.append(("games", game_id.to_bytes(8, "big"), resolve(game.value, refer)))
        self._pending.append(("digests", game.digest, pack_id(game_id)))
        self._pending_digests[game.digest] = game_id
        for number, part in enumerate(game.observations):
            self._pending.append(("observations", observation_key(game_id, number), part))
        self._chunk += INDEX_ENTRY.pack(game.decisions, game.content_hash, game.split)
        if len(self._chunk) == INDEX_CHUNK * INDEX_DTYPE.itemsize:
            self._pending.append(("index", _chunk_key(game_id), bytes(self._chunk)))
            self._chunk.clear()
        self._next_id += 1
        self._add_to_sum("games_sum", game.digest)
        counts.stored += 1
        counts.plies += game.plies
        counts.positions += game.decisions
        counts.after_end += game.after_end
        return AddResult(game_id, False)

    def reject(self, error: RecordError, *, source: str | None = None) -> None:
        """Puts a record that cannot be used into quarantine."""
        counts = self._counts(source or error.source.file.partition("!")[0])
        counts.read += 1
        counts.rejected[error.reason] = counts.rejected.get(error.reason, 0) + 1
        key = self._next_rejected.to_bytes(8, "big")
        with self._environment.read() as reading:
            value = encode_rejected(error, self._interner.references(reading))
        self._pending.append(("rejected", key, value))
        self._next_rejected += 1
        self.last_rejected = error

    def count_filtered(self, name: str, *, source: str, number: int = 1) -> None:
        """Counts records whose games a filter refused, by the predicate's name."""
        counts = self._counts(source)
        counts.read += number
        counts.filtered[name] = counts.filtered.get(name, 0) + number

    def count_tolerances(self, records: Mapping[str, int], *, source: str) -> None:
        """Counts records, kept or not, that needed a tolerance, by its name."""
        tolerances = self._counts(source).tolerances
        for name, number in records.items():
            tolerances[name] = tolerances.get(name, 0) + number

    def add_label(self, game_id: int, ply: int, label: Label) -> None:
        """Stores an expert's label; one of the same game, ply, expert and round is replaced."""
        if not 0 <= game_id < self._next_id:
            raise DatasetError(f"{self.path}: no game {game_id} to label: ids are below {self._next_id}")
        key, value = encode_label_key(game_id, ply, label), encode_label(label)
        self._pending.append(("labels", key, value))

    def add_observations(self, game_id: int, chunk: int, observations: NDArray[np.generic]) -> None:
        """Stores observations of a game that actions cannot replay (``Capabilities.replayable`` is False)."""
        if make_game(self.family).capabilities.replayable:
            raise DatasetError(f"{self.path}: {self.family} is replayable: its observations are not stored")
        self._pending.append(("observations", observation_key(game_id, chunk), encode_observations(observations)))

    def set_cursor(self, source: str, cursor: Cursor) -> None:
        """Notes how far ``source`` has been read; committed together with the games before it."""
        self._pending_cursors[source] = cursor

    def cursor(self, source: str) -> Cursor | None:
        """The cursor last set for ``source``."""
        return self._pending_cursors.get(source) or self._sources.get(source, (None, Counts()))[0]

    def sources(self) -> dict[str, Cursor]:
        """The committed cursors of all sources that are files."""
        return {name: cursor for name, (cursor, _) in self._sources.items() if cursor is not None}

    def total(self) -> Counts:
        """Committed counts over all sources."""
        return self._total

    def seal(self) -> None:
        """Makes the dataset read-only for ever, from the next opening on; readers need no lock then."""
        self.commit()
        self._transact([("meta", b"sealed", dump_json(True))])

    def commit(self) -> None:
        """Writes everything collected in one transaction; grows the map where it must.

        Raises:
            DatasetError: the disk is full or fails; what was committed before is kept.
        """
        if not self._pending and not self._pending_cursors and not self._pending_counts:
            return
        total = Counts()
        total.add(self._total)
        sources = dict(self._sources)
        for name in dict.fromkeys([*self._pending_counts, *self._pending_cursors]):
            cursor, old = sources.get(name, (None, Counts()))
            counts = Counts()
            counts.add(old)
            if name in self._pending_counts:
                counts.add(self._pending_counts[name])
                total.add(self._pending_counts[name])
            sources[name] = (self._pending_cursors.get(name, cursor), counts)
        with self._environment.read() as reading:
            labels_sum = self._labels_sum(reading)
        writes = self._pending + self._interner.pending
        if self._chunk:
            writes.append(("index", _chunk_key(self._next_id - 1), bytes(self._chunk)))
        for name, (cursor, counts) in sources.items():
            if name in self._pending_counts or name in self._pending_cursors:
                value = {"name": name, "cursor": cursor and asdict(cursor), "counts": counts.values()}
                writes.append(("sources", source_key(name), dump_json(value)))
        writes.append(("meta", b"counts", dump_json(total.values())))
        writes.append(("meta", b"games_sum", dump_json(self._sums["games_sum"])))
        writes.append(("meta", b"labels_sum", dump_json(labels_sum)))
        with self._environment.read() as reading:
            sums = checksums.after_writes(self._checksums, reading, writes)
        writes.append(("meta", b"checksums", dump_json(sums)))
        self._transact(writes)
        self._total, self._sources, self._checksums = total, sources, sums
        self._sums["labels_sum"] = labels_sum
        self._interner.committed()
        self._forget_pending()

    def close(self) -> None:
        """Gives up the lock; what is uncommitted is lost."""
        if not self._lock.closed:
            self._release()

    def discard_if_empty(self) -> bool:
        """Closes, and removes a dataset that this writer made and that got no game. True where it was removed."""
        empty = self.created and self._total.stored == 0
        self.close()
        if empty:
            for name in (DATA_FILE, "lock.mdb", WRITER_LOCK_FILE):
                (self.path / name).unlink(missing_ok=True)
            if not any(self.path.iterdir()):
                self.path.rmdir()
        return empty

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None and not self._lock.closed:
                self.commit()
        finally:
            self.close()

    def _release(self) -> None:
        self._environment.close()
        self._environment.writing = False
        environment.release(self._environment)
        self._lock.close()

    def _write_meta(self, split: SplitRule, filters: tuple[FilterConfig, ...]) -> None:
        values: dict[str, Any] = {
            "schema_version": SCHEMA_VERSION,
            "family": self.family,
            "split": split.values(),
            "filters": [filter_values(one) for one in filters],
            "created_with": f"gameil {__version__}",
            "sealed": False,
            "checksums": checksums.no_rows(),
        }
        self._transact([("meta", name.encode(), dump_json(value)) for name, value in values.items()])

    def _transact(self, writes: list[tuple[str, bytes, bytes]]) -> None:
        """One transaction, done again with a larger map until it fits."""
        with environment.converted(self.path):
            while True:
                try:
                    with self._environment.write() as writing:
                        _put_all(writing, writes)
                    return
                except MapFullError:
                    self._environment.grow()

    def _counts(self, source: str) -> Counts:
        return self._pending_counts.setdefault(source, Counts())

    def _add_to_sum(self, name: str, digest: bytes, sign: int = 1) -> None:
        self._sums[name] = (self._sums[name] + sign * int.from_bytes(digest, "big")) % _SUM_MODULUS

    def _labels_sum(self, reading: Reading) -> int:
        """The labels' sum after this commit: pending ones in, the ones they replace out."""
        total = self._sums["labels_sum"]
        pending = {key: value for database, key, value in self._pending if database == "labels"}
        for key, value in pending.items():
            total += label_hash(key, value)
            old = reading.get("labels", key)
            if old is not None:
                total -= label_hash(key, old)
        return total % _SUM_MODULUS

    def _forget_pending(self) -> None:
        self._pending: list[tuple[str, bytes, bytes]] = []
        self._pending_digests: dict[bytes, int] = {}
        self._pending_counts: dict[str, Counts] = {}
        self._pending_cursors: dict[str, Cursor] = {}
        self._pending_duplicates = 0


def _put_all(writing: Writing, writes: list[tuple[str, bytes, bytes]]) -> None:
    """Puts all values; in key order where the database is random, so that pages fill better."""
    for database, key, value in sorted(writes, key=lambda write: write[:2]):
        grows_at_its_end = database in ("games", "rejected") or (database == "strings" and key.startswith(b"t"))
        writing.put(database, key, value, append=grows_at_its_end)


def _chunk_key(game_id: int) -> bytes:
    return (game_id // INDEX_CHUNK).to_bytes(4, "big")
