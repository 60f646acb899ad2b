"""Local workers: results by id, deaths, silence, leases, errors, snapshots."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from gameil.errors import ConfigError, GameilError
from gameil.rollout.workers import Job, JobFailure, JobResult, LocalWorkers
from tests.rollout import worker_jobs


def gather(workers: LocalWorkers, number: int, seconds: float = 60.0) -> dict[str, JobResult | JobFailure]:
    """The next ``number`` ends by id; fails when one id ends twice."""
    ended: dict[str, JobResult | JobFailure] = {}
    deadline = time.monotonic() + seconds
    while len(ended) < number and time.monotonic() < deadline:
        for each in workers.completed(1.0):
            assert each.id not in ended
            ended[each.id] = each
    return ended


@pytest.fixture(scope="module")
def team() -> Iterator[LocalWorkers]:
    with closing(LocalWorkers(worker_jobs.start, 2)) as workers:
        yield workers


def test_every_job_ends_once_with_its_own_result(team: LocalWorkers) -> None:
    for number in range(20):
        team.submit(Job(f"square-{number}", number))
    ended = gather(team, 20)
    assert {name: each.value for name, each in ended.items() if isinstance(each, JobResult)} == {
        f"square-{number}": number * number for number in range(20)
    }
    assert team.completed(0.0) == []


def test_free_falls_with_what_is_submitted(team: LocalWorkers) -> None:
    assert team.free == 4
    for number in range(4):
        team.submit(Job(f"wait-{number}", 0.05))
    assert team.free == 0
    gather(team, 4)
    assert team.free == 4


def test_errors_come_back_with_their_reason(team: LocalWorkers) -> None:
    team.submit(Job("refused", "refuse"))
    team.submit(Job("failed", "fail"))
    ended = gather(team, 2)
    refused, failed = ended["refused"], ended["failed"]
    assert isinstance(refused, JobFailure)
    assert isinstance(refused.error, ConfigError)
    assert isinstance(failed, JobFailure)
    assert (failed.kind, failed.reason, failed.error) == ("error", "ZeroDivisionError: by nothing", None)


def test_a_dead_worker_costs_its_jobs_only(team: LocalWorkers) -> None:
    before = set(team.processes)
    team.submit(Job("killer", "die"))
    team.submit(Job("other", 3))
    ended = gather(team, 2)
    killer = ended["killer"]
    assert isinstance(killer, JobFailure)
    assert killer.kind == "lost"
    assert isinstance(ended["other"], JobResult)
    assert team.alive == 2
    assert len(before & set(team.processes)) == 1
    for number in range(6):
        team.submit(Job(f"after-{number}", number))
    assert all(isinstance(each, JobResult) for each in gather(team, 6).values())


def test_a_process_killed_from_outside_is_replaced(team: LocalWorkers) -> None:
    team.submit(Job("long", 5.0))
    team.completed(0.5)
    for pid in team.processes:
        os.kill(pid, signal.SIGKILL)
    assert isinstance(gather(team, 1)["long"], JobFailure)
    team.submit(Job("next", 2))
    assert isinstance(gather(team, 1)["next"], JobResult)


def test_snapshots_are_given_by_hash(team: LocalWorkers, tmp_path: Path) -> None:
    with pytest.raises(GameilError, match="never broadcast"):
        team.submit(Job("unknown", "read", snapshots=("abc",)))
    (tmp_path / "text").write_text("weights")
    team.broadcast("abc", tmp_path)
    team.submit(Job("known", "read", snapshots=("abc",)))
    known = gather(team, 1)["known"]
    assert isinstance(known, JobResult)
    assert known.value == ["weights"]
    team.forget("abc")
    with pytest.raises(GameilError, match="never broadcast"):
        team.submit(Job("again", "read", snapshots=("abc",)))


def test_leases_end_and_silence_is_death() -> None:
    with closing(LocalWorkers(worker_jobs.start, 2, silent_seconds=4.0)) as workers:
        workers.submit(Job("late", "hang", lease_seconds=1.0))
        workers.submit(Job("stopped", "stop"))
        ended = gather(workers, 2)
        late, stopped = ended["late"], ended["stopped"]
        assert isinstance(late, JobFailure)
        assert isinstance(stopped, JobFailure)
        assert (late.kind, stopped.kind) == ("expired", "lost")
        assert workers.alive == 2


def test_who_cannot_start_says_why_and_who_only_dies_is_given_up() -> None:
    with closing(LocalWorkers(worker_jobs.cannot_start, 1)) as workers:
        workers.submit(Job("one", 1))
        failure = gather(workers, 1)["one"]
        assert isinstance(failure, JobFailure)
        assert "no such thing here" in failure.reason
    with closing(LocalWorkers(worker_jobs.dies_at_start, 1)) as workers:
        for number in range(9):
            workers.submit(Job(str(number), number))
        deadline = time.monotonic() + 60.0
        while workers.alive and time.monotonic() < deadline:
            workers.completed(0.5)
        assert workers.alive == 0
        assert workers.free == 0


def test_impossible_numbers_are_refused() -> None:
    with pytest.raises(ConfigError, match="at least 0"):
        LocalWorkers(worker_jobs.start, -1)
