"""DAgger: the policy plays, an expert says what it should have done where it went, and the policy learns from that.

    for round i:   play games with pi_i = beta_i expert + (1 - beta_i) policy
                   the expert labels positions that came up, and the labels join all earlier ones
                   the policy learns from the mixture of people's games and all labels

Ross, Gordon and Bagnell, "A Reduction of Imitation Learning and Structured Prediction to No-Regret Online Learning"
(2011), algorithm 3.1; with a tree search as expert, expert iteration (Anthony, Tian and Barber 2017) without a network
in the search. Resumable at rounds; labels that were committed are never made twice.
"""

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from gameil.agents.agent import Agent
from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.spec import build_agent
from gameil.arena.openings import default_plies
from gameil.arena.series import SeriesResult
from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError
from gameil.experts.build import build_expert
from gameil.experts.mixture import MixtureAgent
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.held_out import measure_held_out
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.reports.charts import line_chart
from gameil.reports.svg import picture_file
from gameil.seeding import generator, stream_seed
from gameil.stages.dagger_config import DaggerConfig
from gameil.stages.forgetting import held_out_positions
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.label_choice import candidates, choose
from gameil.stages.labelling import games_of_round, label_batches, label_places, play_mixture
from gameil.stages.shown_series import shown_series
from gameil.tracking.run import Run


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
            while stage.round < config.rounds and stage.labels_left() > 0:
                stage.collect(interrupt)
                stage.label(interrupt)
                stage.learn(interrupt)
                stage.end_round()
        return stage.finish()
    finally:
        stage.close()


_TWIN = "control."
"""What the names of the twin's tensors begin with in a checkpoint."""
_METRICS = {
    "score": "arena/{}score",
    "low": "arena/{}score/low",
    "high": "arena/{}score/high",
    "human_top1": "human/{}top1",
    "human_nll": "human/{}nll",
}
"""Names of what a measurement finds; the braces are for the twin's prefix."""


class _Dagger:
    """One run of DAgger: what is built from the configuration, and the parts of a round."""

    def __init__(self, config: DaggerConfig, run: Run) -> None:
        self.config = config
        self.run = run
        self.parent = load_snapshot(config.init, game=config.game or None)
        self.game = make_game(config.game) if config.game else self.parent.game
        self.encoder = self.parent.encoder
        self.policy = load_snapshot(config.init, game=self.game.id).model
        self.twin = load_snapshot(config.init, game=self.game.id).model if config.control is not None else None
        """Learns from further games of people instead of labels."""
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

    def labels_left(self) -> int:
        """Labels that this round may still make, those it has made included."""
        config = self.config
        if not config.label_budget:
            return config.labels_per_round
        before = sum(
            label.round < self.round
            for game_id in self.labels.label_counts()
            for _, label in self.labels.all_labels(game_id)
        )
        return min(config.labels_per_round, config.label_budget - before)

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
            low, high = result.interval.low, result.interval.high
            self.run.say(f"expert {config.expert} against the policy: {_shown(result.score, result.games, low, high)}")
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
            self.labels_left(),
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
                targets=config.targets,
                progress=lambda count: _advance(lambda: bar.advance(count), interrupt),
            )

    def learn(self, interrupt: DeferredInterrupt) -> None:
        """Trains on people's games and all labels so far; the twin on people's games and further ones."""
        config = self.config
        self.policy, metrics = self.train("training", self.policy, self.labels_path, interrupt, labels=True)
        self.run.log(self.round + 1, metrics)
        if self.twin is not None and config.control is not None:
            self.twin, _ = self.train("training the control", self.twin, config.control, interrupt, labels=False)

    def train(
        self, what: str, model: PolicyValueNet, source: Path, interrupt: DeferredInterrupt, *, labels: bool
    ) -> tuple[PolicyValueNet, dict[str, float]]:
        """One round's updates of ``model``; returns the averaged weights and the means over the second half."""
        config = self.config
        learner = BehaviouralCloning(model, config.learner, total_steps=config.steps_per_round, device=config.device)
        loader = label_batches(
            source,
            config.dataset,
            self.encoder.config,
            batch_size=config.batch_size,
            dataset_share=config.dataset_share,
            augment=config.augment,
            labels=labels,
            seed=stream_seed(config.seed, "loader", self.round),
        )
        sums: dict[str, float] = {}
        with self.run.progress(f"round {self.round}: {what}", config.steps_per_round, "steps") as bar:
            for step in range(config.steps_per_round):
                metrics = learner.step(next(loader)).metrics
                if step >= config.steps_per_round // 2:
                    for name, value in metrics.items():
                        sums[name] = sums.get(name, 0.0) + value
                _advance(bar.advance, interrupt)
                bar.update(loss=metrics["loss/policy"], top1=metrics["accuracy/top1"])
        half = config.steps_per_round - config.steps_per_round // 2
        return learner.evaluation_model().requires_grad_(True), {name: value / half for name, value in sums.items()}

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
        """Score against the opponent and human accuracy, as a row, metrics and a line; the twin's beside them."""
        labels = sum(self.labels.label_counts().values())
        row: dict[str, Any] = {"round": round, "labels": labels}
        metrics = {"labels/total": float(labels)}
        shown = ""
        played = round >= 0 or bool(self.config.opponent)  # the parent against itself needs no games
        found: dict[str, float] = {}
        for name, model in (("", self.policy), ("control", self.twin)):
            if model is None:
                continue
            if not name or round >= 0:  # at the start the twin is the policy
                found = self.measured(model, played=played)
            prefix = f"{name}_" if name else ""
            row |= {f"{prefix}{key}": value for key, value in found.items()}
            metrics |= {_METRICS[key].format(prefix): value for key, value in found.items()}
            shown += f" {name}:" if name else ""
            if played:
                scored = _shown(found["score"], self.config.series_games, found["low"], found["high"])
                shown += f" against {self.config.opponent or 'parent'}: {scored};"
            if "human_nll" in found:
                shown += f" human moves top-1 {found['human_top1']:.1%}, NLL {found['human_nll']:.3f};"
        self.rows.append(row)
        self.run.log(round + 1, metrics)
        where = "start" if round == -1 else f"round {round}"
        self.run.say(f"{where}:{shown} {labels:,} labels")
        return row

    def measured(self, model: PolicyValueNet, *, played: bool) -> dict[str, float]:
        """``score`` (a half unless ``played``) with its interval ``low`` and ``high``, and with held-out games
        ``human_top1`` and ``human_nll``."""
        config = self.config
        found = {"score": 0.5, "low": 0.5, "high": 0.5}
        if played:
            opponent: Agent = self.agent("parent", self.parent.model)
            if config.opponent:
                opponent = build_agent(config.opponent, self.game, seed=config.seed)
            result = self.series("measuring", self.agent("policy", model), opponent, config.series_games)
            opponent.close()
            found = {"score": result.score, "low": result.interval.low, "high": result.interval.high}
        if self.held_out:
            people = measure_held_out(self.freeze(model), self.held_out)
            if "nll" in people:
                found |= {"human_top1": people["top1"], "human_nll": people["nll"]}
        return found

    def draw(self) -> None:
        """The curve of score and held-out human accuracy by round, as an SVG in the run directory."""
        curves = {
            name.replace("_", " "): [(row["round"] + 1.0, float(row[name])) for row in self.rows if name in row]
            for name in ("score", "human_top1", "control_score", "control_human_top1")
        }
        svg = line_chart({name: points for name, points in curves.items() if points}, label="rounds", x_name="rounds")
        (self.run.directory / "rounds.svg").write_text(picture_file(svg))

    def series(self, description: str, agent: Agent, opponent: Agent, games: int) -> SeriesResult:
        """A paired series with a progress bar."""
        seed = stream_seed(self.config.seed, "series")
        return shown_series(
            self.run, description, self.game, agent, opponent, games=games, seed=seed, max_plies=self.config.max_plies
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
        tensors = dict(self.policy.state_dict())
        if self.twin is not None:
            tensors |= {f"{_TWIN}{name}": tensor for name, tensor in self.twin.state_dict().items()}
        self.store.save(self.round, tensors, {"rows": self.rows, "best_score": self.best_score})

    def restore(self) -> None:
        """Goes on after the last round that was finished."""
        checkpoint = self.store.latest()
        if checkpoint is None:
            return
        tensors = checkpoint.tensors
        self.policy.load_state_dict({name: one for name, one in tensors.items() if not name.startswith(_TWIN)})
        if self.twin is not None:
            twins = {name.removeprefix(_TWIN): one for name, one in tensors.items() if name.startswith(_TWIN)}
            self.twin.load_state_dict(twins)
        self.round = checkpoint.step
        self.rows = list(checkpoint.state["rows"])
        self.best_score = float(checkpoint.state["best_score"])
        self.run.say(f"going on with round {self.round}")

    def finish(self) -> dict[str, Any]:
        """The results."""
        self.draw()
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


def _shown(score: float, games: int, low: float, high: float) -> str:
    return f"{score:.1%} of {games} games (95 %: {low:.1%} to {high:.1%})"
