"""REINFORCE: targets by hand, what each phase may change, exact resume, and that it learns."""

import copy
import dataclasses

import numpy as np
import pytest
import torch

from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.random import RandomAgent
from gameil.arena.series import play_series
from gameil.errors import CheckpointError, ConfigError
from gameil.games.registry import make_game
from gameil.learners.reinforce import Reinforce, ReinforceConfig
from gameil.learners.seat_trajectories import lambda_targets, legal_places
from gameil.learners.updates import UpdateConfig
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule

GAME = make_game("tic_tac_toe")
ENCODER = ObservationEncoder(GAME, EncoderConfig())
RESIDUAL = ModelConfig(channels=8, blocks=1, squeeze=0, policy_channels=0, value_channels=2, value_hidden=8)
MLP = ModelConfig(kind="mlp", hidden=64, layers=2)


UPDATE_FIELDS = {field.name for field in dataclasses.fields(UpdateConfig)}


def _learner(model_config: ModelConfig = MLP, **config) -> Reinforce:
    model = build_model(model_config, GAME, ENCODER.shape)
    update = UpdateConfig(**{name: value for name, value in config.items() if name in UPDATE_FIELDS})
    own = {name: value for name, value in config.items() if name not in UPDATE_FIELDS}
    return Reinforce(model, NetworkEvaluator(model), ReinforceConfig(update=update, **own), seed=1)


def _batch(model: PolicyValueNet, *, games: int = 16, iteration: int = 0, temperature: float = 1.0) -> Trajectories:
    config = SelfPlayConfig(games=games, opening_plies=2, temperature=temperature)
    return play_self(GAME, ENCODER, NetworkEvaluator(model), [], config, seed=0, iteration=iteration)


def _weights(model: PolicyValueNet) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def test_targets_by_hand() -> None:
    """Two trajectories: three decisions that end with reward 1, and one that is cut with value 0.5 ahead.

    lambda 1: the outcome throughout; and 0 + 1 * 0.5.
    lambda 0.5: t=2: 1; t=1: 0.5 * v_2 + 0.5 * 1 = 0.65; t=0: 0.5 * v_1 + 0.5 * 0.65 = 0.425. The cut one: 0.5.
    """
    batch = Trajectories(
        observations=np.zeros((4, 1), np.float16),
        legal=np.zeros(4, np.int64),
        offsets=np.arange(5),
        actions=np.zeros(4, np.int64),
        action_places=np.arange(4),
        behaviour_log_probs=np.zeros(4, np.float32),
        values=np.array([0.1, 0.2, 0.3, 0.4], np.float32),
        rewards=np.array([0, 0, 1, 0], np.float32),
        discounts=np.array([1, 1, 0, 1], np.float32),
        starts=np.array([0, 3, 4]),
        bootstrap_values=np.array([0.0, 0.5], np.float32),
        outcomes=np.array([1, 0], np.float32),
        opponents=np.array([-1, -1]),
        seats=np.array([0, 1]),
        plies=np.arange(4, dtype=np.int32),
        openings=np.array([-1, -1]),
        told=np.array([-1, -1]),
        frames=4,
    )
    np.testing.assert_allclose(lambda_targets(batch, 1.0), [1, 1, 1, 0.5])
    np.testing.assert_allclose(lambda_targets(batch, 0.5), [0.425, 0.65, 1, 0.5])


def test_legal_places_point_at_each_decisions_own_actions() -> None:
    batch = _batch(_learner().model)
    chosen = np.array([5, 0, 3])
    places, rows, action_places = legal_places(batch, chosen)
    for row, decision in enumerate(chosen):
        own = batch.legal[batch.offsets[decision] : batch.offsets[decision + 1]]
        np.testing.assert_array_equal(batch.legal[places[rows == row]], own)
    np.testing.assert_array_equal(batch.legal[places][action_places], batch.actions[chosen])


def test_warm_up_trains_the_value_and_leaves_the_policy() -> None:
    learner = _learner(RESIDUAL, warmup_steps=2)
    before = _weights(learner.model)
    for step in range(2):
        learner.step(_batch(learner.model, iteration=step))
    after = _weights(learner.model)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert changed
    assert all(name.startswith("value.") for name in changed)
    learner.step(_batch(learner.model, iteration=2))
    third = _weights(learner.model)
    assert any(not torch.equal(after[name], third[name]) for name in after if name.startswith("policy."))


def test_normalisation_statistics_stay_those_of_the_demonstrations() -> None:
    learner = _learner(RESIDUAL, warmup_steps=0)
    before = _weights(learner.model)
    learner.step(_batch(learner.model))
    after = _weights(learner.model)
    statistics = [name for name in before if "running" in name or "num_batches" in name]
    assert statistics
    assert all(torch.equal(before[name], after[name]) for name in statistics)


@pytest.mark.parametrize("temperature", [1.0, 0.5])
def test_first_update_is_on_policy(temperature: float) -> None:
    """The log-probabilities that are differentiated are those that acted, up to half-precision rounding."""
    learner = _learner(RESIDUAL, warmup_steps=0, precision="float32", minibatch=100_000)
    batch = _batch(learner.model, temperature=temperature)
    assert learner.step(batch).metrics["policy/behaviour_gap"] < 0.02


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_value_gradient_reaches_the_trunk_in_its_share(share: float) -> None:
    """With advantages of 0 the value loss is all there is to learn from."""
    learner = _learner(RESIDUAL, warmup_steps=0, value_to_trunk=share, kl_weight=Schedule(0.0, 0.0, 0))
    batch = _batch(learner.model)
    batch.rewards[:] = 0.0
    batch.values[:] = 0.0
    before = _weights(learner.model)
    learner.step(batch)
    after = _weights(learner.model)
    changed = {name.partition(".")[0] for name in before if not torch.equal(before[name], after[name])}
    assert changed == ({"value", "trunk"} if share else {"value"})


def test_average_follows_the_weights() -> None:
    """By hand after one update from n = 0: decay is min(0.98, 1 / 11), so the average is 1/11 old and 10/11 new."""
    learner = _learner(warmup_steps=0, minibatch=100_000)
    before = _weights(learner.model)
    learner.step(_batch(learner.model))
    for name, mean in learner.evaluation_model().state_dict().items():
        torch.testing.assert_close(mean, before[name] / 11 + learner.model.state_dict()[name] * 10 / 11)
    plain = _learner(warmup_steps=0, ema_decay=0.0)
    plain.step(_batch(plain.model))
    for name, mean in plain.evaluation_model().state_dict().items():
        assert torch.equal(mean, plain.model.state_dict()[name])


def test_kl_holds_the_policy_at_its_teacher() -> None:
    far = _moved(kl_weight=Schedule(0.0, 0.0, 0))
    near = _moved(kl_weight=Schedule(100.0, 100.0, 0))
    assert near < 0.1 * far


def _moved(**config: Schedule) -> float:
    learner = _learner(warmup_steps=0, learning_rate=3e-3, **config)
    for step in range(8):
        result = learner.step(_batch(learner.model, iteration=step))
    return result.metrics["loss/teacher_kl"]


@pytest.mark.parametrize("model_config", [MLP, RESIDUAL])
def test_resumes_bit_for_bit(model_config: ModelConfig) -> None:
    whole = _learner(model_config, warmup_steps=1, minibatch=16)
    for step in range(2):
        whole.step(_batch(whole.model, iteration=step))
    resumed = _learner(model_config, warmup_steps=1, minibatch=16)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for step in range(2, 4):
        batch = _batch(whole.model, iteration=step)
        assert whole.step(batch).metrics == resumed.step(batch).metrics
    for name, tensor in whole.model.state_dict().items():
        assert torch.equal(tensor, resumed.model.state_dict()[name]), name


def test_refuses_the_state_of_another_network() -> None:
    with pytest.raises(CheckpointError, match="another network"):
        _learner(RESIDUAL).load_state_dict(_learner(MLP).state_dict())


def test_says_when_training_diverges() -> None:
    learner = _learner(warmup_steps=0)
    batch = _batch(learner.model)
    batch.rewards[0] = np.nan
    with pytest.raises(ConfigError, match="diverged at step 0"):
        learner.step(batch)


@pytest.mark.parametrize("bad", [{"minibatch": 0}, {"warmup_steps": -1}, {"lambda_": 1.5}])
def test_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        ReinforceConfig(**bad)


@pytest.mark.parametrize("bad", [{"learning_rate": 0.0}, {"value_to_trunk": 1.5}, {"ema_decay": 1.0}])
def test_update_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        UpdateConfig(**bad)


def test_learns_tic_tac_toe() -> None:
    """From nothing, 70 iterations of 128 games against itself and its past: random play is then beaten clearly."""
    learner = _learner(
        learning_rate=2e-3,
        minibatch=64,
        entropy_weight=Schedule(0.2, 0.2, 0),
        warmup_steps=2,
        kl_weight=Schedule(0.0, 0.0, 0),
    )
    before = _score(learner.model)
    pool = [NetworkEvaluator(learner.model)]
    config = SelfPlayConfig(games=128, opening_plies=2)
    for step in range(70):
        evaluator = NetworkEvaluator(learner.model)
        learner.step(play_self(GAME, ENCODER, evaluator, pool, config, seed=0, iteration=step))
        if step % 15 == 14:
            pool.append(NetworkEvaluator(learner.model))
    after = _score(learner.model)
    assert before < 0.65  # a fixed order of moves already beats random moves now and then
    assert after > 0.75


def _score(model: PolicyValueNet) -> float:
    agent = NetworkAgent("network", state_judge(ENCODER, NetworkEvaluator(model)))
    return play_series(GAME, agent, RandomAgent(), games=300, seed=1).score
