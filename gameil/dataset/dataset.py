"""Reading a dataset: a picklable handle on a path; the environment is opened on first use, once per process."""

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from gameil.dataset import checksums, environment
from gameil.dataset.environment import Environment, Reading
from gameil.dataset.game_codec import decode_game_value, decode_player_names
from gameil.dataset.schema import (
    INDEX_DTYPE,
    SPLITS,
    Cursor,
    DatasetCounts,
    DatasetMeta,
    Split,
)
from gameil.dataset.tables import (
    StringTable,
    read_checksums,
    read_meta,
    read_meta_value,
    read_sources,
    read_total,
    set_digest,
)
from gameil.dataset.value_codec import decode_label, decode_observations, decode_provenance, decode_rejected
from gameil.errors import DatasetError
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance, RecordError

Value = TypeVar("Value")
_CHUNK = 256
"""Items read in one transaction where there may be many."""


class Dataset:
    """Played games of one family, with labels and counts. Safe to pickle, to share over a fork, and to read while
    another process writes; sees what was committed before each call."""

    def __init__(self, path: Path, *, family: str | None = None) -> None:
        """Opens and checks the dataset at ``path``.

        Raises:
            DatasetError: it is missing, no dataset, torn, of another version, or not of the game ``family``.
        """
        self.path = Path(path)
        self._environment: Environment | None = None
        self._strings = StringTable()
        environment.require_data_file(self.path)
        meta = self.meta
        if family is not None and meta.family != family:
            self.close()
            raise DatasetError(f"{path}: a dataset of {meta.family}, not of {family}")

    def __reduce__(self) -> tuple[type["Dataset"], tuple[Path]]:
        return Dataset, (self.path,)

    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.close()

    @property
    def meta(self) -> DatasetMeta:
        """What the dataset is about."""
        with self._env().read() as reading:
            return read_meta(reading, self.path)

    def __len__(self) -> int:
        """Number of games."""
        with self._env().read() as reading:
            return reading.size("games")

    def index(self) -> NDArray[np.void]:
        """``INDEX_DTYPE`` of all games in the order of their ids, which are 0, 1, 2 ... ``[N]``."""
        with self._env().read() as reading:
            chunks = [value for _, value in reading.items("index")]
            size = reading.size("games")
        if any(len(chunk) % INDEX_DTYPE.itemsize for chunk in chunks):
            raise DatasetError(f"{self.path}: index is damaged: a chunk of odd length")
        entries = np.frombuffer(b"".join(chunks), INDEX_DTYPE)
        if len(entries) != size:
            raise DatasetError(f"{self.path}: index is damaged: {len(entries)} entries for {size} games")
        return entries

    def game_ids(self, split: Split | None = None) -> NDArray[np.uint64]:
        """Ids of all games, or of those of one split, ascending, ``[N]``."""
        index = self.index()
        if split is None:
            return np.arange(len(index), dtype=np.uint64)
        if split not in SPLITS:
            raise DatasetError(f"split must be one of {', '.join(SPLITS)}, got {split!r}")
        return np.flatnonzero(index["split"] == SPLITS.index(split)).astype(np.uint64)

    def lengths(self, ids: NDArray[np.uint64]) -> NDArray[np.int32]:
        """Players' decisions in each of the games, ``[len(ids)]``."""
        index = self.index()
        if len(ids) and int(ids.max()) >= len(index):
            raise DatasetError(f"{self.path}: no game {int(ids.max())}: ids are below {len(index)}")
        return index["decisions"][ids].astype(np.int32)

    def game(self, game_id: int) -> PlayedGame:
        """One game, everything about it."""
        return self._game(game_id, for_replay=False)

    def game_for_replay(self, game_id: int) -> PlayedGame:
        """One game without names, tags, clocks and provenance: several times faster."""
        return self._game(game_id, for_replay=True)

    def player_names(self, game_id: int) -> tuple[str | None, ...]:
        """Who played a game, by seat, None where it is not stated: several times faster than the whole game."""
        with self._env().read() as reading:
            lookup = self._strings.lookup(reading, self.path)
            return decode_player_names(self._value(reading, game_id), lookup, f"{self.path}: game {game_id}")

    def _game(self, game_id: int, *, for_replay: bool) -> PlayedGame:
        with self._env().read() as reading:
            value = self._value(reading, game_id)
            lookup = self._strings.lookup(reading, self.path)
            return decode_game_value(value, lookup, f"{self.path}: game {game_id}", for_replay=for_replay)

    def _value(self, reading: Reading, game_id: int) -> bytes:
        fits = 0 <= game_id < 1 << 64
        value = reading.get("games", int(game_id).to_bytes(8, "big")) if fits else None
        if value is None:
            raise DatasetError(f"{self.path}: no game {game_id}: ids are below {reading.size('games')}")
        return value

    def provenance(self, game_id: int) -> list[Provenance]:
        """Where the game came from: its own record's place, then those of its duplicates."""
        return [self.game(game_id).source, *self.duplicates(game_id)]

    def duplicates(self, game_id: int) -> list[Provenance]:
        """Where records equal to the game came from."""
        with self._env().read() as reading:
            lookup = self._strings.lookup(reading, self.path)
            what = f"{self.path}: a duplicate of game {game_id}"
            items = reading.items("duplicates", prefix=int(game_id).to_bytes(8, "big"))
            return [decode_provenance(value, lookup, what) for _, value in items]

    def labels(self, game_id: int, which: Literal["all", "latest"] = "latest") -> dict[int, Label]:
        """Experts' labels of one game by ply.

        Args:
            which: ``latest``: of each ply the label of the highest round; ``all``: the mean of all its labels.
        """
        by_ply: dict[int, list[Label]] = {}
        for ply, label in self.all_labels(game_id):
            by_ply.setdefault(ply, []).append(label)
        if which == "latest":
            return {ply: max(labels, key=lambda label: label.round) for ply, labels in by_ply.items()}
        return {ply: _mean_label(labels) for ply, labels in by_ply.items()}

    def all_labels(self, game_id: int) -> list[tuple[int, Label]]:
        """Every label of one game as ``(ply, label)``, by ply, expert, round."""
        with self._env().read() as reading:
            items = list(reading.items("labels", prefix=int(game_id).to_bytes(8, "big")))
        return [decode_label(key, value)[1:] for key, value in items]

    def num_labels(self) -> int:
        """Number of labels of all games, experts and rounds."""
        with self._env().read() as reading:
            return reading.size("labels")

    def num_duplicates(self) -> int:
        """Number of records that are equal to a game kept."""
        with self._env().read() as reading:
            return reading.size("duplicates")

    def label_counts(self) -> dict[int, int]:
        """Number of labelled plies of each game that has any."""
        counts: dict[int, int] = {}
        last = b""
        with self._env().read() as reading:
            for key in reading.keys("labels"):
                if key[:12] != last:
                    last = key[:12]
                    game_id = int.from_bytes(last[:8], "big")
                    counts[game_id] = counts.get(game_id, 0) + 1
        return counts

    def observations(self, game_id: int) -> list[NDArray[np.generic]]:
        """Stored observations of a game that actions cannot replay, chunk by chunk; empty for all others."""
        with self._env().read() as reading:
            items = list(reading.items("observations", prefix=int(game_id).to_bytes(8, "big")))
        return [decode_observations(value, f"{self.path}: observations of game {game_id}") for _, value in items]

    def counts(self) -> DatasetCounts:
        """What became of all records read, over everything and by source."""
        with self._env().read() as reading:
            sources = read_sources(reading, self.path)
            by_source = {name: counts for name, (_, counts) in sources.items()}
            return DatasetCounts(read_total(reading, self.path), by_source)

    def cursors(self) -> dict[str, Cursor | None]:
        """How far each source has been read; None where games came from no file."""
        with self._env().read() as reading:
            return {name: cursor for name, (cursor, _) in read_sources(reading, self.path).items()}

    def rejected(self) -> Iterator[RecordError]:
        """The quarantine: every record that could not be used, in order."""

        def decode(reading: Reading, key: bytes, value: bytes) -> RecordError:
            lookup = self._strings.lookup(reading, self.path)
            return decode_rejected(value, lookup, f"{self.path}: rejected record {int.from_bytes(key, 'big')}")

        return self._scan("rejected", decode)

    def kept_id(self, digest: bytes) -> int | None:
        """Id of the game known under an ``identity_digest``, None where there is none."""
        with self._env().read() as reading:
            value = reading.get("digests", digest)
        return None if value is None else int.from_bytes(value, "big")

    def games_sum(self) -> int:
        """Sum of all games' digests, modulo 2**128: part of ``digest``, for verification."""
        with self._env().read() as reading:
            return int(read_meta_value(reading, self.path, "games_sum") or 0)

    def checksums_stated(self) -> bool:
        """Whether the dataset states checksums: those of schema version 1 have none."""
        with self._env().read() as reading:
            return read_checksums(reading, self.path) is not None

    def checksums(self) -> dict[str, tuple[int, int]]:
        """By sub-database the checksum that the dataset states and that of its rows; empty in schema version 1."""
        with self._env().read() as reading:
            stated = read_checksums(reading, self.path) or {}
            return {name: (number, checksums.of_rows(reading, name)) for name, number in stated.items()}

    def digest(self) -> str:
        """A digest of all games and labels, whatever their order: equal for equal content."""
        with self._env().read() as reading:
            return set_digest(reading, self.path)

    def sizes(self) -> dict[str, int]:
        """Bytes of the pages that each sub-database uses."""
        with self._env().read() as reading:
            return reading.pages()

    def close(self) -> None:
        """Lets go of the environment; the next use takes it again."""
        if getattr(self, "_environment", None) is not None:
            assert self._environment is not None
            environment.release(self._environment)
            self._environment = None

    def _env(self) -> Environment:
        if self._environment is None:
            self._environment = environment.acquire(self.path)
        return self._environment

    def _scan(self, database: str, decode: Callable[[Reading, bytes, bytes], Value]) -> Iterator[Value]:
        """All values of a sub-database, in many short transactions."""
        start = b""
        while True:
            batch: list[Value] = []
            with self._env().read() as reading:
                for key, value in reading.items(database, start=start):
                    batch.append(decode(reading, key, value))
                    start = key + b"\0"
                    if len(batch) == _CHUNK:
                        break
            yield from batch
            if len(batch) < _CHUNK:
                return


def _mean_label(labels: Sequence[Label]) -> Label:
    """The equal mixture of several labels of one position."""
    if len(labels) == 1:
        return labels[0]
    actions = np.unique(np.concatenate([label.actions for label in labels]))
    probs = np.zeros(len(actions), np.float64)
    for label in labels:
        probs[np.searchsorted(actions, label.actions)] += label.probs
    values = [label.value for label in labels if label.value is not None]
    return Label(
        expert="+".join(dict.fromkeys(label.expert for label in labels)),
        round=max(label.round for label in labels),
        actions=actions.astype(np.int32),
        probs=(probs / probs.sum()).astype(np.float32),
        value=sum(values) / len(values) if values else None,
    )
