"""A loader in a process of its own, some batches ahead, with the place after each batch handed out beside it."""

import multiprocessing
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
from typing import Self

from gameil.dataset.mixture import BatchSource
from gameil.errors import ConfigError, DatasetError, GameilError
from gameil.positions.position_batch import PositionBatch

_LOOK_SECONDS = 0.5
"""How often the child, waiting for room, looks whether the parent has gone."""


@dataclass(frozen=True, slots=True)
class _Handed:
    """One message of the child: a batch with the place after it, or what went wrong."""

    batch: PositionBatch | None
    position_after: dict[str, int]
    error: str = ""
    details: str = ""


class PrefetchedLoader:
    """Runs ``loader`` (a ``Loader`` or ``MixtureLoader``) in a spawned process: the same batches in the same order.

    A context manager. The process starts at the first batch, holds at most ``depth`` batches ready, and ends with this
    object or with this process, however that ends: then its pipe is broken.
    """

    def __init__(self, loader: BatchSource, *, depth: int = 16) -> None:
        if depth < 1:
            raise ConfigError(f"a prefetched loader needs a depth of at least 1, got {depth}")
        self._loader = loader
        self._depth = depth
        self._position: dict[str, int] | None = None
        self._process: BaseProcess | None = None
        self._pipe: Connection | None = None
        self.wait_seconds = 0.0
        """Time spent waiting for batches, the start of the process left out."""

    @property
    def batch_size(self) -> int:
        return self._loader.batch_size

    def __iter__(self) -> Iterator[PositionBatch]:
        return self

    def __next__(self) -> PositionBatch:
        first = self._process is None
        if first:
            self._start()
        started = time.monotonic()
        handed = self._receive()
        if not first:
            self.wait_seconds += time.monotonic() - started
        if handed.batch is None:
            self.close()
            error = DatasetError(handed.error)
            error.add_note(handed.details)
            raise error
        self._position = handed.position_after
        return handed.batch

    def next_with_position(self) -> tuple[PositionBatch, dict[str, int]]:
        """A batch and the place after it: what a checkpoint stores to go on behind this batch."""
        return next(self), self.position()

    def position(self) -> dict[str, int]:
        """The place after the last batch handed out (not after those that wait in the pipe)."""
        return dict(self._position) if self._position is not None else self._loader.position()

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave; batches made ahead are thrown away."""
        self.close()
        self._loader.seek(position)
        self._position = None

    def close(self) -> None:
        """Ends the process. The next batch starts it again at the same place."""
        if self._process is None or self._pipe is None:
            return
        self._pipe.close()
        self._process.join(timeout=5)
        if self._process.is_alive():  # deep in a game; nothing is lost by stopping it there
            self._process.terminate()
            self._process.join()
        self._process = self._pipe = None
        if self._position is not None:
            self._loader.seek(self._position)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, child_end = context.Pipe(duplex=False)
        self._process = context.Process(
            target=_serve, args=(self._loader, child_end, self._depth), name="gameil-loader", daemon=True
        )
        self._process.start()
        child_end.close()  # so that the child's end is the only one, and its death an end of file here

    def _receive(self) -> _Handed:
        assert self._pipe is not None
        assert self._process is not None
        try:
            handed: _Handed = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join(timeout=5)
            code = self._process.exitcode
            return _Handed(None, {}, f"the loader's process ended with exit code {code} and without a message")
        return handed


def _serve(loader: BatchSource, pipe: Connection, depth: int) -> None:
    """The child: makes batches into a queue of ``depth``, from which a thread sends them, until the pipe breaks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the parent decides and ends us
    ready: queue.Queue[_Handed | None] = queue.Queue(depth)
    sender = threading.Thread(target=_send_all, args=(ready, pipe), daemon=True)
    sender.start()
    while sender.is_alive():
        try:
            batch = next(loader)
            message = _Handed(batch, loader.position())
        except GameilError as error:
            message = _Handed(None, {}, str(error), traceback.format_exc())
        except Exception as error:  # reported to the parent, which raises it
            message = _Handed(None, {}, f"the loader failed: {type(error).__name__}: {error}", traceback.format_exc())
        _put(ready, message, sender)
        if message.batch is None:
            _put(ready, None, sender)
            sender.join()


def _put(ready: "queue.Queue[_Handed | None]", message: _Handed | None, sender: threading.Thread) -> None:
    while sender.is_alive():
        try:
            ready.put(message, timeout=_LOOK_SECONDS)
            return
        except queue.Full:
            continue


def _send_all(ready: "queue.Queue[_Handed | None]", pipe: Connection) -> None:
    """Sends until the end mark, or until nobody listens any more."""
    while (message := ready.get()) is not None:
        try:
            pipe.send(message)
        except OSError:
            return
