"""Held-out accuracy: ranks and ties by hand, and a network that knows nothing."""

import math

import numpy as np
import pytest
import torch

from gameil.games.registry import make_game
from gameil.learners.held_out import measure_held_out, score_moves
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.position_batch import PositionBatch


def test_ranks_and_ties_by_hand() -> None:
    # Position 0: 0.5 0.3 0.2, played the second. Position 1: 0.25 each, played the last.
    log_probs = np.log(np.array([0.5, 0.3, 0.2, 0.25, 0.25, 0.25, 0.25], np.float32))
    legal = np.array([1, 4, 6, 0, 1, 2, 4], np.int32)
    scores = score_moves(log_probs, legal, np.array([0, 3, 7]), np.array([4, 4]))
    assert scores.better.tolist() == [1, 0]
    assert scores.tied.tolist() == [1, 4]
    assert scores.top(1).tolist() == [0.0, 0.25]
    assert scores.top(2).tolist() == [1.0, 0.5]
    assert scores.top(5).tolist() == [1.0, 1.0]
    assert np.exp(scores.log_probs).tolist() == pytest.approx([0.3, 0.25])


def batch_of(legal: list[list[int]], actions: list[int], returns: list[float], known: list[float]) -> PositionBatch:
    size = len(actions)
    return PositionBatch(
        observations=np.zeros((size, 3, 3, 3), np.float16),
        legal=np.concatenate(legal).astype(np.int32),
        offsets=np.cumsum([0, *map(len, legal)]).astype(np.int64),
        actions=np.asarray(actions, np.int64),
        target_probs=None,
        returns=np.asarray(returns, np.float32),
        return_weights=np.asarray(known, np.float32),
        weights=np.ones(size, np.float32),
        game_ids=np.zeros(size, np.uint64),
        plies=np.zeros(size, np.int32),
        ratings=np.zeros(size, np.int32),
    )


@pytest.fixture
def ignorant() -> NetworkEvaluator:
    """All moves equally likely, all values 0."""
    model = build_model(ModelConfig(kind="mlp", hidden=4, value_hidden=4), make_game("tic_tac_toe"), (3, 3, 3))
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.zero_()
    return NetworkEvaluator(model)


def test_a_network_that_knows_nothing(ignorant: NetworkEvaluator) -> None:
    batch = batch_of([[0, 1], [0, 1, 2, 3, 4, 5, 6, 7], [5]], [1, 7, 5], [1.0, -1.0, 0.5], [1.0, 1.0, 0.0])
    result = measure_held_out(ignorant, [batch, batch])
    assert result["positions"] == 4  # the forced move is no prediction
    assert result["top1"] == pytest.approx((1 / 2 + 1 / 8) / 2)
    assert result["top5"] == pytest.approx((1 + 5 / 8) / 2)
    assert result["nll"] == pytest.approx((math.log(2) + math.log(8)) / 2)
    assert result["value_mse"] == pytest.approx(1.0)


def test_it_stops_at_max_positions_and_says_so_when_there_are_none(ignorant: NetworkEvaluator) -> None:
    batch = batch_of([[0, 1], [0, 1]], [1, 0], [0.0, 0.0], [0.0, 0.0])
    result = measure_held_out(ignorant, [batch] * 5, max_positions=3)
    assert result["positions"] == 4
    assert "value_mse" not in result
    assert measure_held_out(ignorant, []) == {"positions": 0.0}
