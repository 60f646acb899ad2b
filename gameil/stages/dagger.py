"""DAgger: the policy plays, an expert says what it should have done where it went, and the policy learns from that.

    for round i:   play games with pi_i = beta_i expert + (1 - beta_i) policy
                   the expert labels positions that came up, and the labels join all earlier ones
                   the policy learns from the mixture of people's games and all labels

Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning"
(2011), algorithm 3.1; with a tree search as expert, expert iteration (Anthony, Tian and Barber 2017) without a network
in the search. Resumable at rounds; labels that were committed are never made twice.
"""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from gameil.agents.agent import Agent
from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.spec import build_agent
from gameil.arena.openings import default_plies
from gameil.arena.series import SeriesResult, play_series
from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError
from gameil.experts.build import build_expert
from gameil.experts.mixture import BetaConfig, MixtureAgent
from gameil.experts.people import PEOPLE
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.held_out import measure_held_out
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.seeding import generator, stream_seed
from gameil.stages.forgetting import held_out_positions
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.labelling import (
    Choice,
    candidates,
    choose,
    games_of_round,
    label_batches,
    label_places,
    play_mixture,
)
from gameil.tracking.run import Run


@dataclass(frozen=True)
class DaggerConfig:
    """Who is taught, by whom, and how much."""

    __pydantic_config__ = {"extra": "forbid"}

    init: Path
    """Snapshot to start from."""
    game: str = ""
    """Game to play, of the snapshot's family; empty: the snapshot's own."""
    expert: str = "mcts:1000"
    """Spec of a search (``mcts:SIMULATIONS``, ``snapshot:PATH,search=N``), or ``people``, who label in a browser."""
    expert_games: int = 40
    """Games that the expert first plays against the policy; 0 takes it on trust."""
    expert_min_score: float = 0.5
    """The expert must score more than this in them: one that is weaker than its pupil teaches it worse habits."""
    rounds: int = 4
    """Rounds of playing, labelling and learning."""
    games_per_round: int = 256
    """Games of the mixture policy."""
    labels_per_round: int = 4000
    """Most positions that the expert labels."""
    choice: Choice = "all"
    """``all``: positions of the games at random; ``uncertain``: where the policy's entropy is greatest."""
    beta: BetaConfig = field(default_factory=BetaConfig)
    label_temperature: float = 1.0
    """Labels are the expert's visits to the power of 1 / temperature: below 1 sharper."""
    temperature: float = 1.0
    """Of the policy in the mixture's games: 1 visits what the policy finds possible, 0 only its favourites."""
    opening_plies: int | None = None
    """Random plies that begin every game; None: as in series (``arena.openings.default_plies``)."""
    max_plies: int = 0
    """Games are cut after so many plies; 0: only the rules end them."""
    dataset: Path | None = None
    """Dataset of the games that the policy was pretrained on, to keep learning from."""
    dataset_share: float = 0.3
    """Its share of every batch; the rest are labels of all rounds so far."""
    steps_per_round: int = 400
    """Gradient updates a round."""
    batch_size: int = 512
    """Positions in each."""
    learner: CloningConfig = field(default_factory=lambda: CloningConfig(learning_rate=1e-3, warmup_steps=20))
    """Begins anew each round, from the weights of the last one."""
    augment: bool = True
    """Map positions by random symmetries of the game that keep its start."""
    held_out_positions: int = 4096
    """Positions of the dataset's validation split for the forgetting meter."""
    opponent: str = ""
    """Spec of the agent that every round is measured against; empty: the parent, the snapshot started from."""
    series_games: int = 200
    """Games of each measurement, all at temperature 0."""
    processes: int = 0
    """Processes of the expert; 0: one a core."""
    threads: int = 0
    """CPU threads of the network; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    seed: int = 0
    """Seed of games, labels and updates."""

    def __post_init__(self) -> None:
        for name in ("rounds", "games_per_round", "labels_per_round", "steps_per_round", "batch_size", "series_games"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("expert_games", "temperature", "max_plies", "held_out_positions", "processes", "threads"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.label_temperature <= 0.0:
            raise ConfigError(f"label_temperature must be positive, got {self.label_temperature}")
        if not 0.0 < self.dataset_share < 1.0:
            raise ConfigError(f"dataset_share must be above 0 and below 1, got {self.dataset_share}")
        if self.expert == PEOPLE and (self.expert_games or self.beta.kind != "never"):
            raise ConfigError("people only label: with them as expert, expert_games must be 0 and beta.kind never")


def dagger(config: DaggerConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Runs the rounds, leaving ``labels.lmdb``, ``snapshots/best`` (by score) and ``snapshots/last``.

    Returns:
        ``snapshot`` (path of the best), ``improved`` (it beats its parent's score), ``rounds``: one row each, the start
        being round -1: score against the opponent with its interval, human accuracy, labels so far.

    Raises:
        ConfigError, DatasetError, CheckpointError, AgentError: one line each; the expert is weaker than the policy.
        KeyboardInterrupt: Ctrl-C; labels and finished rounds are kept.
    """
    if config.threads:
        torch.set_num_threads(config.threads)
    stage = _Dagger(config, run)
    try:
        if resume:
            stage.restore()
        run.say(
            f"dagger from {config.init} ({stage.game.id}): expert {config.expert}, {config.rounds} rounds of "
            f"{config.labels_per_round:,} labels and {config.steps_per_round:,} steps"
        )
        with DeferredInterrupt() as interrupt:
            if not stage.rows:
                stage.begin()
            while stage.round < config.rounds:
                stage.collect(interrupt)
                stage.label(interrupt)
                stage.learn(interrupt)
                stage.end_round()
        return stage.finish()
    finally:
        stage.close()


class _Dagger:
    """One run of DAgger: what is built from the configuration, and the parts of a round."""

    def __init__(self, config: DaggerConfig, run: Run) -> None:
        self.config = config
        self.run = run
        self.parent = load_snapshot(config.init, game=config.game or None)
        self.game = make_game(config.game) if config.game else self.parent.game
        self.encoder = self.parent.encoder
        self.policy = load_snapshot(config.init).model
        self.expert = build_expert(
            config.expert, self.game, temperature=config.label_temperature, processes=config.processes or None
        )
        self.snapshots = run.directory / "snapshots"
        self.store = CheckpointStore(run.directory / "checkpoints")
        self.labels_path = run.directory / "labels.lmdb"
        self.held_out = held_out_positions(
            config.dataset, "validation", self.game, self.encoder.config, positions=config.held_out_positions
        )
        self.round = 0
        self.best_score = 0.0
        self.rows: list[dict[str, Any]] = []
        """One row a measured round, the start first."""
        DatasetWriter(self.labels_path, self.game.family, split=SplitRule(validation=0.0, test=0.0)).close()
        self.labels = Dataset(self.labels_path)

    def close(self) -> None:
        if self.expert is not None:
            self.expert.close()
        self.labels.close()

    def freeze(self, model: PolicyValueNet) -> NetworkEvaluator:
        """A copy of ``model`` for play."""
        return NetworkEvaluator(model, device=self.config.device, precision=self.config.learner.precision)

    def agent(self, name: str, model: PolicyValueNet, *, temperature: float = 0.0) -> NetworkAgent:
        """``model`` as an agent."""
        return NetworkAgent(name, state_judge(self.encoder, self.freeze(model)), temperature=temperature)

    def begin(self) -> None:
        """Shows that the expert is worth listening to, and measures the start."""
        config = self.config
        if config.expert_games:
            expert = build_agent(config.expert, self.game, seed=config.seed)
            result = self.series("expert", expert, self.agent("policy", self.policy), config.expert_games)
            expert.close()
            self.run.say(f"expert {config.expert} against the policy: {_shown(result)}")
            self.run.log(0, {"arena/expert_score": result.score})
            if result.score <= config.expert_min_score:
                raise ConfigError(
                    f"expert {config.expert} scored {result.score:.1%} against the policy, not more than the "
                    f"{config.expert_min_score:.0%} of expert_min_score: take a stronger one"
                )
        self.best_score = self.measure(-1)["score"]
        save_snapshot(self.snapshots / "best", self.parent.model, self.parent.card)
        self.save()

    def collect(self, interrupt: DeferredInterrupt) -> None:
        """Plays the round's games with the mixture and stores them, once."""
        if games_of_round(self.labels, self.round):
            return
        config = self.config
        beta = config.beta.share(self.round)
        policy = self.agent("policy", self.policy, temperature=config.temperature)
        expert: Agent = build_agent(config.expert, self.game, seed=config.seed) if beta > 0.0 else policy
        mixture = MixtureAgent(f"dagger-{self.round}", policy, expert, beta=beta)
        plies = default_plies(self.game) if config.opening_plies is None else config.opening_plies
        with self.run.progress(f"round {self.round}: games", config.games_per_round, "games") as bar:
            played = play_mixture(
                self.game,
                mixture,
                games=config.games_per_round,
                opening_plies=plies,
                max_plies=config.max_plies,
                seed=config.seed,
                round=self.round,
                progress=lambda: _advance(bar.advance, interrupt),
            )
        mixture.close()
        with DatasetWriter(self.labels_path, self.game.family) as writer:
            for one in played:
                writer.add(one)

    def label(self, interrupt: DeferredInterrupt) -> None:
        """Lets the expert label the round's positions; those that a killed run has labelled are not done again."""
        config = self.config
        places = choose(
            self.labels,
            candidates(self.labels, games_of_round(self.labels, self.round), round=self.round),
            config.labels_per_round,
            choice=config.choice,
            evaluator=self.freeze(self.policy),
            encoder=self.encoder,
            rng=generator(config.seed, "choice", self.round),
        )
        with self.run.progress(f"round {self.round}: labels", len(places), "labels") as bar:
            if self.expert is None:
                self.run.say(f"people label: gameil serve --labels {self.labels_path}")
            label_places(
                self.labels,
                places,
                self.expert,
                seed=config.seed,
                round=self.round,
                progress=lambda count: _advance(lambda: bar.advance(count), interrupt),
            )

    def learn(self, interrupt: DeferredInterrupt) -> None:
        """Trains on people's games and all labels so far; the averaged weights become the policy."""
        config = self.config
        learner = BehaviouralCloning(
            self.policy, config.learner, total_steps=config.steps_per_round, device=config.device
        )
        loader = label_batches(
            self.labels_path,
            config.dataset,
            self.encoder.config,
            batch_size=config.batch_size,
            dataset_share=config.dataset_share,
            augment=config.augment,
            seed=stream_seed(config.seed, "loader", self.round),
        )
        sums: dict[str, float] = {}
        with self.run.progress(f"round {self.round}: training", config.steps_per_round, "steps") as bar:
            for step in range(config.steps_per_round):
                metrics = learner.step(next(loader)).metrics
                if step >= config.steps_per_round // 2:
                    for name, value in metrics.items():
                        sums[name] = sums.get(name, 0.0) + value
                _advance(bar.advance, interrupt)
                bar.update(loss=metrics["loss/policy"], top1=metrics["accuracy/top1"])
        half = config.steps_per_round - config.steps_per_round // 2
        self.run.log(self.round + 1, {name: value / half for name, value in sums.items()})
        self.policy = learner.evaluation_model()
        self.policy.requires_grad_(True)

    def end_round(self) -> None:
        """Measures the round, keeps its snapshot and saves the checkpoint."""
        row = self.measure(self.round)
        card = self.card({"arena/score": row["score"]})
        save_snapshot(self.snapshots / "last", self.policy, card)
        if row["score"] > self.best_score:
            self.best_score = row["score"]
            save_snapshot(self.snapshots / "best", self.policy, card)
        self.round += 1
        self.save()

    def measure(self, round: int) -> dict[str, Any]:
        """Score against the opponent and human accuracy, as a row, metrics and a line."""
        config = self.config
        labels = sum(self.labels.label_counts().values())
        row: dict[str, Any] = {"round": round, "labels": labels}
        if round == -1 and not config.opponent:
            row |= {"score": 0.5, "low": 0.5, "high": 0.5}
            shown = ""
        else:
            opponent: Agent = self.agent("parent", self.parent.model)
            if config.opponent:
                opponent = build_agent(config.opponent, self.game, seed=config.seed)
            result = self.series("measuring", self.agent("policy", self.policy), opponent, config.series_games)
            opponent.close()
            row |= {"score": result.score, "low": result.interval.low, "high": result.interval.high}
            shown = f" against {config.opponent or 'parent'}: {_shown(result)};"
        metrics = {"arena/score": row["score"], "labels/total": float(labels)}
        if self.held_out:
            found = measure_held_out(self.freeze(self.policy), self.held_out)
            if "nll" in found:
                row |= {"human_top1": found["top1"], "human_nll": found["nll"]}
                metrics |= {"human/top1": found["top1"], "human/nll": found["nll"]}
                shown += f" human moves top-1 {found['top1']:.1%}, NLL {found['nll']:.3f};"
        self.rows.append(row)
        self.run.log(round + 1, metrics)
        where = "start" if round == -1 else f"round {round}"
        self.run.say(f"{where}:{shown} {labels:,} labels")
        return row

    def series(self, description: str, agent: Agent, opponent: Agent, games: int) -> SeriesResult:
        """A paired series with a progress bar."""
        with self.run.progress(description, games, "games") as bar:
            return play_series(
                self.game,
                agent,
                opponent,
                games=games,
                seed=stream_seed(self.config.seed, "series"),
                concurrency=256,
                max_plies=self.config.max_plies or None,
                progress=lambda _: bar.advance(),
            )

    def card(self, metrics: dict[str, float]) -> SnapshotCard:
        """The card of the policy's weights."""
        parent = self.parent.card
        return replace(
            parent,
            learner_step=(self.round + 1) * self.config.steps_per_round,
            parent=str(self.config.init),
            provenance=f"{parent.provenance}; labels of {self.config.expert} by gameil dagger, round {self.round}",
            metrics=metrics,
        )

    def save(self) -> None:
        """Saves a checkpoint between two rounds."""
        self.store.save(self.round, self.policy.state_dict(), {"rows": self.rows, "best_score": self.best_score})

    def restore(self) -> None:
        """Goes on after the last round that was finished."""
        checkpoint = self.store.latest()
        if checkpoint is None:
            return
        self.policy.load_state_dict(checkpoint.tensors)
        self.round = checkpoint.step
        self.rows = list(checkpoint.state["rows"])
        self.best_score = float(checkpoint.state["best_score"])
        self.run.say(f"going on with round {self.round}")

    def finish(self) -> dict[str, Any]:
        """The results."""
        improved = self.best_score > float(self.rows[0]["score"])
        if not improved:
            self.run.say("no round was better than the start, so the parent stays the best snapshot")
        return {
            "snapshot": str(self.snapshots / "best"),
            "game": self.game.id,
            "expert": self.config.expert,
            "improved": improved,
            "rounds": self.rows,
        }


def _advance(advance: Any, interrupt: DeferredInterrupt) -> None:
    """Counts progress, and stops here when Ctrl-C was pressed."""
    advance()
    if interrupt.requested:
        raise KeyboardInterrupt


def _shown(result: SeriesResult) -> str:
    return f"{result.score:.1%} of {result.games} games (95 %: {result.interval.low:.1%} to {result.interval.high:.1%})"
