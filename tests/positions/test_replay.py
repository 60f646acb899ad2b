"""Positions of a game as arrays."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import DatasetError, ShapeError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import encode_game, replay
from gameil.records.record import PlayerInfo, Provenance

# Connect four: X (seat 0) builds the first column and wins with its fourth stone.
COLUMN = np.array([0, 1, 0, 1, 0, 1, 0], dtype=np.uint32)


def column_game(**changes: object) -> PlayedGame:
    values: dict[str, object] = {
        "game_id": "connect_four",
        "actions": COLUMN.copy(),
        "source": Provenance("test", 0),
        "returns": (1.0, -1.0),
        "players": (PlayerInfo("x", 1500), PlayerInfo("o")),
    }
    return PlayedGame(**(values | changes))  # type: ignore[arg-type]


def encoder() -> ObservationEncoder:
    return ObservationEncoder(make_game("connect_four"), EncoderConfig(last_moves=1))


def test_each_position_carries_what_the_mover_knows_and_did() -> None:
    batch = encode_game(column_game(), encoder(), game_id=7)
    assert batch.actions.tolist() == COLUMN.tolist()
    assert batch.returns.tolist() == [1, -1, 1, -1, 1, -1, 1]
    assert batch.plies.tolist() == list(range(7))
    assert batch.ratings.tolist() == [1500, 0, 1500, 0, 1500, 0, 1500]
    assert set(batch.game_ids.tolist()) == {7}
    assert batch.num_legal().tolist() == [7] * 7
    # Own and opponent's stones: before ply 6 the mover has three stones, the opponent three.
    own, opponent = batch.observations[6, 0], batch.observations[6, 1]
    assert own.sum() == opponent.sum() == 3
    assert own[:, 0].sum() == 3
    # After ply 0 the second player sees one opponent's stone and none of its own.
    assert batch.observations[1, 0].sum() == 0
    assert batch.observations[1, 1].sum() == 1


def test_setup_is_played_but_not_shown() -> None:
    batch = encode_game(column_game(num_setup=2), encoder())
    assert batch.plies.tolist() == [2, 3, 4, 5, 6]


def test_unknown_outcomes_have_no_weight() -> None:
    batch = encode_game(column_game(returns=None), encoder())
    assert not batch.return_weights.any()
    assert not batch.returns.any()


def test_labels_replace_the_move_played() -> None:
    label = Label("solver", 0, np.array([2, 3], np.int32), np.array([0.25, 0.75], np.float32))
    batch = encode_game(column_game(), encoder(), labels={4: label})
    assert batch.plies.tolist() == [4]
    assert batch.actions.tolist() == [3]
    assert batch.target_probs is not None
    np.testing.assert_allclose(batch.target_probs, [0, 0, 0.25, 0.75, 0, 0, 0])


def test_a_label_for_an_illegal_action_is_refused() -> None:
    label = Label("solver", 0, np.array([9], np.int32), np.array([1.0], np.float32))
    with pytest.raises(DatasetError, match="not legal"):
        encode_game(column_game(), encoder(), labels={0: label})


def test_a_label_must_be_a_distribution() -> None:
    with pytest.raises(ShapeError, match="sum"):
        Label("solver", 0, np.array([1, 2], np.int32), np.array([0.5, 0.1], np.float32))


def test_a_game_that_does_not_replay_says_where() -> None:
    with pytest.raises(DatasetError, match="ply 6"):
        list(replay(column_game(actions=np.array([0, 0, 0, 0, 0, 0, 0], dtype=np.uint32))))


def test_chance_outcomes_are_played_but_not_shown() -> None:
    kuhn = make_game("kuhn_poker")
    game = PlayedGame("kuhn_poker", np.array([0, 1, 0, 0], np.uint32), Provenance("test", 0), returns=(-1.0, 1.0))
    batch = encode_game(game, ObservationEncoder(kuhn, EncoderConfig()))
    assert batch.plies.tolist() == [2, 3]


@given(st.lists(st.integers(0, 6), max_size=12), st.integers(0, 6))
def test_take_and_concatenate_are_consistent(indices: list[int], cut: int) -> None:
    whole = encode_game(column_game(), encoder())
    split = PositionBatch.concatenate([whole.take(np.arange(cut)), whole.take(np.arange(cut, 7))])
    taken, again = whole.take(np.array(indices, np.int64)), split.take(np.array(indices, np.int64))
    for name in PositionBatch.__slots__:
        np.testing.assert_array_equal(getattr(taken, name), getattr(again, name))
    assert taken.actions.tolist() == [int(COLUMN[i]) for i in indices]
    assert taken.soft_targets().sum() == pytest.approx(len(indices))


def test_joining_hard_and_soft_targets_spells_the_hard_ones_out() -> None:
    label = Label("solver", 0, np.array([2, 3], np.int32), np.array([0.25, 0.75], np.float32))
    hard = encode_game(column_game(), encoder())
    soft = encode_game(column_game(), encoder(), labels={0: label})
    joined = PositionBatch.concatenate([hard, soft])
    assert joined.target_probs is not None
    np.testing.assert_allclose(joined.target_probs[:7], [1, 0, 0, 0, 0, 0, 0])
    np.testing.assert_allclose(joined.target_probs[-7:], [0, 0, 0.25, 0.75, 0, 0, 0])


def test_an_experts_value_stands_in_for_the_outcome() -> None:
    one, half = np.array([2], np.int32), np.array([1.0], np.float32)
    labels = {2: Label("solver", 0, one, half, value=0.5), 3: Label("solver", 0, one, half)}
    batch = encode_game(column_game(), encoder(), labels=labels)
    assert batch.returns.tolist() == [0.5, -1.0]
    unknown = encode_game(column_game(returns=None), encoder(), labels=labels)
    assert unknown.returns.tolist() == [0.5, 0.0]
    assert unknown.return_weights.tolist() == [1.0, 0.0]
