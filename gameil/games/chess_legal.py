"""Legal moves of many chess positions at once: each rule is some NumPy calls on vectors with one entry a piece.

The rules engine lists the moves of one position in 5 us; here a position costs about 2. Boards are seen by the mover,
who walks to rising ranks: square ``rank * 8 + file`` is bit ``1 << square``. Tests hold the moves against the engine's.

Letters: ``P`` positions, ``Q`` the movers' pieces of all positions, ``L`` legal moves.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import (
    BISHOP,
    BIT,
    BLACK,
    KING,
    KNIGHT,
    KNIGHT_STEPS,
    PAWN,
    PAWN_STEP,
    PAWN_TAKES,
    QUEEN,
    ROOK,
    WHITE,
    Sets,
    Squares,
    alone_between,
    attacks,
    lines_from,
    only_square,
    sets_of,
)
from gameil.games.frames import CHESS_ACTION_PLANES, chess_moves

OPPONENT = KING
"""The opponent's pieces on a board are so many more than the mover's, which are kinds of ``bitboards``."""
CASTLING = 64 * CHESS_ACTION_PLANES
"""Action of castling to the a-side; the h-side's is the next."""
NOWHERE = 255
"""``passed`` where no pawn may be taken in passing."""
_ALL, _NO_SQUARES, _ONE = np.uint64(2**64 - 1), np.uint64(0), np.uint64(1)


@dataclass(frozen=True, slots=True, eq=False)
class Boards:
    """Positions as the mover sees them."""

    pieces: NDArray[np.uint8]
    """``[P, 64]``."""
    rights: NDArray[np.uint8]
    """``[P]``: bits 0 to 3: the mover's a- and h-side, the opponent's."""
    passed: NDArray[np.uint8]
    """``[P]``: square behind a pawn that just made two steps beside one of the mover's, or ``NOWHERE``."""

    def part(self, rows: slice) -> "Boards":
        """Some of the positions."""
        return Boards(self.pieces[rows], self.rights[rows], self.passed[rows])


@lru_cache(maxsize=1)
def _kinds() -> NDArray[np.int64]:
    """Kind of move (``chess_moves``) by source and target, ``[64 * 64]``; under-promotions are left out."""
    rank_step, file_step = chess_moves()
    table = np.zeros((8, 8, 8, 8), np.int64)
    for kind in range(9, CHESS_ACTION_PLANES):
        for rank in range(8):
            for file in range(8):
                to_rank, to_file = rank + int(rank_step[kind]), file + int(file_step[kind])
                if 0 <= to_rank < 8 and 0 <= to_file < 8:
                    table[rank, file, to_rank, to_file] = kind
    return table.ravel()


@lru_cache(maxsize=1)
def _rays() -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """``[64 * 64]`` each: squares between two squares, and the whole line through both; none where there is no line."""
    squares = np.arange(64)
    between = np.zeros((64, 64), np.uint64)
    line = np.zeros((64, 64), np.uint64)
    empty = np.zeros(64, np.uint64)
    for other in range(64):
        for way in (0, 1):
            open_here, open_there = lines_from(squares, empty)[way], lines_from(np.full(64, other), empty)[way]
            joined = (open_here & BIT[other]) != 0
            block = lines_from(squares, np.full(64, BIT[other]))[way]
            back = lines_from(np.full(64, other), BIT)[way]
            between[joined, other] = (block & back & ~BIT[other] & ~BIT)[joined]
            line[joined, other] = ((open_here & open_there) | BIT | BIT[other])[joined]
    return between.ravel(), line.ravel()


def legal_actions(boards: Boards) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Legal actions of all positions in a row, ascending within each, ``[L]``, and their numbers ``[P]``."""
    pieces, size = boards.pieces, len(boards.pieces)
    between, line = _rays()
    own_squares = (pieces >= 1) & (pieces <= KING)
    own, other = sets_of(own_squares), sets_of(pieces > KING)
    occupied = own | other
    kings = np.argmax(pieces == KING, axis=1)
    attacked = _attacked(pieces, occupied & ~BIT[kings])
    # Who gives check, and which of the mover's pieces stand between the king and a line piece.
    straight, diagonal = lines_from(kings, occupied)
    rooks = sets_of((pieces == ROOK + OPPONENT) | (pieces == QUEEN + OPPONENT))
    bishops = sets_of((pieces == BISHOP + OPPONENT) | (pieces == QUEEN + OPPONENT))
    checkers = (straight & rooks) | (diagonal & bishops)
    checkers |= KNIGHT_STEPS[kings] & sets_of(pieces == KNIGHT + OPPONENT)
    checkers |= PAWN_TAKES[0, kings] & sets_of(pieces == PAWN + OPPONENT)
    allowed = np.full(size, _ALL)
    checked = np.flatnonzero(checkers)
    first = only_square(checkers[checked] & (~checkers[checked] + _ONE))
    single = (checkers[checked] & (checkers[checked] - _ONE)) == 0
    allowed[checked] = np.where(single, between[kings[checked] * 64 + first] | BIT[first], _NO_SQUARES)
    pinned = alone_between(kings, straight, diagonal, rooks, bishops, occupied) & own

    # Pieces in the order of the actions' sources: by file, then by rank.
    found = np.flatnonzero(own_squares.reshape(size, 8, 8).transpose(0, 2, 1))
    rows, places = found >> 6, found & 63
    squares = (places & 7) << 3 | places >> 3
    kinds = pieces[rows, squares]
    targets = attacks(kinds, squares, occupied[rows], WHITE)
    targets &= ~own[rows]
    mine = np.flatnonzero(kinds == PAWN)
    from_here, at = squares[mine], rows[mine]
    ahead = PAWN_STEP[0, from_here] & ~occupied[at]
    twice = np.where(from_here < 16, ahead << np.uint64(8), _NO_SQUARES) & ~occupied[at]
    targets[mine] = ahead | twice | (targets[mine] & other[at])
    king = kinds == KING
    held = (pinned[rows] & BIT[squares]) != 0
    targets &= np.where(king, ~attacked[rows], allowed[rows])
    targets &= np.where(held, line[kings[rows] * 64 + squares], _ALL)
    _add_passing(boards, targets, mine, squares, rows, kings, occupied, rooks, bishops, checkers)

    table = _kinds()
    able = np.flatnonzero(targets)
    rows, places, squares, kinds = rows[able], places[able], squares[able], kinds[able]
    marks = np.unpackbits(targets[able].view(np.uint8), bitorder="little").view(bool)
    found = np.flatnonzero(marks)
    piece, target = found >> 6, found & 63
    moves = np.zeros(len(rows) * CHESS_ACTION_PLANES, bool)
    moves[piece * CHESS_ACTION_PLANES + table[squares[piece] << 6 | target]] = True
    last = np.flatnonzero((target >= 56) & (kinds[piece] == PAWN))
    if len(last):
        piece, step = piece[last], (target[last] & 7) - (squares[piece[last]] & 7)
        for lesser in range(3):
            moves[piece * CHESS_ACTION_PLANES + 3 * lesser + np.where(step < 0, 2, step)] = True
    found = np.flatnonzero(moves)
    piece = found // CHESS_ACTION_PLANES
    owner = rows[piece]
    actions = (found + ((places - np.arange(len(places))) * CHESS_ACTION_PLANES)[piece]).astype(np.int32)
    castling_rows, castling_actions = _castling(boards, occupied, attacked, checkers)
    if len(castling_rows):
        ends = np.searchsorted(owner, castling_rows, side="right")
        actions = np.insert(actions, ends, castling_actions)
        owner = np.insert(owner, ends, castling_rows)
    return actions, np.bincount(owner, minlength=size).astype(np.int64)


def _attacked(pieces: NDArray[np.uint8], occupied: Sets) -> Sets:
    """Squares that the opponent attacks, ``[P]``; lines go through what is not in ``occupied``."""
    found = np.flatnonzero(pieces > KING)
    rows, squares = found >> 6, found & 63
    reach = attacks(pieces[rows, squares] - OPPONENT, squares, occupied[rows], BLACK)
    attacked = np.zeros(len(pieces), np.uint64)
    starts = np.flatnonzero(np.diff(rows, prepend=-1))
    if len(starts):
        attacked[rows[starts]] = np.bitwise_or.reduceat(reach, starts)
    return attacked


def _add_passing(
    boards: Boards,
    targets: Sets,
    pawns: Squares,
    squares: Squares,
    rows: Squares,
    kings: Squares,
    occupied: Sets,
    rooks: Sets,
    bishops: Sets,
    checkers: Sets,
) -> None:
    """Adds captures in passing to the ``targets`` of pieces: legal where no line opens on the king and no other piece
    than the pawn taken gives check."""
    some = pawns[boards.passed[rows[pawns]] != NOWHERE]
    passed = boards.passed[rows[some]].astype(np.int64)
    able = (PAWN_TAKES[0, squares[some]] & BIT[passed & 63]) != 0
    some, passed = some[able], passed[able]
    if not len(some):
        return
    at = rows[some]
    taken = BIT[passed - 8]
    after = (occupied[at] & ~BIT[squares[some]] & ~taken) | BIT[passed]
    straight, diagonal = lines_from(kings[at], after)
    safe = ((straight & rooks[at]) | (diagonal & bishops[at])) == 0
    steps = (KNIGHT_STEPS[kings[at]] | PAWN_TAKES[0, kings[at]]) & checkers[at] & ~taken
    safe &= steps == 0
    targets[some[safe]] |= BIT[passed[safe]]


def _castling(boards: Boards, occupied: Sets, attacked: Sets, checkers: Sets) -> tuple[Squares, NDArray[np.int32]]:
    """Positions where castling is legal, and its actions, the a-side's first."""
    found_rows, found_actions = [], []
    for side, free, safe in ((0, (1, 2, 3), (2, 3)), (1, (5, 6), (5, 6))):
        must_be_free = sum(1 << square for square in free)
        must_be_safe = sum(1 << square for square in safe)
        able = (boards.rights >> side & 1 != 0) & (checkers == 0)
        able &= (occupied & np.uint64(must_be_free)) == 0
        able &= (attacked & np.uint64(must_be_safe)) == 0
        rows = np.flatnonzero(able)
        found_rows.append(rows)
        found_actions.append(np.full(len(rows), CASTLING + side, np.int32))
    rows, actions = np.concatenate(found_rows), np.concatenate(found_actions)
    order = np.lexsort((actions, rows))
    return rows[order], actions[order]
