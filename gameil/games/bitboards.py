"""Sets of squares of 8x8 boards as 64-bit numbers, for many positions at once; in chess, what attacks a square and
what a piece attacks.

Square ``rank * 8 + file`` is bit ``1 << square``. Lines are searched by "hyperbola quintessence" (o ^ (o - 2r) both
ways, https://www.chessprogramming.org/Hyperbola_Quintessence), but along ranks by a table.

Letters: ``N`` positions.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Squares = NDArray[np.intp]
"""``[N]``: one square each."""
Sets = NDArray[np.uint64]
"""``[N]``: one set of squares each."""

NONE, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING = range(7)
"""Kinds of pieces."""
WHITE, BLACK = range(2)


def _set_of(squares: Iterable[tuple[int, int]]) -> int:
    """The squares, given as (rank, file), that are on the board."""
    return sum(1 << rank * 8 + file for rank, file in squares if 0 <= rank < 8 and 0 <= file < 8)


def _by_square(steps: list[tuple[int, int]]) -> Sets:
    """``[64]``: what is reached from each square by the steps (rank, file)."""
    places = [divmod(square, 8) for square in range(64)]
    return np.array([_set_of((rank + up, file + right) for up, right in steps) for rank, file in places], np.uint64)


BIT: Sets = _by_square([(0, 0)])
KNIGHT_STEPS = _by_square([(up, right) for up in (-2, -1, 1, 2) for right in (-2, -1, 1, 2) if abs(up) != abs(right)])
KING_STEPS = _by_square([(up, right) for up in (-1, 0, 1) for right in (-1, 0, 1) if up or right])
PAWN_TAKES = np.stack([_by_square([(up, -1), (up, 1)]) for up in (1, -1)])
"""``[2, 64]``: where a pawn of each colour takes."""
PAWN_STEP = np.stack([_by_square([(up, 0)]) for up in (1, -1)])
"""``[2, 64]``."""
_AROUND = [step for step in range(-7, 8) if step]
_LINES = np.stack(
    [_by_square([(step * up, step * right) for step in _AROUND]) for up, right in ((1, 0), (1, 1), (1, -1))]
)
"""``[3, 64]``: file, diagonal and antidiagonal through each square, without it."""
_MIRRORED = BIT.byteswap()
"""``[64]``: each square with the ranks turned."""
ON_LINE = _LINES[0] | _LINES[1] | _LINES[2] | _by_square([(0, step) for step in _AROUND])
"""``[64]``: the squares that a queen reaches on an empty board."""


def _rank_table() -> Sets:
    """``[8, 64]``: reach along the first rank by file and by the pieces on files b to g."""
    table = np.zeros((8, 64), np.uint64)
    for file in range(8):
        for inner in range(64):
            reach = 0
            for steps in (range(file + 1, 8), range(file - 1, -1, -1)):
                for place in steps:
                    reach |= 1 << place
                    if inner << 1 >> place & 1:
                        break
            table[file, inner] = reach
    return table


_RANK_REACH = _rank_table()
_ONE, _INNER, _EMPTY = np.uint64(1), np.uint64(63), np.uint64(0)


def lines_from(squares: Squares, occupied: Sets) -> tuple[Sets, Sets]:
    """What a rook and what a bishop reach from ``squares``, up to and with the first piece of ``occupied``."""
    lines = _LINES[:, squares]
    forward = occupied & lines
    backward = forward.byteswap()
    reach = ((forward - BIT[squares]) ^ (backward - _MIRRORED[squares]).byteswap()) & lines
    first = (squares & 56).astype(np.uint64)
    inner = (occupied >> first >> _ONE) & _INNER
    along_rank = _RANK_REACH[squares & 7, inner.astype(np.intp)] << first
    return reach[0] | along_rank, reach[1] | reach[2]


def attacks(kinds: NDArray[np.integer[Any]], squares: Squares, occupied: Sets, colours: NDArray[np.intp] | int) -> Sets:
    """Squares that each piece attacks.

    Args:
        kinds: ``[N]``, from ``PAWN`` to ``KING``.
        squares: where they stand.
        occupied: pieces of both colours on the board of each, which lines stop at.
        colours: of pawns, which take ahead of themselves; of all pieces, or one for all.
    """
    found = np.zeros(len(kinds), np.uint64)
    for kind, steps in ((KNIGHT, KNIGHT_STEPS), (KING, KING_STEPS)):
        some = np.flatnonzero(kinds == kind)
        found[some] = steps[squares[some]]
    some = np.flatnonzero(kinds == PAWN)
    found[some] = PAWN_TAKES[colours if isinstance(colours, int) else colours[some], squares[some]]
    some = np.flatnonzero((kinds >= BISHOP) & (kinds <= QUEEN))
    straight, diagonal = lines_from(squares[some], occupied[some])
    found[some] = np.where(kinds[some] != BISHOP, straight, _EMPTY) | np.where(kinds[some] != ROOK, diagonal, _EMPTY)
    return found


def alone_between(kings: Squares, straight: Sets, diagonal: Sets, rooks: Sets, bishops: Sets, occupied: Sets) -> Sets:
    """Pieces of either side that alone stand between a king and a line piece that would else attack it, ``[B]``.

    ``straight`` and ``diagonal`` are what the king sees along lines; ``rooks`` and ``bishops`` contain the queens.
    """
    seen = (straight | diagonal) & occupied
    further, beyond = lines_from(kings, occupied & ~seen)
    found = np.zeros_like(occupied)
    for reach, now, pieces, way in ((further, straight, rooks, 0), (beyond, diagonal, bishops, 1)):
        snipers = reach & ~now & pieces
        while (here := np.flatnonzero(snipers)).size:
            sniper = snipers[here] & (~snipers[here] + _ONE)
            snipers[here] ^= sniper
            # What both see along the line that joins them; their other lines are parallel and do not meet.
            found[here] |= lines_from(only_square(sniper), occupied[here])[way] & now[here] & seen[here]
    return found


def sets_of(marks: NDArray[np.bool_]) -> Sets:
    """Sets ``[...]`` of marked squares ``[..., 64]``."""
    found: Sets = np.packbits(np.ascontiguousarray(marks), axis=-1, bitorder="little").view(np.uint64)
    return found.reshape(marks.shape[:-1])


def marks_of(sets: Sets) -> NDArray[np.uint8]:
    """Zeros and ones ``[..., 64]`` of sets ``[...]``."""
    flat = np.ascontiguousarray(sets).reshape(-1)
    return np.unpackbits(flat.view(np.uint8), bitorder="little").reshape(*sets.shape, 64)


def attackers(squares: Squares, occupied: Sets, pieces: NDArray[np.uint64], colour: int) -> Sets:
    """The pieces of ``colour`` that attack ``squares``.

    Args:
        squares: one a position.
        occupied: pieces of both colours, which lines stop at.
        pieces: the pieces of ``colour`` by kind, ``[6, N]``, from pawn to king.
        colour: whose they are.
    """
    straight, diagonal = lines_from(squares, occupied)
    pawns, knights, bishops, rooks, queens, kings = pieces
    found: Sets = (straight & (rooks | queens)) | (diagonal & (bishops | queens))
    found |= (KNIGHT_STEPS[squares] & knights) | (KING_STEPS[squares] & kings)
    found |= PAWN_TAKES[1 - colour, squares] & pawns
    return found


def some_steps(pieces: NDArray[np.uint64], occupied: Sets, own: Sets, colour: int) -> Sets:
    """Squares that pieces of ``colour`` reach by one step or jump, the king's and the pawns' captures left out.

    ``pieces`` are by kind, ``[6, N]``; ``own`` are all squares of their colour, ``occupied`` those of both.
    """
    pawns, knights, bishops, rooks, queens, _ = pieces
    forward = _shifted(pawns, 1 - 2 * colour, 0) & ~occupied
    found = np.zeros_like(own)
    for up, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        found |= _shifted(rooks | queens, up, right)
    for up, right in ((1, 1), (1, -1), (-1, 1), (-1, -1)):
        found |= _shifted(bishops | queens, up, right)
    for up, right in ((2, 1), (2, -1), (-2, 1), (-2, -1), (1, 2), (1, -2), (-1, 2), (-1, -2)):
        found |= _shifted(knights, up, right)
    return forward | (found & ~own)


def _shifted(sets: Sets, up: int, right: int) -> Sets:
    """The sets with every square moved, what leaves the board left out."""
    files = [file for file in range(8) if 0 <= file + right < 8]
    kept = sets & np.uint64(_set_of((rank, file) for rank in range(8) for file in files))
    step = np.uint64(abs(8 * up + right))
    return kept << step if 8 * up + right > 0 else kept >> step


def only_square(sets: Sets) -> Squares:
    """The square of each set of one."""
    _, exponents = np.frexp(sets.astype(np.float64))
    squares: Squares = exponents.astype(np.intp) - 1
    return squares
