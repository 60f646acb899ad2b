"""The Rust reader of chess moves: the only file that imports the ``pgn`` extra.

``rust-pgn-reader-python-binding`` resolves the SAN moves of many games at once into arrays, some 60 times as fast as
resolving them by the rules engine. It is under the GPL, so gameil runs without it.
"""

from functools import lru_cache
from importlib.util import find_spec

import numpy as np

from gameil.records.resolved_games import ResolvedGames

_PACKAGE = "rust_pgn_reader_python_binding"


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
