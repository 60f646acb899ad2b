"""SAN moves of many chess games as numbers: what each move says, before any position is looked at.

Only moves that SAN of the PGN standard's export format can spell are read; any other comes from no square, so that it
can never be played.

Letters: ``G`` games, ``T`` plies of the longest game, ``U`` different moves, ``N`` games at one ply.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import (
    BISHOP,
    BIT,
    BLACK,
    KING,
    KING_STEPS,
    KNIGHT,
    KNIGHT_STEPS,
    NONE,
    PAWN,
    PAWN_STEP,
    PAWN_TAKES,
    QUEEN,
    ROOK,
    WHITE,
    Sets,
    Squares,
)

_SAN = re.compile(r"([KQRBN]?)([a-h]?)([1-8]?)(x?)([a-h])([1-8])(?:=([QRBN]))?[+#]?|(O-O(-O)?)[+#]?")
_KINDS = " PNBRQK"
_CODES = 1 << 20
"""Moves are numbers below this while they are told apart."""

_TAKING_PAWN, _SHORT, _LONG, _UNREADABLE = 7, 8, 9, 10
"""Ways to move beside the kinds of pieces (a pawn's own is the push)."""
_MOVED = np.array([NONE, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING, PAWN, KING, KING, PAWN])
"""The piece that moves, by way."""
_CASTLING_TARGETS = {_SHORT: 6, _LONG: 2}

_ALL, _NO_SQUARES = np.uint64(2**64 - 1), np.uint64(0)
_FILES = [np.uint64(0x0101010101010101 << file) for file in range(8)]
_RANKS = [np.uint64(0xFF << 8 * rank) for rank in range(8)]
_WANTED = np.array([file & rank for rank in (_ALL, *_RANKS) for file in (_ALL, *_FILES)])
"""``[81]``: squares that a move may come from: any or one rank times any or one file."""
_STEPS = np.zeros((2, 11, 64), np.uint64)
"""``[2, 11, 64]``: by mover, way and target the squares that a step or jump to the target comes from."""
_STEPS[:, KNIGHT], _STEPS[:, KING] = KNIGHT_STEPS, KING_STEPS
_STEPS[:, PAWN], _STEPS[:, _TAKING_PAWN] = PAWN_STEP[::-1], PAWN_TAKES[::-1]
_STEPS[WHITE, (_SHORT, _LONG)], _STEPS[BLACK, (_SHORT, _LONG)] = BIT[4], BIT[60]
_DOUBLE = np.zeros((2, 64), np.uint64)
"""``[2, 64]``: where a pawn comes from that reaches the target by two squares."""
_DOUBLE[WHITE, 24:32], _DOUBLE[BLACK, 32:40] = BIT[8:16], BIT[48:56]


class Ply(NamedTuple):
    """What the moves of ``N`` games at one ply say."""

    target_sets: Sets
    wanted: Sets
    """Squares that the move may come from, by file and rank."""
    straight: Sets
    diagonal: Sets
    """All squares where the piece moves along such lines, else none."""
    steps: Sets
    """Squares that a step or jump to the target comes from."""
    doubles: Sets
    """The square that a pawn's double step to the target comes from, else none."""
    behind_sets: Sets
    targets: Squares
    behind: Squares
    """The square behind the target: passed over by a double step, left by a pawn that is taken in passing."""
    movers: Squares
    becomes: Squares
    """Piece that moves and piece that arrives (0-11), another one where a pawn is promoted."""
    pushes: NDArray[np.bool_]
    takes: NDArray[np.bool_]
    """Pawns that step, and pawns that take."""
    kings: NDArray[np.bool_]
    castles: NDArray[np.bool_]


class WrittenMoves:
    """The moves of ``G`` games, longer games first."""

    def __init__(self, games: Sequence[Sequence[str]], plies: int) -> None:
        """``plies``: moves of a game behind so many are left out."""
        lengths = [min(len(moves), plies) for moves in games]
        codes = np.zeros((len(games), max(lengths)), np.intp)
        for place, (moves, length) in enumerate(zip(games, lengths, strict=True)):
            codes[place, :length] = np.fromiter(map(_code, moves), np.intp, count=length)
        found = np.zeros(_CODES, dtype=np.bool_)
        found[codes] = True
        different = np.flatnonzero(found)
        numbers = np.zeros(_CODES, np.int32)
        numbers[different] = np.arange(len(different))
        self._numbers = np.ascontiguousarray(numbers[codes].T)
        """``[T, G]``: number of each move among the different ones."""
        self._tables = [_table(different, colour) for colour in (WHITE, BLACK)]
        ways = different & 15
        castles = np.isin(ways, (_SHORT, _LONG))
        self._castling = set(np.flatnonzero(castles[self._numbers].any(axis=1)).tolist())
        self.promotions = np.where(different >> 10 & 7, different >> 10 & 7, -1).astype(np.int8)[self._numbers]
        """``[T, G]``: kind of piece that a pawn becomes, -1 for none."""
        self.targets = np.empty(self._numbers.shape, np.uint8)
        """``[T, G]``: target squares of the plies that were asked for."""

    def __len__(self) -> int:
        return len(self._numbers)

    def has_castling(self, ply: int) -> bool:
        """Whether any game castles at that ply."""
        return ply in self._castling

    def at(self, ply: int, count: int) -> Ply:
        """What the first ``count`` games' moves at a ply say."""
        numbers = self._numbers[ply, :count]
        sets, squares, flags = (table.take(numbers, axis=1) for table in self._tables[ply % 2])
        said = Ply(*sets, *squares, *flags)
        self.targets[ply, :count] = said.targets
        return said


def _table(codes: Squares, colour: int) -> tuple[NDArray[np.uint64], NDArray[np.intp], NDArray[np.bool_]]:
    """The fields of ``Ply`` for the different moves of one colour: sets ``[7, U]``, squares ``[4, U]``, flags."""
    ways, targets, promotions, wanted = codes & 15, codes >> 4 & 63, codes >> 10 & 7, _WANTED[codes >> 13]
    castles = np.isin(ways, (_SHORT, _LONG))
    if colour == BLACK:
        targets = targets ^ (castles * 56)  # castling goes to the mover's own first rank
    pawns = _MOVED[ways] == PAWN
    last = targets // 8 == (7 if colour == WHITE else 0)
    spelled = (ways != _UNREADABLE) & ((promotions != NONE) == (pawns & last))
    behind = targets + (8 if colour == BLACK else -8) & 63
    sets = [
        BIT[targets],
        np.where(spelled, wanted, _NO_SQUARES),
        np.isin(ways, (ROOK, QUEEN)) * _ALL,
        np.isin(ways, (BISHOP, QUEEN)) * _ALL,
        _STEPS[colour, ways, targets],
        np.where(ways == PAWN, _DOUBLE[colour, targets], _NO_SQUARES),
        BIT[behind],
    ]
    moved = _MOVED[ways]
    squares = [targets, behind, moved - 1 + 6 * colour, np.where(promotions, promotions, moved) - 1 + 6 * colour]
    flags = [ways == PAWN, ways == _TAKING_PAWN, moved == KING, castles]
    return np.stack(sets), np.stack(squares), np.stack(flags)


@lru_cache(maxsize=1 << 16)
def _code(text: str) -> int:
    """A move as bits: way (4), target (6), promotion (3), and where it may come from (7, index into ``_WANTED``)."""
    match = _SAN.fullmatch(text)
    if match is None:
        return _UNREADABLE
    kind, file, rank, takes, to_file, to_rank, promotion, castling, long = match.groups()
    if castling:
        way = _LONG if long else _SHORT
        return way | _CASTLING_TARGETS[way] << 4
    way = _KINDS.index(kind) if kind else _TAKING_PAWN if takes else PAWN
    target = (int(to_rank) - 1) * 8 + ord(to_file) - ord("a")
    wanted = (ord(file) - ord("a") + 1 if file else 0) + 9 * (int(rank) if rank else 0)
    return way | target << 4 | (_KINDS.index(promotion) if promotion else NONE) << 10 | wanted << 13
