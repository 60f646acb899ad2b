"""A function over a stream of items in several processes, with the results in the order of the items.

Each process has a pipe of its own and nothing is shared, so that one that is killed, at any moment, hurts nobody else's
messages and is noticed at once: its pipe ends. (Python's own pool shares queues and locks between its processes; one
that dies while it holds a lock, or while another starts, can leave the rest waiting for ever.)
"""

import multiprocessing
import os
import queue
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from itertools import chain, islice
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, NoReturn, TypeVar

from gameil.errors import GameilError

Item = TypeVar("Item")
Result = TypeVar("Result")

_INLINE = 8
"""Items done here before other processes are started: a short stream ends before they would be ready."""
_QUEUED = 4
"""Items given to each process in advance."""
_AHEAD = 12
"""Items in work or done, for each process, behind one that is not: bounds the memory."""
_END_SECONDS = 5.0
"""A process that has not ended by itself after this time is killed."""


def map_in_order(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """Yields ``function(item)`` for every item, in order; few are taken in advance, so memory stays flat.

    Args:
        function: picklable (a module's function, or a ``functools.partial`` of one).
        workers: number of processes, this one included; 0 for one each processor.

    Raises ``GameilError`` where one of the processes was killed, and whatever ``function`` raises.
    """
    workers = workers or os.cpu_count() or 1
    for item in items if workers < 2 else islice(items, _INLINE):
        yield function(item)
    for item in items:
        yield from _map_apart(function, chain((item,), items), workers - 1)


def _map_apart(function: Callable[[Item], Result], items: Iterator[Item], others: int) -> Iterator[Result]:
    """The same with ``others`` processes beside this one."""
    team: list[_Worker[Item, Result]] = []
    waiting: deque[_Place[Result]] = deque()
    try:
        team += [_Worker(function) for _ in range(others)]
        for item in items:
            place: _Place[Result] = _Place()
            waiting.append(place)
            _collect(team, timeout=0)
            worker = min(team, key=lambda member: len(member.places))
            if worker.is_ready and len(worker.places) < _QUEUED:
                worker.give(item, place)
            else:
                # Enough is queued to keep every process busy: this one helps instead of waiting for the oldest,
                # which matters most while the others are still starting.
                place.done(function(item))
            while waiting and (waiting[0].is_done or len(waiting) > _AHEAD * others):
                yield _first(waiting, team)
        while waiting:
            yield _first(waiting, team)
    finally:
        for worker in team:
            worker.end()


class _Place(Generic[Result]):
    """Where the result of an item will stand."""

    def __init__(self) -> None:
        self.is_done = False
        self.result: Result | None = None

    def done(self, result: Result) -> None:
        self.is_done, self.result = True, result


def _first(waiting: "deque[_Place[Result]]", team: "list[_Worker[Any, Result]]") -> Result:
    """The oldest result, as soon as it is there."""
    while not waiting[0].is_done:
        _collect(team, timeout=None)
    result: Any = waiting.popleft().result
    return result  # type: ignore[no-any-return]


def _collect(team: "list[_Worker[Any, Any]]", timeout: float | None) -> None:
    """Takes what has arrived; waits for something at most ``timeout`` seconds (None: as long as it takes)."""
    by_pipe = {worker.pipe: worker for worker in team}
    for pipe in wait(list(by_pipe), timeout):
        by_pipe[pipe].take()  # type: ignore[index]


class _Worker(Generic[Item, Result]):
    """One process, seen from the main one."""

    def __init__(self, function: Callable[[Item], Result]) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = context.Pipe()
        self.places: deque[_Place[Result]] = deque()
        """Of the items given to it, in their order."""
        self.is_ready = False
        """It has started, and reads whatever it is sent."""
        self._process = context.Process(target=_work, args=(theirs, function), daemon=True)
        self._process.start()
        theirs.close()  # the only other end is the process's own: the pipe ends with it

    def give(self, item: Item, place: _Place[Result]) -> None:
        self.places.append(place)
        try:
            self.pipe.send(item)
        except OSError:
            _refuse_death()

    def take(self) -> None:
        """Takes one message."""
        try:
            kind, value = self.pipe.recv()
        except (EOFError, OSError):
            _refuse_death()
        if kind == "ready":
            self.is_ready = True
        elif kind == "result":
            self.places.popleft().done(value)
        else:
            raise value

    def end(self) -> None:
        """The process ends by itself when its pipe does."""
        self.pipe.close()
        self._process.join(_END_SECONDS)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def _refuse_death() -> NoReturn:
    raise GameilError(
        "a worker process was ended from outside, perhaps for lack of memory; what was saved before is kept"
    ) from None


def _work(pipe: "Connection[Any, Any]", function: Callable[[Any], Any]) -> None:
    """The main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    items: queue.SimpleQueue[Any] = queue.SimpleQueue()
    try:
        pipe.send(("ready", None))
        threading.Thread(target=_receive, args=(pipe, items), daemon=True).start()
        while True:
            try:
                message = ("result", function(items.get()))
            except Exception as error:  # whatever it is, the main process raises it
                message = ("error", error)
            pipe.send(message)
    except OSError:
        os._exit(1)  # the parent has gone


def _receive(pipe: "Connection[Any, Any]", items: "queue.SimpleQueue[Any]") -> None:
    """Takes items as they come, so that the parent never waits to send one while this process waits to send a result.

    The pipe's end is the parent's: it has closed it, or was killed. Nobody wants results any more.
    """
    try:
        while True:
            items.put(pipe.recv())
    except (EOFError, OSError):
        os._exit(1)
