"""Jobs for worker processes, here or on other machines: what self-play and the league are executed by.

A job is stateless: it names what it needs (snapshots by hash) and can be given to anybody, twice too. A worker that
dies costs the jobs it held, which come back as failures and may be submitted again; nothing else is lost.

``LocalWorkers`` are processes of this machine, each with a pipe of its own (nothing is shared, so that one that is
killed at any moment hurts nobody else's messages). ``ray_workers.RayWorkers`` are actors of a Ray cluster.
"""

import multiprocessing
import os
import queue
import signal
import threading
import time
from collections import deque
from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any, Literal, Protocol

from gameil.errors import ConfigError, GameilError

LEASE_SECONDS = 600.0
"""A job that has not ended this long after it began is given up, and its worker with it."""
BEAT_SECONDS = 1.0
"""Between two signs of life of a worker."""
SILENT_SECONDS = 60.0
"""A worker silent for this long is taken for dead: stopped, swapped out for good, or hung outside Python."""
QUEUED = 2
"""Jobs given to each worker: one in work and one waiting, so that none idles while its result travels."""
MOST_DEATHS = 4
"""Deaths in a row, per worker, without one job done in between, after which no more processes are started."""
_END_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Job:
    """Something to be done by any worker."""

    id: str
    """Unique among the jobs under way; results are known by it."""
    payload: Any
    """Picklable; what the workers' function is told."""
    snapshots: tuple[str, ...] = ()
    """Hashes of the snapshots it needs, broadcast before."""
    lease_seconds: float = LEASE_SECONDS
    """See ``LEASE_SECONDS``."""


@dataclass(frozen=True, slots=True)
class JobResult:
    """A job that was done."""

    id: str
    value: Any
    seconds: float
    """Wall time in the worker."""


@dataclass(frozen=True, slots=True)
class JobFailure:
    """A job that was not done."""

    id: str
    kind: Literal["lost", "expired", "error"]
    """``lost``: its worker died; ``expired``: its lease ended; both may be submitted again. ``error``: its function
    raised, and would again."""
    reason: str
    """One line."""
    error: GameilError | None = None
    """What was raised, where it is the user's to mend."""


JobFunction = Callable[[Job, Mapping[str, Path]], Any]
"""Does a job, given the directories of the snapshots that it names, by hash."""


class Workers(Protocol):
    """Executes jobs. Used by one thread."""

    def submit(self, job: Job) -> None:
        """Takes a job; it waits here until a worker is free. Submit few more than ``free``: results take memory."""

    def completed(self, timeout: float) -> list[JobResult | JobFailure]:
        """What has ended since the last call, waiting at most ``timeout`` seconds for something; may be empty."""

    def broadcast(self, snapshot_hash: str, path: Path) -> None:
        """Makes a snapshot directory known to all workers, present and future, by its hash."""

    def forget(self, snapshot_hash: str) -> None:
        """No further job will name this snapshot."""

    @property
    def alive(self) -> int:
        """Workers that live, starting ones included. With 0 of them no job will ever end."""

    @property
    def free(self) -> int:
        """Jobs that could be submitted now and be given to a worker at once."""

    def close(self) -> None:
        """Ends all workers; jobs under way are dropped. Safe to call twice."""


class LocalWorkers:
    """Processes of this machine. A context manager by ``contextlib.closing``."""

    def __init__(
        self,
        start: Callable[[], JobFunction],
        workers: int,
        *,
        silent_seconds: float = SILENT_SECONDS,
        threads: int = 1,
    ) -> None:
        """
        Args:
            start: picklable (a module's function, or a ``functools.partial`` of one); called once in each process, it
                makes the function that does the jobs, with whatever that keeps between them.
            workers: number of processes; 0 for one each processor.
            silent_seconds: see ``SILENT_SECONDS``.
            threads: of numeric libraries in each process (``OMP_NUM_THREADS``).
        """
        if workers < 0 or threads < 1:
            raise ConfigError(f"workers must be at least 0 and threads at least 1, got {workers} and {threads}")
        self._start = start
        self._silent_seconds = silent_seconds
        self._threads = threads
        self._snapshots: dict[str, Path] = {}
        self._waiting: deque[Job] = deque()
        self._ended: list[JobResult | JobFailure] = []
        self._deaths = 0
        self._most_deaths = MOST_DEATHS * (workers or os.cpu_count() or 1)
        self._team = [_Process(start, threads) for _ in range(workers or os.cpu_count() or 1)]

    @property
    def alive(self) -> int:
        return len(self._team)

    @property
    def free(self) -> int:
        return max(0, QUEUED * len(self._team) - sum(len(each.jobs) for each in self._team) - len(self._waiting))

    @property
    def processes(self) -> list[int]:
        """Process ids of the workers."""
        return [each.pid for each in self._team]

    def submit(self, job: Job) -> None:
        require_broadcast(job, self._snapshots)
        self._waiting.append(job)
        self._hand_out()

    def completed(self, timeout: float) -> list[JobResult | JobFailure]:
        deadline = time.monotonic() + timeout
        while True:
            self._hand_out()
            by_pipe = {each.pipe: each for each in self._team}
            left = deadline - time.monotonic()
            patience = 0.0 if self._ended else max(0.0, min(left, BEAT_SECONDS))
            for pipe in wait(list(by_pipe), patience) if by_pipe else ():
                self._take(by_pipe[pipe])  # type: ignore[index]
            self._check_time()
            if self._ended or left <= 0.0 or not self._team:
                self._hand_out()
                ended, self._ended = self._ended, []
                return ended

    def broadcast(self, snapshot_hash: str, path: Path) -> None:
        self._snapshots[snapshot_hash] = path

    def forget(self, snapshot_hash: str) -> None:
        self._snapshots.pop(snapshot_hash, None)

    def close(self) -> None:
        for each in self._team:
            each.pipe.close()
        for each in self._team:
            each.end(_END_SECONDS)
        self._team = []
        self._waiting.clear()

    def _hand_out(self) -> None:
        """Gives waiting jobs to those who have the least to do."""
        while self._waiting and self._team:
            worker = min(self._team, key=lambda each: len(each.jobs))
            if len(worker.jobs) >= QUEUED:
                return
            job = self._waiting.popleft()
            paths = {name: self._snapshots[name] for name in job.snapshots if name in self._snapshots}
            worker.jobs[job.id] = job
            if not worker.send((job, paths)):
                self._bury(worker, "lost", "its worker process died")

    def _take(self, worker: "_Process") -> None:
        """Takes one message of a worker."""
        try:
            kind, name, value = worker.pipe.recv()
        except (EOFError, OSError):
            self._bury(worker, "lost", "its worker process died")
            return
        worker.heard = time.monotonic()
        if kind == "started":
            worker.began = (name, worker.heard)
        elif kind == "ended":
            worker.jobs.pop(name, None)
            worker.began = None
            self._deaths = 0
            self._ended.append(value)

    def _check_time(self) -> None:
        """Buries workers that are silent, or whose job has outlived its lease."""
        now = time.monotonic()
        for worker in list(self._team):
            if now - worker.heard > self._silent_seconds:
                self._bury(worker, "lost", f"its worker gave no sign of life for {self._silent_seconds:g} seconds")
            elif worker.began is not None and worker.began[0] in worker.jobs:
                name, began = worker.began
                if now - began > worker.jobs[name].lease_seconds:
                    self._bury(worker, "expired", f"it took more than {worker.jobs[name].lease_seconds:g} seconds")

    def _bury(self, worker: "_Process", kind: Literal["lost", "expired"], reason: str) -> None:
        """Ends a worker, reports its jobs, and starts another one unless they do nothing but die."""
        if worker not in self._team:
            return
        place = self._team.index(worker)
        worker.kill()
        for name in worker.jobs:
            guilty = kind == "lost" or (worker.began is not None and worker.began[0] == name)
            self._ended.append(JobFailure(name, kind if guilty else "lost", reason))
        self._deaths += 1
        if self._deaths > self._most_deaths:
            del self._team[place]
        else:
            self._team[place] = _Process(self._start, self._threads)


class _Process:
    """One process, seen from the main one."""

    def __init__(self, start: Callable[[], JobFunction], threads: int) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe: Connection[Any, Any]
        self.pipe, theirs = context.Pipe()
        self.jobs: dict[str, Job] = {}
        """Given to it and not ended, by id."""
        self.began: tuple[str, float] | None = None
        """Job in work, and since when."""
        self.heard = time.monotonic()
        self._process = context.Process(target=_work, args=(theirs, start, threads), daemon=True)
        self._process.start()
        theirs.close()  # the only other end is the process's own: the pipe ends with it

    @property
    def pid(self) -> int:
        return self._process.pid or 0

    def send(self, message: tuple[Job, Mapping[str, Path]]) -> bool:
        """Whether the process could still be written to."""
        try:
            self.pipe.send(message)
        except OSError:
            return False
        return True

    def kill(self) -> None:
        self.pipe.close()
        self._process.kill()
        self._process.join(_END_SECONDS)

    def end(self, seconds: float) -> None:
        """The process ends by itself when its pipe does."""
        self._process.join(seconds)
        if self._process.is_alive():
            self.kill()


def do_job(function: JobFunction, job: Job, paths: Mapping[str, Path]) -> JobResult | JobFailure:
    """Does a job; whatever it raises becomes a failure, which the caller of ``completed`` hears of."""
    before = time.perf_counter()
    try:
        return JobResult(job.id, function(job, paths), time.perf_counter() - before)
    except Exception as error:  # whatever it is, the main process is told
        return _raised(job, error)


def _raised(job: Job, error: Exception, what: str = "") -> JobFailure:
    reason = " ".join(f"{what}{type(error).__name__}: {error}".split())
    return JobFailure(job.id, "error", reason, error if isinstance(error, GameilError) else None)


def require_broadcast(job: Job, known: Container[str]) -> None:
    """Raises ``GameilError`` where a job names a snapshot that no worker could be given."""
    missing = [name for name in job.snapshots if name not in known]
    if missing:
        raise GameilError(f"job {job.id} needs snapshot {missing[0]}, which was never broadcast")


def _work(pipe: "Connection[Any, Any]", start: Callable[[], JobFunction], threads: int) -> None:
    """The main function of a process."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle
    os.environ["OMP_NUM_THREADS"] = str(threads)  # before torch is imported by what ``start`` builds
    jobs: queue.SimpleQueue[tuple[Job, Mapping[str, Path]]] = queue.SimpleQueue()
    sending = threading.Lock()

    def send(kind: str, name: str, value: Any) -> None:
        try:
            with sending:
                pipe.send((kind, name, value))
        except OSError:
            os._exit(1)  # the parent has gone

    def receive() -> None:
        try:
            while True:
                jobs.put(pipe.recv())
        except (EOFError, OSError):
            os._exit(1)  # the parent closed the pipe, or was killed: nobody wants results any more

    def beat() -> None:
        while True:
            send("beat", "", None)
            time.sleep(BEAT_SECONDS)

    threading.Thread(target=receive, daemon=True).start()
    threading.Thread(target=beat, daemon=True).start()
    function: JobFunction | None = None
    while True:
        job, paths = jobs.get()
        send("started", job.id, None)
        if function is None:
            try:
                function = start()
            except Exception as error:  # nobody else would hear of it
                send("ended", job.id, _raised(job, error, "the worker cannot start: "))
                continue
        send("ended", job.id, do_job(function, job, paths))
