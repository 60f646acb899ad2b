"""Workers as actors of a Ray cluster: one machine or many. The only importer of ray.

Snapshots travel through Ray's object store, once for each machine that needs them: an actor writes what it is given to
a directory of its own. Actors that die, with their machine too, are begun again where there is room.
"""

import os
import shutil
import tempfile
import time
from collections import OrderedDict, deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError
from gameil.rollout.workers import (
    MOST_DEATHS,
    QUEUED,
    Job,
    JobFailure,
    JobFunction,
    JobResult,
    do_job,
    require_broadcast,
)

MOST_STORED = 64
"""Snapshots kept in the object store; those used least recently leave it and are put there again when needed."""
MOST_WRITTEN = 64
"""Snapshots that an actor keeps on its machine's disk."""
RETURN_SECONDS = 120.0
"""An actor that died and has not come back for this long counts as gone until it does."""

_Files = dict[str, bytes]


class RayWorkers:
    """Actors of a cluster, one processor each. See ``workers.Workers``; a context manager by ``contextlib.closing``."""

    def __init__(
        self, start: Callable[[], JobFunction], workers: int, *, address: str = "auto", processors: float = 1.0
    ) -> None:
        """
        Args:
            start: as for ``LocalWorkers``; gameil, of the same version, must be installed on every machine.
            workers: number of actors; 0 for one each processor of the cluster, less one for the learner.
            address: ``auto``: a cluster that is found (or ``RAY_ADDRESS``), else one begun here; ``HOST:PORT``.
            processors: of each actor; less than 1 where they mostly wait.

        Raises:
            ConfigError: ray is not installed, or there is no cluster at the address.
        """
        os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
        try:
            import ray
        except ImportError as error:
            raise ConfigError("ray is not installed: pip install 'gameil[ray]'") from error
        self._ray: Any = ray
        self._own = not ray.is_initialized()
        if self._own:
            _connect(ray, address)
        if workers == 0:
            workers = max(1, int(self._ray.cluster_resources().get("CPU", 1)) - 1)
        # Restarted for ever: a machine that goes and comes back brings its actors with it.
        remote = ray.remote(num_cpus=processors, max_restarts=-1, max_task_retries=0)(_Actor)
        self._paths: dict[str, Path] = {}
        self._stored: OrderedDict[str, Any] = OrderedDict()
        self._waiting: deque[Job] = deque()
        self._ended: list[JobResult | JobFailure] = []
        self._team = [_Member(remote.remote(start)) for _ in range(workers)]
        self._deaths = 0
        for member in self._team:
            member.probe = member.actor.ping.remote()

    @property
    def alive(self) -> int:
        now = time.monotonic()
        return sum(member.able or now - member.died < RETURN_SECONDS for member in self._team)

    @property
    def free(self) -> int:
        able = sum(max(0, QUEUED - len(member.jobs)) for member in self._team if member.able)
        return max(0, able - len(self._waiting))

    def submit(self, job: Job) -> None:
        require_broadcast(job, self._paths)
        self._waiting.append(job)
        self._hand_out()

    def completed(self, timeout: float) -> list[JobResult | JobFailure]:
        deadline = time.monotonic() + timeout
        while True:
            self._hand_out()
            self._collect(max(0.0, min(deadline - time.monotonic(), 1.0)) if not self._ended else 0.0)
            self._probe()
            if self._ended or time.monotonic() >= deadline or not self.alive:
                self._hand_out()
                ended, self._ended = self._ended, []
                return ended

    def broadcast(self, snapshot_hash: str, path: Path) -> None:
        self._paths[snapshot_hash] = path

    def forget(self, snapshot_hash: str) -> None:
        self._paths.pop(snapshot_hash, None)
        self._stored.pop(snapshot_hash, None)

    def close(self) -> None:
        for member in self._team:
            self._ray.kill(member.actor, no_restart=True)
        self._team = []
        self._waiting.clear()
        self._stored.clear()
        if self._own and self._ray.is_initialized():
            self._ray.shutdown()

    def _hand_out(self) -> None:
        """Gives waiting jobs to those who have the least to do."""
        while self._waiting:
            able = [member for member in self._team if member.able and len(member.jobs) < QUEUED]
            if not able:
                return
            member = min(able, key=lambda each: len(each.jobs))
            job = self._waiting.popleft()
            files = [self._reference(name) for name in job.snapshots]
            # References inside a container would reach the actor as references: as arguments they come as values.
            reference = member.actor.run.remote(job, *files)
            member.jobs[reference] = (job, time.monotonic())

    def _reference(self, name: str) -> Any:
        """The snapshot's files in the object store, put there where they are not."""
        if name not in self._stored:
            path = self._paths[name]
            files: _Files = {file.name: file.read_bytes() for file in path.iterdir() if file.is_file()}
            self._stored[name] = self._ray.put(files)
            if len(self._stored) > MOST_STORED:
                self._stored.popitem(last=False)
        self._stored.move_to_end(name)
        return self._stored[name]

    def _collect(self, patience: float) -> None:
        """Takes what has ended, and gives up jobs that outlived their lease."""
        owners = {reference: member for member in self._team for reference in member.jobs}
        if not owners:
            time.sleep(min(patience, 0.05))
            return
        ready, _ = self._ray.wait(list(owners), num_returns=1, timeout=patience)
        if ready:  # whatever else is there comes along
            ready, _ = self._ray.wait(list(owners), num_returns=len(owners), timeout=0)
        for reference in ready:
            self._take(owners[reference], reference)
        now = time.monotonic()
        for member in self._team:
            late = next((job for job, since in member.jobs.values() if now - since > QUEUED * job.lease_seconds), None)
            if late is not None:
                self._bury(member, f"it took more than {late.lease_seconds:g} seconds", expired=late.id)

    def _take(self, member: "_Member", reference: Any) -> None:
        if reference not in member.jobs:
            return
        try:
            ended: JobResult | JobFailure = self._ray.get(reference)
        except self._ray.exceptions.RayActorError as error:
            reason_of_death = f"its worker died ({type(error).__name__})"
            self._bury(member, reason_of_death, expired=None, killed=False)
            return
        except self._ray.exceptions.RayError as error:  # an argument or the result was lost with its machine
            job, _ = member.jobs.pop(reference)
            reason = str(error).partition("\n")[0]
            self._ended.append(JobFailure(job.id, "lost", f"{type(error).__name__}: {reason}"))
            return
        del member.jobs[reference]
        self._deaths = 0
        self._ended.append(ended)

    def _bury(self, member: "_Member", reason: str, *, expired: str | None, killed: bool = True) -> None:
        """Reports the jobs of an actor that died, or kills it; Ray begins it again."""
        if killed:
            self._ray.kill(member.actor, no_restart=False)
        for job, _ in member.jobs.values():
            self._ended.append(JobFailure(job.id, "expired" if job.id == expired else "lost", reason))
        member.jobs.clear()
        member.able, member.died = False, time.monotonic()
        self._deaths += 1
        if self._deaths <= MOST_DEATHS * len(self._team):
            member.probe = member.actor.ping.remote()
        else:
            member.died = -RETURN_SECONDS  # they do nothing but die

    def _probe(self) -> None:
        """An actor lives that answered the last time it was asked, or has not yet had to."""
        waiting = {member.probe: member for member in self._team if member.probe is not None}
        if waiting:
            ready, _ = self._ray.wait(list(waiting), num_returns=len(waiting), timeout=0)
            for reference in ready:
                member = waiting[reference]
                member.probe = None
                try:
                    self._ray.get(reference)
                    member.able = True
                except self._ray.exceptions.RayActorError as error:
                    self._bury(member, f"its worker died ({type(error).__name__})", expired=None, killed=False)


class _Member:
    """One actor, seen from the learner."""

    def __init__(self, actor: Any) -> None:
        self.actor = actor
        self.jobs: dict[Any, tuple[Job, float]] = {}
        """By reference to the result: the job, and when it was given."""
        self.able = True
        """It takes jobs; an actor that died does again once Ray has begun it anew."""
        self.died = 0.0
        self.probe: Any = None
        """A call that shows, when it comes back, that the actor lives (again)."""


class _Actor:
    """Does jobs in a process of the cluster."""

    def __init__(self, start: Callable[[], JobFunction]) -> None:
        self._start = start
        self._function: JobFunction | None = None
        self._directory = Path(tempfile.mkdtemp(prefix="gameil-snapshots-"))
        self._written: OrderedDict[str, Path] = OrderedDict()

    def ping(self) -> None:
        """Answers."""

    def run(self, job: Job, *files: _Files) -> JobResult | JobFailure:
        """Does a job; ``files`` are the snapshots that it names, in their order."""
        paths = {name: self._path(name, own) for name, own in zip(job.snapshots, files, strict=True)}
        return do_job(self._do, job, paths)

    def _do(self, job: Job, paths: Mapping[str, Path]) -> Any:
        if self._function is None:
            self._function = self._start()
        return self._function(job, paths)

    def _path(self, name: str, files: _Files) -> Path:
        if name not in self._written:
            path = self._directory / name
            path.mkdir()
            for file, content in files.items():
                (path / Path(file).name).write_bytes(content)
            self._written[name] = path
            if len(self._written) > MOST_WRITTEN:
                shutil.rmtree(self._written.popitem(last=False)[1], ignore_errors=True)
        self._written.move_to_end(name)
        return self._written[name]


def _connect(ray: Any, address: str) -> None:
    """Joins the cluster at ``address``; ``auto`` begins one here where none is found."""
    quiet = {"log_to_driver": False, "logging_level": "ERROR", "configure_logging": True}
    try:
        if address != "auto":
            ray.init(address=address, **quiet)
            return
        try:
            ray.init(address="auto", **quiet)
        except ConnectionError:
            ray.init(include_dashboard=False, **quiet)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise ConfigError(f"no Ray cluster at {address!r}: {' '.join(str(error).split())[:200]}") from error
