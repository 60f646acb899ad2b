"""Othello: what each move flips, and how much choice it leaves to the opponent.

Players count these; a convolution needs six layers to see one long line of flips. Lines are walked for all positions
and moves at once, a step of each direction at a time.

Letters: ``B`` positions, ``M`` moves of all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import Sets, marks_of, sets_of

OTHELLO_PLANES = 8
"""0: the mover's legal squares; 1: those that the opponent would have; at each of the mover's: 2: flipped discs over 8;
3: the opponent's moves after it over 16; 4: whether one of these takes a corner; 5: the mover's moves after it, were it
his turn again, over 16; 6, 7: discs beside an empty square after it, the mover's and the opponent's, over 16."""
_NOT_FIRST, _NOT_LAST = np.uint64(0xFEFEFEFEFEFEFEFE), np.uint64(0x7F7F7F7F7F7F7F7F)
_ALL, _NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF), np.uint64(0)
_CORNERS = np.uint64(0x8100000000000081)
_DIRECTIONS: tuple[tuple[int, np.uint64], ...] = (
    *((1, _NOT_FIRST), (-1, _NOT_LAST), (8, _ALL), (-8, _ALL)),
    *((9, _NOT_FIRST), (-9, _NOT_LAST), (7, _NOT_LAST), (-7, _NOT_FIRST)),
)
"""Steps in squares, with the columns that such a step can end in."""
_LONGEST = 6
"""Discs flipped in one direction at most."""


def write_othello(observations: NDArray[Any], out: NDArray[Any]) -> None:
    """Writes the planes of ``OTHELLO_PLANES`` into zeros ``[B, 8, 8, 8]``.

    Args:
        observations: ``[B, C, 8, 8]``; the first planes are the mover's discs and the opponent's.
        out: any float type.
    """
    planes = out.reshape(len(out), OTHELLO_PLANES, 64)
    sets = sets_of(observations[:, :2].reshape(-1, 2, 64) != 0)
    own, other = sets[:, 0], sets[:, 1]
    legal = marks_of(legal_squares(own, other))
    planes[:, 0] = legal
    planes[:, 1] = marks_of(legal_squares(other, own))
    found = np.flatnonzero(legal)
    rows, squares = found >> 6, found & 63
    placed = np.uint64(1) << squares.astype(np.uint64)
    turned = flipped(placed, own[rows], other[rows])
    own_after, other_after = own[rows] | placed | turned, other[rows] & ~turned
    answers = legal_squares(other_after, own_after)
    empty = ~(own_after | other_after)
    beside_empty = np.zeros_like(empty)
    for step, columns in _DIRECTIONS:
        beside_empty |= _moved(empty, step, columns)
    planes[rows, 2, squares] = np.bitwise_count(turned) / 8.0
    planes[rows, 3, squares] = np.bitwise_count(answers) / 16.0
    planes[rows, 4, squares] = (answers & _CORNERS) != 0
    planes[rows, 5, squares] = np.bitwise_count(legal_squares(own_after, other_after)) / 16.0
    planes[rows, 6, squares] = np.bitwise_count(own_after & beside_empty) / 16.0
    planes[rows, 7, squares] = np.bitwise_count(other_after & beside_empty) / 16.0


def legal_squares(own: Sets, other: Sets) -> Sets:
    """Squares where the side of ``own`` may place a disc, ``[B]``."""
    empty = ~(own | other)
    found = np.zeros_like(own)
    for step, columns in _DIRECTIONS:
        line = _moved(own, step, columns) & other
        for _ in range(_LONGEST - 1):
            line |= _moved(line, step, columns) & other
        found |= _moved(line, step, columns) & empty
    return found


def flipped(placed: Sets, own: Sets, other: Sets) -> Sets:
    """Discs of ``other`` that a disc ``placed`` flips, ``[M]``."""
    found = np.zeros_like(own)
    for step, columns in _DIRECTIONS:
        line = _moved(placed, step, columns) & other
        for _ in range(_LONGEST - 1):
            line |= _moved(line, step, columns) & other
        found |= np.where(_moved(line, step, columns) & own, line, _NOTHING)
    return found


def _moved(sets: Sets, step: int, columns: np.uint64) -> Sets:
    moved: Sets = (sets << np.uint64(step) if step > 0 else sets >> np.uint64(-step)) & columns
    return moved
