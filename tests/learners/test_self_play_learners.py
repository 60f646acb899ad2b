"""What every learner from self-play must do: warm up, stay near its teacher, resume exactly, and learn."""

import copy
import dataclasses
from typing import Any

import numpy as np
import pytest
import torch

from gameil.agents.network import NetworkAgent, state_judge
from gameil.agents.random import RandomAgent
from gameil.arena.series import play_series
from gameil.errors import CheckpointError, ConfigError
from gameil.games.registry import make_game
from gameil.learners.actor_critic import ActorCriticConfig
from gameil.learners.ppo import PpoConfig
from gameil.learners.reinforce import ReinforceConfig
from gameil.learners.seat_trajectories import TrajectoryColumns
from gameil.learners.self_play_learner import SelfPlayLearner, SelfPlayLearnerConfig, build_learner
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
MLP = ModelConfig(kind="mlp", hidden=32, layers=2)
RESIDUAL = ModelConfig(channels=8, blocks=1, squeeze=0, policy_channels=0, value_channels=2, value_hidden=8)
FREE = Schedule(0.0, 0.0, 0)
CONFIGS: dict[str, type[Any]] = {"reinforce": ReinforceConfig, "ppo": PpoConfig, "actor_critic": ActorCriticConfig}


def _learner(
    name: str, model_config: ModelConfig = MLP, *, update: dict[str, Any] | None = None, **config: Any
) -> SelfPlayLearner:
    model = build_model(model_config, GAME, ENCODER.shape)
    own: SelfPlayLearnerConfig = CONFIGS[name](update=UpdateConfig(**(update or {})), **config)
    return build_learner(own, model, NetworkEvaluator(model), seed=1, device="cpu")


def _batch(model: PolicyValueNet, *, games: int = 16, iteration: int = 0, max_plies: int = 0) -> Trajectories:
    config = SelfPlayConfig(games=games, opening_plies=2, max_plies=max_plies)
    return play_self(GAME, ENCODER, NetworkEvaluator(model), [], config, seed=0, iteration=iteration)


def _changed(learner: SelfPlayLearner, before: dict[str, torch.Tensor]) -> set[str]:
    return {name for name, now in learner.model.state_dict().items() if not torch.equal(now, before[name])}


@pytest.fixture(params=CONFIGS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_warm_up_moves_the_value_head_alone(name: str) -> None:
    learner = _learner(name, RESIDUAL, warmup_steps=1)
    before = copy.deepcopy(learner.model.state_dict())
    learner.step(_batch(learner.model))
    assert {key.partition(".")[0] for key in _changed(learner, before)} == {"value"}
    learner.step(_batch(learner.model, iteration=1))
    assert {"policy", "trunk", "value"} <= {key.partition(".")[0] for key in _changed(learner, before)}


def test_statistics_of_the_demonstrations_stay(name: str) -> None:
    learner = _learner(name, RESIDUAL, warmup_steps=0)
    before = copy.deepcopy(learner.model.state_dict())
    learner.step(_batch(learner.model))
    assert any("running" in key for key in before)
    assert not {key for key in _changed(learner, before) if "running" in key or "num_batches" in key}


def test_teacher_holds_the_policy(name: str) -> None:
    """The same games with and without KL: without it the policy goes far more than ten times as far."""

    def distance(kl_weight: Schedule) -> float:
        learner = _learner(name, warmup_steps=0, kl_weight=kl_weight, update={"learning_rate": 3e-3})
        for step in range(8):
            result = learner.step(_batch(learner.model, iteration=step))
        return result.metrics["loss/teacher_kl"]

    assert distance(Schedule(100.0, 100.0, 0)) < 0.1 * distance(FREE)


def test_resumes_bit_for_bit(name: str) -> None:
    whole, resumed = (_learner(name, RESIDUAL, warmup_steps=1, minibatch=16) for _ in range(2))
    for step in range(2):
        whole.step(_batch(whole.model, iteration=step))
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for step in range(2, 4):
        batch = _batch(whole.model, iteration=step, max_plies=6)
        assert whole.step(batch).metrics == resumed.step(batch).metrics
    assert not _changed(whole, dict(resumed.model.state_dict()))
    with pytest.raises(CheckpointError, match="another network"):
        _learner(name, MLP).load_state_dict(whole.state_dict())


def test_says_when_training_diverges_and_leaves_the_weights(name: str) -> None:
    learner = _learner(name, warmup_steps=0)
    batch = _batch(learner.model)
    batch.rewards[:] = np.nan
    before = copy.deepcopy(learner.model.state_dict())
    with pytest.raises(ConfigError, match="diverged at step 0"):
        learner.step(batch)
    assert not _changed(learner, before)


def test_columns_end_in_their_bootstrap() -> None:
    """Games cut after 5 plies: of two trajectories in reversed order, every column by its definition."""
    batch = _batch(_learner("ppo").model, games=4, max_plies=5)
    columns = TrajectoryColumns(batch, np.array([3, 0]))
    values = columns.values(torch.from_numpy(batch.values[columns.decisions]))
    for column, trajectory in enumerate((3, 0)):
        own = slice(*batch.starts[trajectory : trajectory + 2])
        length = own.stop - own.start
        bootstrap = batch.bootstrap_values[trajectory]
        np.testing.assert_array_equal(columns.rewards[: length + 1, column], [*batch.rewards[own], bootstrap])
        np.testing.assert_array_equal(values[: length + 1, column], [*batch.values[own], bootstrap])
        assert float(columns.discounts[length, column]) == 0.0
    flat = torch.arange(len(columns.decisions)).float()
    torch.testing.assert_close(columns.flatten(columns.pad(flat)), flat)


def test_all_learners_take_the_same_first_step() -> None:
    """One update on policy with lambda 1, no KL, no value: REINFORCE, PPO and V-trace are then the same gradient.

    REINFORCE and PPO scale advantages by their root mean square, V-trace does not: so directions are compared.
    """
    directions = []
    common: dict[str, Any] = {"warmup_steps": 0, "minibatch": 100_000, "kl_weight": FREE, "value_weight": 0.0}
    update = {"max_grad_norm": 1e-3, "precision": "float32", "value_to_trunk": 0.0, "ema_decay": 0.0}
    for name, own in (
        ("reinforce", {"lambda_": 1.0}),
        ("ppo", {"lambda_": 1.0, "passes": 1}),
        ("actor_critic", {"upgo_weight": 0.0}),
    ):
        learner = _learner(name, update=update, **common, **own)
        batch = _batch(learner.model, games=64)
        learner.step(batch)
        gradients = [each.grad for each in learner.model.policy.parameters()]
        directions.append(torch.cat([each.flatten() for each in gradients if each is not None]))
    for other in directions[1:]:
        assert float(torch.cosine_similarity(directions[0], other, dim=0)) > 0.999


def test_more_passes_stop_where_the_policy_has_moved_too_far() -> None:
    few = _learner("ppo", warmup_steps=0, minibatch=8, max_behaviour_kl=1e-5, update={"learning_rate": 1e-2})
    many = _learner("ppo", warmup_steps=0, minibatch=8, max_behaviour_kl=1e5, passes=3)
    batch = _batch(few.model)
    assert many.step(batch).metrics["optimizer/updates"] == 3 * -(-len(batch) // 8)
    assert few.step(batch).metrics["optimizer/updates"] < 4


@pytest.mark.parametrize(
    ("config", "bad"),
    [
        (PpoConfig, {"passes": 0}),
        (PpoConfig, {"clip": 0.0}),
        (PpoConfig, {"value_clip": -1.0}),
        (PpoConfig, {"lambda_": 1.5}),
        (ActorCriticConfig, {"minibatch": 0}),
        (ActorCriticConfig, {"trace_lambda": -0.1}),
        (ActorCriticConfig, {"clip_rho": 0.0}),
    ],
)
def test_configs_refuse_the_impossible(config: type[Any], bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError, match=next(iter(bad))):
        config(**bad)


def test_every_learner_has_the_fields_that_finetuning_reads() -> None:
    for config in CONFIGS.values():
        assert {"update", "warmup_steps", "kl_weight"} <= {field.name for field in dataclasses.fields(config)}


@pytest.mark.parametrize(
    ("name", "config"),
    [
        ("ppo", {"passes": 3, "minibatch": 256, "entropy_weight": Schedule(0.1, 0.1, 0)}),
        ("actor_critic", {"minibatch": 128, "entropy_weight": Schedule(0.2, 0.2, 0), "passes": 3}),
    ],
)
def test_learns_tic_tac_toe(name: str, config: dict[str, Any]) -> None:
    """From nothing, some iterations of 128 games against itself: random play is then beaten clearly."""
    update = {"learning_rate": 5e-3, "value_learning_rate": 5e-3, "value_to_trunk": 0.2, "ema_decay": 0.9}
    learner = _learner(name, ModelConfig(kind="mlp", hidden=64, layers=2), update=update, kl_weight=FREE, **config)
    before = _score(learner.model)
    for step in range(30):
        learner.step(_batch(learner.model, games=128, iteration=step))
    assert before < 0.65  # a fixed order of moves already beats random moves now and then
    assert _score(learner.evaluation_model()) > 0.75


def _score(model: PolicyValueNet) -> float:
    agent = NetworkAgent("network", state_judge(ENCODER, NetworkEvaluator(model)))
    return play_series(GAME, agent, RandomAgent(), games=300, seed=1).score
