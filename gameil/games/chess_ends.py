"""Where the rules end games of chess, found on arrays of many games at once.

The same as the rules engine finds ply by ply: the third occurrence of a position, a hundred plies without capture or
pawn move, and too little material to mate, each ends the game at once. Positions are equal where pieces, mover,
castling rights and a possible capture en passant are; the capture counts as possible where an enemy pawn stands beside
the one that just moved two squares, even if it is pinned.

Letters: ``G`` games, ``Q`` positions of all games one after another, each game's start included. Pieces on a board are
0 empty; White's pawn, knight, bishop, rook, queen, king 1-6; Black's 7-12.
"""

import numpy as np
from numpy.typing import NDArray

NO_END = np.iinfo(np.int64).max
_FIFTY_MOVES = 100
_SHORTEST_REPETITION = 8
"""Plies from a position to its third occurrence, at least."""
_WHITE_PAWN, _BLACK_PAWN = 1, 7
_ENOUGH = np.isin(np.arange(13), (1, 4, 5, 7, 10, 11))
"""By piece: pawn, rook or queen, with which mate is always possible."""
_KNIGHTS, _BISHOPS = (2, 8), (3, 9)
_DARK = (np.arange(64) // 8 + np.arange(64) % 8) % 2 == 0
_WORD_SALTS = np.array([0x9E3779B97F4A7C15 * (2 * word + 1) % 2**64 for word in range(8)], dtype=np.uint64)


def automatic_ends(
    boards: NDArray[np.uint8],
    castling: NDArray[np.bool_],
    clocks: NDArray[np.uint8],
    starts: NDArray[np.int64],
) -> NDArray[np.int64]:
    """``[G]``: ply at which the rules end each game by repetition, fifty moves or material; ``NO_END`` where none.

    Mate and stalemate are not looked for: no move can follow them.

    Args:
        boards: pieces, ``[Q, 64]``.
        castling: the four rights, ``[Q, 4]``.
        clocks: plies since the last capture or pawn move, ``[Q]``; right up to 100, anything afterwards.
        starts: position that each game starts from, ``[G]``, ascending from 0.
    """
    ends = np.full(len(starts), NO_END)
    lengths = np.diff(starts, append=len(clocks))
    games = np.repeat(np.arange(len(starts)), lengths)
    for found in (
        np.flatnonzero(clocks >= _FIFTY_MOVES),
        _third_occurrences(boards, castling, clocks, starts[games]),
        _without_material(boards, starts, lengths),
    ):
        np.minimum.at(ends, games[found], found - starts[games[found]])
    return ends


def _third_occurrences(
    boards: NDArray[np.uint8],
    castling: NDArray[np.bool_],
    clocks: NDArray[np.uint8],
    start: NDArray[np.int64],
) -> NDArray[np.intp]:
    """Positions that stand on the board for the third time (or more often); ``start`` by position, ``[Q]``."""
    run = np.cumsum(clocks == 0)  # equal positions are never further apart than the next capture or pawn move
    long = np.bincount(run) > _SHORTEST_REPETITION
    places = np.flatnonzero(long[run])
    if not len(places):
        return places
    rights = castling[places] @ np.array([1, 2, 4, 8], dtype=np.uint8)
    state = (run[places] << 6) + (rights << 2) + ((places - start[places]) % 2 << 1)
    state += _can_take_en_passant(boards, clocks, start, places)
    keys = _mixed(boards[places].view(np.uint64) ^ _WORD_SALTS)
    keys = _mixed(np.bitwise_xor.reduce(keys, axis=1) ^ state.astype(np.uint64))
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    third = np.flatnonzero(ordered[2:] == ordered[:-2])
    return places[order[third + 2]]


def _mixed(words: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """A bijection of 64 bits that spreads every bit over all: the finaliser of splitmix64 (Vigna 2015)."""
    words = (words ^ (words >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    words = (words ^ (words >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    mixed: NDArray[np.uint64] = words ^ (words >> np.uint64(31))
    return mixed


def _can_take_en_passant(
    boards: NDArray[np.uint8], clocks: NDArray[np.uint8], start: NDArray[np.int64], places: NDArray[np.intp]
) -> NDArray[np.bool_]:
    """Whether in each of ``places`` the last move was a pawn's of two squares to the side of an enemy pawn."""
    able = np.zeros(len(places), dtype=np.bool_)
    pushed = np.flatnonzero((clocks[places] == 0) & (places > start[places]))
    before = boards[places[pushed] - 1].reshape(-1, 8, 8)
    after = boards[places[pushed]].reshape(-1, 8, 8)
    for own, enemy, home, target in ((_WHITE_PAWN, _BLACK_PAWN, 1, 3), (_BLACK_PAWN, _WHITE_PAWN, 6, 4)):
        left, came = before[:, home] != after[:, home], before[:, target] != after[:, target]
        double = left & came & (before[:, home] == own) & (after[:, target] == own)
        enemies = after[:, target] == enemy
        able[pushed] |= (double[:, 1:] & enemies[:, :-1]).any(axis=1) | (double[:, :-1] & enemies[:, 1:]).any(axis=1)
    return able


def _without_material(
    boards: NDArray[np.uint8], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Positions in which nobody can ever mate; all later ones of a game are so too."""
    last = starts + lengths - 1
    poor = np.flatnonzero(~_ENOUGH[boards[last]].any(axis=1))
    places = [np.arange(starts[game], last[game] + 1) for game in poor]
    return np.concatenate([place[_is_drawn(boards[place])] for place in places] or [np.zeros(0, dtype=np.intp)])


def _is_drawn(boards: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Kings with nothing, with one knight in all, or with bishops on squares of one colour only."""
    enough = _ENOUGH[boards].any(axis=1)
    knights = np.isin(boards, _KNIGHTS).sum(axis=1)
    bishops = np.isin(boards, _BISHOPS)
    dark, light = (bishops & _DARK).any(axis=1), (bishops & ~_DARK).any(axis=1)
    drawn: NDArray[np.bool_] = ~enough & (knights + dark + light <= 1)
    return drawn
