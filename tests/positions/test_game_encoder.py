"""Whole games replayed in one loop give what state by state gives, for every framed game, bit for bit."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import DatasetError, GameError
from gameil.games.frames import framed_games
from gameil.games.game_replay import ReplaysWholeGames
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.game_encoder import GameEncoder, StoredGame
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch, span_places
from gameil.positions.replay import encode_game
from gameil.records.record import PlayerInfo, Provenance
from tests.strategies import random_game

VARIANTS = [
    "go(board_size=5)",
    "hex(board_size=5,swap=True)",
    "breakthrough(rows=6,columns=5)",
    "connect_four(rows=5,columns=9)",
    "chess(chess960=True)",
    "kuhn_poker",
]

DEFAULT = EncoderConfig()


def encoder(game_id: str, config: EncoderConfig = DEFAULT) -> ObservationEncoder:
    return ObservationEncoder(make_game(make_game(game_id).family), config)


def whole(games: list[StoredGame], encoder: ObservationEncoder) -> PositionBatch:
    pool = GameEncoder(encoder).encode(games)
    return pool.take(np.arange(len(pool)))


def one_by_one(games: list[StoredGame], encoder: ObservationEncoder) -> PositionBatch:
    parts = [encode_game(game.played, encoder, game_id=game.game_id, wanted=game.wanted) for game in games]
    return PositionBatch.concatenate(parts)


def require_equal(found: PositionBatch, expected: PositionBatch) -> None:
    for field in dataclasses.fields(PositionBatch):
        one, other = getattr(found, field.name), getattr(expected, field.name)
        if one is not None or other is not None:
            assert one.dtype == other.dtype, field.name
            np.testing.assert_array_equal(one, other, err_msg=field.name)


@pytest.mark.parametrize("game_id", [*framed_games(), *VARIANTS])
def test_whole_games_equal_states_one_by_one(game_id: str) -> None:
    rng = np.random.default_rng(0)
    games = []
    for number in range(3):
        played = random_game(game_id, number)
        played = dataclasses.replace(
            played,
            actions=played.actions[:60].copy(),
            num_setup=0 if game_id == "kuhn_poker" else number % 2,
            players=(PlayerInfo("a", 1500), PlayerInfo("b")) if number else (),
            returns=played.returns if number < 2 else None,
        )
        decisions = len(encode_game(played, encoder(game_id)))
        games += [StoredGame(number, played), StoredGame(10 + number, played, None, rng.random(decisions) < 0.3)]
    for last_moves, derived in ((0, False), (3, True)):
        config = EncoderConfig(last_moves=last_moves, derived=derived)
        require_equal(whole(games, encoder(game_id, config)), one_by_one(games, encoder(game_id, config)))


@pytest.mark.parametrize("game_id", framed_games())
def test_planes_are_flat_or_hold_zeros_and_ones_as_the_board_says(game_id: str) -> None:
    game = make_game(game_id)
    assert game.board is not None
    if game.board.flat_planes is None:
        return
    planes = np.stack([encode_game(random_game(game_id, seed), encoder(game_id)).observations[-1] for seed in range(3)])
    for plane in range(game.observation_shape[0]):
        if plane in game.board.flat_planes:
            assert (planes[:, plane] == planes[:, plane, :1, :1]).all(), plane
        else:
            assert np.isin(planes[:, plane], (0, 1)).all(), plane


def test_games_of_different_komi_share_a_replay() -> None:
    games = [StoredGame(n, random_game(f"go(board_size=5,komi={komi})", n)) for n, komi in enumerate((0.5, 7.5))]
    found = whole(games, encoder("go(board_size=5)"))
    require_equal(found, one_by_one(games, encoder("go(board_size=5)")))
    assert len(np.unique(found.observations[:, 3].astype(np.float32))) == 4


def test_a_game_from_a_written_position_begins_with_whoever_is_to_move() -> None:
    fen = "rnbqkbnr/pppppppp/8/8/4P3/8/PPPP1PPP/RNBQKBNR b KQkq - 0 1"
    game = make_game("chess")
    state = game.initial_state(fen)
    actions = []
    for _ in range(5):
        actions.append(state.legal_actions()[3])
        state.apply(actions[-1])
    played = PlayedGame("chess", np.array(actions, np.uint32), Provenance("t", 0), start=fen, returns=(1.0, -1.0))
    found = whole([StoredGame(0, played)], encoder("chess"))
    require_equal(found, one_by_one([StoredGame(0, played)], encoder("chess")))
    assert found.returns.tolist() == [-1, 1, -1, 1, -1]


def test_the_point_of_a_ko_is_seen() -> None:
    """Black takes one stone at 3,2 of the ko below; White may not take back at once, may after a move elsewhere.

    . X O .        Black: 0,1 1,0 2,1; White: 0,2 1,3 2,2 1,1; Black takes by 1,2.
    X O . O
    . X O .
    """
    size = 5
    moves = [(0, 1), (0, 2), (1, 0), (1, 3), (2, 1), (2, 2), (4, 4), (1, 1), (1, 2), (4, 0)]
    actions = np.array([row * size + column for row, column in moves], np.uint32)
    played = PlayedGame("go(board_size=5)", actions, Provenance("t", 0))
    found = whole([StoredGame(0, played)], encoder("go(board_size=5)"))
    require_equal(found, one_by_one([StoredGame(0, played)], encoder("go(board_size=5)")))
    ko = found.observations[:, -1].reshape(len(actions), -1)
    assert ko[:-1].sum() == 0
    assert np.flatnonzero(ko[-1]).tolist() == [1 * size + 1]


@pytest.mark.parametrize("game_id", ["connect_four", "hex(board_size=5)", "chess", "othello"])
@pytest.mark.parametrize("bad", [0, 60_000])
def test_an_action_that_is_not_legal_names_game_and_ply(game_id: str, bad: int) -> None:
    game = random_game(game_id, 1)
    state = make_game(game_id).initial_state()
    for action in game.actions[:8].tolist():
        state.apply(action)
    assert bad not in state.legal_actions() or game_id == "connect_four"
    actions = np.concatenate([game.actions[:8], [bad] * 7]).astype(np.uint32)
    played = PlayedGame(game.game_id, actions, Provenance("t", 0))
    with pytest.raises(DatasetError, match=r"does not replay: game 5: ply \d+: action .* is not legal"):
        whole([StoredGame(5, played)], encoder(game_id))


def test_a_game_that_goes_on_after_its_end_is_refused() -> None:
    game = random_game("tic_tac_toe", 1)
    played = dataclasses.replace(game, actions=np.append(game.actions, game.actions[:1]))
    with pytest.raises(DatasetError, match="does not replay"):
        whole([StoredGame(0, played)], encoder("tic_tac_toe"))


def test_an_index_that_says_another_number_of_decisions_is_refused() -> None:
    with pytest.raises(DatasetError, match="verify the dataset"):
        whole([StoredGame(0, random_game("tic_tac_toe", 1), None, np.ones(2, bool))], encoder("tic_tac_toe"))


def test_replay_is_offered_only_where_it_fits() -> None:
    chess960, poker = make_game("chess(chess960=True)"), make_game("kuhn_poker")
    assert isinstance(chess960, ReplaysWholeGames)
    assert isinstance(poker, ReplaysWholeGames)
    assert not chess960.replayed_whole
    assert chess960.game_replay() is None
    assert poker.game_replay() is None
    chess = make_game("chess")
    assert isinstance(chess, ReplaysWholeGames)
    with pytest.raises(GameError):
        chess.replay_request("x", "no position", np.zeros(0, np.uint32), np.zeros(0, bool))


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 5)), max_size=8))
def test_span_places_are_ranges_in_a_row(spans: list[tuple[int, int]]) -> None:
    starts, counts = (np.array([span[part] for span in spans], np.int64) for part in (0, 1))
    assert span_places(starts, counts).tolist() == [start + i for start, count in spans for i in range(count)]
