"""The evaluator: legal policies, agreement with the network, independence of batching and of later training."""

import numpy as np
import pytest
import torch

from gameil.games.registry import make_game
from gameil.models.config import ModelConfig
from gameil.models.inference import ILLEGAL_LOG_PROB, NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.position_batch import flat_legal

CONFIG = ModelConfig(channels=16, blocks=2, squeeze=4, policy_channels=8, value_hidden=8)


def trained_like(game_id: str, shape: tuple[int, ...], config: ModelConfig = CONFIG) -> PolicyValueNet:
    """A network whose running statistics are no longer those it was born with."""
    model = build_model(config, make_game(game_id), shape, seed=3).train()
    model(torch.randn(32, *shape, generator=torch.Generator().manual_seed(1)) * 2 + 0.5)
    return model.eval()


def some(shape: tuple[int, ...], actions: int, batch: int) -> tuple[np.ndarray, list[list[int]]]:
    rng = np.random.default_rng(batch)
    observations = rng.standard_normal((batch, *shape)).astype(np.float32)
    legal = [
        sorted(rng.choice(actions, size=rng.integers(1, actions + 1), replace=False).tolist()) for _ in range(batch)
    ]
    return observations, legal


@pytest.mark.parametrize(
    ("game_id", "shape", "config"),
    [
        ("go(board_size=9)", (7, 9, 9), CONFIG),
        ("chess", (23, 8, 8), CONFIG),
        ("backgammon", (202,), ModelConfig(kind="mlp", hidden=16, value_hidden=8)),
    ],
)
def test_evaluates_as_the_network_does(game_id: str, shape: tuple[int, ...], config: ModelConfig) -> None:
    model = trained_like(game_id, shape, config)
    observations, legal = some(shape, model.num_actions, 6)
    mask = np.zeros((6, model.num_actions), dtype=bool)
    for row, actions in enumerate(legal):
        mask[row, actions] = True
    flat, rows = (torch.from_numpy(array) for array in flat_legal(legal))
    with torch.inference_mode():
        scores, values = model(torch.from_numpy(observations))[:2]
        expected = np.full(mask.shape, ILLEGAL_LOG_PROB, np.float32)
        expected[mask] = model.log_probs(scores, flat, rows).numpy()
    exact = NetworkEvaluator(model, precision="float32").evaluate(observations, legal)
    np.testing.assert_allclose(exact.log_probs, expected, atol=1e-4)
    np.testing.assert_allclose(exact.values, values.numpy(), atol=1e-5)
    assert (exact.log_probs[~mask] == ILLEGAL_LOG_PROB).all()
    np.testing.assert_allclose(np.exp(exact.log_probs).sum(axis=1), 1.0, atol=1e-5)
    half = NetworkEvaluator(model, precision="bfloat16").evaluate(observations, legal)
    np.testing.assert_allclose(half.log_probs, expected, atol=0.1)
    np.testing.assert_allclose(half.values, values.numpy(), atol=0.05)
    assert half.log_probs.dtype == half.values.dtype == np.float32


@pytest.mark.parametrize("batch", [0, 1, 3, 17])
def test_any_batch_size(batch: int) -> None:
    model = trained_like("tic_tac_toe", (5, 3, 3))
    observations, legal = some((5, 3, 3), 9, 17)
    evaluator = NetworkEvaluator(model, precision="float32")
    whole = evaluator.evaluate(observations, legal)
    part = evaluator.evaluate(observations[:batch], legal[:batch])
    assert part.log_probs.shape == (batch, 9)
    assert part.values.shape == (batch,)
    np.testing.assert_allclose(part.log_probs, whole.log_probs[:batch], atol=1e-5)
    np.testing.assert_allclose(part.values, whole.values[:batch], atol=1e-5)


def test_one_legal_action_has_all_the_probability() -> None:
    evaluation = NetworkEvaluator(trained_like("tic_tac_toe", (5, 3, 3))).evaluate(
        np.zeros((1, 5, 3, 3), np.float32), [[4]]
    )
    assert evaluation.log_probs[0, 4] == 0.0


def test_later_training_of_the_original_changes_nothing() -> None:
    model = trained_like("tic_tac_toe", (5, 3, 3))
    observations, legal = some((5, 3, 3), 9, 4)
    evaluator = NetworkEvaluator(model)
    before = evaluator.evaluate(observations, legal)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1.0)
    after = evaluator.evaluate(observations, legal)
    assert np.array_equal(before.log_probs, after.log_probs)
    assert np.array_equal(before.values, after.values)


def test_read_only_observations_are_taken_without_a_warning() -> None:
    observations = np.zeros((2, 5, 3, 3), np.float32)
    observations.setflags(write=False)
    NetworkEvaluator(trained_like("tic_tac_toe", (5, 3, 3))).evaluate(observations, [[0], [1, 2]])
