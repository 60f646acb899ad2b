"""The learner behind a learning player: it plays, learns from seat trajectories, leaves copies and starts anew."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from gameil.checkpoints.checkpoint import CheckpointStore
from gameil.checkpoints.snapshot import SnapshotCard, load_snapshot, save_snapshot
from gameil.games.game import Game
from gameil.league.config import LeagueConfig
from gameil.learners.self_play_learner import build_learner
from gameil.models.policy_value import build_model
from gameil.positions.encoder import ObservationEncoder
from gameil.rollout.trajectories import Trajectories
from gameil.seeding import stream_seed


class PlayerLearner(Protocol):
    """What the league needs of whoever learns."""

    def step(self, batch: Trajectories) -> Mapping[str, float]:
        """Learns from one turn's games; returns metrics."""

    def save_playing(self, path: Path, *, parent: str) -> None:
        """Writes a snapshot of the weights that play the next turn."""

    def save_copy(self, path: Path, *, parent: str, metrics: Mapping[str, float]) -> None:
        """Writes the snapshot that stays in the league: deep, frozen, whole."""

    def start_from(self, path: Path, restarts: int) -> None:
        """Starts anew from a snapshot, with nothing left of what was before."""

    def save(self, turn: int) -> None:
        """Saves a checkpoint of the state after ``turn`` turns; the one before it stays."""

    def restore(self, turn: int, path: Path, restarts: int) -> None:
        """Goes on from the checkpoint of ``turn``; from the snapshot at ``path`` where ``turn`` is 0."""


BuildLearner = Callable[[str], PlayerLearner]
"""The learner of a player, by the player's name."""


class NetworkLearner:
    """A policy-value network with one of ``learners``' algorithms, held near the weights that it started from."""

    def __init__(self, name: str, config: LeagueConfig, start: Path, directory: Path) -> None:
        """
        Args:
            start: snapshot of the league's start, which stays the teacher of all.
            directory: of this player's checkpoints.
        """
        self._name = name
        self._config = config
        snapshot = load_snapshot(start, game=config.game)
        self._card = snapshot.card
        self._teacher = snapshot.evaluator(device=config.device)
        self._store = CheckpointStore(directory)
        self._build(start, 0)

    def _build(self, path: Path, restarts: int) -> None:
        self._learner = build_learner(
            self._config.learner_config,
            load_snapshot(path, game=self._config.game).model,
            self._teacher,
            seed=stream_seed(self._config.seed, "league", self._name, restarts),
            device=self._config.device,
        )

    def step(self, batch: Trajectories) -> Mapping[str, float]:
        return self._learner.step(batch).metrics

    def save_playing(self, path: Path, *, parent: str) -> None:
        save_snapshot(path, self._learner.model, self._card_of(parent, {}))

    def save_copy(self, path: Path, *, parent: str, metrics: Mapping[str, float]) -> None:
        save_snapshot(path, self._learner.evaluation_model(), self._card_of(parent, metrics))

    def start_from(self, path: Path, restarts: int) -> None:
        self._build(path, restarts)

    def save(self, turn: int) -> None:
        saved = self._learner.state_dict()
        self._store.save(turn, saved["tensors"], saved["state"])

    def restore(self, turn: int, path: Path, restarts: int) -> None:
        self._build(path, restarts)
        if turn:
            checkpoint = self._store.at(turn)
            self._learner.load_state_dict({"tensors": checkpoint.tensors, "state": checkpoint.state})

    def _card_of(self, parent: str, metrics: Mapping[str, float]) -> SnapshotCard:
        return replace(
            self._card,
            learner_step=self._learner.learner_step,
            parent=parent,
            provenance=f"{self._card.provenance}; {self._name} of a league",
            metrics=dict(metrics),
        )


def save_start(config: LeagueConfig, game: Game, path: Path) -> None:
    """Writes the snapshot that everybody starts from: a copy of ``init``, or fresh weights."""
    if config.init is not None:
        snapshot = load_snapshot(config.init, game=config.game)
        save_snapshot(path, snapshot.model, replace(snapshot.card, parent=str(config.init)))
        return
    encoder = ObservationEncoder(game, config.encoder)
    model = build_model(config.model, game, encoder.shape, seed=stream_seed(config.seed, "league", "start"))
    save_snapshot(path, model, SnapshotCard(game.id, model.config, config.encoder, provenance="fresh weights"))
