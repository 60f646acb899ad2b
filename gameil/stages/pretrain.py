"""Pretraining: a network learns to imitate the moves of a dataset, and to foresee how the games ended.

A budget in steps is repeatable bit for bit on one machine, through any number of kills and resumes; a budget in minutes
follows the clock and is not.
"""

import copy
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import Snapshot, SnapshotCard, load_snapshot, save_snapshot
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.players import require_players
from gameil.dataset.schema import Split
from gameil.dataset.sequences import SequenceConfig
from gameil.errors import ConfigError, DatasetError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.calibration import KEPT, measure_calibration
from gameil.learners.held_out import BatchEvaluator, batch_evaluator, measure_held_out
from gameil.learners.ranks import Ranks
from gameil.models.config import ModelConfig
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import select_device
from gameil.models.size import measure_size
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch
from gameil.seeding import stream_seed
from gameil.stages.followed_run import FollowedRun
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.training_start import Batches, initial_model, training_batches
from gameil.stages.training_window import TrainingWindow
from gameil.tracking.progress import Progress
from gameil.tracking.run import Run


@dataclass(frozen=True)
class PretrainConfig:
    """What to learn from, with what, and for how long. The game is the dataset's."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: Path
    """Dataset to imitate (``gameil ingest`` makes one)."""
    steps: int | None = None
    """Budget in gradient updates; repeatable bit for bit."""
    minutes: float | None = None
    """Budget in minutes of wall time, evaluations included. The learning rate then follows the clock."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Network."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """What the network sees."""
    loader: LoaderConfig = field(default_factory=LoaderConfig)
    """Batches and how they are mixed."""
    sequences: SequenceConfig = field(default_factory=SequenceConfig)
    """How games are cut into windows, where the network has a memory."""
    learner: CloningConfig = field(default_factory=CloningConfig)
    """Losses, learning rate, averaging."""
    augment: bool = True
    """Map positions by random symmetries of the game (``loader.symmetries`` says which)."""
    init: Path | None = None
    """Snapshot to start from; its model and encoder must be the configured ones. It is evaluated first, and the best
    snapshot until another is better; ``learner.kl_weight`` holds to it. None for fresh weights."""
    evaluate_every: int = 500
    """Updates between two evaluations on the validation split."""
    evaluate_positions: int = 20_000
    """Validation positions at each evaluation, from games chosen once."""
    test_positions: int = 50_000
    """Test positions that the best snapshot is measured on at the end."""
    patience: int = 0
    """Stop after so many evaluations in a row without a better validation NLL; 0 never stops early."""
    checkpoint_seconds: float = 60.0
    """Longest time that a kill can cost."""
    log_every: int = 20
    """Updates averaged into one log entry."""
    threads: int = 0
    """CPU threads of the network; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    licence: str = "unknown"
    """Terms of the snapshot, which follow from those of the records."""
    seed: int = 0
    """Seed of the weights, the order of games and the symmetries."""

    def __post_init__(self) -> None:
        if self.steps is None and self.minutes is None:
            raise ConfigError("a budget is needed: steps, minutes or both (then the first to end counts)")
        for name in ("steps", "minutes", "evaluate_every", "evaluate_positions", "test_positions", "log_every"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be above 0, got {value}")
        for name in ("patience", "threads", "checkpoint_seconds"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")


def pretrain(config: PretrainConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Trains, keeping ``snapshots/best`` (lowest validation NLL) and ``snapshots/last`` in the run directory.

    Returns:
        ``snapshot`` (path of the best), ``steps``, ``positions``, ``seconds``, ``positions_per_second``,
        ``data_wait_share``, ``validation`` and ``test`` (see ``measure_held_out``), ``calibration`` (see
        ``learners.calibration``),
        ``parameters``, ``mflops``.

    Raises:
        ConfigError, DatasetError, CheckpointError: one line each, before any training.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was saved.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    with Ranks.of_environment(select_device(config.device)) as ranks:
        return _pretrain(config, run, ranks, resume=resume)


def _pretrain(config: PretrainConfig, run: Run | FollowedRun, ranks: Ranks, *, resume: bool) -> dict[str, Any]:
    training = _Training(config, run, ranks)
    if resume:
        training.restore()
    minutes = f"{config.minutes:g} minutes" if config.minutes is not None else ""
    steps = f"{config.steps:,} steps" if config.steps is not None else ""
    run.say(
        f"pretraining on {config.dataset} ({training.game.id}): {training.size}, "
        f"batch {config.loader.batch_size}, {' or '.join(part for part in (steps, minutes) if part)}"
    )
    with training.loader, DeferredInterrupt() as interrupt:
        total, unit = (config.steps, "steps") if config.steps else (round((config.minutes or 0) * 60), "s")
        with run.progress("pretraining", total, unit) as bar:
            bar.start_at(training.learner.steps_done if config.steps else int(training.elapsed()))
            training.train(bar, interrupt)
    return training.finish() if ranks.rank == 0 else {}


def follow_pretrain(config: PretrainConfig, directory: Path, *, resume: bool) -> None:
    """The part of ``pretrain`` in the other processes of ``torchrun``: the first alone writes into ``directory``."""
    if config.threads:
        torch.set_num_threads(config.threads)
    with Ranks.of_environment(select_device(config.device)) as ranks:
        _pretrain(config, FollowedRun(directory), ranks, resume=resume)


class _Training:
    """One pretraining run: what is built from the configuration, and the loop over it."""

    def __init__(self, config: PretrainConfig, run: Run | FollowedRun, ranks: Ranks) -> None:
        self.config = config
        self.run = run
        self.ranks = ranks
        dataset = Dataset(config.dataset)
        self.dataset_digest = dataset.digest()
        self.game: Game = make_game(dataset.meta.family)
        dataset.close()
        require_players(config.dataset, config.loader.players)
        encoder = ObservationEncoder(self.game, config.encoder)
        model = initial_model(config.model, encoder, init=config.init, seed=stream_seed(config.seed, "weights"))
        self.size = measure_size(model)
        self.learner = BehaviouralCloning(
            model,
            config.learner,
            total_steps=config.steps or 1,
            device=config.device,
            ranks=ranks,
            teacher=copy.deepcopy(model) if config.init is not None and config.learner.kl_weight > 0 else None,
        )
        loader_config = replace(config.loader, seed=stream_seed(config.seed, "loader", config.loader.seed))
        self.loader: Batches = training_batches(
            config.dataset,
            encoder,
            loader_config,
            config.sequences if config.model.memory != "none" else None,
            augment=config.augment,
        )
        self.positions_a_batch = config.loader.batch_size
        if config.model.memory != "none":
            self.positions_a_batch -= config.loader.batch_size % config.sequences.length
        self.store = CheckpointStore(run.directory / "checkpoints")
        self.best: dict[str, float] = {}
        self.validation: dict[str, float] = {}
        self.evaluations_since_best = 0
        self.elapsed_before = 0.0
        self.wait_before = 0.0
        self.started = time.monotonic()

    def elapsed(self) -> float:
        """Seconds trained, those before a resume included."""
        return self.elapsed_before + time.monotonic() - self.started

    def waited(self) -> float:
        """Seconds that training waited for batches."""
        return self.wait_before + self.loader.wait_seconds

    def train(self, bar: Progress, interrupt: DeferredInterrupt) -> None:
        """Updates until the budget is spent, evaluating, logging and saving on the way."""
        config, learner = self.config, self.learner
        window = TrainingWindow(self)
        saved = time.monotonic()
        by_steps = config.steps is not None
        if config.init is not None and not learner.steps_done:
            self.evaluate()  # so that the best is never worse than what it began from
        while True:
            # The first process decides for all, which stay in step so.
            told = [float(self.over()), share if (share := self.share()) is not None else -1.0, interrupt.requested]
            over, share, stop = self.ranks.agree(told, learner.device)
            if over:
                break
            if stop:
                self.save()
                raise KeyboardInterrupt
            try:
                batch: Any = next(self.loader)  # positions, or windows of games
            except DatasetError:
                if interrupt.requested:  # the same Ctrl-C ended the loader's process
                    self.save()
                    raise KeyboardInterrupt from None
                raise
            window.add(learner.step(batch, share=share if share >= 0 else None).metrics)
            bar.advance(1 if by_steps else int(self.elapsed()) - bar.count)
            if learner.steps_done % config.log_every == 0:
                metrics = window.close(self)
                self.run.log(learner.steps_done, metrics)
                bar.update(
                    loss=metrics["loss/policy"],
                    top1=metrics["accuracy/top1"],
                    positions_s=round(metrics["time/positions_per_second"]),
                    wait=f"{metrics['time/data_wait_share']:.0%}",
                )
            if learner.steps_done % config.evaluate_every == 0:
                self.evaluate()
                if "nll" in self.validation:
                    bar.update(held_out=f"{self.validation['top1']:.1%}")
            if time.monotonic() - saved >= config.checkpoint_seconds:
                self.save()
                saved = time.monotonic()
        if learner.steps_done % config.evaluate_every != 0 or not self.validation:
            self.evaluate()
        self.save()

    def share(self) -> float | None:
        """Part of the budget that is spent, so that the learning rate has come down whichever of two ends first; None
        for a budget in steps alone, which the learner counts itself."""
        config = self.config
        if config.minutes is None:
            return None
        by_clock = self.elapsed() / (60.0 * config.minutes)
        return by_clock if config.steps is None else max(by_clock, self.learner.steps_done / config.steps)

    def over(self) -> bool:
        """Whether the budget or the patience is spent."""
        config = self.config
        if config.steps is not None and self.learner.steps_done >= config.steps:
            return True
        if config.minutes is not None and self.elapsed() >= 60.0 * config.minutes:
            return True
        return 0 < config.patience <= self.evaluations_since_best

    def evaluate(self) -> None:
        """Measures the averaged weights on validation games and keeps them as snapshot ``last``, and ``best`` if so."""
        if self.ranks.rank:
            return
        model = self.learner.evaluation_model()
        self.validation = self.measure(model, "validation", self.config.evaluate_positions)
        self.run.log(self.learner.steps_done, {f"validation/{name}": value for name, value in self.validation.items()})
        nll = self.validation.get("nll")
        better = nll is None or nll < self.best.get("nll", float("inf"))
        self.evaluations_since_best = 0 if better else self.evaluations_since_best + 1
        card = self.card(self.validation)
        snapshots = self.run.directory / "snapshots"
        save_snapshot(snapshots / "last", model, card)
        if better:
            self.best = {**self.validation, "step": float(self.learner.steps_done)}
            save_snapshot(snapshots / "best", model, card)
        if nll is not None:
            self.run.say(
                f"step {self.learner.steps_done:,}: held-out top-1 {self.validation['top1']:.1%}, "
                f"top-5 {self.validation['top5']:.1%}, NLL {nll:.3f}" + (" (best)" if better else "")
            )
        elif self.config.loader.players:
            self.run.say("no validation game of these players: the newest weights are kept as the best")

    def measure(self, model: PolicyValueNet, split: Split, positions: int) -> dict[str, float]:
        """Held-out accuracy of ``model``; ``positions`` 0 where the split has no games."""
        return measure_held_out(self.evaluator(model), self.once(split, positions))

    def evaluator(self, model: PolicyValueNet) -> BatchEvaluator:
        """The network ready to be measured."""
        return batch_evaluator(model, device=self.config.device, precision=self.config.learner.precision)

    def once(self, split: Split, positions: int) -> Iterator[PositionBatch]:
        """Games of about so many positions of a split, forced moves included: a memory must see them too."""
        config = replace(self.config.loader, min_legal=1)
        loader = Loader(self.config.dataset, split, self.config.encoder, config, augment=False)
        return loader.once(max_positions=positions, batch_size=256, whole_games=self.config.model.memory != "none")

    def card(self, validation: dict[str, float]) -> SnapshotCard:
        """The card of a snapshot of the weights as they are."""
        config = self.config
        whose = "".join(f"{name}, " for name in config.loader.players)
        return SnapshotCard(
            game_id=self.game.id,
            model=config.model,
            encoder=config.encoder,
            learner_step=self.learner.steps_done,
            parent=None if config.init is None else str(config.init),
            dataset_digest=self.dataset_digest,
            licence=config.licence,
            provenance=f"behavioural cloning of {whose}{config.dataset.name} (train split) by gameil pretrain",
            metrics={f"validation/{name}": value for name, value in validation.items()},
        )

    def save(self) -> None:
        """Saves a checkpoint: all that ``restore`` needs."""
        if self.ranks.rank:
            return
        learner = self.learner.state_dict()
        state = {
            "learner": learner["state"],
            "loader": self.loader.position(),
            "elapsed": self.elapsed(),
            "waited": self.waited(),
            "best": self.best,
            "validation": self.validation,
            "evaluations_since_best": self.evaluations_since_best,
            "dataset_digest": self.dataset_digest,
        }
        self.store.save(self.learner.steps_done, learner["tensors"], state)

    def restore(self) -> None:
        """Goes on from the newest whole checkpoint; from the start where there is none."""
        checkpoint = self.store.latest()
        if checkpoint is None:
            return
        state = checkpoint.state
        self.learner.load_state_dict({"tensors": checkpoint.tensors, "state": state["learner"]})
        self.loader.seek(state["loader"])
        self.elapsed_before = float(state["elapsed"])
        self.wait_before = float(state["waited"])
        self.best = dict(state["best"])
        self.validation = dict(state["validation"])
        self.evaluations_since_best = int(state["evaluations_since_best"])
        self.started = time.monotonic()
        self.run.say(f"going on from step {checkpoint.step:,}")

    def finish(self) -> dict[str, Any]:
        """Measures the best snapshot on the test split and collects the results."""
        seconds = self.elapsed()
        best = self.run.directory / "snapshots" / "best"
        snapshot = load_snapshot(best)
        calibration = self.calibrate(snapshot)
        test = self.measure(snapshot.model, "test", self.config.test_positions)
        self.run.log(self.learner.steps_done, {f"test/{name}": value for name, value in test.items()})
        positions = self.learner.steps_done * self.positions_a_batch
        if "nll" in test:
            self.run.say(
                f"test: top-1 {test['top1']:.1%}, top-5 {test['top5']:.1%}, NLL {test['nll']:.3f} "
                f"on {int(test['positions']):,} positions; snapshot {best}"
            )
        return {
            "snapshot": str(best),
            "game": self.game.id,
            "steps": self.learner.steps_done,
            "positions": positions,
            "seconds": seconds,
            "positions_per_second": positions / seconds,
            "data_wait_share": self.waited() / seconds,
            "validation": self.best,
            "test": test,
            "calibration": calibration,
            **asdict(self.size),
        }

    def calibrate(self, snapshot: Snapshot) -> dict[str, float]:
        """Fits temperature and top-p on validation games and writes them on the snapshot's card; empty without any."""
        positions = self.config.evaluate_positions
        batches = self.once("validation", positions)
        found = measure_calibration(self.evaluator(snapshot.model), batches, max_positions=positions)
        if found is None:
            return {}
        values = {name: float(value) for name, value in asdict(found).items()}
        self.run.log(self.learner.steps_done, {f"calibration/{name}": value for name, value in values.items()})
        metrics = {**snapshot.card.metrics, **{f"calibration/{name}": value for name, value in values.items()}}
        save_snapshot(snapshot.path, snapshot.model, replace(snapshot.card, metrics=metrics))
        self.run.say(
            f"calibrated temperature {found.temperature:.2f}: calibration error {found.ece:.1%} to "
            f"{found.ece_calibrated:.1%}; top_p {found.top_p:.2f} keeps {KEPT:.0%} of people's moves"
        )
        return values
