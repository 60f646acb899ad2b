"""A dataset copied row by row into another, with a change to each row: what filter, merge and forget have in common.

Games keep their order; their ids are numbered anew from what the other dataset has on. Labels, observations and
duplicates' places go with their games, the quarantine and the cursors with their sources. Every record read stays
counted under its source: games that the change refuses, with their duplicates, move from stored to filtered.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from numpy.typing import NDArray

from gameil.dataset.dataset import Dataset
from gameil.dataset.encoded_game import EncodedGame, encode_game
from gameil.dataset.schema import Cursor, SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance, RecordError
from gameil.stages.processes import map_in_order

_CHUNK = 64
_COMMIT_ROWS = 4096
_COMMIT_BYTES = 1 << 26
"""Observations collected before a commit, however few the games."""


class Change(Protocol):
    """What becomes of the rows; picklable, since other processes apply it."""

    def game(self, played: PlayedGame) -> PlayedGame | str:
        """The game to store, or the name under which it is counted as filtered."""

    def file(self, name: str) -> str:
        """The name of a source, or of a member of one (``source!member``)."""

    def error(self, error: RecordError) -> RecordError:
        """A record in quarantine, its place included."""


@dataclass(frozen=True, slots=True)
class _Copied:
    """One game on its way."""

    outcome: EncodedGame | str
    places: list[Provenance]
    """The game's own, then its duplicates'."""
    labels: list[tuple[int, Label]]
    observations: list[NDArray[Any]]


def copy_dataset(
    source: Path, writer: DatasetWriter, change: Change, *, workers: int, progress: Callable[[int], None]
) -> None:
    """Adds everything in the dataset at ``source``, changed, to the one that ``writer`` writes, and commits.

    Args:
        workers: processes that read and encode games; 0 for one each processor.
        progress: told the number of games done.

    Raises:
        DatasetError: a dataset cannot be read or written, or another process wrote to ``source`` meanwhile.
    """
    dataset = Dataset(source)
    before = dataset.counts(), dataset.digest()
    games = len(dataset)
    chunks = (range(first, min(first + _CHUNK, games)) for first in range(0, games, _CHUNK))
    rows = size = 0
    for chunk in map_in_order(partial(_copy_chunk, source, change, writer.split), chunks, workers):
        for copied in chunk:
            _store(copied, writer)
            rows += len(copied.places) + len(copied.labels)
            size += sum(part.nbytes for part in copied.observations)
        if rows >= _COMMIT_ROWS or size >= _COMMIT_BYTES:
            writer.commit()
            rows = size = 0
        progress(len(chunk))
    writer.commit()
    for number, error in enumerate(dataset.rejected(), 1):
        writer.reject(change.error(error))
        if number % _COMMIT_ROWS == 0:
            writer.commit()
    cursors = dataset.cursors()
    for name, counts in dataset.counts().sources.items():
        changed = change.file(name)
        for predicate, number in counts.filtered.items():
            writer.count_filtered(predicate, source=changed, number=number)
        writer.count_tolerances(counts.tolerances, source=changed)
        cursor = _further(cursors[name], writer.cursor(changed))
        if cursor is not None:
            writer.set_cursor(changed, cursor)
    if (dataset.counts(), dataset.digest()) != before:
        raise DatasetError(f"{source}: another process wrote to it meanwhile; start again when it has ended")
    writer.commit()
    dataset.close()


def _copy_chunk(source: Path, change: Change, split: SplitRule, game_ids: range) -> list[_Copied]:
    dataset = Dataset(source)
    has_labels = dataset.num_labels() > 0
    copied = []
    for game_id in game_ids:
        played = dataset.game(game_id)
        changed = change.game(played)
        places = [played.source, *dataset.duplicates(game_id)]
        places = [Provenance(change.file(place.file), place.offset) for place in places]
        if isinstance(changed, str):
            copied.append(_Copied(changed, places, [], []))
            continue
        game = encode_game(replace(changed, source=places[0]), split)
        labels = dataset.all_labels(game_id) if has_labels else []
        copied.append(_Copied(game, places, labels, dataset.observations(game_id)))
    return copied


def _store(copied: _Copied, writer: DatasetWriter) -> None:
    outcome = copied.outcome
    if isinstance(outcome, str):
        for place in copied.places:
            writer.count_filtered(outcome, source=place.file.partition("!")[0])
        return
    games = [outcome._replace(file=place.file, offset=place.offset) for place in copied.places]
    added = writer.add_encoded(games)[0]
    for ply, label in copied.labels:
        writer.add_label(added.game_id, ply, label)
    if not added.duplicate:
        for number, observations in enumerate(copied.observations):
            writer.add_observations(added.game_id, number, observations)


def _further(first: Cursor | None, second: Cursor | None) -> Cursor | None:
    """Of two cursors in the same file the one that has read more."""
    known = [cursor for cursor in (first, second) if cursor is not None]
    return max(known, key=lambda cursor: (cursor.done, cursor.records), default=None)
