"""A function over a stream of items in several processes, with the results in the order of the items."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

_INLINE = 8
"""Items done here before other processes are started: a short stream ends before they would be ready."""


def map_in_order(function: Callable[[Item], Result], items: Iterator[Item], workers: int) -> Iterator[Result]:
    """Yields ``function(item)`` for every item, in order; few are taken in advance, so memory stays flat.

    Args:
        function: picklable (a module's function, or a ``functools.partial`` of one).
        workers: number of processes; 0 for one each processor, 1 for this process only.
    """
    workers = workers or os.cpu_count() or 1
    for item in items if workers < 2 else islice(items, _INLINE):
        yield function(item)
    for item in items:
        yield from _map_apart(function, item, items, workers)


def _map_apart(
    function: Callable[[Item], Result], first: Item, items: Iterator[Item], workers: int
) -> Iterator[Result]:
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[Result]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker) as pool:
        try:
            waiting.append(pool.submit(function, first))
            for item in items:
                waiting.append(pool.submit(function, item))
                # The oldest is waited for only when enough work is queued to keep every process busy meanwhile.
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


def _prepare_worker() -> None:
    """Ctrl-C is the parent's to handle, and a worker whose parent was killed must not stay behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
