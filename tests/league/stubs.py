"""Players, workers and learners of a made-up league: games are coin flips by strength, learning is counting."""

import json
import shutil
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from gameil.league.config import LeagueConfig
from gameil.league.coordinator import League
from gameil.league.game_line import GameLine
from gameil.league.match_jobs import WEIGHTS, MatchOutcome, MatchTask
from gameil.rollout.trajectories import Trajectories
from gameil.rollout.workers import Job, JobFailure, JobResult
from gameil.seeding import generator


def write_weights(path: Path, strength: float, tag: str) -> None:
    """A snapshot directory whose only weight is a strength; ``tag`` makes its hash its own."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    (path / WEIGHTS).write_text(json.dumps({"strength": strength, "tag": tag}))


def read_strength(path: Path) -> float:
    return float(json.loads((path / WEIGHTS).read_text())["strength"])


def one_decision() -> Trajectories:
    """A trajectory of one decision: enough to be joined."""
    return Trajectories(
        observations=np.zeros((1, 1), np.float16),
        legal=np.zeros(1, np.int64),
        offsets=np.array([0, 1]),
        actions=np.zeros(1, np.int64),
        action_places=np.zeros(1, np.int64),
        behaviour_log_probs=np.zeros(1, np.float32),
        values=np.zeros(1, np.float32),
        rewards=np.zeros(1, np.float32),
        discounts=np.zeros(1, np.float32),
        starts=np.array([0, 1]),
        bootstrap_values=np.zeros(1, np.float32),
        outcomes=np.zeros(1, np.float32),
        opponents=np.zeros(1, np.int64),
        seats=np.zeros(1, np.int64),
        plies=np.zeros(1, np.int32),
        openings=np.full(1, -1, np.int64),
        told=np.full(1, -1, np.int64),
        frames=1,
    )


class StubWorkers:
    """Plays every job at once, by the strengths of the snapshots; loses some first where told to."""

    def __init__(self, *, lose_every: int = 0, alive: int = 2) -> None:
        self.paths: dict[str, Path] = {}
        self.alive = alive
        self.submitted = 0
        self.lost: list[str] = []
        self._lose_every = lose_every
        self._ended: deque[JobResult | JobFailure] = deque()

    @property
    def free(self) -> int:
        return 4 - len(self._ended) if self.alive else 0

    def submit(self, job: Job) -> None:
        self.submitted += 1
        for name in job.snapshots:
            assert (self.paths[name] / WEIGHTS).exists(), f"{job.id} needs {name}"
        if self._lose_every and self.submitted % self._lose_every == 0:
            self.lost.append(job.id)
            self._ended.append(JobFailure(job.id, "lost", "it was told to"))
            return
        task: MatchTask = job.payload
        rng = generator(task.seed, "stub")
        ahead = self._strength(task.home.snapshot_hash) - self._strength(task.away.snapshot_hash)
        games = []
        for number in range(task.games):
            won = rng.random() < 1.0 / (1.0 + np.exp(-ahead))
            seat, value = number % 2, 1.0 if won else -1.0
            games.append(GameLine(seat, (value, -value) if seat == 0 else (-value, value), (0, 1, 2), 0, "rules"))
        text = "".join(f"{job.id}/{number}\n" for number in range(task.games))
        self._ended.append(JobResult(job.id, MatchOutcome(tuple(games), one_decision(), text), 0.0))

    def _strength(self, name: str) -> float:
        return read_strength(self.paths[name]) if name else 0.0

    def completed(self, timeout: float) -> list[JobResult | JobFailure]:
        ended = list(self._ended)
        self._ended.clear()
        return ended[::-1]

    def broadcast(self, snapshot_hash: str, path: Path) -> None:
        self.paths[snapshot_hash] = path

    def forget(self, snapshot_hash: str) -> None:
        self.paths.pop(snapshot_hash, None)

    def close(self) -> None:
        pass


class StubLearner:
    """Gets a little stronger each turn."""

    def __init__(self, name: str, directory: Path) -> None:
        self._name, self._directory = name, directory
        self.strength, self.turns = 0.0, 0

    def step(self, batch: Trajectories) -> Mapping[str, float]:
        self.strength += 0.1
        self.turns += 1
        return {"strength": self.strength}

    def save_playing(self, path: Path, *, parent: str) -> None:
        write_weights(path, self.strength, f"{self._name} {self.turns}")

    def save_copy(self, path: Path, *, parent: str, metrics: Mapping[str, float]) -> None:
        self.save_playing(path, parent=parent)  # the same hash, as of a learner that averages no weights

    def start_from(self, path: Path, restarts: int) -> None:
        self.strength = read_strength(path)

    def save(self, turn: int) -> None:
        self._directory.mkdir(parents=True, exist_ok=True)
        (self._directory / f"{turn}.json").write_text(json.dumps([self.strength, self.turns]))
        (self._directory / f"{turn - 2}.json").unlink(missing_ok=True)

    def restore(self, turn: int, path: Path, restarts: int) -> None:
        self.start_from(path, restarts)
        if turn:
            self.strength, self.turns = json.loads((self._directory / f"{turn}.json").read_text())


class Told:
    """Keeps what a league says."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        pass

    def say(self, line: str) -> None:
        self.lines.append(line)


def stub_league(directory: Path, config: LeagueConfig, workers: Any = None, told: Told | None = None) -> League:
    """A league of stubs in a directory, new or going on."""
    return League(
        config,
        directory,
        workers or StubWorkers(),
        lambda name: StubLearner(name, directory / "learners" / name),
        lambda path: write_weights(path, 0.0, "start"),
        run=told or Told(),
    )
