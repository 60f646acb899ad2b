"""The mover's frame of each board game: which raw observation cell each cell shows, and which raw id each action has.

The rules engine sees most boards with absolute colours and directions. A ``Frame`` is the fixed renaming, one per
seat, after which every seat plays "own pieces first, walking up the board (rising rows)". It knows no rules and
imports no engine.

Letters: ``A`` actions, ``K`` action planes, ``C`` observation planes, ``H``, ``W`` board, ``N`` raw observation size.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gameil.games.frame import Frame as Frame
from gameil.games.frame import gathered, make_layout, placement
from gameil.games.parameters import Value
from gameil.games.variant_frames import VARIANTS, chess_cells, chess_steps, turned_ranks

KOMI_UNIT = 20.0
"""Points of komi that make 1.0 in Go's komi plane."""
CHESS_ACTION_PLANES = 73
"""Kinds of chess moves from one square: 9 under-promotions, 56 lines, 8 knight jumps."""


def board_frame(name: str, parameters: Mapping[str, Value]) -> Frame | None:
    """The frame of a board game, or None for one whose observation stays the engine's own vector."""
    build = _BUILDERS.get(name)
    return build(parameters) if build is not None else None


def _tic_tac_toe(_: Mapping[str, Value]) -> Frame:
    """Raw planes: empty, o (seat 1), x (seat 0)."""
    index, cells = placement(3, 3, 0)
    gather = tuple(gathered(planes, 9).reshape(3, 3, 3) for planes in ((2, 1, 0), (1, 2, 0)))
    return Frame(make_layout(3, 3, planes=1, index=index, cells=cells), gather, alternates=True)


def _connect_four(parameters: Mapping[str, Value]) -> Frame:
    """Raw planes: x (seat 0), o (seat 1), empty; row 0 is the bottom. An action's place is its column's top cell."""
    height, width = int(parameters["rows"]), int(parameters["columns"])
    index = (height - 1) * width + np.arange(width, dtype=np.int64)
    cells = np.full((width, 2), -1, dtype=np.int64)  # where the piece comes to rest depends on the state
    size = height * width
    gather = tuple(gathered(planes, size).reshape(3, height, width) for planes in ((0, 1, 2), (1, 0, 2)))
    return Frame(make_layout(height, width, planes=1, index=index, cells=cells), gather, alternates=True)


def _othello(_: Mapping[str, Value]) -> Frame:
    """Raw planes, already by observer: empty, own, opponent. Action 64 is the pass."""
    index, cells = placement(8, 8, 1)
    gather = gathered((1, 2, 0), 64).reshape(3, 8, 8)
    return Frame(make_layout(8, 8, planes=1, index=index, cells=cells), (gather, gather), alternates=True)


def _go(parameters: Mapping[str, Value]) -> Frame:
    """Raw planes: black (seat 0), white, empty, white to move. Last plane here: komi from the mover's side.

    Komi is what the mover gets (White +komi, Black -komi) over ``KOMI_UNIT``. The last action is the pass.
    """
    size = int(parameters["board_size"])
    index, cells = placement(size, size, 1)
    # The fourth gathered plane is overwritten by the constant.
    gather = tuple(gathered(planes, size * size).reshape(4, size, size) for planes in ((0, 1, 2, 2), (1, 0, 2, 2)))
    komi = float(parameters["komi"]) / KOMI_UNIT
    layout = make_layout(size, size, planes=1, index=index, cells=cells, flat_planes=(3,))
    return Frame(layout, gather, constant=(3, (0.0 - komi, komi)), alternates=True)


def _hex(parameters: Mapping[str, Value]) -> Frame:
    """Raw planes: x (seat 0, joins top and bottom), o (left and right), empty. Seat 1 sees the transposed board.

    With the swap rule the last action is the swap, which has no cell.
    """
    side = int(parameters["board_size"])
    extra = int(bool(parameters["swap"]))
    index, cells = placement(side, side, extra)
    transposed = np.arange(side * side).reshape(side, side).T.ravel().copy()
    tail = np.arange(side * side, side * side + extra)
    gather = (
        gathered((0, 1, 2), side * side).reshape(3, side, side),
        gathered((1, 0, 2), side * side, transposed).reshape(3, side, side),
    )
    raw = (np.arange(side * side + extra), np.concatenate([transposed, tail]))
    layout = make_layout(side, side, planes=1, index=index, cells=cells, opponent_view=transposed)
    return Frame(layout, gather, raw, alternates=True, engine_parameters={"plain_obs_tensor": True})


def _breakthrough(parameters: Mapping[str, Value]) -> Frame:
    """Raw planes: black (seat 0, walks to rising rows), white, empty. Seat 1 sees the ranks flipped.

    A raw id is ``((row * W + column) * 6 + direction) * 2 + capture``, directions 0-2 downwards for seat 0 and 3-5
    upwards for seat 1, each from left to right; here both have directions 0-2, so half the ids.
    """
    height, width = int(parameters["rows"]), int(parameters["columns"])
    size = height * width
    flipped = np.arange(size).reshape(height, width)[::-1].ravel().copy()
    action = np.arange(size * 6)
    source, direction, capture = action // 6, action % 6 // 2, action % 2
    row, column = source // width + 1, source % width + direction - 1
    target = np.where((row < height) & (column >= 0) & (column < width), row * width + column, -1)
    raw = (
        (source * 6 + direction) * 2 + capture,
        (flipped[source] * 6 + direction + 3) * 2 + capture,
    )
    gather = (
        gathered((0, 1, 2), size).reshape(3, height, width),
        gathered((1, 0, 2), size, flipped).reshape(3, height, width),
    )
    layout = make_layout(
        height,
        width,
        planes=6,
        index=(direction * 2 + capture) * size + source,
        cells=np.stack([source, target], axis=1),
        opponent_view=flipped,
    )
    return Frame(layout, gather, raw, alternates=True)


def _checkers(_: Mapping[str, Value]) -> Frame:
    """Raw planes, row 0 on top: seat 0's men and kings, seat 1's, empty. Seat 1 sees the board turned by half.

    A raw id is ``cell * 8 + kind``; kinds are steps and jumps (even, odd) up left, up right, down right, down left, as
    seat 0 walks up. Planes here: own men, own kings, the opponent's, empty.
    """
    grid = np.arange(64).reshape(8, 8)
    flipped, mirrored = grid[::-1].ravel().copy(), grid[:, ::-1].ravel().copy()
    action = np.arange(64 * 8)
    source, kind = action // 8, action % 8
    length = 1 + kind % 2
    row = source // 8 + np.array([1, 1, -1, -1])[kind // 2] * length
    column = source % 8 + np.array([-1, 1, 1, -1])[kind // 2] * length
    inside = (row >= 0) & (row < 8) & (column >= 0) & (column < 8)
    layout = make_layout(
        8,
        8,
        planes=8,
        index=kind * 64 + source,
        cells=np.stack([source, np.where(inside, row * 8 + column, -1)], axis=1),
        opponent_view=grid[::-1, ::-1].ravel().copy(),
    )
    gather = (
        gathered((0, 1, 2, 3, 4), 64, flipped).reshape(5, 8, 8),
        gathered((2, 3, 0, 1, 4), 64, mirrored).reshape(5, 8, 8),
    )
    return Frame(layout, gather, (flipped[source] * 8 + kind, mirrored[source] * 8 + (kind ^ 4)))


def chess_moves() -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rank and file step of each of the 73 kinds of chess moves, ``[73]`` each, in the mover's frame.

    Kinds 0-8 promote to rook, bishop, knight (three each: straight, to the right, to the left); 9-22 along the file,
    23-36 along the rank, 37-50 along the diagonal, 51-64 along the other one, each from -7 to 7 without 0; 65-72 jump.
    """
    return chess_steps(3)


def _chess(_: Mapping[str, Value]) -> Frame:
    """Raw planes ``[rank, file]``: white, black king, then Q, R, B, N, P likewise; 12 empty; 13 repetitions (half for
    the second time); 14 white to move; 15 plies without progress over 101; 16, 17 White may castle to the queen's and
    to the king's side; 18, 19 Black. Raw actions are the mover's already: ``(file * 8 + rank) * 73 + kind``, then
    castling to the a-side and to the h-side. The engine calls White player 1.

    Planes here: own K, Q, R, B, N, P; the opponent's; empty; repetitions; no progress; own castling a-side, h-side;
    the opponent's.
    """
    flipped = turned_ranks()
    white = (0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11, 12, 13, 15, 16, 17, 18, 19)
    black = (1, 3, 5, 7, 9, 11, 0, 2, 4, 6, 8, 10, 12, 13, 15, 18, 19, 16, 17)
    index, cells = chess_cells(3)
    castling = np.full(2, -1)
    layout = make_layout(
        8,
        8,
        planes=CHESS_ACTION_PLANES,
        index=np.concatenate([index, castling]),
        cells=np.concatenate([cells, [[-1, -1], [-1, -1]]]),
        opponent_view=flipped,
        flat_planes=(13, 14, 15, 16, 17, 18),
    )
    gather = (gathered(white, 64).reshape(19, 8, 8), gathered(black, 64, flipped).reshape(19, 8, 8))
    return Frame(layout, gather, raw_seats=(1, 0), alternates=True)


_BUILDERS: Mapping[str, Callable[[Mapping[str, Value]], Frame]] = {
    "breakthrough": _breakthrough,
    "checkers": _checkers,
    "chess": _chess,
    "connect_four": _connect_four,
    "go": _go,
    "hex": _hex,
    "othello": _othello,
    "tic_tac_toe": _tic_tac_toe,
    **VARIANTS,
}


def framed_games() -> list[str]:
    """Names of the games that have a board frame."""
    return sorted(_BUILDERS)
