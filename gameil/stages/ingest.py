"""The ingest stage: raw records are cut out in order, several processes work on them, and one writer stores the games.

A cursor, the games before it and their counts are committed together, so a killed run loses at most the last
uncommitted batch, and ``resume`` ends with the same dataset as an uninterrupted run.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import groupby, islice
from pathlib import Path
from typing import Any, Protocol, cast

from gameil.dataset.encoded_game import EncodedGame
from gameil.dataset.schema import Counts, Cursor, SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError, RecordsError
from gameil.games.registry import make_game
from gameil.positions.filters import FilterConfig, Filtered
from gameil.records.formats import split_records
from gameil.records.pgn_rust import is_available
from gameil.records.record import RecordError
from gameil.stages.transcription import MOST_RECORDS, ChunkWork, Raw, Transcribed, transcribe_all
from gameil.tracking.progress import Progress

_READ_BYTES = 1 << 20
_SLOW_BYTES = 1 << 28
"""Hashing a file of this size takes long enough to be shown."""
_COMMIT_BYTES = 1 << 26
"""Bytes of plies collected before a commit, however few the records: bounds the memory."""
_SHOWN_REASONS = 12
_SHOWN_SOURCES = 3


@dataclass(frozen=True)
class IngestConfig:
    """What to read, and into which dataset."""

    __pydantic_config__ = {"extra": "forbid"}

    sources: tuple[Path, ...]
    """Files of records or archives of such files, read in this order."""
    game: str
    """Game of the records, such as chess, go or connect_four; records of other games are rejected."""
    out: Path
    """The dataset: a new directory, or one to add to."""
    format: str | None = None
    """Name of the records' format; found out from the content where not given."""
    workers: int = 0
    """Processes that read records and play their moves, this one included; 0: one for each processor."""
    limit: int | None = None
    """Read at most so many records in this run."""
    batch_records: int = 5000
    """Records committed together: what a killed run can lose."""
    filters: FilterConfig = field(default_factory=FilterConfig)
    """What games must pass to be let in; fixed when the dataset is made."""
    split: SplitRule = field(default_factory=SplitRule)
    """How games are divided into training, validation and test; fixed when the dataset is made."""
    pgn_extra: bool = True
    """Resolve chess moves by the Rust reader where the pgn extra is installed: the same games in less time."""
    seed: int = 0
    """Not used: the split follows from the games themselves."""

    def __post_init__(self) -> None:
        if not self.sources:
            raise ConfigError("nothing to ingest: name at least one file of records")
        if self.workers < 0 or self.batch_records < 1:
            raise ConfigError(
                f"workers must be at least 0 and batch_records at least 1, got {self.workers} and {self.batch_records}"
            )
        if self.limit is not None and self.limit < 1:
            raise ConfigError(f"limit must be at least 1, got {self.limit}")


class Reporter(Protocol):
    """Where progress is told: a ``Run``, or a bare console."""

    def say(self, line: str) -> None: ...

    def progress(self, description: str, total: int | None, unit: str) -> Progress: ...


def ingest(config: IngestConfig, run: Reporter, *, resume: bool) -> dict[str, Any]:
    """Reads all sources into the dataset and tells what became of every record.

    Args:
        resume: go on with sources that an interrupted run has read in part.

    Returns:
        Counts of this run and of the whole dataset, sizes and times, as plain JSON values.

    Raises:
        RecordsError: a source cannot be read at all, or no record of this run was usable.
        DatasetError: the dataset cannot be written, or a source was read in part and ``resume`` is not set.
    """
    started = time.monotonic()
    for path in config.sources:
        _refuse_unreadable(path)
    family = make_game(config.game).family
    writer = _open_writer(config, family)
    before = writer.total()
    try:
        read = 0
        checked: Counter[str] = Counter()
        for path in config.sources:
            read += _ingest_source(config, path, writer, run, resume, read, checked)
    except BaseException:
        writer.discard_if_empty()
        raise
    counts = _difference(writer.total(), before)
    examples = writer.last_rejected
    if counts.read and not counts.stored and not counts.duplicates:
        writer.discard_if_empty()
        example = f"; the last one: {examples.detail}" if examples else ""
        filtered = f", filtered: {_by_name(counts.filtered)}" if counts.filtered else ""
        raise RecordsError(
            f"{_named(config.sources)}: no usable game: {counts.read:,} records, "
            f"rejected: {_by_name(counts.rejected)}{filtered}{example}"
        )
    if writer.discard_if_empty():
        raise RecordsError(f"{_named(config.sources)}: no records of games in it")
    if checked["resolved"]:
        by = "the Rust reader of the pgn extra" if config.pgn_extra and is_available() else "NumPy"
        run.say(
            f"  together    {checked['resolved']:>12,}   games played many at a time by {by}; the rules engine played "
            f"{checked['replayed']:,} of them too: the same"
        )
    return {**_results(config, run, counts, time.monotonic() - started), "together": dict(checked)}


def _ingest_source(
    config: IngestConfig,
    path: Path,
    writer: DatasetWriter,
    run: Reporter,
    resume: bool,
    already: int,
    checked: Counter[str],
) -> int:
    """Reads one source from its cursor on; returns the number of records taken, and adds to ``checked``."""
    name, cursor = _find_cursor(path, writer, run)
    if cursor.done:
        run.say(f"{path}: ingested before ({cursor.records:,} records), nothing to do")
        return 0
    if cursor.records and not resume:
        raise DatasetError(
            f"{config.out}: {path} has been read up to record {cursor.records:,} only; go on with --resume"
        )
    remaining = None if config.limit is None else max(0, config.limit - already)
    if remaining == 0:
        return 0
    taken = _Taken(path, config.format, cursor.records, remaining)
    work = ChunkWork(writer.family, writer.filters, writer.split, config.pgn_extra)
    counted = uncommitted = uncommitted_bytes = 0
    total = None if remaining is None else cursor.records + remaining
    with run.progress(f"ingesting {path.name}", total, "records") as bar:
        bar.start_at(cursor.records)
        for chunk in transcribe_all(taken, work, config.workers, min(MOST_RECORDS, config.batch_records)):
            uncommitted_bytes += _store(chunk, writer, name)
            checked.update(resolved=chunk.resolved, replayed=chunk.replayed)
            counted += len(chunk.outcomes)
            uncommitted += len(chunk.outcomes)
            writer.set_cursor(name, replace(cursor, records=cursor.records + counted))
            if uncommitted >= config.batch_records or uncommitted_bytes >= _COMMIT_BYTES:
                writer.commit()
                uncommitted = uncommitted_bytes = 0
            if total is None:
                bar.estimate(taken.estimate(cursor.size))
            bar.advance(len(chunk.outcomes))
        done = remaining is None or taken.number < remaining
        writer.set_cursor(name, replace(cursor, records=cursor.records + counted, done=done))
        writer.commit()
    return counted


def _store(chunk: Transcribed, writer: DatasetWriter, source: str) -> int:
    """Stores games, counts the filtered, puts errors into quarantine, in their order, so that chunks leave no trace.

    Returns about how many bytes wait for the commit.
    """
    size = 0
    for is_game, run in groupby(chunk.outcomes, lambda outcome: isinstance(outcome, EncodedGame)):
        if is_game:
            games = cast(list[EncodedGame], list(run))
            writer.add_encoded(games, source=source)
            size += sum(4 * game.plies for game in games)
            continue
        for outcome in run:
            if isinstance(outcome, RecordError):
                writer.reject(outcome, source=source)
            elif isinstance(outcome, Filtered):
                writer.count_filtered(outcome.name, source=source)
    writer.count_tolerances(chunk.tolerances, source=source)
    return size


class _Taken:
    """Counts what is taken from a source: fewer records than asked for means that it has ended."""

    def __init__(self, path: Path, format: str | None, skip: int, limit: int | None) -> None:
        self._raws = islice(split_records(path, format, skip, self._note), limit)
        self._skipped = skip
        self._bytes = 0
        self.number = 0

    def __iter__(self) -> Iterator[Raw]:
        return self

    def __next__(self) -> Raw:
        item = next(self._raws)
        self.number += 1
        return item

    def _note(self, taken: int) -> None:
        self._bytes = taken

    def estimate(self, size: int) -> int:
        """About how many records there are in all, if the rest of the source's ``size`` bytes is like its beginning."""
        return round((self._skipped + self.number) * size / max(1, self._bytes))


def _named(sources: Sequence[Path]) -> str:
    """The sources in one line, however many."""
    names = [str(path) for path in sources[:_SHOWN_SOURCES]]
    return ", ".join([*names, f"{len(sources) - len(names)} others"] if len(sources) > len(names) else names)


def _refuse_unreadable(path: Path) -> None:
    if not path.exists():
        raise RecordsError(f"{path}: no such file")
    if path.is_dir():
        raise RecordsError(f"{path}: is a directory; name the files in it")
    if not path.is_file():
        raise RecordsError(f"{path}: is a pipe or device; an ingest that can be resumed needs a file")
    if path.stat().st_size == 0:
        raise RecordsError(f"{path}: is empty")


def _open_writer(config: IngestConfig, family: str) -> DatasetWriter:
    """The writer; what is at its default where the dataset is there already stays the dataset's own."""
    there = config.out.exists()
    split = None if there and config.split == SplitRule() else config.split
    filters = None if there and config.filters == FilterConfig() else _unless_default(config.filters)
    return DatasetWriter(config.out, family, split=split, filters=filters)


def _unless_default(filters: FilterConfig) -> tuple[FilterConfig, ...]:
    return () if filters == FilterConfig() else (filters,)


def _find_cursor(path: Path, writer: DatasetWriter, run: Reporter) -> tuple[str, Cursor]:
    """Name and cursor of a source, found by its fingerprint even under another path."""
    size = path.stat().st_size
    if size < _SLOW_BYTES:
        fresh = fingerprint(path)
    else:
        with run.progress(f"hashing {path.name}", size >> 20, "MiB") as bar:
            fresh = fingerprint(path, lambda number: bar.advance(number >> 20))
    for name, cursor in writer.sources().items():
        if (cursor.size, cursor.hash) == (fresh.size, fresh.hash):
            return name, cursor
    known = writer.cursor(str(path))
    if known is not None:
        raise DatasetError(
            f"{path}: has changed since it was ingested ({fresh.size:,} bytes, then {known.size:,}): "
            f"ingest it under another name, or into a new dataset"
        )
    return str(path), fresh


def fingerprint(path: Path, progress: Callable[[int], None] = lambda _: None) -> Cursor:
    """A cursor at the start of a file, with its size and a hash of all its bytes; ``progress`` is told each part."""
    digest = hashlib.blake2b(digest_size=16)
    size = 0
    with path.open("rb") as file:
        while part := file.read(_READ_BYTES):
            digest.update(part)
            size += len(part)
            progress(len(part))
    return Cursor(size, digest.hexdigest())


def _difference(after: Counts, before: Counts) -> Counts:
    """Counts of this run alone."""

    def new(now: dict[str, int], then: dict[str, int]) -> dict[str, int]:
        return {name: number - then.get(name, 0) for name, number in now.items() if number > then.get(name, 0)}

    return Counts(
        read=after.read - before.read,
        stored=after.stored - before.stored,
        duplicates=after.duplicates - before.duplicates,
        rejected=new(after.rejected, before.rejected),
        filtered=new(after.filtered, before.filtered),
        plies=after.plies - before.plies,
        positions=after.positions - before.positions,
        after_end=after.after_end - before.after_end,
        tolerances=new(after.tolerances, before.tolerances),
    )


def _by_name(numbers: dict[str, int]) -> str:
    found = sorted(numbers.items(), key=lambda item: -item[1])
    text = ", ".join(f"{number:,} {name}" for name, number in found[:_SHOWN_REASONS])
    return f"{text}, ..." if len(found) > _SHOWN_REASONS else text or "none"


def _results(config: IngestConfig, run: Reporter, counts: Counts, seconds: float) -> dict[str, Any]:
    """Tells the counts and returns them."""
    from gameil.dataset.dataset import Dataset

    dataset = Dataset(config.out)
    total = dataset.counts()
    size = sum(dataset.sizes().values())
    for line in count_lines(counts):
        run.say(line)
    games = len(dataset)
    run.say(
        f"{config.out}: {games:,} games of {dataset.meta.family}, {total.total.positions:,} positions, "
        f"{size / max(1, games):.0f} bytes a game; {counts.read / max(seconds, 1e-9):,.0f} records/s"
    )
    results = {
        "dataset": str(config.out),
        "family": dataset.meta.family,
        "games": games,
        "bytes": size,
        "bytes_per_game": round(size / max(1, games), 1),
        "seconds": round(seconds, 2),
        "records_per_second": round(counts.read / max(seconds, 1e-9), 1),
        "run": counts.values(),
        "total": total.total.values(),
        "sources": {name: source.values() for name, source in total.sources.items()},
        "cursors": {name: cursor and asdict(cursor) for name, cursor in dataset.cursors().items()},
        "digest": dataset.digest(),
    }
    dataset.close()
    return results


def count_lines(counts: Counts) -> list[str]:
    """The manifest: a line a number, rejections by reason."""
    lines = [
        f"  read        {counts.read:>12,}",
        f"  stored      {counts.stored:>12,}   {counts.plies:,} plies, {counts.positions:,} positions",
        f"  duplicates  {counts.duplicates:>12,}",
        f"  rejected    {counts.num_rejected:>12,}   {_by_name(counts.rejected)}",
    ]
    if counts.filtered:
        lines.append(f"  filtered    {counts.num_filtered:>12,}   {_by_name(counts.filtered)}")
    if counts.after_end:
        lines.append(f"  after_end   {counts.after_end:>12,}   moves after the rules' end, left out")
    if counts.tolerances:
        lines.append(f"  read leniently              {_by_name(counts.tolerances)}")
    return lines
