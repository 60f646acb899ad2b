"""The window of newest positions: how it grows, what leaves it, and that batches are functions of their number."""

from dataclasses import replace

import numpy as np
import pytest

from gameil.dataset.augmentation import Augmentation
from gameil.errors import ConfigError
from gameil.experience.window import ReplayWindow, WindowConfig
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.game_encoder import GameEncoder, StoredGame
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_pool import PositionPool
from gameil.records.record import Provenance

GAME = make_game("tic_tac_toe")
ENCODER = GameEncoder(ObservationEncoder(GAME, EncoderConfig()))


def pool(game_id: int, value: float = 0.0) -> PositionPool:
    """Three labelled positions of one game."""
    played = PlayedGame(GAME.id, np.array([0, 4, 8], np.uint32), Provenance("toy", game_id))
    labels = {
        ply: Label("toy", 0, np.array([action], np.int32), np.ones(1, np.float32), value)
        for ply, action in enumerate((0, 4, 8))
    }
    return ENCODER.encode([StoredGame(game_id, played, labels)])


def test_size_grows_as_the_formula_says() -> None:
    config = WindowConfig(positions=100, alpha=0.5, beta=0.4, most=10_000)
    assert config.size(60) == 60
    assert config.size(100) == 100
    assert config.size(400) == 100 + 80  # c (1 + 0.4 (sqrt 4 - 1) / 0.5)
    assert replace(config, most=150).size(400) == 150
    # At c the window gains beta for each position made.
    assert WindowConfig(positions=100_000).size(100_100) == 100_000 + 39  # 40, rounded down


def test_the_oldest_leave_and_reanalysed_games_come_last() -> None:
    window = ReplayWindow(WindowConfig(positions=6, beta=0.0, most=6), None)
    window.add([pool(0), pool(1)])
    window.add([pool(2)])
    assert window.game_ids().tolist() == [1, 2]
    assert (len(window), window.made) == (6, 9)
    window.replace(pool(1, value=1.0))
    assert (len(window), window.made) == (6, 9)
    window.add([pool(3)])
    assert window.game_ids().tolist() == [1, 3], "game 2 was the oldest then"
    batch = next(window)
    assert set(batch.returns[batch.game_ids == 1].tolist()) == {1.0}


def test_batches_are_functions_of_their_number() -> None:
    window = ReplayWindow(WindowConfig(), Augmentation(GAME, only_keeping_start=True), batch_size=32, seed=5)
    window.add([pool(0), pool(1)])
    next(window)
    place = window.position()
    second = next(window)
    window.seek(place)
    again = next(window)
    np.testing.assert_array_equal(second.observations, again.observations)
    assert len({row.tobytes() for row in second.observations}) > 3, "symmetries make more than the three positions"


def test_an_empty_window_says_so() -> None:
    with pytest.raises(ConfigError, match="the replay window is empty"):
        next(ReplayWindow(WindowConfig(), None))
    with pytest.raises(ConfigError, match="1 <= positions <= most"):
        WindowConfig(positions=10, most=5)
