"""Finetuning: an imitator plays its past selves and learns from the results, without forgetting how people play.

Value-only warm-up, then policy gradient against a pool of past snapshots, held near the frozen supervised policy
(``learners.reinforce``, ``learners.ppo`` or ``learners.actor_critic``); the forgetting meter measures held-out human
moves all along. At the end the result meets its parent in a paired series, and a third agent where one is named; the
parent stays ``best`` when that shows no gain.

A budget in iterations is repeatable through kills and resumes; one in minutes follows the clock.
"""

import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch

from gameil.agents.agent import Agent
from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.spec import build_agent
from gameil.arena.series import SeriesResult, play_series
from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.dataset.schema import Split
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.learners.actor_critic import ActorCriticConfig
from gameil.learners.held_out import measure_held_out
from gameil.learners.ppo import PpoConfig
from gameil.learners.reinforce import ReinforceConfig
from gameil.learners.self_play_learner import SelfPlayLearnerConfig, build_learner
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.rollout.trajectories import Trajectories
from gameil.seeding import stream_seed
from gameil.stages.forgetting import held_out_positions
from gameil.stages.interrupts import DeferredInterrupt
from gameil.tracking.progress import Progress
from gameil.tracking.run import Run


@dataclass(frozen=True)
class PoolConfig:
    """The pool of past selves that the learner plays against; the start is always in it."""

    __pydantic_config__ = {"extra": "forbid"}

    every: int = 10
    """Iterations between two chances to join the pool (Silver et al. 2016: 500 updates)."""
    min_score: float = 0.52
    """The learner joins when it scored at least this against the pool in the iterations since the last chance: copies
    that are not stronger would only crowd out the others."""
    size: int = 12
    """Most snapshots kept, the start included; the oldest other one leaves."""

    def __post_init__(self) -> None:
        if self.every < 1 or self.size < 1:
            raise ConfigError(f"pool.every and pool.size must be at least 1, got {self.every} and {self.size}")
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigError(f"pool.min_score must be within 0 and 1, got {self.min_score}")


@dataclass(frozen=True)
class FinetuneConfig:
    """What to improve, against whom, and for how long."""

    __pydantic_config__ = {"extra": "forbid"}

    init: Path
    """Snapshot to start from: the supervised policy, frozen as teacher and parent."""
    game: str = ""
    """Game to play, of the snapshot's family (``go(komi=5.5)``); empty: the snapshot's own."""
    iterations: int | None = None
    """Budget in iterations (self-play, then one learner step); repeatable."""
    minutes: float | None = None
    """Budget in minutes of wall time, the final series left out."""
    self_play: SelfPlayConfig = field(default_factory=SelfPlayConfig)
    learner: Literal["reinforce", "ppo", "actor_critic"] = "reinforce"
    """What learns from the games; of the next three tables the one of its name counts."""
    reinforce: ReinforceConfig = field(default_factory=ReinforceConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    actor_critic: ActorCriticConfig = field(default_factory=ActorCriticConfig)
    pool: PoolConfig = field(default_factory=PoolConfig)
    dataset: Path | None = None
    """Dataset of people's games for the forgetting meter; None measures nothing."""
    split: Split = "validation"
    """Its split."""
    forgetting_every: int = 10
    """Iterations between two measurements."""
    forgetting_positions: int = 4096
    """Positions at each."""
    series_games: int = 200
    """Games of the final series against the parent, both at temperature 0."""
    yardstick: str = ""
    """Spec of a third agent, such as ``mcts:100``, that the result and its parent both meet at the end: who has only
    learned to beat its own past is found out there. Empty: the parent alone decides."""
    checkpoint_seconds: float = 30.0
    """Longest time that a kill can cost."""
    threads: int = 0
    """CPU threads of the network; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    seed: int = 0
    """Seed of games and updates."""

    def __post_init__(self) -> None:
        if self.iterations is None and self.minutes is None:
            raise ConfigError("a budget is needed: iterations, minutes or both (then the first to end counts)")
        for name in ("iterations", "minutes", "forgetting_every", "forgetting_positions", "series_games"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be above 0, got {value}")
        for name in ("threads", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")

    @property
    def learner_config(self) -> SelfPlayLearnerConfig:
        """The table of the learner that was chosen."""
        if self.learner == "reinforce":
            return self.reinforce
        return self.ppo if self.learner == "ppo" else self.actor_critic


def finetune(config: FinetuneConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Finetunes, leaving ``snapshots/best`` (the parent, where it was not beaten) and ``snapshots/last``.

    Returns:
        ``snapshot`` (path of the best), ``improved``, ``score_against_parent`` with its ``interval``, ``yardstick``
        (scores of parent and result against it), ``iterations``, ``games``, ``seconds``, and ``forgetting`` (top-1 and
        NLL before and after) where a dataset is given.

    Raises:
        ConfigError, DatasetError, CheckpointError: one line each, before any training.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was saved.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    finetuning = _Finetuning(config, run)
    if resume:
        finetuning.restore()
    run.say(
        f"finetuning {config.init} ({finetuning.game.id}): {config.self_play.games} games an iteration, "
        + " or ".join(
            ([f"{config.iterations:,} iterations"] if config.iterations else [])
            + ([f"{config.minutes:g} minutes"] if config.minutes else [])
        )
    )
    with DeferredInterrupt() as interrupt:
        total, unit = (config.iterations, "iterations") if config.iterations else (None, "iterations")
        with run.progress("finetuning", total, unit) as bar:
            bar.start_at(finetuning.iteration)
            finetuning.train(bar, interrupt)
    return finetuning.finish()


class _Finetuning:
    """One finetuning run: what is built from the configuration, and the loop over it."""

    def __init__(self, config: FinetuneConfig, run: Run) -> None:
        self.config = config
        self.run = run
        self.parent = load_snapshot(config.init, game=config.game or None)
        self.game = make_game(config.game) if config.game else self.parent.game
        if config.yardstick:  # a typing error should not wait for the end of training
            build_agent(config.yardstick, self.game, seed=config.seed).close()
        self.encoder = self.parent.encoder
        self.teacher = self.freeze(self.parent.model)
        self.learner = build_learner(
            config.learner_config,
            load_snapshot(config.init).model,
            self.teacher,
            seed=stream_seed(config.seed, config.learner),
            device=config.device,
        )
        self.snapshots = run.directory / "snapshots"
        self.store = CheckpointStore(run.directory / "checkpoints")
        self.held_out = held_out_positions(
            config.dataset, config.split, self.game, self.encoder.config, positions=config.forgetting_positions
        )
        self.pool: dict[str, NetworkEvaluator] = {"start": self.teacher}
        self.pool_score = [0.0, 0.0]
        """Sum of scores against the pool since the last chance to join it, and their number."""
        self.iteration = 0
        self.games = 0
        self.elapsed_before = 0.0
        self.started = time.monotonic()
        self.forgetting: dict[str, dict[str, float]] = {}

    def freeze(self, model: PolicyValueNet) -> NetworkEvaluator:
        """A copy of ``model`` for play, which later training does not change."""
        return NetworkEvaluator(model, device=self.config.device, precision=self.config.learner_config.update.precision)

    def elapsed(self) -> float:
        """Seconds trained, those before a resume included."""
        return self.elapsed_before + time.monotonic() - self.started

    def over(self) -> bool:
        """Whether the budget is spent."""
        config = self.config
        if config.iterations is not None and self.iteration >= config.iterations:
            return True
        return config.minutes is not None and self.elapsed() >= 60.0 * config.minutes

    def train(self, bar: Progress, interrupt: DeferredInterrupt) -> None:
        """Iterations of self-play and learning until the budget is spent."""
        config = self.config
        saved = time.monotonic()
        if self.iteration == 0:
            self.measure_forgetting("before", self.teacher)
        while not self.over():
            began = time.monotonic()
            batch = self.play()
            played = time.monotonic()
            warming_up = self.learner.warming_up
            metrics = dict(self.learner.step(batch).metrics)
            learned = time.monotonic()
            self.iteration += 1
            self.games += config.self_play.games
            self.update_pool(batch)
            metrics |= {
                "self_play/pool_size": float(len(self.pool)),
                "time/frames_per_second": batch.frames / max(1e-9, played - began),
                "time/decisions_per_second": len(batch) / max(1e-9, learned - played),
                "time/self_play_share": (played - began) / max(1e-9, learned - began),
            }
            if self.iteration % config.forgetting_every == 0:
                metrics |= self.measure_forgetting("after", self.freeze(self.learner.evaluation_model()))
            self.run.log(self.iteration, metrics)
            bar.advance()
            bar.update(
                phase="value warm-up" if warming_up else "policy",
                pool=f"{metrics.get('self_play/score_against_pool', 0.5):.0%}",
                entropy=metrics["policy/entropy"],
                kl=metrics["loss/teacher_kl"],
            )
            if interrupt.requested or time.monotonic() - saved >= config.checkpoint_seconds:
                self.save()
                saved = time.monotonic()
            if interrupt.requested:
                raise KeyboardInterrupt
        self.save()

    def play(self) -> Trajectories:
        """One iteration of self-play with the learner as it is."""
        return play_self(
            self.game,
            self.encoder,
            self.freeze(self.learner.model),
            list(self.pool.values()),
            self.config.self_play,
            seed=stream_seed(self.config.seed, "self-play"),
            iteration=self.iteration,
        )

    def update_pool(self, batch: Trajectories) -> None:
        """Counts the iteration's score, and lets the learner into the pool when it is time and it is good enough."""
        config = self.config.pool
        outcomes = batch.outcomes[batch.opponents >= 0]
        self.pool_score[0] += float((outcomes + 1.0).sum() / 2.0)
        self.pool_score[1] += len(outcomes)
        if self.iteration % config.every or self.learner.warming_up:
            return
        scored, games = self.pool_score
        self.pool_score = [0.0, 0.0]
        if games and scored / games < config.min_score:
            return
        name = f"past-{self.iteration:06d}"
        model = self.learner.evaluation_model()
        save_snapshot(self.snapshots / name, model, self.card({}))
        self.pool[name] = self.freeze(model)
        if len(self.pool) > config.size:
            del self.pool[next(name for name in self.pool if name != "start")]

    def measure_forgetting(self, when: str, evaluator: NetworkEvaluator) -> dict[str, float]:
        """Held-out human accuracy and NLL, as metrics; nothing without a dataset."""
        if not self.held_out:
            return {}
        found = measure_held_out(evaluator, self.held_out)
        if "nll" not in found:
            return {}
        self.forgetting[when] = {name: found[name] for name in ("top1", "nll", "positions")}
        metrics = {"human/top1": found["top1"], "human/nll": found["nll"]}
        if when == "before":
            self.run.log(0, metrics)
        return metrics

    def card(self, metrics: dict[str, float]) -> SnapshotCard:
        """The card of the learner's weights: the parent's, but for what changed."""
        parent = self.parent.card
        return replace(
            parent,
            learner_step=self.iteration,
            parent=str(self.config.init),
            provenance=f"{parent.provenance}; policy gradient in self-play by gameil finetune",
            metrics=metrics,
        )

    def save(self) -> None:
        """Saves a checkpoint: all that ``restore`` needs. Past selves are snapshots of their own, named in it."""
        learner = self.learner.state_dict()
        state = {
            "learner": learner["state"],
            "iteration": self.iteration,
            "games": self.games,
            "elapsed": self.elapsed(),
            "pool": list(self.pool),
            "pool_score": self.pool_score,
            "forgetting": self.forgetting,
        }
        self.store.save(self.iteration, learner["tensors"], state)

    def restore(self) -> None:
        """Goes on from the newest whole checkpoint; from the start where there is none."""
        checkpoint = self.store.latest()
        if checkpoint is None:
            return
        state = checkpoint.state
        self.learner.load_state_dict({"tensors": checkpoint.tensors, "state": state["learner"]})
        self.iteration = int(state["iteration"])
        self.games = int(state["games"])
        self.elapsed_before = float(state["elapsed"])
        self.pool = {
            name: self.teacher if name == "start" else self.freeze(load_snapshot(self.snapshots / name).model)
            for name in state["pool"]
        }
        self.pool_score = [float(value) for value in state["pool_score"]]
        self.forgetting = dict(state["forgetting"])
        self.started = time.monotonic()
        self.run.say(f"going on from iteration {checkpoint.step:,}")

    def finish(self) -> dict[str, Any]:
        """Compares the result with its parent, keeps the better one as ``best`` and collects the results."""
        seconds = self.elapsed()
        model = self.learner.evaluation_model()
        evaluator = self.freeze(model)
        metrics = self.measure_forgetting("after", evaluator)
        finetuned, parent = self.agent("finetuned", evaluator), self.agent("parent", self.teacher)
        series = self.series("series against the parent", finetuned, parent)
        improved = series.score > 0.5
        metrics["arena/score_against_parent"] = series.score
        yardstick: dict[str, float] = {}
        if self.config.yardstick:
            third = build_agent(self.config.yardstick, self.game, seed=self.config.seed)
            for name, agent in (("parent", parent), ("finetuned", finetuned)):
                yardstick[name] = self.series(f"{name} against {self.config.yardstick}", agent, third).score
            third.close()
            improved = improved and yardstick["finetuned"] >= yardstick["parent"]
            metrics["arena/score_against_yardstick"] = yardstick["finetuned"]
            self.run.say(
                f"against {self.config.yardstick}: {yardstick['parent']:.1%} before, {yardstick['finetuned']:.1%} after"
            )
        self.run.log(self.iteration, metrics)
        save_snapshot(self.snapshots / "last", model, self.card(metrics))
        if improved:
            save_snapshot(self.snapshots / "best", model, self.card(metrics))
        else:
            save_snapshot(self.snapshots / "best", self.parent.model, self.parent.card)
        low, high = series.interval.low, series.interval.high
        self.run.say(
            f"against its parent: {series.score:.1%} of {series.games} games (95 %: {low:.1%} to {high:.1%})"
            + ("" if improved else "; no improvement, so the parent stays the best snapshot")
        )
        if len(self.forgetting) == 2:
            before, after = self.forgetting["before"], self.forgetting["after"]
            self.run.say(
                f"human moves: top-1 {before['top1']:.1%} before, {after['top1']:.1%} after; "
                f"NLL {before['nll']:.3f} before, {after['nll']:.3f} after"
            )
        return {
            "snapshot": str(self.snapshots / "best"),
            "game": self.game.id,
            "improved": improved,
            "score_against_parent": series.score,
            "interval": [low, high],
            "yardstick": yardstick,
            "iterations": self.iteration,
            "games": self.games,
            "seconds": seconds,
            "forgetting": self.forgetting,
        }

    def agent(self, name: str, evaluator: NetworkEvaluator) -> NetworkAgent:
        """A network as it is measured: by its likeliest move, since an argmax copy beats its sampling self."""
        return NetworkAgent(name, state_judge(self.encoder, evaluator))

    def series(self, description: str, agent: Agent, opponent: Agent) -> SeriesResult:
        """A paired series with a progress bar."""
        with self.run.progress(description, self.config.series_games, "games") as bar:
            return play_series(
                self.game,
                agent,
                opponent,
                games=self.config.series_games,
                seed=stream_seed(self.config.seed, "series"),
                concurrency=256,
                max_plies=self.config.self_play.max_plies or None,
                progress=lambda _: bar.advance(),
            )
