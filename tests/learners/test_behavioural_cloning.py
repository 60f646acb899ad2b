"""Behavioural cloning: it learns a tiny world by heart, follows its schedule, and goes on bit for bit."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gameil.errors import CheckpointError, ConfigError, ShapeError
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning, CloningConfig
from gameil.learners.held_out import measure_held_out
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.position_batch import PositionBatch
from gameil.schedules import warmup_cosine

GAME = make_game("tic_tac_toe")
SMALL = ModelConfig(channels=16, blocks=1, squeeze=4, policy_channels=0, value_channels=2, value_hidden=16)
MLP = ModelConfig(kind="mlp", hidden=64, layers=2, value_hidden=16)


def tiny_world(size: int = 200) -> PositionBatch:
    """Different tic-tac-toe positions, each with a move and a result that follow from the position by a fixed rule."""
    rng = np.random.default_rng(0)
    seen: dict[bytes, tuple[np.ndarray, list[int], int]] = {}
    while len(seen) < size:
        state = GAME.initial_state()
        for _ in range(int(rng.integers(0, 7))):
            if not state.is_terminal():
                state.apply(int(rng.choice(state.legal_actions())))
        if state.is_terminal() or len(state.legal_actions()) < 2:
            continue
        observation = np.zeros(GAME.observation_shape, np.float32)
        state.write_observation(observation)
        legal = state.legal_actions()
        seen.setdefault(observation.tobytes(), (observation, legal, legal[len(seen) % len(legal)]))
    observations, legal_lists, actions = zip(*seen.values(), strict=True)
    return PositionBatch(
        observations=np.stack(observations).astype(np.float16),
        legal=np.concatenate(legal_lists).astype(np.int32),
        offsets=np.cumsum([0, *map(len, legal_lists)]).astype(np.int64),
        actions=np.asarray(actions, np.int64),
        target_probs=None,
        returns=np.asarray([(-1.0, 0.0, 1.0)[action % 3] for action in actions], np.float32),
        return_weights=np.ones(size, np.float32),
        weights=np.ones(size, np.float32),
        game_ids=np.arange(size, dtype=np.uint64),
        plies=np.zeros(size, np.int32),
        ratings=np.zeros(size, np.int32),
    )


WORLD = tiny_world()


def learner(config: CloningConfig, model: ModelConfig = SMALL, steps: int = 100) -> BehaviouralCloning:
    return BehaviouralCloning(build_model(model, GAME, GAME.observation_shape, seed=1), config, total_steps=steps)


@pytest.mark.parametrize("model", [SMALL, MLP])
def test_it_learns_200_positions_by_heart(model: ModelConfig) -> None:
    cloning = learner(CloningConfig(learning_rate=1e-2, warmup_steps=10, ema_decay=0.9, value_weight=1.0), model, 150)
    rng = np.random.default_rng(0)
    for _ in range(150):
        cloning.step(WORLD.take(rng.permutation(len(WORLD))[:100]))
    result = measure_held_out(NetworkEvaluator(cloning.evaluation_model()), [WORLD])
    assert result["top1"] > 0.95
    assert result["nll"] < 0.3
    assert result["value_mse"] < 0.1


def test_soft_one_hot_targets_train_like_played_moves() -> None:
    hard, soft = learner(CloningConfig()), learner(CloningConfig())
    spelled_out = replace(WORLD, target_probs=WORLD.soft_targets())
    for _ in range(3):
        assert hard.step(WORLD).metrics == soft.step(spelled_out).metrics
    for a, b in zip(hard.model.parameters(), soft.model.parameters(), strict=True):
        assert torch.equal(a, b)


def test_the_first_loss_is_that_of_knowing_nothing() -> None:
    # Fresh weights say nearly nothing: the loss is near the mean log number of legal actions.
    metrics = learner(CloningConfig(), MLP).step(WORLD).metrics
    assert metrics["loss/policy"] == pytest.approx(np.log(WORLD.num_legal()).mean(), abs=0.15)
    assert 0.0 <= metrics["accuracy/top1"] <= 1.0
    assert metrics["optimizer/grad_norm"] > 0.0


def test_weights_zero_teach_nothing() -> None:
    nothing = replace(WORLD, weights=np.zeros(200, np.float32), return_weights=np.zeros(200, np.float32))
    cloning = learner(CloningConfig(weight_decay=0.0))
    before = [parameter.clone() for parameter in cloning.model.parameters()]
    cloning.step(nothing)
    assert all(torch.equal(a, b) for a, b in zip(before, cloning.model.parameters(), strict=True))


def test_learning_rate_follows_steps_or_the_clock() -> None:
    config = CloningConfig(learning_rate=1.0, warmup_steps=10, final_share=0.1)
    cloning = learner(config, steps=110)
    assert cloning.learning_rate() == pytest.approx(0.1)
    assert cloning.learning_rate(share=0.9) == pytest.approx(0.1)  # the warm-up counts steps
    cloning.steps_done = 60
    assert cloning.learning_rate() == pytest.approx(0.55)
    assert cloning.learning_rate() == warmup_cosine(60, peak=1.0, warmup_steps=10, total_steps=110, final_share=0.1)
    assert cloning.learning_rate(share=0.0) == pytest.approx(1.0)
    assert cloning.learning_rate(share=0.5) == pytest.approx(0.55)
    assert cloning.learning_rate(share=1.7) == pytest.approx(0.1)


def test_gradients_are_clipped() -> None:
    cloning = learner(CloningConfig(max_grad_norm=1e-3))
    cloning.step(WORLD)
    norm = torch.stack(
        [parameter.grad.norm() for parameter in cloning.model.parameters() if parameter.grad is not None]
    )
    assert float(norm.norm()) <= 1.01e-3


def test_the_average_trails_the_weights() -> None:
    cloning = learner(CloningConfig(ema_decay=0.5))
    start = cloning.model.trunk.stem.conv.weight.detach().clone()
    cloning.step(WORLD)
    assert cloning.average is not None
    # After one step the decay is min(0.5, 2 / 11).
    expected = start + (1 - 2 / 11) * (cloning.model.trunk.stem.conv.weight.detach() - start)
    torch.testing.assert_close(cloning.average.trunk.stem.conv.weight, expected)
    assert not cloning.evaluation_model().training
    assert learner(CloningConfig(ema_decay=0.0)).average is None


@pytest.mark.parametrize("model", [SMALL, MLP])
def test_it_goes_on_bit_for_bit(model: ModelConfig) -> None:
    config = CloningConfig(warmup_steps=2)
    rng = np.random.default_rng(1)
    batches = [WORLD.take(rng.permutation(200)[:64]) for _ in range(6)]
    straight = learner(config, model)
    metrics = [straight.step(batch).metrics for batch in batches]
    first = learner(config, model)
    for batch in batches[:3]:
        first.step(batch)
    state = first.state_dict()
    stored = {name: tensor.detach().contiguous().clone() for name, tensor in state["tensors"].items()}
    second = BehaviouralCloning(build_model(model, GAME, GAME.observation_shape, seed=99), config, total_steps=100)
    second.load_state_dict({"tensors": stored, "state": state["state"]})
    assert [second.step(batch).metrics for batch in batches[3:]] == metrics[3:]
    final, resumed = straight.state_dict()["tensors"], second.state_dict()["tensors"]
    assert final.keys() == resumed.keys()
    assert all(torch.equal(final[name], resumed[name]) for name in final)


def test_a_state_of_another_network_is_refused() -> None:
    with pytest.raises(CheckpointError, match="another network's"):
        learner(CloningConfig(), SMALL).load_state_dict(learner(CloningConfig(), MLP).state_dict())


def test_divergence_is_one_clear_line_and_spoils_no_weights() -> None:
    cloning = learner(CloningConfig())
    poisoned = WORLD.observations.copy()
    poisoned[0] = np.nan
    before = [parameter.clone() for parameter in cloning.model.parameters()]
    with pytest.raises(ConfigError, match=r"diverged at step 0.*lower learner\.learning_rate"):
        cloning.step(replace(WORLD, observations=poisoned))
    assert all(torch.equal(a, b) for a, b in zip(before, cloning.model.parameters(), strict=True))


def test_an_illegal_action_in_a_batch_is_refused() -> None:
    actions = WORLD.actions.copy()
    actions[3] = 77
    with pytest.raises(ShapeError, match="position 3 of the batch: action 77"):
        learner(CloningConfig()).step(replace(WORLD, actions=actions))


@pytest.mark.parametrize(
    ("field", "value"),
    [("learning_rate", 0.0), ("label_smoothing", 1.0), ("ema_decay", -0.1), ("warmup_steps", -1), ("final_share", 2.0)],
)
def test_impossible_configurations_are_refused(field: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"learner\.{field} must be"):
        CloningConfig(**{field: value})  # type: ignore[arg-type]
