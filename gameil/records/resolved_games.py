"""Many games of chess with their moves resolved, as arrays.

Letters: ``G`` games, ``M`` moves of all games one after another, ``Q = M + G`` positions, the start of each included.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedGames:
    """Games from the usual start. Squares are ``rank * 8 + file`` from White's side."""

    valid: NDArray[np.bool_]
    """``[G]``: every move was understood and legal; what stands in the arrays of other games means nothing."""
    move_offsets: NDArray[np.int64]
    """``[G + 1]``: game ``g`` has the moves ``move_offsets[g]:move_offsets[g + 1]``, and its positions start at
    ``move_offsets[g] + g``."""
    sources: NDArray[np.uint8]
    """``[M]``: square that the piece leaves; castling is the king's move of two."""
    targets: NDArray[np.uint8]
    """``[M]``."""
    promotions: NDArray[np.int8]
    """``[M]``: 2 knight, 3 bishop, 4 rook, 5 queen, -1 for no promotion."""
    boards: NDArray[np.uint8]
    """``[Q, 64]``: 0 empty; White's pawn, knight, bishop, rook, queen, king 1-6; Black's 7-12."""
    castling: NDArray[np.bool_]
    """``[Q, 4]``: White may still castle to the king's and to the queen's side, Black likewise."""
    clocks: NDArray[np.uint8]
    """``[Q]``: plies since the last capture or pawn move, modulo 256."""
    stuck: NDArray[np.bool_]
    """``[G]``: the last position has no legal move (or, by the rules engine, none any more as nobody can mate)."""
