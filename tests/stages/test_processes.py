"""A function over a stream in several processes: all results, in order, few items taken in advance."""

import multiprocessing
import os
import signal
import time
from collections.abc import Iterator

import pytest

from gameil.errors import GameilError
from gameil.stages.processes import map_in_order


def place(number: int) -> tuple[int, int]:
    """The number and the process that saw it; slow enough that processes are worth starting."""
    time.sleep(0.002)
    return number, os.getpid()


def test_results_come_in_order_from_several_processes_and_none_waits_for_their_start() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(3000):
            taken += 1
            yield number

    found = []
    for result in map_in_order(place, items(), 2):
        found.append(result)
        assert taken - len(found) <= 2 * 12 + 1, "memory has a bound"
    assert [number for number, _ in found] == list(range(3000))
    here = [number for number, process in found if process == os.getpid()]
    assert len({process for _, process in found}) > 1
    assert len(here) > 8, "this process helps while the others start"


def test_one_worker_is_this_process() -> None:
    assert list(map_in_order(place, iter(range(20)), 1)) == [(number, os.getpid()) for number in range(20)]


def end_worker(number: int) -> int:
    """Ends its process from outside, unless that is the main one."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number


def test_a_killed_worker_is_one_clear_line() -> None:
    with pytest.raises(GameilError, match="a worker process was ended from outside"):
        list(map_in_order(end_worker, iter(range(3000)), 2))
