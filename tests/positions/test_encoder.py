"""The planes that games leave out: last moves and ko, in the mover's frame."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.games.game import Game, State
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder


def play(game: Game, moves: str, notation: str) -> State:
    state = game.initial_state()
    for move in moves.split():
        state.apply(state.parse("" if move == "pass" and notation == "sgf" else move, notation))  # type: ignore[arg-type]
    return state


def extra_planes(encoder: ObservationEncoder, state: State) -> np.ndarray:
    return encoder.encode([state])[0, encoder.game.observation_shape[0] :]


def test_last_moves_are_seen_from_the_movers_side() -> None:
    chess = make_game("chess")
    encoder = ObservationEncoder(chess, EncoderConfig(last_moves=2))
    planes = extra_planes(encoder, play(chess, "e4", "san"))
    assert planes.shape == (4, 8, 8)  # target and source of each of two moves
    # 1.e4 went from e2 to e4; Black sees the board with the ranks flipped, so to rank 5 from rank 7.
    assert np.argwhere(planes[0]).tolist() == [[4, 4]]
    assert np.argwhere(planes[1]).tolist() == [[6, 4]]
    assert not planes[2:].any()
    planes = extra_planes(encoder, play(chess, "e4 e5", "san"))
    # White to move sees Black's e7-e5 and its own e2-e4 as they stand.
    assert np.argwhere(planes[0]).tolist() == [[4, 4]]
    assert np.argwhere(planes[1]).tolist() == [[6, 4]]
    assert np.argwhere(planes[2]).tolist() == [[3, 4]]
    assert np.argwhere(planes[3]).tolist() == [[1, 4]]


def test_a_pass_leaves_its_plane_empty() -> None:
    go = make_game("go(board_size=5)")
    planes = extra_planes(ObservationEncoder(go, EncoderConfig(last_moves=1)), play(go, "ee pass", "sgf"))
    assert not planes.any()


KO = "b1 c1 a2 d2 b3 c3 pass b2 c2"
"""Black takes the stone on b2 from c2: White may not take back at once.

    3 . B W .        after:  . B W .
    2 B W . W                B . B W
    1 . B W .                . B W .
"""


def test_ko_point_is_marked_and_only_while_it_is_forbidden() -> None:
    go = make_game("go(board_size=5)")
    encoder = ObservationEncoder(go, EncoderConfig(last_moves=0))
    state = play(go, KO, "gtp")
    forbidden = state.parse("b2", "gtp") if _legal(state, "b2") else None
    assert forbidden is None, "the position is meant to be a ko"
    plane = extra_planes(encoder, state)[-1]
    assert np.argwhere(plane).tolist() == [[1, 1]]  # b2: row 1 counted from White's lower edge, column 1
    for move in ("e5", "e4"):
        state.apply(state.parse(move, "gtp"))
    assert not extra_planes(encoder, state)[-1].any()


def test_suicide_is_not_ko() -> None:
    go = make_game("go(board_size=5)")
    encoder = ObservationEncoder(go, EncoderConfig(last_moves=0))
    # Black owns a corner eye at a1: illegal for White by suicide, and Black's last stone has more liberties.
    state = play(go, "a2 e5 b1", "gtp")
    assert not _legal(state, "a1")
    assert not extra_planes(encoder, state)[-1].any()


def test_games_without_a_board_pass_through() -> None:
    leduc = make_game("leduc_poker")
    assert ObservationEncoder(leduc, EncoderConfig()).shape == leduc.observation_shape


def test_more_moves_than_a_state_remembers_are_refused() -> None:
    with pytest.raises(ConfigError, match="0 to 8"):
        EncoderConfig(last_moves=9)


def _legal(state: State, point: str) -> bool:
    from gameil.errors import NotationError

    try:
        state.parse(point, "gtp")
    except NotationError:
        return False
    return True


def test_moves_without_cells_get_no_planes() -> None:
    connect_four = make_game("connect_four")
    assert ObservationEncoder(connect_four, EncoderConfig(last_moves=3)).shape == connect_four.observation_shape
