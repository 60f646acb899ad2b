"""Go: liberties of strings, what a move captures, and how many liberties it has after it.

Three of the features of AlphaGo's policy (Silver et al. 2016, extended data table 2: liberties, capture size,
liberties after move), each as counts in a few planes. Strings of all positions are found together.

Letters: ``B`` positions, ``S`` strings, ``E`` empty points of all positions, ``P`` places: points with a border.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

GO_PLANES = 11
"""0-3: stones of strings with 1, 2, 3, more liberties; 4-6: points where the mover captures 1, 2, more stones; 7-10:
points where the mover's new string would have 1, 2, 3, more liberties."""
_EMPTY, _OWN, _OTHER, _BORDER = range(4)
Indices = NDArray[np.int64]


def write_go(observations: NDArray[Any], out: NDArray[Any]) -> None:
    """Writes the planes of ``GO_PLANES`` into zeros ``[B, 11, H, W]``.

    Args:
        observations: ``[B, C, H, W]``; the first planes are the mover's stones and the opponent's.
        out: any float type.
    """
    size, _, height, width = observations.shape
    board = np.full((size, height + 2, width + 2), _BORDER, np.int8)
    own, other = observations[:, 0] != 0, observations[:, 1] != 0
    board[:, 1:-1, 1:-1] = np.where(own, _OWN, np.where(other, _OTHER, _EMPTY))
    colours, row_step, places = board.ravel(), width + 2, (height + 2) * (width + 2)
    point_of = np.zeros((height + 2, width + 2), np.int64)
    point_of[1:-1, 1:-1] = np.arange(height * width).reshape(height, width)
    points = np.tile(point_of.ravel(), size)
    planes = out.reshape(size, GO_PLANES, height * width)

    stones = np.flatnonzero((colours == _OWN) | (colours == _OTHER))
    strings, number = _strings(colours, stones, row_step)
    stones_of = np.bincount(strings[stones], minlength=number + 1)
    empty = np.flatnonzero(colours == _EMPTY)
    beside = empty[:, None] + np.array([1, -1, row_step, -row_step])
    beside_strings = strings[beside]  # the number of strings stands for none
    word, bit = points[empty] >> 6, np.uint64(1) << (points[empty] & 63).astype(np.uint64)
    liberties = np.zeros((number + 1, (height * width + 63) // 64), np.uint64)
    for way in range(4):
        np.bitwise_or.at(liberties, (beside_strings[:, way], word), bit)
    liberties[number] = 0
    count = np.bitwise_count(liberties).sum(axis=1, dtype=np.int64)
    planes[stones // places, np.minimum(count[strings[stones]], 4) - 1, points[stones]] = 1

    captured = (colours[beside] == _OTHER) & (count[beside_strings] == 1)
    once = np.sort(np.where(captured, beside_strings, number), axis=1)
    once[:, 1:][once[:, 1:] == once[:, :-1]] = number
    taken = np.where(once < number, stones_of[once], 0).sum(axis=1)
    some = np.flatnonzero(taken)
    planes[empty[some] // places, 3 + np.minimum(taken[some], 3), points[empty[some]]] = 1

    friends = np.where(colours[beside] == _OWN, beside_strings, number)
    after = np.bitwise_or.reduce(liberties[friends], axis=1)
    for way in range(4):  # a captured stone beside the move leaves a liberty; further ones of its string do not count
        free = np.flatnonzero((colours[beside[:, way]] == _EMPTY) | captured[:, way])
        point = points[beside[free, way]]
        np.bitwise_or.at(after, (free, point >> 6), np.uint64(1) << (point & 63).astype(np.uint64))
    after[np.arange(len(empty)), word] &= ~bit
    left = np.bitwise_count(after).sum(axis=1, dtype=np.int64)
    some = np.flatnonzero(left)
    planes[empty[some] // places, 6 + np.minimum(left[some], 4), points[empty[some]]] = 1


def _strings(colours: NDArray[np.int8], stones: Indices, row_step: int) -> tuple[Indices, int]:
    """String of each place ``[P]``, and the number of strings, which stands where there is no stone.

    Every stone begins as its own root. Roots of neighbours of one colour are hooked onto the smaller one, and paths to
    roots are halved, until neighbours agree (Shiloach and Vishkin 1982).
    """
    roots = np.arange(len(colours))
    firsts = np.concatenate([stones[colours[stones] == colours[stones + step]] for step in (1, row_step)])
    seconds = firsts + row_step
    right = int((colours[stones] == colours[stones + 1]).sum())
    seconds[:right] = firsts[:right] + 1
    while True:
        first, second = roots[firsts], roots[seconds]
        apart = first != second
        if not apart.any():
            break
        firsts, seconds, first, second = firsts[apart], seconds[apart], first[apart], second[apart]
        np.minimum.at(roots, np.maximum(first, second), np.minimum(first, second))
        while not np.array_equal(above := roots[roots[stones]], roots[stones]):
            roots[stones] = above
    heads = stones[roots[stones] == stones]
    numbers = np.full(len(colours), len(heads))
    numbers[heads] = np.arange(len(heads))
    numbers[stones] = numbers[roots[stones]]
    return numbers, len(heads)
