"""A small network and a small dataset of tic-tac-toe, for stages that start from an imitator."""

from pathlib import Path

import numpy as np

from gameil.checkpoints.snapshot import SnapshotCard, save_snapshot
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.records.record import Provenance

MODEL = ModelConfig(kind="mlp", hidden=32, layers=1)


def write_start(path: Path) -> Path:
    """A snapshot with fresh weights."""
    game = make_game("tic_tac_toe")
    encoder = EncoderConfig()
    model = build_model(MODEL, game, ObservationEncoder(game, encoder).shape, seed=1)
    save_snapshot(path, model, SnapshotCard(game.id, MODEL, encoder, licence="CC0-1.0", provenance="fresh weights"))
    return path


def write_games(path: Path, number: int = 120) -> Path:
    """Games of players who take the lowest free cell four times out of five."""
    game, rng = make_game("tic_tac_toe"), np.random.default_rng(0)
    with DatasetWriter(path, game.family, split=SplitRule(validation=0.2, test=0.1)) as writer:
        for index in range(number):
            state, actions = game.initial_state(), []
            while not state.is_terminal():
                legal = state.legal_actions()
                actions.append(legal[0] if rng.random() < 0.8 else int(rng.choice(legal)))
                state.apply(actions[-1])
            writer.add(
                PlayedGame(
                    game.id,
                    np.asarray(actions, np.uint32),
                    Provenance("toy", index),
                    returns=tuple(float(value) for value in state.returns()),
                    match_id=str(index),
                )
            )
    return path


def weights(snapshot: Path) -> bytes:
    """The weights file of a snapshot."""
    return (snapshot / "model.safetensors").read_bytes()
