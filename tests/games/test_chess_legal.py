"""Legal chess moves of many positions at once are the rules engine's, on hard positions and on random ones."""

import numpy as np
import pytest

from gameil.games.chess_legal import NOWHERE, Boards, legal_actions
from gameil.games.game import State
from gameil.games.registry import make_game

# https://www.chessprogramming.org/Perft_Results, and some for pins, double checks and captures in passing.
HARD = [
    "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1",
    "r3k2r/p1ppqpb1/bn2pnp1/3PN3/1p2P3/2N2Q1p/PPPBBPPP/R3K2R w KQkq - 0 1",
    "8/2p5/3p4/KP5r/1R3p1k/8/4P1P1/8 w - - 0 1",
    "r3k2r/Pppp1ppp/1b3nbN/nP6/BBP1P3/q4N2/Pp1P2PP/R2Q1RK1 w kq - 0 1",
    "rnbq1k1r/pp1Pbppp/2p5/8/2B5/8/PPP1NnPP/RNBQK2R w KQ - 1 8",
    "r4rk1/1pp1qppp/p1np1n2/2b1p1B1/2B1P1b1/P1NP1N2/1PP1QPPP/R4RK1 w - - 0 10",
    "8/8/8/8/k2Pp2Q/8/8/3K4 b - d3 0 1",  # taking in passing opens the rank to the king
    "8/8/8/2k5/3Pp3/8/8/4K3 b - d3 0 1",  # taking in passing takes the piece that gives check
    "8/6bb/8/8/R1pP2k1/4P3/P7/K7 b - d3 0 1",
    "4k3/8/8/8/8/2n5/4r3/4K3 w - - 0 1",  # double check
    "r3k2r/8/8/8/8/8/6p1/R3K2R b KQkq - 0 1",
    "1n2k3/P6P/8/8/8/8/p6p/4K1N1 w - - 0 1",
]


def boards(states: list[State]) -> Boards:
    """Positions as the mover sees them, from his observation; the square for captures in passing from the FEN."""
    game = make_game("chess")
    pieces = np.zeros((len(states), 64), np.uint8)
    rights, passed = np.zeros(len(states), np.uint8), np.full(len(states), NOWHERE, np.uint8)
    for number, state in enumerate(states):
        planes = np.empty(game.observation_shape, np.float32)
        state.write_observation(planes)
        for plane, piece in enumerate((6, 5, 4, 3, 2, 1, 12, 11, 10, 9, 8, 7)):
            pieces[number, planes[plane].ravel() == 1] = piece
        rights[number] = sum(int(planes[15 + bit, 0, 0]) << bit for bit in range(4))
        square = str(state).split()[3]
        if square != "-":
            rank = int(square[1]) - 1
            passed[number] = (rank if state.current_player() == 0 else 7 - rank) * 8 + "abcdefgh".index(square[0])
    return Boards(pieces, rights, passed)


def require_equal(states: list[State]) -> None:
    actions, counts = legal_actions(boards(states))
    found = np.split(actions, np.cumsum(counts)[:-1])
    for state, mine in zip(states, found, strict=True):
        assert mine.tolist() == state.legal_actions(), str(state)


@pytest.mark.parametrize("fen", HARD)
def test_moves_of_hard_positions_and_of_all_that_follow_are_the_engines(fen: str) -> None:
    start = make_game("chess").initial_state(fen)
    states = [start]
    for action in start.legal_actions():
        after = start.clone()
        after.apply(action)
        if not after.is_terminal():
            states.append(after)
    require_equal(states)


def test_moves_of_random_games_are_the_engines() -> None:
    rng = np.random.default_rng(0)
    states = []
    for fen in HARD:
        state = make_game("chess").initial_state(fen)
        for _ in range(60):
            if state.is_terminal():
                break
            states.append(state.clone())
            state.apply(int(rng.choice(state.legal_actions())))
    assert len(states) > 300
    require_equal(states)


def test_no_positions_have_no_moves() -> None:
    actions, counts = legal_actions(boards([]))
    assert len(actions) == len(counts) == 0
