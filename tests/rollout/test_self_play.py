"""Self-play's seat trajectories against games whose course is known."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.self_play import SelfPlayConfig, draw_actions, draw_opponents, play_self
from gameil.rollout.trajectories import LEARNER, Trajectories


class FixedEvaluator:
    """Uniform policy and one value everywhere; remembers how many positions it saw."""

    def __init__(self, value: float = 0.0) -> None:
        self.value = value
        self.positions = 0

    def evaluate_legal(
        self, observations: np.ndarray, legal: np.ndarray, rows: np.ndarray, conditions: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        self.positions += len(observations)
        counts = np.bincount(rows, minlength=len(observations))
        return -np.log(counts[rows]).astype(np.float32), np.full(len(observations), self.value, np.float32)


class GreedyEvaluator(FixedEvaluator):
    """Always the lowest legal action."""

    def evaluate_legal(
        self, observations: np.ndarray, legal: np.ndarray, rows: np.ndarray, conditions: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        self.positions += len(observations)
        first = np.diff(rows, prepend=-1) > 0
        return np.where(first, 0.0, -50.0).astype(np.float32), np.full(len(observations), self.value, np.float32)


def _play(game_id: str, learner, opponents, *, iteration: int = 0, **config) -> Trajectories:
    game = make_game(game_id)
    encoder = ObservationEncoder(game, EncoderConfig())
    return play_self(game, encoder, learner, opponents, SelfPlayConfig(**config), seed=5, iteration=iteration)


def test_both_seats_of_a_known_game() -> None:
    """Tic-tac-toe by the lowest free cell: x takes 0, 2, 4, 6 and wins on the diagonal 2-4-6; o has 1, 3, 5."""
    batch = _play("tic_tac_toe", GreedyEvaluator(), [], games=1, opening_plies=0)
    first, second = (slice(*batch.starts[i : i + 2]) for i in range(2))
    assert batch.actions[first].tolist() == [0, 2, 4, 6]
    assert batch.actions[second].tolist() == [1, 3, 5]
    assert batch.rewards[first].tolist() == [0, 0, 0, 1]
    assert batch.rewards[second].tolist() == [0, 0, -1]  # its last move is followed by x's winning one
    assert batch.discounts[first].tolist() == [1, 1, 1, 0]
    assert batch.discounts[second].tolist() == [1, 1, 0]
    assert batch.outcomes.tolist() == [1, -1]
    assert batch.seats.tolist() == [0, 1]
    assert batch.frames == 7
    assert (batch.opponents == LEARNER).all()


def test_decisions_are_consistent() -> None:
    batch = _play("connect_four", FixedEvaluator(), [], games=20)
    counts = np.diff(batch.offsets)
    np.testing.assert_array_equal(batch.legal[batch.action_places], batch.actions)
    assert ((batch.action_places >= batch.offsets[:-1]) & (batch.action_places < batch.offsets[1:])).all()
    np.testing.assert_allclose(batch.behaviour_log_probs, -np.log(counts), rtol=1e-6)
    assert batch.observations.dtype == np.float16
    per_game = batch.outcomes.reshape(20, 2)
    np.testing.assert_array_equal(per_game.sum(axis=1), 0)
    ends = batch.starts[1:] - 1
    assert (batch.discounts[ends] == 0).all()
    assert batch.discounts.sum() == len(batch) - len(ends)


def test_games_do_not_depend_on_how_many_are_played_beside_them() -> None:
    few = _play("connect_four", FixedEvaluator(), [FixedEvaluator()], games=5)
    many = _play("connect_four", FixedEvaluator(), [FixedEvaluator()], games=30)
    size = len(few)
    np.testing.assert_array_equal(few.actions, many.actions[:size])
    np.testing.assert_array_equal(few.seats, many.seats[: len(few.seats)])
    other = _play("connect_four", FixedEvaluator(), [FixedEvaluator()], games=5, iteration=1)
    assert other.actions.tolist() != few.actions.tolist()


def test_opponents_of_an_iteration_come_from_the_whole_pool() -> None:
    drawn = [draw_opponents(9, 3, seed=0, iteration=number) for number in range(40)]
    assert all(len(set(each)) == 3 and each == sorted(each) for each in drawn)
    assert {opponent for each in drawn for opponent in each} == set(range(9))  # one missing: 9 * (2/3)^40 < 1e-6
    assert draw_opponents(2, 3, seed=0, iteration=0) == draw_opponents(2, 0, seed=0, iteration=0) == [0, 1]
    assert draw_opponents(0, 3, seed=0, iteration=0) == []
    batch = _play("connect_four", FixedEvaluator(), [FixedEvaluator()] * 9, games=60, self_share=0.0, opponents_drawn=2)
    assert len(set(batch.opponents.tolist())) == 2


def test_opponents_moves_are_not_learned_from() -> None:
    learner, opponents = FixedEvaluator(), [FixedEvaluator(), FixedEvaluator(), FixedEvaluator()]
    batch = _play("connect_four", learner, opponents, games=60, self_share=0.0)
    assert learner.positions == len(batch)
    assert learner.positions + sum(opponent.positions for opponent in opponents) == batch.frames
    assert set(batch.opponents.tolist()) == {0, 1, 2}
    assert len(batch.opponents) == 60
    assert 15 < (batch.seats == 0).sum() < 45  # fair coin: outside with probability 1e-4


def test_truncated_games_bootstrap_with_the_seats_own_value() -> None:
    """Cut after 6 plies, seat 0 is to move at value 0.25: so it is -0.25 for seat 1."""
    batch = _play("connect_four", FixedEvaluator(0.25), [], games=4, opening_plies=0, max_plies=6, discount=0.9)
    assert batch.lengths().tolist() == [3] * 8
    np.testing.assert_allclose(batch.discounts, 0.9)
    np.testing.assert_allclose(batch.bootstrap_values, np.where(batch.seats == 0, 0.25, -0.25))
    assert (batch.rewards == 0).all()


@pytest.mark.parametrize("game_id", ["kuhn_poker", "leduc_poker", "backgammon"])
def test_chance_and_hidden_information(game_id: str) -> None:
    """Returns are divided by the game's greatest, and chips won by one seat are lost by the other."""
    batch = _play(game_id, FixedEvaluator(), [], games=4, opening_plies=0, max_plies=20)
    assert np.abs(batch.outcomes).max() <= 1.0
    ended = batch.discounts[batch.starts[1:] - 1] == 0
    if game_id == "kuhn_poker":
        assert ended.all()
        assert {0.5, 1.0} >= set(np.abs(batch.outcomes).tolist())
    sums = np.add.reduceat(batch.rewards, batch.starts[:-1])
    np.testing.assert_allclose(sums[ended], batch.outcomes[ended], atol=1e-6)


def test_chance_may_end_a_game_before_anyone_moved() -> None:
    batch = _play("blackjack", FixedEvaluator(), [], games=64, opening_plies=2, max_plies=20)
    assert np.isfinite(batch.outcomes).all()


def test_three_players() -> None:
    batch = _play("tic_tac_toe", FixedEvaluator(), [FixedEvaluator()], games=3, opening_plies=2)
    assert len(batch.seats) >= 3
    three = _play("kuhn_poker(players=3)", FixedEvaluator(), [], games=6, opening_plies=0)
    assert set(three.seats.tolist()) == {0, 1, 2}


def test_draws_follow_the_distribution() -> None:
    """Two states: {1/4, 3/4} and a sure action, given up to a constant."""
    log_probs = np.log(np.array([0.25, 0.75, 1.0])).astype(np.float32) + np.float32(3.0)
    rows = np.array([0, 0, 1])
    rng = np.random.default_rng(0)
    drawn = [draw_actions(log_probs, rows, rng.random(2)) for _ in range(4000)]
    places = np.array([places for places, _ in drawn])
    assert (places[:, 1] == 2).all()
    assert (places[:, 0] == 0).mean() == pytest.approx(0.25, abs=0.03)  # standard error 0.007
    for place, log_prob in drawn[:10]:
        assert np.exp(log_prob[0]) == pytest.approx(0.25 if place[0] == 0 else 0.75, rel=1e-5)
        assert log_prob[1] == pytest.approx(0.0, abs=1e-6)


def test_temperature_sharpens_what_is_played() -> None:
    """Behaviour log-probabilities are those of the tempered policy: at 0.5, 1/4 and 3/4 become 1/10 and 9/10."""

    class Biased(FixedEvaluator):
        def evaluate_legal(
            self, observations: np.ndarray, legal: np.ndarray, rows: np.ndarray
        ) -> tuple[np.ndarray, np.ndarray]:
            log_probs = np.where(np.diff(rows, prepend=-1) > 0, np.log(0.25), np.log(0.75)).astype(np.float32)
            return log_probs, np.zeros(len(observations), np.float32)

    batch = _play("kuhn_poker", Biased(), [], games=40, opening_plies=0, temperature=0.5)
    expected = np.where(batch.actions == 0, 0.1, 0.9)  # two actions everywhere
    np.testing.assert_allclose(np.exp(batch.behaviour_log_probs), expected, rtol=1e-4)
    assert batch.temperature == 0.5


def test_draws_at_the_edges_stay_within_their_state() -> None:
    log_probs = np.log(np.full(4, 0.5)).astype(np.float32)
    rows = np.array([0, 0, 1, 1])
    assert draw_actions(log_probs, rows, np.array([0.0, 0.0]))[0].tolist() == [0, 2]
    almost = np.nextafter(1.0, 0.0)
    assert draw_actions(log_probs, rows, np.array([almost, almost]))[0].tolist() == [1, 3]


@pytest.mark.parametrize(
    "bad", [{"games": 0}, {"self_share": 1.5}, {"temperature": 0.0}, {"max_plies": -1}, {"opponents_drawn": -1}]
)
def test_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        SelfPlayConfig(**bad)
