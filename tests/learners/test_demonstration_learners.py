"""Learners that are shown demonstrations: what their parts say, and that they learn from them."""

import copy
from typing import Any

import numpy as np
import pytest
import torch

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.learners.adversarial import Adversarial, AdversarialConfig
from gameil.learners.guided_cost import draw_segments
from gameil.learners.off_policy import OffPolicy, OffPolicyConfig
from gameil.learners.ppo import PpoConfig
from gameil.learners.q_learning import QLearning, QLearningConfig, action_values
from gameil.learners.reference_games import reference_places
from gameil.learners.reward_network import build_reward_network
from gameil.learners.seat_trajectories import legal_places
from gameil.learners.updates import UpdateConfig
from gameil.losses.masking import legal_log_softmax
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet, build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.epsilon_greedy import EpsilonGreedy
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from tests.rollout.test_self_play import FixedEvaluator, GreedyEvaluator

GAME = make_game("tic_tac_toe")
ENCODER = ObservationEncoder(GAME, EncoderConfig())
MLP = ModelConfig(kind="mlp", hidden=32, layers=2)
FREE = Schedule(0.0, 0.0, 0)


def play(evaluator: Any, iteration: int = 0, games: int = 32, **config: Any) -> Trajectories:
    return play_self(GAME, ENCODER, evaluator, [], SelfPlayConfig(games=games, **config), seed=4, iteration=iteration)


@pytest.fixture(scope="module")
def shown() -> Trajectories:
    """Games of who takes the lowest free cell, from random openings of up to two plies."""
    return play(GreedyEvaluator(), opening_plies=2)


def accuracy(model: PolicyValueNet, shown: Trajectories) -> float:
    """How often the likeliest move is the one shown."""
    places, rows, action_places = legal_places(shown, np.arange(len(shown)))
    log_probs, _ = NetworkEvaluator(model).evaluate_legal(shown.observations, shown.legal[places], rows)
    best = np.maximum.reduceat(log_probs, shown.offsets[:-1])
    return float((log_probs[action_places] == best).mean())


def test_action_values_are_a_value_and_a_policy() -> None:
    """max Q = v, and softmax(Q / eta) = pi, whatever the two heads say."""
    rows = torch.tensor([0, 0, 0, 1, 1])
    log_probs = legal_log_softmax(torch.tensor([0.3, -1.0, 2.0, 0.5, 0.5]), rows, 2)
    values = torch.tensor([0.2, -0.7])
    q = action_values(log_probs, values, rows, 0.25)
    assert [float(q[:3].max()), float(q[3:].max())] == pytest.approx([0.2, -0.7])
    np.testing.assert_allclose(legal_log_softmax(q / 0.25, rows, 2), log_probs, rtol=1e-5, atol=1e-6)


def test_epsilon_greedy_by_hand() -> None:
    """Three legal actions, the first the best, epsilon 0.3: 0.8, 0.1 and 0.1; of two equal ones a half each."""
    legal, rows = np.array([0, 1, 2, 3, 4]), np.array([0, 0, 0, 1, 1])
    observations = np.zeros((2, 1), np.float32)
    log_probs, _ = EpsilonGreedy(GreedyEvaluator(), 0.3).evaluate_legal(observations, legal, rows)
    np.testing.assert_allclose(np.exp(log_probs), [0.8, 0.1, 0.1, 0.85, 0.15], rtol=1e-5)
    log_probs, _ = EpsilonGreedy(FixedEvaluator(), 0.3).evaluate_legal(observations, legal, rows)
    np.testing.assert_allclose(np.exp(log_probs), [1 / 3, 1 / 3, 1 / 3, 0.5, 0.5], rtol=1e-5)


def test_dqfd_learns_what_is_shown_before_the_first_game(shown: Trajectories) -> None:
    model = build_model(MLP, GAME, ENCODER.shape, seed=1)
    config = QLearningConfig(pretrain_updates=100, updates=100, minibatch=64, target_every=20)
    learner = QLearning(model, config, seed=0, demonstrations=shown)
    before = accuracy(model, shown)
    assert not learner.needs_games
    learner.step(None)
    assert learner.needs_games
    assert learner.learner_step == 0
    assert accuracy(learner.model, shown) > max(0.8, before + 0.2)
    with pytest.raises(ConfigError, match="needs demonstrations"):
        QLearning(model, config, seed=0)


def winning_moves_found(model: PolicyValueNet) -> float:
    """How often the likeliest move wins, in random positions where some move does."""
    rng, states, wins = np.random.default_rng(0), [], []
    for _ in range(100):
        state = GAME.initial_state()
        while not state.is_terminal():
            won = []
            for action in state.legal_actions():
                after = state.clone()
                after.apply(action)
                if after.is_terminal() and after.returns()[state.current_player()] > 0:
                    won.append(action)
            if won:
                states.append(state.clone())
                wins.append(won)
            state.apply(int(rng.choice(state.legal_actions())))
    evaluation = NetworkEvaluator(model).evaluate(ENCODER.encode(states), [state.legal_actions() for state in states])
    best = evaluation.log_probs.argmax(axis=1)
    return float(np.mean([move in won for move, won in zip(best.tolist(), wins, strict=True)]))


def test_q_learning_finds_out_what_wins() -> None:
    """From random games alone, in which every move is as likely as any other."""
    model = build_model(MLP, GAME, ENCODER.shape, seed=1)
    update = UpdateConfig(learning_rate=5e-3, value_learning_rate=5e-3, value_to_trunk=1.0, ema_decay=0.0)
    config = QLearningConfig(update=update, updates=100, minibatch=128, steps=1, n_step_weight=0.0, target_every=20)
    learner = QLearning(model, config, seed=0)
    before = winning_moves_found(model)
    for iteration in range(9):
        learner.step(play(FixedEvaluator(), iteration, games=500))
    assert winning_moves_found(learner.model) > max(0.75, before + 0.2)


@pytest.mark.parametrize("option", [1, 2])
def test_importance_sampling_learns_from_what_won(shown: Trajectories, option: int) -> None:
    """Of demonstrations alone: the moves of those who won become likelier than the moves of those who lost."""
    model = build_model(MLP, GAME, ENCODER.shape, seed=1)
    frozen = NetworkEvaluator(model)
    config = OffPolicyConfig(
        option=option,  # type: ignore[arg-type]
        own_weight=0.0,
        demonstration_weight=3.0,
        entropy_weight=FREE,
        value_weight=0.0,
        update=UpdateConfig(learning_rate=5e-3, ema_decay=0.0),
        trajectories=64,
    )
    density = frozen if option == 1 else None
    learner = OffPolicy(model, None, config, demonstrations=shown, density=density, seed=0)
    for iteration in range(10):
        metrics = learner.step(play(frozen, iteration)).metrics
    assert 1.0 <= metrics["demonstrations/effective"] <= 64.0
    places, rows, action_places = legal_places(shown, np.arange(len(shown)))
    gains = []
    for evaluator in (frozen, NetworkEvaluator(learner.model)):
        log_probs, _ = evaluator.evaluate_legal(shown.observations, shown.legal[places], rows)
        taken = log_probs[action_places]
        won = np.repeat(shown.outcomes, shown.lengths())
        gains.append(taken[won > 0].mean() - taken[won < 0].mean())
    assert gains[1] > gains[0] + 0.3
    with pytest.raises(ConfigError, match="needs demonstrations"):
        OffPolicy(model, None, config, demonstrations=None, density=density, seed=0)


def imitator(shown: Trajectories, method: str) -> Adversarial:
    model = build_model(MLP, GAME, ENCODER.shape, seed=1)
    ppo = PpoConfig(
        update=UpdateConfig(learning_rate=1e-2, ema_decay=0.0),
        minibatch=128,
        kl_weight=FREE,
        entropy_weight=Schedule(0.01, 0.01, 0),
        warmup_steps=1,
        max_behaviour_kl=0.1,
    )
    config = AdversarialConfig(method=method, ppo=ppo, learning_rate=1e-2, minibatch=64, updates=8, penalty=0.1)  # type: ignore[arg-type]
    rewards = build_reward_network(MLP, GAME, ENCODER.shape, seed=2, device="cpu")
    density = NetworkEvaluator(model)
    return Adversarial(model, None, rewards, config, demonstrations=shown, density=density, seed=0)


@pytest.mark.parametrize("method", ["gail", "airl"])
def test_imitates_by_what_the_discriminator_says(shown: Trajectories, method: str) -> None:
    """Games' rewards are NaN: whoever read them would diverge."""
    learner = imitator(shown, method)
    before = accuracy(learner.model, shown)
    for iteration in range(20):
        batch = play(NetworkEvaluator(learner.model), iteration, opening_plies=2, discount=0.95)
        batch.rewards[:] = np.nan
        learner.step(batch)
    assert accuracy(learner.model, shown) > max(0.6, before + 0.2)


@pytest.mark.parametrize("method", ["gail", "airl", "guided_cost", "reference"])
def test_goes_on_from_a_checkpoint(shown: Trajectories, method: str) -> None:
    whole, resumed = imitator(shown, method), imitator(shown, method)
    whole.step(play(NetworkEvaluator(whole.model)))
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    if method == "guided_cost":  # the older policies' samples are not kept
        return
    batch = play(NetworkEvaluator(whole.model), 1)
    assert whole.step(batch).metrics == resumed.step(batch).metrics


def test_references_are_of_the_same_seat_and_ply(shown: Trajectories) -> None:
    batch = play(FixedEvaluator(), opening_plies=3)
    places, known = reference_places(batch, shown, np.random.default_rng(0))
    owners = np.searchsorted(shown.starts, places, side="right") - 1
    assert (shown.seats[owners] == np.repeat(batch.seats, batch.lengths())).all()
    assert (shown.plies[places] == batch.plies)[known].all()
    assert known.any()
    assert not known[batch.plies > shown.plies.max()].any()


def test_segments_stay_within_their_trajectories(shown: Trajectories) -> None:
    decisions, owners = draw_segments(shown, 50, 3, np.random.default_rng(0))
    games = np.searchsorted(shown.starts, decisions, side="right") - 1
    for segment in range(50):
        own = decisions[owners == segment]
        assert 1 <= len(own) <= 3
        assert (np.diff(own) == 1).all()
        assert len(set(games[owners == segment])) == 1
        assert len(own) == 3 or own[-1] + 1 in shown.starts
