"""One ply ahead: wins are taken, what the opponent would like is avoided."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.models.inference import Evaluation
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.stages.one_ply import one_ply_values

GAME = make_game("tic_tac_toe")
ENCODER = ObservationEncoder(GAME, EncoderConfig(last_moves=0))


class LikesTheCentre:
    """Values a position at a half for a mover who holds the centre."""

    def evaluate(self, observations: np.ndarray, legal: list[list[int]]) -> Evaluation:
        return Evaluation(np.zeros((len(legal), 9), np.float32), (observations[:, 0, 1, 1] * 0.5).astype(np.float32))


def test_a_win_is_worth_one_and_the_opponents_luck_counts_against() -> None:
    wins, quiet = GAME.initial_state(), GAME.initial_state()
    for action in (0, 3, 1, 5):  # x on 0 and 1; 2 wins, all others leave o, who does not hold the centre, to move
        wins.apply(action)
    for action in (0, 4, 8):  # x on 0 and 8, o on 4: o to move, and then x moves without the centre
        quiet.apply(action)
    found = one_ply_values([wins, quiet], LikesTheCentre(), ENCODER)  # type: ignore[arg-type]
    assert found.tolist() == [1.0, 0.0, 0.0, 0.0, 0.0, *[0.0] * 6]
    quiet.apply(1)  # x to move: every move leaves o with the centre
    assert one_ply_values([quiet], LikesTheCentre(), ENCODER).tolist() == [-0.5] * 5  # type: ignore[arg-type]


def test_chance_is_refused() -> None:
    with pytest.raises(ConfigError, match="no chance, unlike backgammon"):
        one_ply_values([make_game("backgammon").initial_state()], LikesTheCentre(), ENCODER)  # type: ignore[arg-type]
