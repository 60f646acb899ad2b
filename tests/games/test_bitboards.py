"""Sets of squares against searches square by square."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.games.bitboards import BIT, attackers, lines_from, only_square, some_steps
from gameil.games.chess_follower import placement
from gameil.games.registry import make_game

STRAIGHT = [(1, 0), (-1, 0), (0, 1), (0, -1)]
DIAGONAL = [(1, 1), (1, -1), (-1, 1), (-1, -1)]
JUMPS = [(2, 1), (2, -1), (-2, 1), (-2, -1), (1, 2), (1, -2), (-1, 2), (-1, -2)]
PIECES = "PNBRQKpnbrqk"
sets = st.integers(0, 2**64 - 1)


def reach(square: int, occupied: int, steps: list[tuple[int, int]], length: int = 7) -> int:
    """What is reached from a square, up to and with the first occupied one."""
    found = 0
    for up, right in steps:
        for step in range(1, length + 1):
            rank, file = square // 8 + up * step, square % 8 + right * step
            if not (0 <= rank < 8 and 0 <= file < 8):
                break
            found |= 1 << rank * 8 + file
            if occupied >> rank * 8 + file & 1:
                break
    return found


@given(occupied=sets, thinner=sets)
def test_lines_stop_at_the_first_piece(occupied: int, thinner: int) -> None:
    squares = np.arange(64)
    for pieces in (occupied, occupied & thinner, 0, 2**64 - 1):
        straight, diagonal = lines_from(squares, np.full(64, pieces, np.uint64))
        assert straight.tolist() == [reach(square, pieces, STRAIGHT) for square in range(64)]
        assert diagonal.tolist() == [reach(square, pieces, DIAGONAL) for square in range(64)]


def test_one_square_and_its_set() -> None:
    assert only_square(BIT).tolist() == list(range(64))
    assert [int(one) for one in BIT] == [1 << square for square in range(64)]


@pytest.mark.parametrize(
    ("fen", "square", "by_white", "by_black"),
    [
        ("4k3/8/8/3q4/8/2N2P2/8/R3K3", "e4", ["c3", "f3"], ["d5"]),
        ("4k3/8/8/3q4/8/2N2P2/8/R3K3", "a8", ["a1"], ["d5"]),
        ("4k3/4r3/4r3/8/8/8/8/4K2B", "e1", [], ["e6"]),  # the rook behind sees nothing
        ("4k3/8/8/8/8/3p1p2/8/4K3", "e2", ["e1"], ["d3", "f3"]),
        ("4k3/8/8/7P/P7/8/8/4K3", "h6", [], []),  # no pawn takes over the edge
        ("4k3/8/8/P7/7p/8/8/4K3", "b6", ["a5"], []),
    ],
)
def test_attackers(fen: str, square: str, by_white: list[str], by_black: list[str]) -> None:
    board = placement(fen)
    pieces = np.array([[sum(1 << i for i, here in enumerate(board) if here == piece)] for piece in PIECES], np.uint64)
    occupied = np.bitwise_or.reduce(pieces)
    target = np.array(["abcdefgh".index(square[0]) + 8 * (int(square[1]) - 1)])
    for colour, expected in ((0, by_white), (1, by_black)):
        (found,) = attackers(target, occupied, pieces[6 * colour : 6 * colour + 6], colour).tolist()
        assert [f"{'abcdefgh'[i % 8]}{i // 8 + 1}" for i in range(64) if found >> i & 1] == expected


@given(seed=st.integers(0, 2**32 - 1))
def test_some_steps_are_pseudo_legal_steps(seed: int) -> None:
    rng = np.random.default_rng(seed)
    state = make_game("chess").initial_state()
    while not state.is_terminal() and len(state.history) < 60:
        state.apply(int(rng.choice(state.legal_actions())))
    board = placement(str(state))
    pieces = [sum(1 << i for i, here in enumerate(board) if here == piece) for piece in PIECES]
    for colour in (0, 1):
        own = sum(pieces[6 * colour : 6 * colour + 6])
        wanted = 0
        for square, piece in enumerate(board):
            if piece == PIECES[6 * colour]:
                wanted |= reach(square, 0, [(1 - 2 * colour, 0)], 1) & ~sum(pieces)
            elif piece in PIECES[6 * colour + 1 : 6 * colour + 5]:
                steps = {"n": JUMPS, "b": DIAGONAL, "r": STRAIGHT, "q": STRAIGHT + DIAGONAL}[piece.lower()]
                wanted |= reach(square, 0, steps, 1) & ~own
        mine = np.array(pieces[6 * colour : 6 * colour + 6], np.uint64)[:, None]
        occupied, side = np.array([sum(pieces)], np.uint64), np.array([own], np.uint64)
        assert some_steps(mine, occupied, side, colour).tolist() == [wanted]
