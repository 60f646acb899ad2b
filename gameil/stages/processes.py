"""A function over a stream of items in several processes, with the results in the order of the items."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import TypeVar

from gameil.errors import GameilError

Item = TypeVar("Item")
Result = TypeVar("Result")

_INLINE = 8
"""Items done here before other processes are started: a short stream ends before they would be ready."""
_QUEUED = 4
"""Items given to each process in advance."""
_AHEAD = 12
"""Items in work or done, for each process, behind one that is not: bounds the memory."""


def map_in_order(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """Yields ``function(item)`` for every item, in order; few are taken in advance, so memory stays flat.

    Args:
        function: picklable (a module's function, or a ``functools.partial`` of one).
        workers: number of processes, this one included; 0 for one each processor.

    Raises ``GameilError`` where one of the processes was killed.
    """
    workers = workers or os.cpu_count() or 1
    for item in items if workers < 2 else islice(items, _INLINE):
        yield function(item)
    for item in items:
        yield from _map_apart(function, item, items, workers - 1)


def _map_apart(function: Callable[[Item], Result], first: Item, items: Iterator[Item], others: int) -> Iterator[Result]:
    """The same with ``others`` processes beside this one."""
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Result]] = deque()
    strangers = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(others, mp_context=context, initializer=_prepare_worker)
    try:
        waiting.append(_submit(pool, function, first))
        for item in items:
            if len(waiting) < _QUEUED * others or waiting[0].done():
                waiting.append(_submit(pool, function, item))
            else:
                # Enough is queued to keep every process busy: this one helps instead of waiting for the oldest,
                # which matters most while the others are still starting.
                waiting.append(_done(function(item)))
            while waiting[0].done() or len(waiting) > _AHEAD * others:
                yield waiting.popleft().result()
                if not waiting:
                    break
        while waiting:
            yield waiting.popleft().result()
    except BrokenProcessPool as error:
        # The pool ends its processes itself, but overlooks one that was being started at that moment, and then waits
        # for it for ever (Python 3.11).
        for child in set(multiprocessing.active_children()) - strangers:
            child.kill()
        raise GameilError(
            "a worker process was ended from outside, perhaps for lack of memory; what was saved before is kept"
        ) from error
    finally:
        # Where all is done the processes are idle and end at once; else none waits for what nobody wants any more.
        pool.shutdown(wait=not waiting, cancel_futures=True)


def _submit(pool: ProcessPoolExecutor, function: Callable[[Item], Result], item: Item) -> Future[Result]:
    """Raises ``BrokenProcessPool`` too where the pool has lost a process and is closing its pipes just now."""
    try:
        return pool.submit(function, item)
    except OSError as error:
        raise BrokenProcessPool(str(error)) from error


def _done(result: Result) -> Future[Result]:
    """What a process would have handed out."""
    future: Future[Result] = Future()
    future.set_result(result)
    return future


def _prepare_worker() -> None:
    """Ctrl-C is the parent's to handle, and a worker whose parent was killed must not stay behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
