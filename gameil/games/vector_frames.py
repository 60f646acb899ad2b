"""The mover's frame of games whose observation is a vector without a board: backgammon."""

import numpy as np
from numpy.typing import NDArray

from gameil.games.frame import VectorFrame

POINTS = 24
BAR, PASS = 24, 25
"""Digits of a backgammon action that are no points."""
_KINDS = 4
"""Numbers that describe one side's checkers on a point: one, two, three, how many more."""


def vector_frame(name: str) -> VectorFrame | None:
    """The frame of a game, None for one that is seen as the engine shows it."""
    return _backgammon() if name == "backgammon" else None


def _backgammon() -> VectorFrame:
    """Raw vector: own checkers, four numbers each of 24 points, the opponent's; own bar, borne off, to move; the
    opponent's; two dice. Raw action ``order * 676 + second * 26 + first``: points that the steps leave, ``BAR`` or
    ``PASS``; the first step takes the higher die where ``order`` is 0, the lower one where it is 1.

    The engine counts points for both sides as player 0 walks; here each counts as it walks itself.
    """
    turned = np.arange(POINTS)[::-1]
    cells = (turned[:, None] * _KINDS + np.arange(_KINDS)).ravel()
    size = POINTS * _KINDS
    rest = np.arange(2 * size, 2 * size + 8)
    gather = (np.arange(2 * size + 8), np.concatenate([cells, size + cells, rest]))
    digits = np.concatenate([turned, [BAR, PASS]])
    action = np.arange(2 * 26 * 26)
    order, second, first = action // 676, action // 26 % 26, action % 26
    return VectorFrame(_read_only(*gather), _read_only(action, order * 676 + digits[second] * 26 + digits[first]))


def _read_only(*arrays: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
    for array in arrays:
        array.setflags(write=False)
    return arrays
