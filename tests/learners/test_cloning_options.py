"""Behavioural cloning with what can be switched on: heads, conditions, auxiliary losses, parts of a batch."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gameil.errors import ConfigError
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.held_out import measure_held_out
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.position_batch import PositionBatch
from tests.learners.test_behavioural_cloning import GAME, MLP, WORLD

FAST = CloningConfig(learning_rate=1e-2, warmup_steps=5, ema_decay=0.9, value_weight=1.0)


def learner(model: ModelConfig, config: CloningConfig = FAST, steps: int = 80) -> BehaviouralCloning:
    return BehaviouralCloning(build_model(model, GAME, GAME.observation_shape, seed=1), config, total_steps=steps)


@pytest.mark.parametrize(
    "model",
    [
        ModelConfig(channels=16, blocks=1, policy="autoregressive", policy_channels=16, value_channels=2),
        ModelConfig(channels=16, blocks=1, modes=3, policy_channels=16, global_pooling=1, value="outcome"),
        ModelConfig(kind="transformer", channels=16, blocks=1, policy_channels=16, value_channels=2),
    ],
    ids=["autoregressive", "latent outcome", "transformer"],
)
def test_every_head_and_trunk_learns_by_heart(model: ModelConfig) -> None:
    cloning = learner(model)
    rng = np.random.default_rng(0)
    before = cloning.step(WORLD).metrics
    for _ in range(79):
        cloning.step(WORLD.take(rng.permutation(len(WORLD))[:100]))
    result = measure_held_out(NetworkEvaluator(cloning.evaluation_model()), [WORLD])
    assert result["top1"] > 0.5  # at random 0.2
    assert result["nll"] < 0.8 * before["loss/policy"]
    assert result["value_mse"] < before["loss/value"]


def rated_world() -> PositionBatch:
    """The empty board, where players of 1200 take cell 0 and players of 2400 cell 8."""
    size = 64
    strong = np.arange(size) % 2
    return PositionBatch(
        observations=np.zeros((size, *GAME.observation_shape), np.float16),
        legal=np.tile(np.arange(9), size).astype(np.int32),
        offsets=np.arange(0, 9 * size + 1, 9),
        actions=np.where(strong, 8, 0).astype(np.int64),
        target_probs=None,
        returns=np.zeros(size, np.float32),
        return_weights=np.zeros(size, np.float32),
        weights=np.ones(size, np.float32),
        game_ids=np.arange(size, dtype=np.uint64),
        plies=np.zeros(size, np.int32),
        ratings=np.where(strong, 2400, 1200).astype(np.int32),
    )


def test_a_network_told_the_rating_plays_like_it_and_without_it_like_everybody() -> None:
    cloning = learner(replace(MLP, conditions=("rating",)), replace(FAST, condition_dropout=0.3), steps=120)
    world = rated_world()
    for _ in range(120):
        cloning.step(world)
    model, empty = cloning.evaluation_model(), np.zeros((1, *GAME.observation_shape), np.float32)
    found = {
        rating: np.exp(
            NetworkEvaluator(model, conditions={"rating": rating} if rating else {})
            .evaluate(empty, [list(range(9))])
            .log_probs[0]
        )
        for rating in (1200, 2400, 0)
    }
    assert found[1200][0] > 0.9
    assert found[2400][8] > 0.9
    assert 0.3 < found[0][0] < 0.7
    assert found[0][0] + found[0][8] > 0.9
    # Positions are measured with their own ratings.
    assert measure_held_out(NetworkEvaluator(model), [world])["top1"] == 1.0


def test_what_is_hidden_depends_on_the_step_and_on_nothing_else() -> None:
    config = replace(FAST, condition_dropout=0.5)
    first, second = (learner(replace(MLP, conditions=("rating",)), config) for _ in range(2))
    for _ in range(3):
        assert first.step(rated_world()).metrics == second.step(rated_world()).metrics


def test_parts_of_a_batch_add_up_to_its_gradient() -> None:
    whole, parts = learner(MLP), learner(MLP, replace(FAST, micro_batch=64))
    for _ in range(3):
        expected, found = whole.step(WORLD).metrics, parts.step(WORLD).metrics  # 200 = 3 * 64 + 8
        assert found == pytest.approx(expected, rel=1e-3)
    for a, b in zip(whole.model.parameters(), parts.model.parameters(), strict=True):
        torch.testing.assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_auxiliary_losses_are_learned() -> None:
    model = ModelConfig(channels=16, blocks=1, moves_left=True, ownership=True, value_channels=2)
    rng = np.random.default_rng(0)
    context = np.zeros((len(WORLD), 4), np.float32)
    context[:, 3] = 9 - np.asarray([int(planes[:2].sum()) for planes in WORLD.observations])
    owners = (WORLD.observations[:, 0] - WORLD.observations[:, 1]).reshape(len(WORLD), -1).astype(np.int8)
    world = replace(WORLD, context=context, owners=owners)
    cloning = learner(model, replace(FAST, moves_left_weight=1.0, ownership_weight=1.0))
    first = cloning.step(world).metrics
    for _ in range(60):
        last = cloning.step(world.take(rng.permutation(len(world))[:100])).metrics
    assert last["loss/moves_left"] < 0.2 * first["loss/moves_left"]
    # Nobody's cells have a target of one half, which costs log 2 at best.
    least = float((owners == 0).mean()) * np.log(2.0)
    assert last["loss/ownership"] < least + 0.3 * (first["loss/ownership"] - least)


def test_ownership_without_final_boards_is_refused() -> None:
    cloning = learner(ModelConfig(channels=8, blocks=1, ownership=True))
    with pytest.raises(ConfigError, match=r"loader\.final_boards = true"):
        cloning.step(WORLD)
