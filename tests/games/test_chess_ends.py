"""Ends of chess games on arrays against the rules engine, which finds them ply by ply."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.games.chess_ends import NO_END, automatic_ends
from gameil.games.chess_follower import placement
from gameil.games.game import State
from gameil.games.registry import make_game

PIECES = ".PNBRQKpnbrqk"
TURNED = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"


def ends_of(*games: list[str]) -> list[int]:
    """``automatic_ends`` of games given as the FENs of their positions."""
    fens = [fen.split() for game in games for fen in game]
    return automatic_ends(
        np.array([[PIECES.index(piece) for piece in placement(fen[0])] for fen in fens], dtype=np.uint8),
        np.array([[right in fen[2] for right in "KQkq"] for fen in fens]),
        np.array([int(fen[4]) for fen in fens], dtype=np.uint8),
        np.cumsum([0, *map(len, games[:-1])]),
    ).tolist()


def engine_end(state: State) -> int:
    """The ply at which the rules engine has ended a game other than by mate and stalemate."""
    return len(state.history) if state.is_terminal() and state.raw.board().has_legal_moves() else NO_END  # type: ignore[attr-defined]


def play(moves: str, start: str | None = None) -> tuple[list[str], State]:
    """The positions of a game up to the engine's end, and its last state."""
    state = make_game("chess").initial_state(start)
    fens = [str(state)]
    for move in moves.split():
        if state.is_terminal():
            break
        state.apply(state.parse(move, "san"))
        fens.append(str(state))
    return fens, state


@pytest.mark.parametrize(
    ("moves", "start", "end"),
    [
        ("Nf3 Nf6 Ng1 Ng8 " * 3, None, 8),  # the start counts as the first time
        ("e4 Nf6 Nf3 Ng8 Ng1 Nf6 Nf3 Ng8 Ng1 Nf6", None, 9),  # no pawn beside e4: the first time counts
        # A pawn may take e4 in passing, at first only: one more time, even where it is pinned, and for Black's pawns.
        ("e4 Ke7 Nf3 Ke8 Ng1 Ke7 Nf3 Ke8 Ng1 Ke7", "4k3/8/8/8/3p4/8/4P3/4K1N1 w - - 0 1", 10),
        ("e4 Ke8 Nf3 Kd8 Ng1 Ke8 Nf3 Kd8 Ng1 Ke8", "3k4/8/8/8/3p4/8/4P3/3RK1N1 w - - 0 1", 10),
        ("h5 Kd1 Ng6 Ke1 Nh8 Kd1 Ng6 Ke1 Nh8 Kd1", "4k2n/7p/8/6P1/8/8/8/4K3 b - - 0 1", 10),
        ("h5 Kd1 Ng6 Ke1 Nh8 Kd1 Ng6 Ke1 Nh8 Kd1", "4k2n/7p/8/P7/8/8/8/4K3 b - - 0 1", 9),  # other edge of the board
        # The right to castle is lost by the rook's first move: positions before and after it differ.
        ("Nf3 Nf6 Rg1 Ng8 Rh1 Nf6 Rg1 Ng8 Rh1 Nf6 Rg1 Ng8 Rh1", None, 11),
        ("Kd2 Kd7 " + "Ke2 Ke7 Kd2 Kd7 " * 2, "4k3/8/8/8/8/8/8/4K2R w - - 80 60", 10),
        ("Kd2 Kd7 Kd3 Kd6 Kd4 Ke6 Ke4 Kd6 Kf5 Kd7", "4k3/8/8/8/8/8/8/4K2R w - - 92 60", 8),  # fifty moves
        ("Kd2 Kd7 Rh7+", "4k3/8/8/8/8/8/8/4K2R w - - 99 60", 1),
    ],
)
def test_repetition_and_fifty_moves(moves: str, start: str | None, end: int) -> None:
    fens, state = play(moves, start)
    assert engine_end(state) == end
    assert ends_of(fens) == [end]
    assert ends_of([TURNED], fens, [TURNED], fens) == [NO_END, end, NO_END, end]


@pytest.mark.parametrize(
    ("pieces", "drawn"),
    [
        ("", True),
        ("B", True),
        ("n", True),
        ("b", True),
        ("BB", False),  # next to each other: both colours
        ("B.B", True),
        ("B.b", True),
        ("Bb", False),
        ("B.b.B", True),
        ("NN", False),
        ("Nn", False),
        ("Nb", False),
        ("NB", False),
        ("Q", False),
        (".r", False),
        ("P", False),
        ("p", False),
    ],
)
def test_material(pieces: str, drawn: bool) -> None:
    row = "".join(f"{piece}" if piece != "." else "1" for piece in pieces) + (str(8 - len(pieces)))
    start = f"7k/8/8/8/{row}/8/8/K6R b - - 0 1"
    after = f"8/7k/8/8/{row}/8/8/K6R w - - 1 2"
    taken = f"7k/8/8/8/{row}/8/8/K7 b - - 0 2"
    assert make_game("chess").initial_state(taken).is_terminal() == drawn
    assert ends_of([start, after, taken, taken]) == [2 if drawn else NO_END]


@given(seed=st.integers(0, 2**32 - 1))
def test_random_games_end_where_the_rules_engine_ends_them(seed: int) -> None:
    rng = np.random.default_rng(seed)
    games, ends = [], []
    for _ in range(3):
        start = str(
            rng.choice([TURNED, "4k1n1/3p4/8/4P3/1p6/8/P7/R3K3 w Q - 80 50", "8/8/3k4/5n2/8/2K5/4B3/8 w - - 0 1"])
        )
        state = make_game("chess").initial_state(start)
        fens = [str(state)]
        while not state.is_terminal() and len(fens) < 150:
            legal = state.legal_actions()
            quiet = [action for action in legal if state.text(action, "san")[0] in "NK"]
            state.apply(int(rng.choice(quiet if quiet and rng.random() < 0.9 else legal)))
            fens.append(str(state))
        games.append(fens)
        ends.append(engine_end(state))
    assert ends_of(*games) == ends
