"""Replay and demonstrations against the trajectories that went in."""

from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import ConfigError, DatasetError, ShapeError
from gameil.experience.demonstrations import DemonstrationConfig, demonstrated_games, read_demonstrations
from gameil.experience.priorities import PriorityConfig
from gameil.experience.replay import Replay, ReplayConfig
from gameil.games.registry import make_game
from gameil.learners.seat_trajectories import TrajectoryColumns
from gameil.losses.returns import n_step_returns
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.rollout.trajectories import DEMONSTRATION, Trajectories, join_trajectories, take_trajectories
from gameil.schedules import Schedule
from tests.rollout.test_self_play import FixedEvaluator
from tests.stages.toy_start import write_games

GAME = make_game("tic_tac_toe")
ENCODER = ObservationEncoder(GAME, EncoderConfig())


def play(seed: int, games: int = 6, max_plies: int = 0) -> Trajectories:
    config = SelfPlayConfig(games=games, opening_plies=0, max_plies=max_plies, discount=0.9)
    return play_self(GAME, ENCODER, FixedEvaluator(0.3), [], config, seed=seed, iteration=0)


def replay(demonstrations: Trajectories | None, decisions: int, **config: object) -> Replay:
    own = ReplayConfig(decisions=decisions, **config)  # type: ignore[arg-type]
    return Replay(own, demonstrations, observation_shape=ENCODER.shape, num_actions=GAME.num_actions)


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "toy.lmdb")


def test_demonstrations_are_peoples_games_seat_by_seat(people: Path) -> None:
    config = DemonstrationConfig(people, games=7)
    games = demonstrated_games(config, GAME)
    shown = read_demonstrations(games, ENCODER, discount=0.5)
    assert shown is not None
    assert len(shown.seats) == 14
    assert (shown.opponents == DEMONSTRATION).all()
    for number, played in enumerate(games):
        for seat in (0, 1):
            trajectory = 2 * number + seat
            own = slice(*shown.starts[trajectory : trajectory + 2])
            assert shown.actions[own].tolist() == played.actions[seat::2].tolist()
            assert shown.plies[own].tolist() == list(range(seat, len(played.actions), 2))
            assert shown.rewards[own].tolist() == [0.0] * (own.stop - own.start - 1) + [played.returns[seat]]
            assert shown.discounts[own].tolist() == [0.5] * (own.stop - own.start - 1) + [0.0]
    np.testing.assert_array_equal(shown.legal[shown.action_places], shown.actions)
    fewer = demonstrated_games(DemonstrationConfig(people, games=3), GAME)
    assert [each.match_id for each in fewer] == [each.match_id for each in games[:3]]
    assert demonstrated_games(DemonstrationConfig(people, games=0), GAME) == []
    with pytest.raises(DatasetError, match="not of connect_four"):
        demonstrated_games(config, make_game("connect_four"))


def test_what_goes_in_comes_out() -> None:
    batch = play(0)
    store = replay(batch, 50)
    places = np.arange(len(batch))
    found = store.decisions(places)
    np.testing.assert_array_equal(found.observations, batch.observations)
    np.testing.assert_array_equal(found.legal, batch.legal)
    np.testing.assert_array_equal(found.actions, batch.actions)
    np.testing.assert_array_equal(found.action_places, batch.action_places)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1000), steps=st.integers(1, 6), cut=st.sampled_from([0, 3, 5]))
def test_what_followed_is_the_n_step_return(seed: int, steps: int, cut: int) -> None:
    """``R + D v`` at every place, through a ring that has been overwritten, equals ``n_step_returns``."""
    ring = 60
    store = replay(None, ring)
    rng = np.random.default_rng(seed)
    newest: Trajectories | None = None
    for part in range(3):
        newest = play(seed + part, games=4, max_plies=cut)
        store.add(newest)
    assert newest is not None
    values = rng.random(len(newest)).astype(np.float32)
    columns = TrajectoryColumns(newest, np.arange(len(newest.starts) - 1))
    # The columns end in a row that carries the bootstrap: one step more for those that were cut.
    expected = columns.flatten(
        n_step_returns(columns.rewards, columns.discounts, columns.values(torch.from_numpy(values)), steps)
    ).numpy()
    end = store.places.state_dict()["state"]["next"]
    places = (end - len(newest) + np.arange(len(newest))) % ring
    by_place = np.zeros(ring, np.float32)
    by_place[places] = values
    ahead = store.ahead(places, steps)
    np.testing.assert_allclose(ahead.rewards + ahead.discounts * by_place[ahead.places], expected, atol=1e-5)


def test_demonstrations_stay_and_shares_follow_their_schedule() -> None:
    shown = play(1)
    store = replay(
        shown,
        40,
        shares="scheduled",
        demonstration_share=Schedule(0.5, 0.25, 10),
        priorities=PriorityConfig(alpha=0.0),
        beta=Schedule(1.0, 1.0, 0),
    )
    rng = np.random.default_rng(0)
    assert store.draw(8, 0, rng)[2].all()  # nothing else is there yet
    for seed in range(2, 12):
        store.add(play(seed, games=3))
    np.testing.assert_array_equal(store.decisions(np.arange(len(shown))).actions, shown.actions)
    for update, share in ((0, 0.5), (10, 0.25), (99, 0.25)):
        places, weights, tagged = store.draw(32, update, rng)
        assert tagged.sum() == 32 * share
        assert (tagged == (places < len(shown))).all()
        # In full corrected, either kind counts as often as it is there.
        assert weights[tagged].sum() / weights.sum() == pytest.approx(len(shown) / len(store), rel=1e-5)
    with pytest.raises(ShapeError, match="do not fit"):
        store.add(play(3, games=40))


@pytest.mark.parametrize("megabytes", [0, 100])
def test_goes_on_from_a_checkpoint_in_memory_or_on_disk(tmp_path: Path, megabytes: int) -> None:
    def make() -> Replay:
        config = ReplayConfig(decisions=50, memory_megabytes=megabytes)
        return Replay(
            config,
            play(5),
            observation_shape=ENCODER.shape,
            num_actions=GAME.num_actions,
            directory=tmp_path / "replay",
        )

    store, again = make(), make()
    assert isinstance(store._observations, np.memmap) == (megabytes == 0)
    assert not list((tmp_path / "replay").glob("*")) if megabytes == 0 else not (tmp_path / "replay").exists()
    for seed in range(3):
        store.add(play(seed, games=3))
        store.places.update(np.arange(5), np.linspace(0, 2, 5, dtype=np.float32))
    again.load_state_dict(store.state_dict())
    for update in range(3):
        first, second = (each.draw(16, update, np.random.default_rng(update)) for each in (store, again))
        np.testing.assert_array_equal(first[0], second[0])
        np.testing.assert_array_equal(first[1], second[1])
        np.testing.assert_array_equal(store.decisions(first[0]).observations, again.decisions(first[0]).observations)


def test_joined_and_taken_trajectories_are_the_same_ones() -> None:
    parts = [play(seed, games=3, max_plies=5) for seed in range(3)]
    whole = join_trajectories(parts)
    assert len(whole) == sum(map(len, parts))
    np.testing.assert_array_equal(whole.legal[whole.action_places], whole.actions)
    second = take_trajectories(whole, np.arange(6, 12))
    for name in ("observations", "legal", "offsets", "actions", "action_places", "starts", "rewards", "plies", "told"):
        np.testing.assert_array_equal(getattr(second, name), getattr(parts[1], name))
    backwards = take_trajectories(whole, np.arange(12)[::-1])
    np.testing.assert_array_equal(backwards.legal[backwards.action_places], backwards.actions)


def test_refuses_what_cannot_be() -> None:
    with pytest.raises(ConfigError, match="decisions"):
        ReplayConfig(decisions=0)
    with pytest.raises(ConfigError, match="games"):
        DemonstrationConfig(games=-1)
