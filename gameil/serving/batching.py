"""A thread that answers jobs in batches: whatever waits when it is free goes into its next call."""

import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Generic, TypeVar

from gameil.errors import AgentError, GameilError

Job = TypeVar("Job")
Answer = TypeVar("Answer")

MAX_BATCH = 64
"""Jobs in one call: more would make the first of them wait for the last."""
MAX_WAITING = 1000
"""Jobs that may wait; more are refused."""


@dataclass(frozen=True, slots=True)
class Worker(Generic[Job, Answer]):
    """What a batcher works with, built in its thread."""

    answer: Callable[[Sequence[Job]], Sequence[Answer]]
    """One answer for each job, in their order. Raises ``GameilError``."""
    close: Callable[[], None] = lambda: None
    """Frees what it holds."""


class Batcher(Generic[Job, Answer]):
    """Answers jobs in a thread of its own, which also builds the worker, so that nobody waits for a network to load."""

    def __init__(self, name: str, build: Callable[[], Worker[Job, Answer]]) -> None:
        self._build = build
        self._jobs: queue.SimpleQueue[tuple[Job, Future[Answer]] | None] = queue.SimpleQueue()
        self._closed = False
        self._lock = threading.Lock()
        self.waiting = 0
        """Jobs that have no answer yet."""
        self.calls = 0
        """Calls made, for measurements."""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._thread.start()

    def submit(self, job: Job) -> "Future[Answer]":
        """The answer to come; it fails with the ``GameilError`` of building the worker or of its call."""
        future: Future[Answer] = Future()
        with self._lock:
            if self._closed or self.waiting >= MAX_WAITING:
                future.set_exception(AgentError("too many wait for this agent: try again"))
                return future
            self.waiting += 1
            self._jobs.put((job, future))
        return future

    def close(self) -> None:
        """Ends the thread once it has answered what it was asked before; does not wait for it. Safe to call twice."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._jobs.put(None)

    def join(self, seconds: float) -> None:
        """Waits for the thread to end."""
        self._thread.join(seconds)

    def _run(self) -> None:
        worker: Worker[Job, Answer] | None = None
        ended = False
        while not ended:
            batch: list[tuple[Job, Future[Answer]]] = []
            item = self._jobs.get()
            while True:
                if item is None:
                    ended = True
                    break
                if item[1].set_running_or_notify_cancel():
                    batch.append(item)
                else:  # nobody waits for the answer any more
                    self._done()
                if len(batch) >= MAX_BATCH or self._jobs.empty():
                    break
                item = self._jobs.get()
            if not batch:
                continue
            try:
                if worker is None:
                    worker = self._build()
            except Exception as error:
                self._fail(batch, error)
                continue
            self._answer(worker, batch)
        if worker is not None:
            worker.close()

    def _answer(self, worker: Worker[Job, Answer], batch: list[tuple[Job, "Future[Answer]"]]) -> None:
        self.calls += 1
        try:
            answers = worker.answer([job for job, _ in batch])
        except Exception as error:
            if len(batch) == 1:
                self._fail(batch, error)
            else:  # one that cannot be answered must not cost the others
                for one in batch:
                    self._answer(worker, [one])
            return
        for (_, future), answer in zip(batch, answers, strict=True):
            self._done()
            future.set_result(answer)

    def _fail(self, batch: list[tuple[Job, "Future[Answer]"]], error: Exception) -> None:
        known = error if isinstance(error, GameilError) else AgentError(f"{type(error).__name__}: {error}")
        for _, future in batch:
            self._done()
            future.set_exception(known)

    def _done(self) -> None:
        with self._lock:
            self.waiting -= 1
