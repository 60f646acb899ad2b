"""The Rust reader of chess moves: the only file that imports the ``pgn`` extra.

``rust-pgn-reader-python-binding`` resolves the SAN moves of many games at once into arrays, some 60 times as fast as
resolving them by the rules engine. It is under the GPL, so gameil runs without it.

Letters: ``G`` games, ``M`` moves of all games one after another, ``Q = M + G`` positions, the start of each included.
"""

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec

import numpy as np
from numpy.typing import NDArray

_PACKAGE = "rust_pgn_reader_python_binding"


@dataclass(frozen=True, slots=True, eq=False)
class ResolvedGames:
    """Games from the usual start as arrays. Squares are ``rank * 8 + file`` from White's side."""

    valid: NDArray[np.bool_]
    """``[G]``: every move was understood and legal; of other games the arrays hold the moves before the bad one."""
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
    """``[G]``: the last position has no legal move: mate or stalemate."""


@lru_cache(maxsize=1)
def is_available() -> bool:
    """Whether the ``pgn`` extra is installed."""
    return find_spec(_PACKAGE) is not None


def resolve_moves(texts: list[str]) -> ResolvedGames:
    """Resolves the moves of ``G`` games from the usual start; each text is SAN moves, at least one, and blanks only."""
    import rust_pgn_reader_python_binding

    parsed = rust_pgn_reader_python_binding.parse_games_from_strings(texts, num_threads=1)
    (chunk,) = parsed.chunks
    offsets = chunk.move_offsets.astype(np.int64)
    assert len(offsets) == len(texts) + 1, "the reader counts other games than it was given"
    assert np.array_equal(chunk.position_offsets, offsets + np.arange(len(offsets)))
    return ResolvedGames(
        valid=chunk.valid,
        move_offsets=offsets,
        sources=chunk.from_squares,
        targets=chunk.to_squares,
        promotions=chunk.promotions,
        boards=chunk.boards.reshape(-1, 64),
        castling=chunk.castling,
        clocks=chunk.halfmove_clock,
        stuck=chunk.is_checkmate | chunk.is_stalemate,
    )
