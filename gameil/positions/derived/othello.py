"""Othello: what each move flips, and how much choice it leaves to the opponent.

Players count these; a convolution needs six layers to see one long line of flips. Lines are walked for all positions,
moves and four directions at once.

Letters: ``B`` positions, ``M`` moves of all of them; the first axis of ``[4, B]`` is a kind of line.
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
_ALL = np.uint64(0xFFFFFFFFFFFFFFFF)
_CORNERS = np.uint64(0x8100000000000081)
_STEPS = np.array([[1], [8], [9], [7]], np.uint64)
"""``[4, 1]``: squares from one of a line to the next; in one direction bits move left, in the other right."""
_TWO_STEPS = _STEPS + _STEPS
_WAYS = (
    (np.left_shift, np.array([[_NOT_FIRST], [_ALL], [_NOT_FIRST], [_NOT_LAST]], np.uint64)),
    (np.right_shift, np.array([[_NOT_LAST], [_ALL], [_NOT_LAST], [_NOT_FIRST]], np.uint64)),
)
"""Both ways of a line, with the columns ``[4, 1]`` that such a step can end in."""


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
    for shift, columns in _WAYS:
        beside_empty |= np.bitwise_or.reduce(shift(empty, _STEPS) & columns)
    planes[rows, 2, squares] = np.bitwise_count(turned) / 8.0
    planes[rows, 3, squares] = np.bitwise_count(answers) / 16.0
    planes[rows, 4, squares] = (answers & _CORNERS) != 0
    planes[rows, 5, squares] = np.bitwise_count(legal_squares(own_after, other_after)) / 16.0
    planes[rows, 6, squares] = np.bitwise_count(own_after & beside_empty) / 16.0
    planes[rows, 7, squares] = np.bitwise_count(other_after & beside_empty) / 16.0


def legal_squares(own: Sets, other: Sets) -> Sets:
    """Squares where the side of ``own`` may place a disc, ``[B]``."""
    found = np.zeros_like(own)
    for shift, columns in _WAYS:
        found |= np.bitwise_or.reduce(shift(_lines(own, other & columns, shift), _STEPS) & columns)
    return found & ~(own | other)


def flipped(placed: Sets, own: Sets, other: Sets) -> Sets:
    """Discs of ``other`` that a disc ``placed`` flips, ``[M]``."""
    found = np.zeros_like(own)
    for shift, columns in _WAYS:
        lines = _lines(placed, other & columns, shift)
        held = (shift(lines, _STEPS) & columns & own) != 0
        found |= np.bitwise_or.reduce(lines * held)
    return found


def _lines(starts: Sets, theirs: Sets, shift: np.ufunc) -> Sets:
    """Discs of ``theirs [4, B]`` that follow one another without a gap from ``starts [B]``, by line, ``[4, B]``.

    At most six of them lie between two squares: a step, another, and two of two squares each where both are theirs.
    """
    lines: Sets = shift(starts, _STEPS) & theirs
    lines |= shift(lines, _STEPS) & theirs
    pairs = theirs & shift(theirs, _STEPS)
    for _ in range(2):
        lines |= shift(lines, _TWO_STEPS) & pairs
    return lines
