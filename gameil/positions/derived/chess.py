"""Chess: what attacks which square, who is pinned, and where checks come from.

A 3x3 convolution carries a rook's attack one square a layer; here it is seen at once.

Letters: ``B`` positions, ``Q`` pieces of all of them.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import (
    KING,
    KNIGHT_STEPS,
    PAWN_TAKES,
    Sets,
    alone_between,
    attacks,
    lines_from,
    marks_of,
    only_square,
    sets_of,
)

CHESS_PLANES = 20
"""0-11: squares attacked by the mover's K, Q, R, B, N, P and by the opponent's; 12, 13: attackers of each side over 4;
14, 15: pieces that alone stand between the mover's, the opponent's king and a line piece of the other side; 16: pieces
that give check; 17-19: squares from which a rook, a bishop, a knight checks the opponent's king."""
_KING, _QUEEN, _ROOK, _BISHOP, _KNIGHT, _PAWN = range(6)
_KINDS = 12
_ONE = np.uint64(1)


def write_chess(observations: NDArray[Any], out: NDArray[Any]) -> None:
    """Writes the planes of ``CHESS_PLANES`` into zeros ``[B, 20, 8, 8]``.

    Args:
        observations: ``[B, C, 8, 8]``; the first planes are K, Q, R, B, N, P of the mover and of the opponent.
        out: any float type.
    """
    size = len(observations)
    planes = out.reshape(size, CHESS_PLANES, 64)
    sets = sets_of(observations[:, :_KINDS].reshape(size, _KINDS, 64) != 0)
    occupied = np.bitwise_or.reduce(sets, axis=1)
    counts = _attacks(sets, occupied)
    planes[:, :_KINDS] = counts != 0
    planes[:, 12] = counts[:, :6].sum(axis=1) / 4.0
    planes[:, 13] = counts[:, 6:].sum(axis=1) / 4.0
    single = np.empty((size, 6), np.uint64)
    own, other = sets[:, :6], sets[:, 6:]
    for side, (mine, theirs) in enumerate(((own, other), (other, own))):
        kings = only_square(np.maximum(mine[:, _KING] & (~mine[:, _KING] + _ONE), _ONE))
        straight, diagonal = lines_from(kings, occupied)
        rooks, bishops = theirs[:, _ROOK] | theirs[:, _QUEEN], theirs[:, _BISHOP] | theirs[:, _QUEEN]
        single[:, side] = alone_between(kings, straight, diagonal, rooks, bishops, occupied)
        if side == 0:
            single[:, 2] = (straight & rooks) | (diagonal & bishops)
            single[:, 2] |= (KNIGHT_STEPS[kings] & theirs[:, _KNIGHT]) | (PAWN_TAKES[0, kings] & theirs[:, _PAWN])
        else:
            single[:, 3], single[:, 4], single[:, 5] = straight, diagonal, KNIGHT_STEPS[kings]
    planes[:, 14:] = marks_of(single)


def _attacks(sets: NDArray[np.uint64], occupied: Sets) -> NDArray[np.uint8]:
    """How many pieces of each kind attack each square, ``[B, 12, 64]``."""
    found = np.flatnonzero(marks_of(sets))
    owners, squares = found >> 6, found & 63
    planes = owners % _KINDS
    # Planes count down from the king.
    reach = attacks(KING - planes % 6, squares, occupied[owners // _KINDS], planes // 6)
    counts = np.zeros((sets.size, 64), np.uint8)
    firsts = np.flatnonzero(np.diff(owners, prepend=-1))
    if len(firsts):
        counts[owners[firsts]] = np.add.reduceat(marks_of(reach), firsts, axis=0)
    return counts.reshape(-1, _KINDS, 64)
