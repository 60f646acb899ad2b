"""Loaders in processes of their own, some batches ahead, with the place after each batch handed out beside it.

Several processes make every so-manieth block each, and their batches are taken block by block in turn: the same
batches in the same order as one loader gives, whatever the number of processes. So a place taken with two goes on with
any number.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from types import TracebackType
from typing import Any, Generic, Protocol, Self, TypeVar

from gameil.dataset.shared_batches import BatchGiver, BatchTaker, Shipped
from gameil.errors import ConfigError, DatasetError, GameilError

_LOOK_SECONDS = 0.5
"""How often a process, waiting for room, looks whether the parent has gone."""

Batch = TypeVar("Batch")
Batch_co = TypeVar("Batch_co", covariant=True)


class SharedSource(Protocol[Batch_co]):
    """A loader whose blocks several processes can share: ``Loader``, ``SequenceLoader``."""

    @property
    def batch_size(self) -> int: ...

    def position(self) -> dict[str, int]: ...

    def known_position(self) -> dict[str, int]: ...

    def seek(self, position: Mapping[str, int]) -> None: ...

    def shared(self, first: int, step: int) -> Iterator[tuple[Batch_co, dict[str, int]] | None]: ...


@dataclass(frozen=True, slots=True)
class _Handed:
    """One message of a process: a batch with the place after it, the end of a block, or what went wrong."""

    batch: Shipped | None = None
    position_after: dict[str, int] | None = None
    error: str = ""
    details: str = ""


class PrefetchedLoader(Generic[Batch]):
    """Runs ``loader`` in spawned processes: the same batches in the same order.

    A context manager. The processes start at the first batch (or place), hold at most ``depth`` batches ready each,
    and end with this object or with this process, however that ends: then their pipes are broken. This process never
    opens the dataset.
    """

    def __init__(self, loader: SharedSource[Batch], *, workers: int = 1, depth: int = 8) -> None:
        if depth < 1 or workers < 1:
            raise ConfigError(f"a prefetched loader needs a depth and workers of at least 1, got {depth} and {workers}")
        self._loader = loader
        self._depth = depth
        self._num_workers = workers
        self._workers: list[_Worker] = []
        self._turn = 0
        self._position: dict[str, int] | None = None
        self.wait_seconds = 0.0
        """Time spent waiting for batches, the start of the processes left out."""

    @property
    def batch_size(self) -> int:
        return self._loader.batch_size

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        self._start()
        first = self._workers[self._turn].taker is None
        started = time.monotonic()
        while True:
            worker = self._workers[self._turn]
            handed = worker.receive()
            if handed.error:
                self.close()
                error = DatasetError(handed.error)
                error.add_note(handed.details)
                raise error
            if handed.batch is not None:
                break
            self._turn = (self._turn + 1) % len(self._workers)
        assert worker.taker is not None
        batch: Batch = worker.taker.take(handed.batch)
        if not first:
            self.wait_seconds += time.monotonic() - started
        self._position = handed.position_after
        return batch

    def next_with_position(self) -> tuple[Batch, dict[str, int]]:
        """A batch and the place after it: what a checkpoint stores to go on behind this batch."""
        return next(self), self.position()

    def position(self) -> dict[str, int]:
        """The place after the last batch handed out (not after those that wait in the pipes)."""
        if self._position is None:
            self._start()
        assert self._position is not None
        return dict(self._position)

    def known_position(self) -> dict[str, int]:
        """The same as far as it is known without starting anything."""
        return self._loader.known_position() if self._position is None else dict(self._position)

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave; batches made ahead are thrown away."""
        self.close()
        self._loader.seek(position)
        self._position = None

    def close(self) -> None:
        """Ends the processes. The next batch starts them again at the same place."""
        for worker in self._workers:
            worker.close()
        if self._workers and self._position is not None:
            self._loader.seek(self._position)
        self._workers = []
        self._turn = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        """Starts the processes. The first one opens the dataset and says what the others will find in it too."""
        if self._workers:
            return
        self._workers = [
            _Worker(self._loader, number, self._num_workers, self._depth) for number in range(self._num_workers)
        ]
        place = self._loader.known_position()
        for number, worker in enumerate(self._workers):
            answer = worker.begin(place, wait=number == 0)
            if answer is not None and answer.error:
                self.close()
                error = DatasetError(answer.error)
                error.add_note(answer.details)
                raise error
            if answer is not None and answer.position_after is not None:
                place = answer.position_after
        self._position = place


class _Worker:
    """The parent's end of one process."""

    def __init__(self, loader: SharedSource[Any], number: int, step: int, depth: int) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child_end = context.Pipe()
        self.taker: BatchTaker | None = None
        self._process: BaseProcess = context.Process(
            target=_serve, args=(loader, number, step, child_end, depth), name=f"gameil-loader-{number}", daemon=True
        )
        self._process.start()
        child_end.close()  # so that the child's end is the only one, and its death an end of file here

    @property
    def pid(self) -> int | None:
        return self._process.pid

    def begin(self, place: dict[str, int], *, wait: bool) -> _Handed | None:
        """Sends the place to begin at; with ``wait``, gives the answer: the place with the dataset's numbers."""
        try:
            self._pipe.send(place)
        except OSError:
            return self._lost()
        return self._receive() if wait else None

    def receive(self) -> _Handed:
        """The next message. The first one that is no answer comes behind the shared memory."""
        handed = self._receive()
        while handed.position_after is not None and handed.batch is None:  # the answer to ``begin``
            handed = self._receive()
        if handed.batch is not None and self.taker is None:
            try:
                self.taker = BatchTaker(self._pipe)
            except (EOFError, OSError):
                return self._lost()
        return handed

    def close(self) -> None:
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():  # deep in a block; nothing is lost by stopping it there
            self._process.terminate()
            self._process.join()

    def _receive(self) -> _Handed:
        try:
            handed: _Handed = self._pipe.recv()
        except (EOFError, OSError):
            return self._lost()
        return handed

    def _lost(self) -> _Handed:
        self._process.join(timeout=5)
        return _Handed(error=f"a loader's process ended with exit code {self._process.exitcode} and without a message")


def _serve(loader: SharedSource[Any], number: int, step: int, pipe: Connection, depth: int) -> None:
    """The child: makes batches into a queue of ``depth``, from which a thread sends them, until the pipe breaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides and ends us
    try:
        place = pipe.recv()
    except (EOFError, OSError):
        return
    ready: queue.Queue[tuple[Any, _Handed] | None] = queue.Queue(depth)
    sender = threading.Thread(target=_send_all, args=(ready, pipe, depth), daemon=True)
    sender.start()
    try:
        loader.seek(place)
        _put(ready, (None, _Handed(position_after=loader.position())), sender)
        for made in loader.shared(number, step):
            batch, after = made if made is not None else (None, None)
            _put(ready, (batch, _Handed(position_after=after)), sender)
            if not sender.is_alive():
                return
    except GameilError as error:
        failure = _Handed(error=str(error), details=traceback.format_exc())
    except Exception as error:  # reported to the parent, which raises it
        failure = _Handed(error=f"the loader failed: {type(error).__name__}: {error}", details=traceback.format_exc())
    _put(ready, (None, failure), sender)
    _put(ready, None, sender)
    sender.join()


def _put(
    ready: "queue.Queue[tuple[Any, _Handed] | None]", message: tuple[Any, _Handed] | None, sender: threading.Thread
) -> None:
    while sender.is_alive():
        try:
            ready.put(message, timeout=_LOOK_SECONDS)
            return
        except queue.Full:
            continue


def _send_all(ready: "queue.Queue[tuple[Any, _Handed] | None]", pipe: Connection, depth: int) -> None:
    """Sends until the end mark, or until nobody listens any more."""
    giver: BatchGiver | None = None
    try:
        while (message := ready.get()) is not None:
            batch, handed = message
            if batch is None:
                pipe.send(handed)
                continue
            new = giver is None
            giver = giver or BatchGiver(batch, slots=2 * depth)
            shipped = giver.give(batch, pipe)
            pipe.send(_Handed(shipped, handed.position_after))
            if new:
                giver.introduce(pipe, os.getppid())
    except (EOFError, OSError):
        return
