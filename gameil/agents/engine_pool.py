"""Asks several copies of one engine in parallel, and starts a crashed or hung copy again, a bounded number of times."""

import os
import queue
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, Protocol, TypeVar

from gameil.errors import EngineError

MOST_RESTARTS = 2
"""Restarts of one agent's engines, with no answer in between, before the next failure is final."""


class Client(Protocol):
    """One engine process with its protocol."""

    def close(self) -> None: ...


AnyClient = TypeVar("AnyClient", bound=Client)
Question = TypeVar("Question")
Answer = TypeVar("Answer")


class IllegalAnswerError(EngineError):
    """An engine answered with a move that the rules do not allow: asking again would not help."""


def usable_cores() -> int:
    """Processor cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class EnginePool(Generic[AnyClient]):
    """Up to ``size`` engine processes, each started when first needed; every question goes to a free one.

    An engine's answer must not depend on which copy gives it: clients clear their engine's memory before a question.
    """

    def __init__(self, start: Callable[[], AnyClient], size: int) -> None:
        self._start = start
        self._size = size
        self._free: queue.SimpleQueue[AnyClient | None] = queue.SimpleQueue()
        for _ in range(size):
            self._free.put(None)
        self._running: list[AnyClient] = []
        self._restarts = 0
        self._lock = threading.Lock()
        self._executor: ThreadPoolExecutor | None = None
        self._closed = False

    def ask(self, ask_one: Callable[[AnyClient, Question], Answer], questions: Sequence[Question]) -> list[Answer]:
        """The answer to each question, in order. Raises the first ``EngineError`` that restarts did not mend."""
        if self._closed:
            raise EngineError("the engine was closed before it was asked")
        if self._size == 1 or len(questions) == 1:
            return [self._ask(ask_one, question) for question in questions]
        if self._executor is None:
            self._executor = ThreadPoolExecutor(self._size, thread_name_prefix="engine")
        return list(self._executor.map(lambda question: self._ask(ask_one, question), questions))

    def _ask(self, ask_one: Callable[[AnyClient, Question], Answer], question: Question) -> Answer:
        client = self._free.get()
        try:
            while True:
                try:
                    if client is None:
                        client = self._start_one()
                    answer = ask_one(client, question)
                    with self._lock:
                        self._restarts = 0
                    return answer
                except IllegalAnswerError:
                    raise
                except EngineError as error:
                    if client is not None:
                        self._stop_one(client)
                        client = None
                    with self._lock:
                        self._restarts += 1
                        if self._closed or self._restarts > MOST_RESTARTS:
                            raise type(error)(f"{error} (after {self._restarts - 1} restarts)") from error
        finally:
            self._free.put(client)

    def _start_one(self) -> AnyClient:
        client = self._start()
        with self._lock:
            self._running.append(client)
            if self._closed:
                client.close()
                raise EngineError("the engine was closed while it was asked")
        return client

    def _stop_one(self, client: AnyClient) -> None:
        client.close()
        with self._lock:
            self._running.remove(client)

    def close(self) -> None:
        """Stops all engines, those that are thinking too. Safe to call twice."""
        with self._lock:
            self._closed = True
            running = list(self._running)
        for client in running:
            client.close()
        if self._executor is not None:
            self._executor.shutdown(wait=True, cancel_futures=True)
            self._executor = None
