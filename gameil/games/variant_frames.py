"""The mover's frame of chess variants and of shogi; ``frames`` has those of the other games, and says what a frame is.

Letters: ``A`` actions, ``C`` observation planes, ``H``, ``W`` board.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gameil.games.frame import Frame, gathered, make_layout
from gameil.games.parameters import Value

CHESS_KINDS = 64
"""Kinds of chess moves that are no under-promotions: 56 lines, 8 knight jumps."""
DROPPED = "PNBRQ"
"""Crazyhouse's pieces in hand, in the order of the engine's planes and drop actions."""
SHOGI_DROPS = 7


def chess_steps(promotions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank and file step of each kind of move, ``[3 * promotions + 64]`` each, in the mover's frame.

    First come ``promotions`` pieces to promote to, three kinds each: straight, to the right, to the left; then along
    the file, the rank, the diagonal and the other one, each from -7 to 7 without 0; then the knight's eight jumps.
    """
    line = [step for step in range(-7, 8) if step != 0]
    steps = [(1, file) for _ in range(promotions) for file in (0, 1, -1)]
    steps += [(step, 0) for step in line] + [(0, step) for step in line]
    steps += [(step, step) for step in line] + [(-step, step) for step in line]
    steps += [(-1, -2), (1, -2), (-2, -1), (2, -1), (-1, 2), (1, 2), (-2, 1), (2, 1)]
    return np.array([rank for rank, _ in steps]), np.array([file for _, file in steps])


def chess_cells(promotions: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Action index and cells of the actions ``(file * 8 + rank) * kinds + kind``, the target -1 outside the board."""
    kinds = 3 * promotions + CHESS_KINDS
    action = np.arange(64 * kinds)
    square, kind = action // kinds, action % kinds
    rank, file = square % 8, square // 8
    rank_step, file_step = chess_steps(promotions)
    to_rank, to_file = rank + rank_step[kind], file + file_step[kind]
    inside = (to_rank >= 0) & (to_rank < 8) & (to_file >= 0) & (to_file < 8)
    source = rank * 8 + file
    return kind * 64 + source, np.stack([source, np.where(inside, to_rank * 8 + to_file, -1)], axis=1)


def turned_ranks() -> NDArray[np.int64]:
    """What Black calls each of White's cells, ``[64]``."""
    return np.arange(64).reshape(8, 8)[::-1].ravel().copy()


def _antichess(_: Mapping[str, Value]) -> Frame:
    """Raw planes as chess's, without castling; raw actions are the mover's already: 12 under-promotions (to rook,
    bishop, knight, king) and 64 other kinds from each square. The engine calls White player 1.

    Planes here: own K, Q, R, B, N, P; the opponent's; empty; repetitions; no progress.
    """
    index, cells = chess_cells(4)
    flipped = turned_ranks()
    layout = make_layout(8, 8, planes=76, index=index, cells=cells, opponent_view=flipped, flat_planes=(13, 14))
    white = (0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11, 12, 13, 15)
    black = (1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10, 12, 13, 15)
    gather = (gathered(white, 64).reshape(15, 8, 8), gathered(black, 64, flipped).reshape(15, 8, 8))
    return Frame(layout, gather, raw_seats=(1, 0), alternates=True)


def _crazyhouse(_: Mapping[str, Value]) -> Frame:
    """Raw planes: white and black K, Q, R, B, N, P, then the promoted Q, R, B, N; 20 empty; 21 repetitions; 22 white to
    move; 23 plies without progress; 24-27 castling as in chess; 28-32 White's P, N, B, R, Q in hand, 33-37 Black's.
    Raw actions: chess's (the mover's already), then ``4674 + piece * 64 + square`` for drops, the square absolute.

    Planes here: own and the opponent's ten kinds of pieces; empty; repetitions; no progress; own castling a-side,
    h-side; the opponent's; own hand; the opponent's. A drop's source and target are the cell it goes to.
    """
    index, cells = chess_cells(3)
    flipped = turned_ranks()
    square = np.tile(np.arange(64), len(DROPPED))
    piece = np.repeat(np.arange(len(DROPPED)), 64)
    castling = np.full(2, -1)
    layout = make_layout(
        8,
        8,
        planes=73 + len(DROPPED),
        index=np.concatenate([index, castling, (73 + piece) * 64 + square]),
        cells=np.concatenate([cells, [[-1, -1], [-1, -1]], np.stack([square, square], axis=1)]),
        opponent_view=flipped,
        flat_planes=tuple(range(21, 37)),
    )
    pieces, others, hand = tuple(range(0, 20, 2)), tuple(range(1, 20, 2)), tuple(range(28, 33))
    other_hand = tuple(range(33, 38))
    white = (*pieces, *others, 20, 21, 23, 24, 25, 26, 27, *hand, *other_hand)
    black = (*others, *pieces, 20, 21, 23, 26, 27, 24, 25, *other_hand, *hand)
    gather = (gathered(white, 64).reshape(37, 8, 8), gathered(black, 64, flipped).reshape(37, 8, 8))
    moves = np.arange(64 * 73 + 2)
    drops = len(moves) + piece * 64
    raw = (np.concatenate([moves, drops + square]), np.concatenate([moves, drops + flipped[square]]))
    return Frame(layout, gather, raw, raw_seats=(1, 0), alternates=True)


def shogi_moves() -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Source, target and plane of every move of a piece on the board, ``[M]`` each, in the mover's frame.

    Cells are ``row * 9 + column`` with the mover's own back rank as row 0 and column 0 on the left. Planes are
    ``(direction * 8 + distance - 1) * 2 + promotes`` for the eight directions, clockwise from straight ahead, and
    ``(64 + side) * 2 + promotes`` for the knight's two jumps. Promotions from or to the last three rows only.
    """
    steps = [(up * far, right * far) for up, right in _DIRECTIONS for far in range(1, 9)] + [(2, -1), (2, 1)]
    found = []
    for kind, (up, right) in enumerate(steps):
        for source in range(81):
            row, column = source // 9 + up, source % 9 + right
            if 0 <= row < 9 and 0 <= column < 9:
                promotions = (0, 1) if max(row, source // 9) >= 6 else (0,)
                found += [(source, row * 9 + column, kind * 2 + promotes) for promotes in promotions]
    columns = np.array(sorted(found)).T
    return columns[0], columns[1], columns[2]


_DIRECTIONS = ((1, 0), (1, 1), (0, 1), (-1, 1), (-1, 0), (-1, -1), (0, -1), (1, -1))


def _shogi(_: Mapping[str, Value]) -> Frame:
    """Raw planes ``[row from Black's side, column from file 9]``: White's and Black's pieces of 14 kinds in turn; 28
    empty; 29 repetitions; 30 White to move; 31-37 White's seven kinds in hand, 38-44 Black's. Raw actions, absolute:
    ``(source * 81 + target) * 2 + promotes``, then ``13122 + piece * 81 + target`` for drops. Black moves first.

    White sees the board turned by half. Planes here: own 14 kinds; the opponent's; empty; repetitions; own hand; the
    opponent's. Actions: only moves that some piece can make, 139 planes. A drop's source and target are its cell.
    """
    turned = np.arange(80, -1, -1)
    source, target, plane = shogi_moves()
    square = np.tile(np.arange(81), SHOGI_DROPS)
    piece = np.repeat(np.arange(SHOGI_DROPS), 81)
    layout = make_layout(
        9,
        9,
        planes=132 + SHOGI_DROPS,
        index=np.concatenate([plane * 81 + source, (132 + piece) * 81 + square]),
        cells=np.concatenate([np.stack([source, target], axis=1), np.stack([square, square], axis=1)]),
        opponent_view=turned,
        flat_planes=tuple(range(29, 44)),
    )
    white, black = tuple(range(0, 28, 2)), tuple(range(1, 28, 2))
    white_hand, black_hand = tuple(range(31, 38)), tuple(range(38, 45))
    gather = (
        gathered((*black, *white, 28, 29, *black_hand, *white_hand), 81).reshape(44, 9, 9),
        gathered((*white, *black, 28, 29, *white_hand, *black_hand), 81, turned).reshape(44, 9, 9),
    )
    promotes = plane % 2
    drops = 81 * 81 * 2 + piece * 81
    raw = (
        np.concatenate([(source * 81 + target) * 2 + promotes, drops + square]),
        np.concatenate([(turned[source] * 81 + turned[target]) * 2 + promotes, drops + turned[square]]),
    )
    return Frame(layout, gather, raw, alternates=True)


VARIANTS: Mapping[str, Callable[[Mapping[str, Value]], Frame]] = {
    "antichess": _antichess,
    "crazyhouse": _crazyhouse,
    "shogi": _shogi,
}
"""Frame of each of these games."""
