"""Measures of predictions by hand: calibration, value, bands; and the table of known positions."""

import numpy as np
import pytest

from gameil.games.registry import make_game
from gameil.learners.held_out import MoveScores
from gameil.positions.encoder import ObservationEncoder
from gameil.stages.known_positions import BARE, FALLBACK, KnownPositions, position_keys
from gameil.stages.scored_positions import (
    ScoredBatch,
    ScoredPositions,
    by_band,
    legal_bands,
    means,
    phase_bands,
    ply_bands,
    rating_bands,
)


def batch(**changes: object) -> ScoredBatch:
    """Four positions; the move played is the agent's first, second, fourth and first choice."""
    columns: dict[str, object] = {
        "scores": MoveScores(
            np.array([0, 1, 3, 0]), np.array([1, 1, 1, 1]), np.log(np.array([0.5, 0.25, 0.1, 0.8], np.float32))
        ),
        "confidence": np.array([0.5, 0.5, 0.6, 0.8], np.float32),
        "values": np.array([0.5, 0.0, np.nan, -1.0], np.float32),
        "outcomes": np.array([1.0, np.nan, 1.0, -1.0], np.float32),
        "games": np.arange(4, dtype=np.uint64),
        "plies": np.array([0, 9, 10, 99]),
        "moves_left": np.array([30, 21, 20, 1]),
        "ratings": np.array([0, 1799, 1800, 1800]),
        "num_legal": np.array([2, 5, 30, 200]),
        "keys": np.zeros(4, np.uint64),
        **changes,
    }
    return ScoredBatch(**columns)  # type: ignore[arg-type]


def test_means_by_hand() -> None:
    found = means(batch(), np.ones(4, bool))
    assert found["positions"] == 4
    assert (found["top1"], found["top3"], found["top5"]) == (0.5, 0.75, 1.0)
    assert found["nll"] == pytest.approx(-np.log([0.5, 0.25, 0.1, 0.8]).mean())
    # Known values and outcomes: 0.75 for a win, 0 for a loss.
    assert found["value_brier"] == pytest.approx((0.25**2 + 0.0) / 2)
    assert found["value_log_loss"] == pytest.approx(-np.log(0.75) / 2, abs=1e-5)
    without = means(batch(), np.ones(4, bool), has_policy=False)
    assert without["top1"] == 0.5
    assert without["nll"] is None
    assert without["ece"] is None
    assert "value_brier" not in means(batch(), np.array([False, True, True, False]))


def test_bands() -> None:
    assert [name for _, name in rating_bands(batch())] == ["unknown", "1600-1799", "1800-1999", "1800-1999"]
    assert [name for _, name in ply_bands(batch())] == ["0-9", "0-9", "10-19", "80+"]
    assert [name for _, name in legal_bands(batch())] == ["2-4", "5-9", "20-39", "40+"]
    assert [name for _, name in phase_bands(batch())] == ["first third", "first third", "middle third", "last third"]
    found = by_band(batch(), ply_bands, has_policy=True)
    assert list(found) == ["0-9", "10-19", "80+"]
    assert found["0-9"]["positions"] == 2


def test_parts_are_joined_in_order() -> None:
    whole = ScoredPositions([batch(), batch(plies=np.array([7, 7, 7, 7]))]).joined()
    assert whole.plies.tolist() == [0, 9, 10, 99, 7, 7, 7, 7]
    assert whole.scores.better.tolist() == [0, 1, 3, 0] * 2


def test_the_table_by_hand() -> None:
    keys = np.array([5, 5, 5, 9], np.uint64)
    known = KnownPositions(keys, np.array([2, 2, 4, 1]))
    assert known.num_positions == 2
    assert known.seen(np.array([5, 6, 9, 2**63], np.uint64)).tolist() == [True, False, True, False]
    # Position 5 with legal actions 1, 2, 4; position 6, never seen, with 0 and 3; position 9 with 0 only, which is
    # another action than the one seen there.
    found = np.exp(
        known.log_probs(np.array([5, 6, 9], np.uint64), np.array([1, 2, 4, 0, 3, 0], np.int32), np.array([0, 3, 5, 6]))
    )
    rest = 1 - FALLBACK
    expected = [FALLBACK / 3, FALLBACK / 3 + rest * 2 / 3, FALLBACK / 3 + rest / 3, 0.5, 0.5, 1.0]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_keys_tell_positions_and_not_ways_to_them() -> None:
    game = make_game("chess")
    encoder = ObservationEncoder(game, BARE)
    there, back = game.initial_state(), game.initial_state()
    for text in ("e2e4", "e7e5", "g1f3"):
        there.apply(there.parse(text, "uci"))
    for text in ("g1f3", "e7e5", "e2e4"):  # the same position but for the count towards fifty moves
        back.apply(back.parse(text, "uci"))
    planes = encoder.encode([there, back, game.initial_state()])
    assert not np.array_equal(planes[0], planes[1])
    keys = position_keys(planes, game.observation_shape[0])
    assert keys[0] == keys[1] != keys[2]
    # Planes behind the game's own (last moves) and half precision change nothing.
    wider = np.concatenate([planes, np.ones((3, 2, 8, 8), np.float32)], axis=1).astype(np.float16)
    np.testing.assert_array_equal(position_keys(wider, game.observation_shape[0]), keys)
