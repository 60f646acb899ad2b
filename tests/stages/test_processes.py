"""A function over a stream in several processes: all results, in order, few items taken in advance."""

import importlib
import multiprocessing
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

from gameil.errors import GameilError
from gameil.stages.processes import map_in_order

WORK = '''
import multiprocessing, os, signal, time

def place(number):
    """The number and the process that saw it; slow enough that processes are worth starting."""
    time.sleep(0.002)
    return number, os.getpid()

def end_worker(number):
    """Ends its process from outside, unless that is the main one."""
    if multiprocessing.parent_process() is not None:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.01)
    return number

def divide(number):
    """Fails in other processes only."""
    time.sleep(0.002)
    return number // (multiprocessing.parent_process() is None)

def echo(data):
    time.sleep(0.02)
    return data
'''


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Functions in a module that other processes find: they may know another package named tests than this one."""
    (tmp_path / "gameil_test_work.py").write_text(WORK)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "gameil_test_work", raising=False)
    return importlib.import_module("gameil_test_work")


def test_results_come_in_order_from_several_processes_and_none_waits_for_their_start(work: ModuleType) -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        for number in range(3000):
            taken += 1
            yield number

    found = []
    for result in map_in_order(work.place, items(), 2):
        found.append(result)
        assert taken - len(found) <= 12 + 1, "memory has a bound"
    assert [number for number, _ in found] == list(range(3000))
    here = [number for number, process in found if process == os.getpid()]
    assert len({process for _, process in found}) == 2, "this process is one of the two"
    assert len(here) > 8, "this process helps while the other starts"


def test_one_worker_is_this_process(work: ModuleType) -> None:
    assert list(map_in_order(work.place, iter(range(20)), 1)) == [(number, os.getpid()) for number in range(20)]


def test_a_killed_worker_is_one_clear_line(work: ModuleType) -> None:
    with pytest.raises(GameilError, match="a worker process was ended from outside"):
        list(map_in_order(work.end_worker, iter(range(3000)), 2))


def test_no_process_outlives_the_death_of_another(work: ModuleType) -> None:
    """Also one that is still starting when the other dies: waiting for it would never end."""
    with pytest.raises(GameilError, match="a worker process was ended from outside"):
        list(map_in_order(work.end_worker, iter(range(3000)), 4))
    deadline = time.monotonic() + 10
    while multiprocessing.active_children() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert multiprocessing.active_children() == []


def test_what_a_function_raises_in_another_process_is_raised_here(work: ModuleType) -> None:
    with pytest.raises(ZeroDivisionError):
        list(map_in_order(work.divide, iter(range(3000)), 2))
    assert multiprocessing.active_children() == []


def test_messages_larger_than_a_pipe_stop_nobody(work: ModuleType) -> None:
    items = (bytes(3_000_000) for _ in range(60))
    assert list(map_in_order(work.echo, items, 3)) == [bytes(3_000_000)] * 60
