"""Does a reward learned from demonstrations alone say what the true one says? A walk along a cliff, solved exactly.

The expert is the maximum-entropy policy of the true reward (-1 a step, -100 for the cliff), by soft value iteration.
What AIRL and GAIL recover is that reward but for shaping, which changes no policy: an optimal soft advantage
(Fu et al. 2018, section 4). So the learned reward of every state and action is held against the expert's true soft
advantage: Pearson's and Spearman's correlation over all pairs that the expert or the learner come to.

Usage: benchmarks/learned_reward.py [--method airl] [--iterations 60] [--seeds 3]
"""

import argparse
import statistics

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import spearmanr

from gameil.games.registry import make_game
from gameil.learners.adversarial import Adversarial, AdversarialConfig, Method
from gameil.learners.ppo import PpoConfig
from gameil.learners.reward_network import build_reward_network
from gameil.learners.updates import UpdateConfig
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.schedules import Schedule

HEIGHT, WIDTH, HORIZON = 3, 5, 14
GAME = make_game(f"cliff_walking(height={HEIGHT},width={WIDTH},horizon={HORIZON})")
ENCODER = ObservationEncoder(GAME, EncoderConfig())
TEMPERATURE = 0.5
"""Of the expert, in steps: it takes the second best way now and then."""
MOVES = ((0, 1), (-1, 0), (0, -1), (1, 0))
"""Of actions 0 to 3 as (rows, columns): right, up, left, down."""


def soft_advantages() -> NDArray[np.float64]:
    """The expert's ``(Q - V) / temperature = log pi(a | s)`` of every cell, ``[cells, 4]``, by soft value iteration."""
    values = np.zeros(HEIGHT * WIDTH)
    cliff = {(HEIGHT - 1) * WIDTH + column for column in range(1, WIDTH - 1)}
    goal = HEIGHT * WIDTH - 1
    for _ in range(200):
        action_values = np.zeros((len(values), 4))
        for cell in range(len(values)):
            for action, (rows, columns) in enumerate(MOVES):
                row = min(max(cell // WIDTH + rows, 0), HEIGHT - 1)
                column = min(max(cell % WIDTH + columns, 0), WIDTH - 1)
                after = row * WIDTH + column
                over = after in cliff or after == goal
                action_values[cell, action] = (-100.0 if after in cliff else -1.0) + (0.0 if over else values[after])
        scaled = action_values / TEMPERATURE
        values = TEMPERATURE * np.logaddexp.reduce(scaled, axis=1)
    return scaled - np.logaddexp.reduce(scaled, axis=1, keepdims=True)


class Expert:
    """The soft-optimal policy; an observation is the cell as one-hot."""

    def __init__(self) -> None:
        self.log_probs = soft_advantages()

    def evaluate_legal(
        self,
        observations: NDArray[np.float32],
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
        conditions: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities beside ``legal [L]``, and no values."""
        cells = observations.reshape(len(observations), -1).argmax(axis=1)
        return self.log_probs[cells[rows], legal].astype(np.float32), np.zeros(len(observations), np.float32)


def correlations(method: Method, iterations: int, seed: int) -> tuple[float, float, float]:
    """Pearson's and Spearman's correlation, and the mean log-probability that the learner gives the expert's moves."""
    expert = Expert()
    play = SelfPlayConfig(games=64, opening_plies=0, discount=0.99)
    shown = play_self(GAME, ENCODER, expert, [], play, seed=1000 + seed, iteration=0)
    shape = ModelConfig(kind="mlp", hidden=64, layers=2)
    model = build_model(shape, GAME, ENCODER.shape, seed=seed)
    ppo = PpoConfig(
        update=UpdateConfig(learning_rate=3e-3, value_learning_rate=5e-3, value_to_trunk=0.1, ema_decay=0.0),
        minibatch=512,
        kl_weight=Schedule(0.0, 0.0, 0),
        entropy_weight=Schedule(0.02, 0.02, 0),
        warmup_steps=1,
    )
    config = AdversarialConfig(method=method, ppo=ppo, learning_rate=3e-3, minibatch=256, updates=10, penalty=0.1)
    rewards = build_reward_network(shape, GAME, ENCODER.shape, seed=seed, device="cpu")
    learner = Adversarial(model, None, rewards, config, demonstrations=shown, density=None, seed=seed)
    visited = np.zeros((HEIGHT * WIDTH, 4))
    for iteration in range(iterations):
        batch = play_self(GAME, ENCODER, NetworkEvaluator(learner.model), [], play, seed=seed, iteration=iteration)
        for part in (batch, shown) if iteration == 0 else (batch,):
            cells = part.observations.reshape(len(part), -1).argmax(axis=1)
            np.add.at(visited, (cells, part.actions), 1.0)
        learner.step(batch)
    cells = np.flatnonzero((visited > 0).all(axis=1))
    learned = learned_rewards(learner, cells)
    known = np.maximum(expert.log_probs[cells], -8.0)
    true = (known - known.mean(axis=1, keepdims=True)).reshape(-1)
    evaluator = NetworkEvaluator(learner.model)
    legal = np.tile(np.arange(4), len(shown))
    log_probs, _ = evaluator.evaluate_legal(shown.observations, legal, np.repeat(np.arange(len(shown)), 4))
    taken = log_probs.reshape(-1, 4)[np.arange(len(shown)), shown.actions]
    return float(np.corrcoef(learned, true)[0, 1]), float(spearmanr(learned, true)[0]), float(taken.mean())


def learned_rewards(learner: Adversarial, cells: NDArray[np.int64]) -> NDArray[np.float64]:
    """The learned reward of every action in these cells, each cell's mean taken off, ``[cells * 4]``.

    The mean of a cell is the shaping's, which changes no policy.
    """
    observations = np.zeros((len(cells) * 4, *ENCODER.shape), np.float16)
    observations.reshape(len(cells) * 4, -1)[np.arange(len(cells) * 4), np.repeat(cells, 4)] = 1.0
    places = np.arange(len(cells) * 4) * 4 + np.tile(np.arange(4), len(cells))
    legal, rows = np.tile(np.arange(4), len(cells) * 4), np.repeat(np.arange(len(cells) * 4), 4)
    with torch.no_grad():
        found, _ = learner.rewards(observations, legal, rows, places)
    table = found.double().numpy().reshape(len(cells), 4)
    centred: NDArray[np.float64] = (table - table.mean(axis=1, keepdims=True)).reshape(-1)
    return centred


def main() -> None:
    """Prints one line a method."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--method", choices=("airl", "gail"), action="append")
    parser.add_argument("--iterations", type=int, default=60)
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args()
    for method in options.method or ("airl", "gail"):
        found = [correlations(method, options.iterations, seed) for seed in range(options.seeds)]
        pearson, spearman, likelihood = (statistics.mean(each) for each in zip(*found, strict=True))
        print(f"{method}: Pearson {pearson:.2f}, Spearman {spearman:.2f}, ", end="")
        print(f"expert's moves {likelihood:.2f} nats", flush=True)


if __name__ == "__main__":
    main()
