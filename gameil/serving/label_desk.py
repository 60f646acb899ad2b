"""Hands out queued positions to people and writes their labels into the dataset, one commit each. No web."""

import threading
import time
from collections import Counter, OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QUEUE_FILE, QueuedPosition, read_queue
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError, IllegalActionError
from gameil.experts.people import chosen_label, people_labels, person_name
from gameil.games.game import State
from gameil.positions.replay import replay

LEASE_SECONDS = 300.0
"""A position that was handed out is kept for its taker so long."""
MOST_REMEMBERED = 10_000
"""Visitors whose skips and last label are remembered."""
_MOST_SKIPPED = 10_000


@dataclass(frozen=True, slots=True)
class Task:
    """One position to label."""

    position: QueuedPosition
    state: State
    """The taker's own."""
    previous: tuple[int, ...]
    """Actions that led to it, chance included."""


@dataclass(frozen=True, slots=True)
class DeskCounts:
    """How far the queue is."""

    queued: int
    labelled: int
    """Positions that have enough people's labels."""
    by_person: tuple[tuple[str, int], ...]
    """``(name, labels)``, most first, of this queue."""


@dataclass(slots=True)
class _Visitor:
    skipped: OrderedDict[QueuedPosition, None]
    last: QueuedPosition | None = None


class LabelDesk:
    """The desk of one dataset's queue. Safe to use from several threads; opens the dataset's writer only to commit."""

    def __init__(
        self, dataset: Path, *, people_per_position: int = 1, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """Args:
        dataset: path of the dataset; it and its queue may still be to come.
        people_per_position: a position is done when so many people have labelled it.
        clock: seconds, for leases.
        """
        self.dataset = dataset
        self._people = people_per_position
        self._clock = clock
        self._lock = threading.Lock()
        self._seen: tuple[int, int, int] | None = None
        self._queue: dict[QueuedPosition, set[str]] = {}
        """Queued position -> names of the people who have labelled it."""
        self._leases: dict[QueuedPosition, tuple[str, float]] = {}
        """Position -> who has it, and until when."""
        self._visitors: OrderedDict[str, _Visitor] = OrderedDict()

    def take(self, visitor: str, name: str) -> Task | None:
        """The next position for a visitor who labels as ``name``: the one that it has already, else the first that
        nobody else has, that needs labels, and that it has neither labelled nor skipped; None where there is none.

        Raises:
            ConfigError: a bad name.
            DatasetError: dataset or queue cannot be read.
        """
        name = person_name(name)
        with self._lock:
            self._refresh()
            now = self._clock()
            mine = self._remembered(visitor)
            held = [position for position, (who, until) in self._leases.items() if who == visitor and until > now]
            for position in [*held, *self._queue]:
                labelled = self._queue.get(position)
                if labelled is None or name in labelled or len(labelled) >= self._people or position in mine.skipped:
                    continue
                who, until = self._leases.get(position, (visitor, 0.0))
                if who != visitor and until > now:
                    continue
                task = self._task(position)
                if task is None:  # the queue names what the dataset does not have
                    del self._queue[position]
                    continue
                self._leases[position] = visitor, now + LEASE_SECONDS
                return task
        return None

    def skip(self, visitor: str, position: QueuedPosition) -> None:
        """The visitor does not want to label this position: others may have it."""
        with self._lock:
            skipped = self._remembered(visitor).skipped
            skipped[position] = None
            if len(skipped) > _MOST_SKIPPED:
                skipped.popitem(last=False)
            if self._leases.get(position, ("", 0.0))[0] == visitor:
                del self._leases[position]

    def label(
        self, visitor: str, name: str, position: QueuedPosition, actions: Sequence[int], value: float | None = None
    ) -> None:
        """Commits a label: any of ``actions`` is what ``people:name`` would play. A second one replaces the first.

        Raises:
            ConfigError: a bad name or value, or no action.
            IllegalActionError: an action that is not legal there.
            DatasetError: the position is not queued, or the dataset cannot be written now (another process writes).
        """
        name = person_name(name)
        label = chosen_label(name, position.round, actions, value)
        with self._lock:
            self._refresh()
            if position not in self._queue:
                raise DatasetError(f"{self.dataset}: this position is not queued any more")
            task = self._task(position)
            if task is None or not set(actions) <= set(task.state.legal_actions()):
                raise IllegalActionError("a label names an action that is not legal there")
            with DatasetWriter(self.dataset, task.state.game.family) as writer:
                writer.add_label(position.game_id, position.ply, label)
            self._queue[position].add(name)
            self._leases.pop(position, None)
            self._remembered(visitor).last = position

    def last(self, visitor: str) -> Task | None:
        """The position that the visitor labelled last, to correct it; None where there is none."""
        with self._lock:
            self._refresh()
            position = self._remembered(visitor).last
            return self._task(position) if position is not None and position in self._queue else None

    def counts(self) -> DeskCounts:
        """How far the queue is. Raises ``DatasetError`` where it cannot be read."""
        with self._lock:
            self._refresh()
            done = sum(len(names) >= self._people for names in self._queue.values())
            people = Counter(name for names in self._queue.values() for name in names)
            return DeskCounts(len(self._queue), done, tuple(people.most_common()))

    def _refresh(self) -> None:
        """Reads the queue where it is another one than last time, and what people have labelled of it."""
        try:
            status = (self.dataset / QUEUE_FILE).stat()
            seen = (status.st_ino, status.st_mtime_ns, status.st_size)
        except OSError:
            seen = None
        if seen == self._seen:
            return
        queue = read_queue(self.dataset) if seen is not None else []
        self._queue = {position: set() for position in queue}
        self._leases.clear()
        if queue:
            reader = Dataset(self.dataset)
            for position, names in people_labels(reader, sorted({one.game_id for one in queue})).items():
                if position in self._queue:
                    self._queue[position] |= names
            reader.close()
        self._seen = seen

    def _task(self, position: QueuedPosition) -> Task | None:
        reader = Dataset(self.dataset)
        try:
            if position.game_id >= len(reader):
                return None
            played = reader.game_for_replay(position.game_id)
        finally:
            reader.close()
        for ply, state, _ in replay(played):
            if ply == position.ply:
                return Task(position, state.clone(), tuple(played.actions[:ply].tolist()))
        return None

    def _remembered(self, visitor: str) -> _Visitor:
        found = self._visitors.get(visitor)
        if found is None:
            found = self._visitors[visitor] = _Visitor(OrderedDict())
            if len(self._visitors) > MOST_REMEMBERED:
                self._visitors.popitem(last=False)
        self._visitors.move_to_end(visitor)
        return found
