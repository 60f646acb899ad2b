"""Who plays an iteration's games: this process, or several of its own that are told which games are theirs.

A game's random stream is keyed by its number, so the games are the same ones whoever plays them. The processes get the
learner's weights as a snapshot an iteration; what they lose by being killed is played again.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.errors import GameilError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.epsilon_greedy import EpsilonGreedy
from gameil.rollout.opening_statistics import OpeningStatistics
from gameil.rollout.self_play import LegalEvaluator, SelfPlayConfig, play_self
from gameil.rollout.trajectories import Trajectories, join_trajectories
from gameil.rollout.workers import Job, JobFailure, JobFunction, LocalWorkers, Workers

_WAIT_SECONDS = 5.0
_GAMES_A_JOB = 32
"""Fewest games of a job: with fewer, batches get too small."""


@dataclass(frozen=True, slots=True)
class PlayOrder:
    """What is played; picklable."""

    game_id: str
    encoder: EncoderConfig
    config: SelfPlayConfig
    seed: int
    openings: tuple[tuple[int, ...], ...]
    """People's games to begin as, whole; see ``SelfPlayConfig.opening_share``."""
    device: str
    precision: Precision
    statistics: OpeningStatistics | None = None
    """People's openings that the learner is told."""


@dataclass(frozen=True, slots=True)
class _Share:
    """A job: some of an iteration's games."""

    iteration: int
    numbers: range
    learner: str
    """Snapshot of the learner, by its hash."""
    pool: tuple[str, ...]
    exploration: float | None


class SelfPlayActors:
    """Plays iterations, in this process or in ``workers`` others. Close it in the end."""

    def __init__(self, order: PlayOrder, workers: int, directory: Path) -> None:
        """Args:
        order: what is played.
        workers: processes; 0 for this one.
        directory: where the learner's snapshots for the processes lie.
        """
        self.order = order
        self._game: Game = make_game(order.game_id)
        self._encoder = ObservationEncoder(self._game, order.encoder)
        self._directory = directory
        self._workers: Workers | None = LocalWorkers(partial(_player, order), workers) if workers else None
        self._count = workers
        self._known: set[str] = set()

    def play(
        self,
        iteration: int,
        learner: NetworkEvaluator,
        model: PolicyValueNet,
        card: SnapshotCard,
        pool: Mapping[str, NetworkEvaluator],
        paths: Mapping[str, Path],
        exploration: float | None,
    ) -> Trajectories:
        """One iteration.

        Args:
            iteration: its number.
            learner: frozen.
            model: its network, saved for the processes with ``card``.
            card: see ``model``.
            pool: opponents by name.
            paths: of the opponents' snapshots.
            exploration: see ``learners.q_learning.QLearning.exploration``.

        Raises:
            GameilError: the processes do nothing but die.
        """
        if self._workers is None:
            everyone = [explorer(evaluator, exploration) for evaluator in pool.values()]
            return _play(
                self.order, self._game, self._encoder, explorer(learner, exploration), everyone, iteration, None
            )
        name = f"actor-{iteration:06d}"
        path = self._directory / name
        save_snapshot(path, model, card)
        for known in (name, *pool):
            if known not in self._known:
                self._workers.broadcast(known, path if known == name else paths[known])
                self._known.add(known)
        games = self.order.config.games
        size = max(_GAMES_A_JOB, -(-games // (2 * self._count)))
        shares = [range(start, min(start + size, games)) for start in range(0, games, size)]
        jobs = {
            f"{name}/{numbers.start}": Job(
                f"{name}/{numbers.start}",
                _Share(iteration, numbers, name, tuple(pool), exploration),
                (name, *pool),
            )
            for numbers in shares
        }
        parts = self._run(jobs)
        self._workers.forget(name)
        self._known.discard(name)
        shutil.rmtree(path, ignore_errors=True)
        return join_trajectories([parts[name] for name in jobs])

    def _run(self, jobs: Mapping[str, Job]) -> dict[str, Trajectories]:
        workers = self._workers
        assert workers is not None
        for job in jobs.values():
            workers.submit(job)
        parts: dict[str, Trajectories] = {}
        while len(parts) < len(jobs):
            for ended in workers.completed(_WAIT_SECONDS):
                if isinstance(ended, JobFailure):
                    if ended.kind == "error":
                        raise ended.error or GameilError(f"self-play in another process failed: {ended.reason}")
                    workers.submit(jobs[ended.id])
                else:
                    parts[ended.id] = ended.value
            if workers.alive == 0 and len(parts) < len(jobs):
                raise GameilError("every process that plays games was ended from outside, perhaps for lack of memory")
        return parts

    def close(self) -> None:
        """Ends the processes."""
        if self._workers is not None:
            self._workers.close()


def explorer(evaluator: LegalEvaluator, exploration: float | None) -> LegalEvaluator:
    """The network as it plays: its policy, or its likeliest action with random ones now and then."""
    return evaluator if exploration is None else EpsilonGreedy(evaluator, exploration)


def _play(
    order: PlayOrder,
    game: Game,
    encoder: ObservationEncoder,
    learner: LegalEvaluator,
    pool: Sequence[LegalEvaluator],
    iteration: int,
    numbers: range | None,
) -> Trajectories:
    return play_self(
        game,
        encoder,
        learner,
        pool,
        order.config,
        seed=order.seed,
        iteration=iteration,
        openings=order.openings,
        numbers=numbers,
        statistics=order.statistics,
    )


def _player(order: PlayOrder) -> JobFunction:
    """What a process does with its jobs; the networks of the pool stay loaded."""
    game = make_game(order.game_id)
    encoder = ObservationEncoder(game, order.encoder)
    loaded: dict[str, NetworkEvaluator] = {}

    def load(name: str, path: Path) -> NetworkEvaluator:
        return NetworkEvaluator(load_snapshot(path).model, device=order.device, precision=order.precision)

    def play(job: Job, paths: Mapping[str, Path]) -> Any:
        share: _Share = job.payload
        for name in set(loaded) - {share.learner, *share.pool}:
            del loaded[name]
        for name in (share.learner, *share.pool):
            if name not in loaded:
                loaded[name] = load(name, paths[name])
        pool = [explorer(loaded[name], share.exploration) for name in share.pool]
        learner = explorer(loaded[share.learner], share.exploration)
        return _play(order, game, encoder, learner, pool, share.iteration, share.numbers)

    return play
