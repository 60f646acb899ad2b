"""Openings of people that a policy is told: their numbers, their rewards, and a policy that learns to obey them."""

from pathlib import Path

import numpy as np
import pytest

from gameil.agents.network import NetworkAgent, load_network_agent
from gameil.cli.main import main
from gameil.errors import ConfigError
from gameil.experience.demonstrations import DemonstrationConfig, demonstrated_games, read_demonstrations
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.opening_vectors import typed_opening
from gameil.rollout.opening_statistics import UNTOLD, OpeningsConfig, OpeningStatistics
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.rollout.trajectories import Trajectories
from tests.rollout.test_self_play import FixedEvaluator, GreedyEvaluator
from tests.stages.toy_start import write_games, write_start

GAME = make_game("tic_tac_toe")
ENCODER = ObservationEncoder(GAME, EncoderConfig())


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "toy.lmdb")


@pytest.fixture(scope="module")
def shown(games: Path) -> Trajectories:
    found = read_demonstrations(demonstrated_games(DemonstrationConfig(games, games=40), GAME), ENCODER)
    assert found is not None
    return found


def test_typed_openings_belong_to_who_moves() -> None:
    """x in the middle, o in a corner, x in another: two moves of x, one of o."""
    told = typed_opening(GAME, "x(1,1)-o(0,0)-x(2,2)", most=5, known=2)
    assert told.shape == (2, 2 + 9)
    assert np.flatnonzero(told[0]).tolist() == [2 + 4, 2 + 8]
    assert np.flatnonzero(told[1]).tolist() == [2 + 0]
    assert typed_opening(GAME, "x(1,1)-o(0,0)-x(2,2)", most=1)[0].sum() == 1
    with pytest.raises(ConfigError, match="move 2"):
        typed_opening(GAME, "x(1,1)-o(1,1)", most=5)


def test_rewards_by_hand(shown: Trajectories) -> None:
    """Who always takes the lowest free cell plays 0, 2, 4, 6 first: rewarded for what the drawn opening has of it."""
    statistics = OpeningStatistics(OpeningsConfig(decisions=2, dropout=0.0, reward=0.5), shown, 9, known=0)
    batch = play_self(
        GAME, ENCODER, _Told(), [], SelfPlayConfig(games=8, opening_plies=0), seed=0, iteration=0, statistics=statistics
    )
    assert (batch.told != UNTOLD).all()
    assert (shown.seats[batch.told] == batch.seats).all()
    rewarded = statistics.rewarded(batch)
    for trajectory, (start, end) in enumerate(zip(batch.starts[:-1], batch.starts[1:], strict=True)):
        wanted = shown.actions[shown.starts[batch.told[trajectory]] :][:2].tolist()
        expected = [0.25 if action in wanted else -0.25 for action in batch.actions[start : start + 2].tolist()]
        gained = rewarded.rewards[start:end] - batch.rewards[start:end]
        np.testing.assert_allclose(gained, expected + [0.0] * (end - start - 2), atol=1e-6)


class _Told(GreedyEvaluator):
    """Greedy, and sure that it is told one row of nine numbers for each position."""

    def evaluate_legal(self, observations, legal, rows, conditions=None):
        assert conditions.shape == (len(observations), 9)
        assert conditions.sum(axis=1).max() <= 2.0
        return super().evaluate_legal(observations, legal, rows)


def test_untold_by_dropout(shown: Trajectories) -> None:
    statistics = OpeningStatistics(OpeningsConfig(decisions=3, dropout=0.25), shown, 9, known=1)
    rng = np.random.default_rng(0)
    drawn = np.array([statistics.draw(1, rng) for _ in range(2000)])
    assert 0.21 < (drawn == UNTOLD).mean() < 0.29
    assert not statistics.rows(np.array([UNTOLD])).any()
    assert statistics.rows(np.array([0])).sum() == 3
    batch = play_self(GAME, ENCODER, FixedEvaluator(), [], SelfPlayConfig(games=2), seed=0, iteration=0)
    np.testing.assert_array_equal(statistics.rewarded(batch).rewards, batch.rewards)


def test_a_policy_learns_to_play_what_the_dial_says(games: Path, tmp_path: Path, runs: Path) -> None:
    start = write_start(tmp_path / "start")
    flags: dict[str, object] = {
        "init": start,
        "learner": "ppo",
        "iterations": 30,
        "self-play.games": 64,
        "self-play.opening-plies": 0,
        "self-play.self-share": 1.0,
        "openings.decisions": 1,
        "openings.reward": 1.0,
        "ppo.minibatch": 256,
        "ppo.max-behaviour-kl": 0.2,
        "ppo.update.learning-rate": 0.02,
        "ppo.update.ema-decay": 0.0,
        "demonstrations.dataset": games,
        "demonstrations.games": 90,
        "guard.every": 0,
        "series-games": 2,
        "threads": 1,
    }
    pairs = [part for flag, value in flags.items() for part in (f"--{flag}", str(value))]
    assert main(["finetune", *pairs, "--runs", str(runs), "--name", "dial", "--quiet"]) == 0
    snapshot = str(runs / "dial" / "snapshots" / "last")

    def first_move(opening: str) -> int:
        agent = load_network_agent("agent", GAME, path=snapshot, opening=opening)
        assert isinstance(agent, NetworkAgent)
        return int(agent.evaluate([GAME.initial_state()]).log_probs[0].argmax())

    found = [first_move(text) for text in ("x(0,0)", "x(1,1)", "x(2,2)", "x(0,1)")]
    assert sum(move == cell for move, cell in zip(found, (0, 4, 8, 1), strict=True)) >= 3, found
    with pytest.raises(ConfigError, match="trained with openings"):
        load_network_agent("agent", GAME, path=str(start), opening="x(0,0)")
