"""Improve: a network plays itself with search, and learns what the search found; round after round.

    for iteration i:  play games, every move searched with the network as it is        (rollout/search_play.py)
                      store games and labels                                           (stages/self_play_labels.py)
                      learn from a window of the newest labels, and from people's games in their share

*Expert iteration* (Anthony, Tian and Barber, "Thinking Fast and Slow with Deep Learning and Tree Search", 2017; Silver
et al., "A general reinforcement learning algorithm that masters chess, shogi, and Go through self-play", 2018) learns
the policy of a Gumbel search (Danihelka et al. 2022). *Guided policy search* learns the best policy for the search's
values that stays within epsilon nats of the network's own (``search/kl_step.py``). Both begin with fresh weights or
with a snapshot that imitates people. Resumable at iterations: what was stored is never lost, games under way are.
"""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch

from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import SHOWN_POSITIONS, SnapshotCard, load_snapshot, save_snapshot
from gameil.dataset.augmentation import Augmentation
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.mixture import BatchSource, ScheduledMixture
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import GameError
from gameil.experience.resignation import Resignation
from gameil.experience.window import ReplayWindow
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.models.policy_value import build_model
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.game_encoder import GameEncoder
from gameil.rollout.search_play import SearchedGame, SearchPlay, labels_in
from gameil.search.gumbel import GumbelConfig, GumbelSearch
from gameil.seeding import generator, stream_seed
from gameil.stages.improve_config import ImproveConfig
from gameil.stages.improve_measures import Measuring
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.search_networks import state_evaluators
from gameil.stages.self_play_labels import (
    encoded,
    label_of,
    read_game,
    search_again,
    step_policies,
    store_games,
    store_labels,
    stored_games,
)
from gameil.tracking.run import Run


def improve(config: ImproveConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Improves until the budget is spent, leaving ``self_play.lmdb``, ``snapshots/last`` and ``snapshots/best``.

    Returns:
        ``snapshot`` (path of the best by score, of the last where nothing was measured), ``iterations``, ``games``,
        ``labels``, ``seconds`` and ``measured``: one row a measurement, the start (of a snapshot) being iteration 0.

    Raises:
        ConfigError, DatasetError, CheckpointError, AgentError, GameError: one line each, before any work.
        KeyboardInterrupt: Ctrl-C; finished iterations are kept.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    stage = _Improving(config, run)
    try:
        if resume:
            stage.restore()
        run.say(
            f"{config.method.replace('_', ' ')} of {stage.game.id} from {config.init or 'fresh weights'}: "
            f"{config.self_play.games} games at once, {config.self_play.simulations} simulations"
        )
        with DeferredInterrupt() as interrupt:
            stage.measure_start()
            while not stage.over():
                stage.iterate(interrupt)
        return stage.finish()
    finally:
        stage.close()


class _Improving:
    """One run: what is built from the configuration, and the parts of an iteration."""

    def __init__(self, config: ImproveConfig, run: Run) -> None:
        self.config = config
        self.run = run
        self.card, model = _start(config)
        self.game = make_game(config.game or self.card.game_id)
        capabilities = self.game.capabilities
        if not (capabilities.perfect_information and capabilities.clonable and capabilities.replayable):
            raise GameError(f"{self.game.id}: improve needs perfect information and states that can be copied")
        self.encoder = ObservationEncoder(self.game, self.card.encoder)
        self.learner = BehaviouralCloning(model, config.learner, total_steps=1, device=config.device)
        self.measuring = Measuring(
            config.measuring, run, self.game, self.encoder, seed=config.seed, dataset=config.dataset, parent=config.init
        )
        self.store = CheckpointStore(run.directory / "checkpoints")
        self.snapshots = run.directory / "snapshots"
        self.data_path = run.directory / "self_play.lmdb"
        DatasetWriter(self.data_path, self.game.family, split=SplitRule(validation=0.0, test=0.0)).close()
        self.data = Dataset(self.data_path)
        self.play = SearchPlay(self.game, config.self_play, seed=stream_seed(config.seed, "self-play"))
        self.resignation = Resignation(config.resign)
        augmentation = Augmentation(self.game, only_keeping_start=True) if config.augment else None
        self.window = ReplayWindow(
            config.window, augmentation, batch_size=config.batch_size, seed=stream_seed(config.seed, "window")
        )
        self.batches = self._batches()
        self.positions = GameEncoder(self.encoder)
        self.iteration = 0
        self.games = 0
        self.seconds = 0.0
        """Playing and learning so far, measuring left out."""

    def close(self) -> None:
        self.measuring.close()
        self.data.close()

    def _batches(self) -> ScheduledMixture:
        """Batches of the window and, in their share, of people's games."""
        config = self.config
        sources: list[BatchSource] = [self.window]
        shares: list[Callable[[int], float]] = [lambda _: 1.0]
        if config.dataset is not None:
            loader = LoaderConfig(batch_size=config.batch_size, seed=stream_seed(config.seed, "people"))
            family = self.game.family
            sources.append(
                Loader(config.dataset, "train", self.encoder.config, loader, augment=config.augment, family=family)
            )
            shares = [lambda batch: 1.0 - config.dataset_share(batch), config.dataset_share]
        return ScheduledMixture(sources, shares, config.batch_size)

    def share_done(self) -> float:
        """Part of the budget that is spent."""
        config = self.config
        by_iterations = self.iteration / config.iterations if config.iterations else 0.0
        by_time = self.seconds / (60.0 * config.minutes) if config.minutes else 0.0
        return max(by_iterations, by_time)

    def over(self) -> bool:
        """Whether the budget is spent."""
        return self.share_done() >= 1.0 or self.config.iterations == 0

    def iterate(self, interrupt: DeferredInterrupt) -> None:
        """One iteration: play, store, search again, learn, measure, save."""
        config, began = self.config, time.monotonic()
        frames = self.play.frames
        full, fast = self.searches()
        games = self.collect(full, fast, interrupt)
        played = time.monotonic()
        metrics = self.keep(games, full)
        stored = time.monotonic()
        steps = max(1, round(labels_in(games) * config.passes / (config.batch_size * (1.0 - self._people_share()))))
        metrics |= self.learn(steps, interrupt)
        learned = time.monotonic()
        self.iteration += 1
        self.games += len(games)
        self.seconds += learned - began
        metrics |= {
            "self_play/games": float(self.games),
            "self_play/window": float(len(self.window)),
            "time/frames_per_second": (self.play.frames - frames) / max(1e-9, played - began),
            "time/labels_per_second": labels_in(games) / max(1e-9, played - began),
            "time/self_play_share": (played - began) / max(1e-9, learned - began),
            "time/storing_share": (stored - played) / max(1e-9, learned - began),
            "time/trained_minutes": self.seconds / 60.0,
        }
        self.run.log(self.iteration, metrics)
        model = self.learner.evaluation_model()
        save_snapshot(self.snapshots / "last", model, self.snapshot_card({}))
        if self.measuring.due(self.iteration, over=self.over()):
            score = self.measuring.measure(self.iteration, model, minutes=self.seconds / 60.0)
            if self.measuring.is_best(score):
                save_snapshot(self.snapshots / "best", model, self.snapshot_card({"arena/score": score}))
        self.save()

    def _people_share(self) -> float:
        config = self.config
        return config.dataset_share(self.learner.steps_done) if config.dataset is not None else 0.0

    def collect(self, full: GumbelSearch, fast: GumbelSearch, interrupt: DeferredInterrupt) -> list[SearchedGame]:
        """Self-play with the averaged weights until there are enough labels."""
        config = self.config
        wanted = config.labels_per_iteration
        with self.run.progress(f"iteration {self.iteration}: self-play", wanted, "labels") as bar:

            def progress(labels: int) -> None:
                bar.advance(labels)
                if interrupt.requested:
                    raise KeyboardInterrupt

            games = self.play.play(
                full, fast, moves=wanted, resign_below=self.resignation.threshold(), progress=progress
            )
        for game in games:
            if game.played_on and game.played.returns is not None:
                self.resignation.add(game.lowest, game.played.returns)
        return games

    def searches(self) -> tuple[GumbelSearch, GumbelSearch]:
        """The full and the fast search with the network as it is: made once an iteration, as backends take seconds."""
        play = self.config.self_play
        evaluators = state_evaluators(
            self.learner.evaluation_model(),
            self.encoder,
            self.config.network,
            device=self.config.device,
            shown=self.window.observations(SHOWN_POSITIONS),
        )
        full = GumbelConfig(simulations=play.simulations, considered=play.considered, look_ahead=play.look_ahead)
        fast = replace(full, simulations=play.fast_simulations, gumbel_scale=0.0)
        return GumbelSearch(evaluators, full), GumbelSearch(evaluators, fast)

    def keep(self, games: list[SearchedGame], full: GumbelSearch) -> dict[str, float]:
        """Stores games and labels, and lets them into the window; reanalyses older ones by the full search."""
        config = self.config
        moves = [move for game in games for move in game.moves]
        metrics: dict[str, float] = {}
        policies = [move.weights for move in moves]
        if config.method == "guided_policy_search" and moves:
            policies, metrics = step_policies(moves, config.epsilon)
        stored = store_games(
            self.data_path,
            self.game.family,
            games,
            policies,
            expert=config.expert,
            round=self.iteration,
            outcome_share=config.outcome_share,
        )
        old = self.window.game_ids()
        self.window.add(encoded(self.positions, stored))
        if config.reanalysed and len(old):
            self.reanalyse(old.tolist(), round(config.reanalysed * len(moves)), full)
        known = [move.known for move in moves]
        outcomes = [game.played.returns[0] for game in games if game.played.returns is not None]
        return metrics | {
            "self_play/length": sum(len(game.played.actions) for game in games) / max(1, len(games)),
            "self_play/proven_share": sum(known) / max(1, len(known)),
            "self_play/first_seat_score": sum(outcome + 1.0 for outcome in outcomes) / (2.0 * max(1, len(outcomes))),
            "self_play/resigned_share": sum(game.played.termination == "resignation" for game in games)
            / max(1, len(games)),
        }

    def reanalyse(self, game_ids: list[int], positions: int, full: GumbelSearch) -> None:
        """Searches about so many positions of older games again, whole games at a time."""
        config = self.config
        rng = generator(config.seed, "reanalysed", self.iteration)
        chosen: list[int] = []
        for game_id in rng.permutation(game_ids).tolist():
            if positions <= 0:
                break
            chosen.append(game_id)
            positions -= len(self.data.labels(game_id))
        found = search_again(self.data, chosen, full, seed=config.seed, round=self.iteration)
        if not found:
            return
        policies = [move.weights for _, move, _ in found]
        if config.method == "guided_policy_search":
            policies, _ = step_policies([move for _, move, _ in found], config.epsilon)
        labels = [
            (
                game_id,
                move.ply,
                label_of(move, policy, outcome, expert=config.expert, round=self.iteration, share=config.outcome_share),
            )
            for (game_id, move, outcome), policy in zip(found, policies, strict=True)
        ]
        store_labels(self.data_path, self.game.family, labels)
        for part in encoded(self.positions, [read_game(self.data, game_id) for game_id in chosen]):
            self.window.replace(part)

    def learn(self, steps: int, interrupt: DeferredInterrupt) -> dict[str, float]:
        """Updates; returns the means of their metrics."""
        sums: dict[str, float] = {}
        with self.run.progress(f"iteration {self.iteration}: learning", steps, "steps") as bar:
            for _ in range(steps):
                for name, value in self.learner.step(next(self.batches), share=self.share_done()).metrics.items():
                    sums[name] = sums.get(name, 0.0) + value
                bar.advance()
                if interrupt.requested:
                    raise KeyboardInterrupt
        return {name: value / steps for name, value in sums.items()}

    def measure_start(self) -> None:
        """Measures the snapshot that the run starts from, once."""
        if self.config.init is not None and not self.measuring.rows and self.measuring.active:
            self.measuring.measure(0, self.learner.evaluation_model(), minutes=0.0)

    def snapshot_card(self, metrics: dict[str, float]) -> SnapshotCard:
        """The card of the learner's weights."""
        provenance = f"{self.config.method.replace('_', ' ')} by gameil improve, {self.games:,} games of self-play"
        return replace(
            self.card,
            learner_step=self.learner.steps_done,
            parent=None if self.config.init is None else str(self.config.init),
            provenance=f"{self.card.provenance}; {provenance}" if self.card.provenance else provenance,
            metrics=metrics,
        )

    def save(self) -> None:
        """Saves a checkpoint between two iterations."""
        learner = self.learner.state_dict()
        state = {
            "learner": learner["state"],
            "iteration": self.iteration,
            "games": self.games,
            "seconds": self.seconds,
            "next_number": self.play.next_number,
            "resignation": self.resignation.state(),
            "batches": self.batches.position(),
            "rows": self.measuring.rows,
        }
        self.store.save(self.iteration, learner["tensors"], state)

    def restore(self) -> None:
        """Goes on after the last finished iteration; the window is filled from the dataset."""
        checkpoint = self.store.latest()
        stored = len(self.data)
        if checkpoint is not None:
            state = checkpoint.state
            self.learner.load_state_dict({"tensors": checkpoint.tensors, "state": state["learner"]})
            self.iteration = int(state["iteration"])
            self.games = int(state["games"])
            self.seconds = float(state["seconds"])
            self.play.next_number = int(state["next_number"])
            self.resignation.load(state["resignation"])
            self.measuring.rows[:] = state["rows"]
            self.run.say(f"going on with iteration {self.iteration}")
        if stored:
            # Games that were stored after the checkpoint are learned from too; no number is used twice.
            numbers = (self.data.game(game_id).source.offset for game_id in range(max(0, stored - 10_000), stored))
            self.play.next_number = max(self.play.next_number, 1 + max(numbers)) + self.config.self_play.games
            made = sum(self.data.label_counts().values())
            for games in stored_games(self.data, self.config.window.size(made)):
                self.window.add(encoded(self.positions, games))
            self.window.made = made
        if checkpoint is not None:
            self.batches.seek({name: int(place) for name, place in checkpoint.state["batches"].items()})

    def finish(self) -> dict[str, Any]:
        """The results."""
        rows = self.measuring.rows
        best = self.snapshots / "best"
        if not best.exists():
            save_snapshot(best, self.learner.evaluation_model(), self.snapshot_card({}))
        return {
            "snapshot": str(best),
            "game": self.game.id,
            "method": self.config.method,
            "iterations": self.iteration,
            "games": self.games,
            "labels": self.window.made,
            "seconds": self.seconds,
            "measured": rows,
        }


def _start(config: ImproveConfig) -> tuple[SnapshotCard, Any]:
    """The card and the network to start from."""
    if config.init is not None:
        snapshot = load_snapshot(config.init, game=config.game or None)
        return snapshot.card, snapshot.model
    game = make_game(config.game)
    shape = ObservationEncoder(game, config.encoder).shape
    model = build_model(config.model, game, shape, seed=stream_seed(config.seed, "weights"))
    return SnapshotCard(game.id, model.config, config.encoder, licence="CC0-1.0"), model
