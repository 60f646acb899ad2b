"""The loop of learning from games against past selves, whatever learns from them.

Self-play, a learner's step, the pool, the forgetting meter, the guard against getting weaker than the parent, and
checkpoints. A budget in iterations is repeatable through kills and resumes; one in minutes follows the clock.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from gameil.agents.agent import Agent
from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.spec import build_agent
from gameil.arena.series import SeriesResult
from gameil.arena.tables import score_metrics
from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import Snapshot, SnapshotCard, load_snapshot, save_snapshot
from gameil.errors import ConfigError
from gameil.experience.demonstrations import demonstrated_games, read_demonstrations
from gameil.games.registry import make_game
from gameil.learners.held_out import measure_held_out
from gameil.learners.self_play_learner import SelfPlayLearner
from gameil.learners.trajectory_learner import TrajectoryLearner
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.models.precision import Precision
from gameil.positions.encoder import ObservationEncoder
from gameil.ratings.sprt import SprtConfig
from gameil.rollout.opening_statistics import OpeningStatistics, tell_demonstrations
from gameil.rollout.trajectories import Trajectories
from gameil.search.tree import return_scale
from gameil.seeding import generator, stream_seed
from gameil.stages.forgetting import held_out_positions
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.opponent_pool import START, OpponentPool
from gameil.stages.parent_guard import ParentGuard
from gameil.stages.self_play_actors import PlayOrder, SelfPlayActors
from gameil.stages.self_play_config import SelfPlayTrainingConfig
from gameil.stages.shown_series import shown_series
from gameil.tracking.progress import Progress
from gameil.tracking.run import Run


@dataclass(frozen=True, slots=True, eq=False)
class Start:
    """What a learner is built from."""

    model: PolicyValueNet
    """To be changed."""
    teacher: NetworkEvaluator | None
    """The frozen supervised policy; None where training starts from nothing."""
    density: NetworkEvaluator | None
    """A policy cloned from people, where one is known."""
    demonstrations: Trajectories | None
    """People's games."""
    encoder: ObservationEncoder


class SelfPlayTraining:
    """One run: what is built from the configuration, and the loop over it."""

    def __init__(
        self,
        config: SelfPlayTrainingConfig,
        run: Run,
        build: Callable[[Start], SelfPlayLearner],
        *,
        precision: Precision,
        method: str,
    ) -> None:
        """
        Args:
            config: what both commands have in common.
            run: where everything is written.
            build: makes the learner.
            precision: of networks at play.
            method: for the snapshot's card.

        Raises:
            ConfigError, DatasetError, CheckpointError: one line each, before any training.
        """
        if config.threads:
            torch.set_num_threads(config.threads)
        self.config, self.run, self.method, self._precision = config, run, method, precision
        self.snapshots = run.directory / "snapshots"
        self._find_start()
        if config.yardstick:  # a typing error should not wait for the end of training
            build_agent(config.yardstick, self.game, seed=config.seed).close()
        self.parent = self.freeze(self.parent_model)
        density = self.parent if config.init else None
        if config.density is not None:
            density = self.freeze(load_snapshot(config.density, game=self.game.id).model)
        games = demonstrated_games(config.demonstrations, self.game)
        shown = read_demonstrations(games, self.encoder, discount=config.self_play.discount)
        learner_model, self.statistics = self._learner_model(shown)
        if shown is not None and self.statistics is not None:
            rng = generator(config.seed, "told")
            shown = tell_demonstrations(shown, config.openings.dropout, rng)
        self.learner = build(
            Start(
                model=learner_model,
                teacher=self.parent if config.init else None,
                density=density,
                demonstrations=shown,
                encoder=self.encoder,
            )
        )
        if self.statistics is not None:
            if not isinstance(self.learner, TrajectoryLearner):
                raise ConfigError("openings are told to reinforce, ppo, actor_critic and off_policy only")
            self.learner.openings = self.statistics
        self.store = CheckpointStore(run.directory / "checkpoints")
        self.held_out = held_out_positions(
            config.dataset, config.split, self.game, self.encoder.config, positions=config.forgetting_positions
        )
        self.partners = [self._partner(path) for path in config.partners]
        self.pool = OpponentPool(
            config.pool,
            self.parent,
            self.snapshots,
            self.freeze,
            start_path=self.start_path,
            partners=self.partners,
        )
        self.guard = ParentGuard(config.guard, self.snapshots)
        openings = [tuple(played.actions.tolist()) for played in games if played.start is None]
        self.order = PlayOrder(
            self.game.id,
            self.encoder.config,
            config.self_play,
            stream_seed(config.seed, "self-play"),
            tuple(openings) if config.self_play.opening_share else (),
            config.device,
            precision,
            self.statistics,
        )
        self.iteration = self.games = self.frames = 0
        self.elapsed_before, self.started = 0.0, time.monotonic()
        self.forgetting: dict[str, dict[str, float]] = {}

    def _find_start(self) -> None:
        config = self.config
        if config.init is not None:
            parent = load_snapshot(config.init, game=config.game or None)
            self.game = make_game(config.game) if config.game else parent.game
            self.encoder, self.parent_model, self.parent_card = parent.encoder, parent.model, parent.card
            self.start_path = config.init
            return
        self.game = make_game(config.game)
        self.encoder = ObservationEncoder(self.game, config.encoder)
        self.parent_model = build_model(
            config.model, self.game, self.encoder.shape, seed=stream_seed(config.seed, "weights")
        ).eval()
        self.parent_card = SnapshotCard(
            self.game.id, self.parent_model.config, config.encoder, licence="CC0-1.0", provenance="fresh weights"
        )
        self.start_path = self.snapshots / START

    def _partner(self, path: Path) -> Snapshot:
        """A snapshot for other seats. Raises ``ConfigError`` where it sees something else than the learner does."""
        partner = load_snapshot(path, game=self.game.id)
        if partner.card.encoder != self.encoder.config:
            raise ConfigError(f"partners: {path} has {partner.card.encoder}, the learner {self.encoder.config}")
        return partner

    def _learner_model(self, shown: Trajectories | None) -> tuple[PolicyValueNet, OpeningStatistics | None]:
        """The network to be changed, with room for openings where they are told, and these."""
        openings, shape = self.config.openings, self.parent_card.model
        if openings.decisions:
            if shown is None:
                raise ConfigError("openings.decisions needs demonstrations, whose openings are told")
            shape = replace(shape, opening=openings.decisions)
        self.learner_shape = shape
        model = build_model(shape, self.game, self.encoder.shape)
        # What is told starts without any effect: the network begins as its parent.
        model.load_state_dict({**model.state_dict(), **self.parent_model.state_dict()})
        if shown is None or not openings.decisions:
            return model, None
        return model, OpeningStatistics(openings, shown, self.game.num_actions, known=len(shape.conditions))

    def freeze(self, model: PolicyValueNet) -> NetworkEvaluator:
        """A copy of ``model`` for play, which later training does not change."""
        return NetworkEvaluator(model, device=self.config.device, precision=self._precision)

    def elapsed(self) -> float:
        """Seconds trained, those before a resume included."""
        return self.elapsed_before + time.monotonic() - self.started

    def over(self) -> bool:
        """Whether the budget is spent, or the guard gave up."""
        config = self.config
        if self.guard.gave_up or (config.iterations is not None and self.iteration >= config.iterations):
            return True
        return config.minutes is not None and self.elapsed() >= 60.0 * config.minutes

    def train(self, bar: Progress, interrupt: DeferredInterrupt) -> None:
        """Iterations of self-play and learning until the budget is spent."""
        saved = time.monotonic()
        if self.iteration == 0:
            self.measure_forgetting("before", self.parent)
        actors = SelfPlayActors(self.order, self.config.workers, self.snapshots)
        if self.config.workers or self.config.init is None:
            save_snapshot(self.snapshots / START, self.parent_model, self.parent_card)
        try:
            while not self.over():
                self._iterate(actors, bar)
                if interrupt.requested or time.monotonic() - saved >= self.config.checkpoint_seconds:
                    self.save()
                    saved = time.monotonic()
                if interrupt.requested:
                    raise KeyboardInterrupt
        finally:
            actors.close()
        if self.guard.gave_up:
            self.run.say(f"put back {self.guard.rollbacks} times: training ends early")
        self.save()

    def _iterate(self, actors: SelfPlayActors, bar: Progress) -> None:
        """One iteration: games, a step, and what is due."""
        config, learner = self.config, self.learner
        began = time.monotonic()
        batch = self._play(actors) if learner.needs_games else None
        played = time.monotonic()
        phase = "value warm-up" if learner.warming_up else "policy"
        if batch is not None and self.statistics is not None:
            batch = self.statistics.rewarded(batch)
        metrics = dict(learner.step(batch).metrics)  # type: ignore[arg-type]  # None only for who needs no games
        learned = time.monotonic()
        if batch is not None:
            self.iteration += 1
            self.games += config.self_play.games
            self.frames += batch.frames
            self.pool.hear(batch)
            if not learner.warming_up:
                self.pool.update(self.iteration, learner.evaluation_model(), self.card({}))
            metrics |= {
                "self_play/pool_size": float(len(self.pool)),
                "self_play/frames": float(self.frames),
                "self_play/return": float(batch.outcomes.mean()) * return_scale(self.game),
                "time/frames_per_second": batch.frames / max(1e-9, played - began),
                "time/decisions_per_second": len(batch) / max(1e-9, learned - played),
                "time/self_play_share": (played - began) / max(1e-9, learned - began),
            }
            metrics |= self._measure()
            bar.advance()
        self.run.log(self.iteration, metrics)
        bar.update(
            phase=phase,
            pool=f"{metrics.get('self_play/score_against_pool', 0.5):.0%}",
            entropy=metrics.get("policy/entropy", 0.0),
            kl=metrics.get("loss/teacher_kl", 0.0),
        )

    def _play(self, actors: SelfPlayActors) -> Trajectories:
        learner = self.learner
        return actors.play(
            self.iteration,
            self.freeze(learner.model),
            learner.model,
            self.card({}),
            self.pool.evaluators,
            self.pool.paths(),
            learner.exploration,
        )

    def _measure(self) -> dict[str, float]:
        """Whatever is due after this iteration."""
        config, metrics = self.config, dict[str, float]()
        if self.held_out and self.iteration % config.forgetting_every == 0:
            metrics |= self.measure_forgetting("after", self.freeze(self.learner.evaluation_model()))
        if config.yardstick_every and self.iteration % config.yardstick_every == 0:
            third = build_agent(config.yardstick, self.game, seed=config.seed)
            series = self.series("on the way", self._learner_agent(), third, config.yardstick_games)
            third.close()
            metrics |= score_metrics("arena/score_against_yardstick", series)
        if config.init is not None and self.guard.due(self.iteration, self.learner):
            before = self.guard.rollbacks
            parent = self.agent("parent", self.parent)
            metrics |= self.guard.test(
                self.iteration,
                self.learner,
                self._learner_agent(),
                parent,
                self.series,
                self.card({}),
                self.start_path,
            )
            if self.guard.rollbacks > before:
                self.run.say(
                    f"iteration {self.iteration}: {metrics['guard/score']:.0%} of {metrics['guard/games']:.0f} games "
                    f"against the parent: put back to {self.guard.good or 'the start'}, half the learning rate"
                )
        return metrics

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
        parent = self.parent_card
        return replace(
            parent,
            model=self.learner_shape,
            learner_step=self.iteration,
            parent=None if self.config.init is None else str(self.config.init),
            provenance=f"{parent.provenance}; {self.method}",
            metrics=metrics,
        )

    def save(self) -> None:
        """Saves a checkpoint: all that ``restore`` needs. Past selves are snapshots of their own, named in it."""
        learner = self.learner.state_dict()
        state = {
            "learner": learner["state"],
            "iteration": self.iteration,
            "games": self.games,
            "frames": self.frames,
            "elapsed": self.elapsed(),
            "pool": self.pool.state(),
            "guard": self.guard.state(),
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
        self.iteration, self.games, self.frames = (int(state[name]) for name in ("iteration", "games", "frames"))
        self.elapsed_before = float(state["elapsed"])
        self.pool.restore(state["pool"])
        self.guard.restore(state["guard"])
        self.forgetting = dict(state["forgetting"])
        self.started = time.monotonic()
        self.run.say(f"going on from iteration {checkpoint.step:,}")

    def agent(self, name: str, evaluator: NetworkEvaluator, temperature: float = 0.0) -> NetworkAgent:
        """A network as it is measured: by its likeliest move, since an argmax copy beats its sampling self."""
        return NetworkAgent(name, state_judge(self.encoder, evaluator), temperature=temperature)

    def _learner_agent(self) -> NetworkAgent:
        return self.agent("finetuned", self.freeze(self.learner.evaluation_model()))

    def series(
        self,
        description: str,
        agent: Agent,
        opponent: Agent,
        games: int,
        sprt: SprtConfig | None = None,
        number: int = 0,
    ) -> SeriesResult:
        """A paired series with a progress bar; ``number`` sets one apart from others of the run."""
        return shown_series(
            self.run,
            description,
            self.game,
            agent,
            opponent,
            games=games,
            seed=stream_seed(self.config.seed, "series", *([number] if number else [])),
            max_plies=self.config.self_play.max_plies,
            sprt=sprt,
        )

    @property
    def best(self) -> Path:
        return self.snapshots / "best"
