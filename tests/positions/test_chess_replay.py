"""Chess games replayed side by side are the rules engine's, position by position, or not accepted."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.games.game_replay import ReplayedGames, ReplaysWholeGames
from gameil.games.registry import make_game
from gameil.positions.chess_replay import replay_chess
from tests.strategies import random_game

CHESS = make_game("chess")


def by_engine(games: list[np.ndarray], shown: list[np.ndarray]) -> ReplayedGames:
    assert isinstance(CHESS, ReplaysWholeGames)
    replay = CHESS.game_replay()
    assert replay is not None
    return replay.replay(
        [CHESS.replay_request(str(n), None, game, one) for n, (game, one) in enumerate(zip(games, shown, strict=True))]
    )


def actions_of(moves: str) -> np.ndarray:
    state = CHESS.initial_state()
    for move in moves.split():
        state.apply(state.parse(move, "uci"))
    return np.array(state.history, np.uint32)


def require_equal(games: list[np.ndarray], shown: list[np.ndarray]) -> None:
    accepted, found = replay_chess(games, shown)
    assert accepted.all()
    expected = by_engine(games, shown)
    for name in ("bits", "values", "legal", "counts", "games"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name), err_msg=name)
    for name in ("actions", "movers"):
        np.testing.assert_array_equal(
            getattr(found, name)[found.plies], getattr(expected, name)[expected.plies], err_msg=name
        )


CASTLING = "e2e4 e7e5 g1f3 b8c6 f1c4 d7d6 e1g1 c8g4 b1c3 d8d7 d2d3 e8c8 c1g5 f7f6"
PASSING = "e2e4 a7a6 e4e5 d7d5 e5d6 h7h5 a2a4 h5h4 g2g4 h4g3 f2f4 g3h2 f4f5 h2g1n f5f6 g1f3 d1f3"
REPEATED = "g1f3 g8f6 f3g1 f6g8 g1f3 g8f6 f3g1"


def test_random_games_are_the_engines_wherever_they_are_shown() -> None:
    rng = np.random.default_rng(0)
    games = [random_game("chess", seed).actions[:150] for seed in range(6)]
    accepted, _ = replay_chess(games, [np.ones(len(game), bool) for game in games])
    games = [game for game, one in zip(games, accepted, strict=True) if one]
    assert len(games) >= 4
    require_equal(games, [np.ones(len(game), bool) for game in games])
    require_equal(games, [rng.random(len(game)) < 0.2 for game in games])


@pytest.mark.parametrize("moves", [CASTLING, PASSING, REPEATED])
def test_castling_captures_in_passing_promotion_and_repetition(moves: str) -> None:
    games = [actions_of(moves)]
    require_equal(games, [np.ones(len(games[0]), bool)])


def test_games_that_a_rule_ended_are_left_to_the_engine() -> None:
    repeated = np.append(actions_of(REPEATED), actions_of("g1f3 g8f6 f3g1 f6g8")[-1:])
    going_on = np.append(repeated, actions_of("e2e4"))
    mated = actions_of("f2f3 e7e5 g2g4 d8h4")
    games = [repeated, going_on, mated, np.append(mated, 5).astype(np.uint32)]
    accepted, _ = replay_chess(games, [np.ones(len(game), bool) for game in games])
    assert accepted.tolist() == [True, False, True, False]


@settings(max_examples=60)
@given(st.lists(st.lists(st.integers(0, 5000), max_size=30), max_size=4), st.integers(0, 2**31))
def test_any_numbers_are_accepted_only_where_they_are_legal(games: list[list[int]], seed: int) -> None:
    rng = np.random.default_rng(seed)
    begun = []
    for numbers in games:
        state = CHESS.initial_state()
        for _ in range(int(rng.integers(12))):
            state.apply(int(rng.choice(state.legal_actions())))
        begun.append(np.array([*state.history, *numbers], np.uint32))
    accepted, found = replay_chess(begun, [np.ones(len(game), bool) for game in begun])
    for number, (game, numbers) in enumerate(zip(begun, games, strict=True)):
        state = CHESS.initial_state()
        legal = True
        for action in game.tolist():
            legal = legal and action in state.legal_actions()
            if legal:
                state.apply(action)
        assert accepted[number] == legal
        assert (found.games == number).sum() == (len(game) if legal else 0)
        assert legal or numbers
