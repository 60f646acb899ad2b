"""SAN moves of many chess games resolved side by side: all first moves at once, then all second ones, and so on.

Each step is some hundred NumPy calls on vectors with one entry a game, so a move costs less than a microsecond, where
the rules engine takes several to list the legal moves of one position. Pieces are kept as sets of squares
(``games/bitboards.py``): those that reach the target from a kind of piece are found backwards, from the target, and a
move is legal where it leaves the mover's king unattacked.

Only moves that SAN of the PGN standard's export format can spell are read. Any other, and any illegal or ambiguous
one, makes its game invalid here; who asked reads that game another way.

Letters: ``G`` games, ``N`` games that still go on (a prefix of all, since longer games come first), ``T`` plies of
the longest game.
"""

import re
from collections.abc import Sequence
from functools import lru_cache

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
    ON_LINE,
    PAWN,
    PAWN_STEP,
    PAWN_TAKES,
    QUEEN,
    ROOK,
    WHITE,
    Sets,
    Squares,
    attackers,
    lines_from,
    only_square,
    some_steps,
)
from gameil.games.registry import make_game
from gameil.records.resolved_games import ResolvedGames

MOST_PLIES = 600
"""Longer games are left to others: the memory of a chunk is that of its longest game."""
_SAN = re.compile(r"([KQRBN]?)([a-h]?)([1-8]?)(x?)([a-h])([1-8])(?:=([QRBN]))?[+#]?|(O-O(-O)?)[+#]?")
_KINDS = " PNBRQK"
_LETTERS = ".PNBRQKpnbrqk"
_BLANKS = re.compile(r"\.+")
_ALL, _NO_SQUARES = np.uint64(2**64 - 1), np.uint64(0)
_FILES = [np.uint64(0x0101010101010101 << file) for file in range(8)]
_RANKS = [np.uint64(0xFF << 8 * rank) for rank in range(8)]

_TAKING_PAWN, _CASTLE_SHORT, _CASTLE_LONG, _UNREADABLE = 7, 8, 9, 10
"""Ways to move beside the kinds of pieces (a pawn's own is the step)."""
_MOVED = np.array([NONE, PAWN, KNIGHT, BISHOP, ROOK, QUEEN, KING, PAWN, NONE, NONE, NONE])
"""The piece that moves, by way."""
_STRAIGHT = np.isin(np.arange(11), (ROOK, QUEEN)) * _ALL
_DIAGONAL = np.isin(np.arange(11), (BISHOP, QUEEN)) * _ALL
_STEPS = np.zeros((2, 11, 64), np.uint64)
"""``[2, 11, 64]``: by mover, way and target the squares that a step or jump to the target comes from."""
_STEPS[:, KNIGHT], _STEPS[:, KING] = KNIGHT_STEPS, KING_STEPS
_STEPS[:, PAWN], _STEPS[:, _TAKING_PAWN] = PAWN_STEP[::-1], PAWN_TAKES[::-1]
_DOUBLE = np.zeros((2, 64), np.uint64)
"""``[2, 64]``: where a pawn comes from that reaches the target by two squares."""
_DOUBLE[WHITE, 24:32], _DOUBLE[BLACK, 32:40] = BIT[8:16], BIT[48:56]
_KEPT_RIGHTS = np.full(64, 15, np.uint8)
"""``[64]``: rights to castle (White's short and long, Black's) that stay when something leaves or enters a square."""
for _square, _lost in ((7, 1), (0, 2), (4, 3), (63, 4), (56, 8), (60, 12)):
    _KEPT_RIGHTS[_square] -= _lost
_NOWHERE = 64
_START = np.array([ROOK, KNIGHT, BISHOP, QUEEN, KING, BISHOP, KNIGHT, ROOK], np.uint8)


@lru_cache(maxsize=1 << 16)
def _spelled(text: str) -> int:
    """A move as bits: way (4), target (6), promotion (3), and where it may come from (index into ``_WANTED``)."""
    match = _SAN.fullmatch(text)
    if match is None:
        return _UNREADABLE
    kind, file, rank, takes, to_file, to_rank, promotion, castling, long = match.groups()
    if castling:
        return _CASTLE_LONG if long else _CASTLE_SHORT
    way = _KINDS.index(kind) if kind else _TAKING_PAWN if takes else PAWN
    target = (int(to_rank) - 1) * 8 + ord(to_file) - ord("a")
    wanted = (ord(file) - ord("a") + 1 if file else 0) + 9 * (int(rank) if rank else 0)
    promoted = _KINDS.index(promotion) if promotion else NONE
    if (promoted != NONE) != (way in (PAWN, _TAKING_PAWN) and to_rank in "18"):
        return _UNREADABLE
    return way | target << 4 | promoted << 10 | wanted << 13


_WANTED = np.array([file & rank for rank in (_ALL, *_RANKS) for file in (_ALL, *_FILES)])
"""``[81]``: squares that a move may come from: any or one rank times any or one file."""


def resolve_in_lockstep(games: Sequence[Sequence[str]]) -> ResolvedGames:
    """Resolves the SAN moves of ``G`` games from the usual start, each with at least one move."""
    lengths = np.array([len(moves) for moves in games])
    kept = np.minimum(lengths, MOST_PLIES)
    order = np.argsort(-kept, kind="stable")
    table = np.zeros((len(games), int(kept.max())), np.intp)
    for place, game in enumerate(order.tolist()):
        moves = np.fromiter(map(_spelled, games[game]), np.intp, count=int(kept[game]))
        table[place, : len(moves)] = moves
    run = _Lockstep(np.ascontiguousarray(table.T))
    active = np.searchsorted(-kept[order], -np.arange(table.shape[1]), side="left")
    for ply, count in enumerate(active.tolist()):
        run.step(ply, count)
    return run.finish(order, kept, lengths <= MOST_PLIES)


class _Lockstep:
    """The positions of all games after the same number of plies, and what came before."""

    def __init__(self, table: NDArray[np.intp]) -> None:
        """``table``: every move as ``_spelled`` gives it, ``[T, G]``."""
        plies, games = table.shape
        self.ways, self.targets, self.promotions = table & 15, table >> 4 & 63, table >> 10 & 7
        self.wanted = table >> 13
        board = np.zeros(64, np.uint8)
        board[:8], board[8:16], board[48:56], board[56:] = _START, PAWN, PAWN + 6, _START + 6
        self.board = np.tile(board, (games, 1))
        """``[G, 64]``."""
        self.pieces = np.stack([np.bitwise_or.reduce(BIT[board == piece]) for piece in range(1, 13)])
        self.pieces = np.repeat(self.pieces[:, None], games, axis=1)
        """``[12, G]``: squares of each piece."""
        self.sides = np.stack([np.bitwise_or.reduce(self.pieces[:6]), np.bitwise_or.reduce(self.pieces[6:])])
        """``[2, G]``: squares of each colour."""
        self.kings = np.array([[4], [60]]).repeat(games, axis=1)
        """``[2, G]``."""
        self.rights = np.full(games, 15, np.uint8)
        self.clocks = np.zeros(games, np.int64)
        self.passed = np.full(games, _NOWHERE)
        """``[G]``: square that a pawn has just passed over, where it may be taken."""
        self.valid = np.ones(games, dtype=np.bool_)
        self.sources = np.zeros((games, plies), np.uint8)
        self.boards = np.empty((games, plies + 1, 64), np.uint8)
        self.past_rights = np.empty((games, plies + 1), np.uint8)
        self.past_clocks = np.empty((games, plies + 1), np.uint8)
        self._note(0, games)

    def _note(self, ply: int, count: int) -> None:
        self.boards[:count, ply] = self.board[:count]
        self.past_rights[:count, ply] = self.rights[:count]
        self.past_clocks[:count, ply] = self.clocks[:count]

    def step(self, ply: int, count: int) -> None:
        """Plays the move ``ply`` of the first ``count`` games."""
        colour = ply % 2
        ways, targets = self.ways[ply, :count], self.targets[ply, :count]
        candidates = self._candidates(colour, ways, targets, _WANTED[self.wanted[ply, :count]])
        several = np.flatnonzero((candidates & (candidates - BIT[0])) != 0)
        if len(several):
            candidates[several] = self._only_legal(colour, several, ways, targets, candidates[several])
        games = np.flatnonzero(candidates)
        sources = only_square(candidates[games])
        legal = self._leaves_king_safe(colour, games, sources, targets[games], ways[games])
        games, sources = games[legal], sources[legal]
        castling = np.flatnonzero((ways == _CASTLE_SHORT) | (ways == _CASTLE_LONG))
        played = np.zeros(count, dtype=np.bool_)
        played[games] = True
        self._play(colour, games, sources, targets[games], ways[games], self.promotions[ply, games])
        self.sources[games, ply] = sources
        for way in (_CASTLE_SHORT, _CASTLE_LONG) if len(castling) else ():
            able = self._castle(colour, castling[ways[castling] == way], way)
            played[able] = True
            self.sources[able, ply] = 4 + 56 * colour
            self.targets[ply, able] = (6 if way == _CASTLE_SHORT else 2) + 56 * colour
        self.valid[:count] &= played
        self._note(ply + 1, count)

    def _candidates(self, colour: int, ways: Squares, targets: Squares, wanted: Sets) -> Sets:
        """``[N]``: pieces that may make the move but for their king's safety; none for castling."""
        count = len(ways)
        own, other = self.sides[colour, :count], self.sides[1 - colour, :count]
        occupied = own | other
        straight, diagonal = lines_from(targets, occupied)
        steps = _STEPS[colour, ways, targets]
        sources = (straight & _STRAIGHT[ways]) | (diagonal & _DIAGONAL[ways]) | steps
        pushes, takes = ways == PAWN, ways == _TAKING_PAWN
        sources |= np.where(pushes & ((occupied & steps) == 0), _DOUBLE[colour, targets], _NO_SQUARES)
        passing = (self.passed[:count] == targets) & takes
        open_squares = np.where(pushes, ~occupied, np.where(takes, other, ~own))
        able = ((open_squares & BIT[targets]) != 0) | passing
        movers = self.pieces[np.maximum(_MOVED[ways] - 1, 0) + 6 * colour, np.arange(count)]
        found: Sets = np.where(able, sources & movers & wanted, _NO_SQUARES)
        return found

    def _only_legal(self, colour: int, several: Squares, ways: Squares, targets: Squares, candidates: Sets) -> Sets:
        """Of several candidates a game the legal one; none where all are legal or none is."""
        legal = np.zeros(len(several), np.uint64)
        number = np.zeros(len(several), np.int64)
        left = candidates.copy()
        while (here := np.flatnonzero(left)).size:
            lowest = left[here] & (~left[here] + BIT[0])
            games = several[here]
            safe = self._leaves_king_safe(colour, games, only_square(lowest), targets[games], ways[games])
            legal[here] |= np.where(safe, lowest, _NO_SQUARES)
            number[here] += safe
            left[here] ^= lowest
        return np.where(number == 1, legal, _NO_SQUARES)

    def _leaves_king_safe(
        self, colour: int, games: Squares, sources: Squares, targets: Squares, ways: Squares
    ) -> NDArray[np.bool_]:
        """Whether the mover's king is not attacked after each move."""
        target = BIT[targets]
        gone: Sets = np.where(
            (ways == _TAKING_PAWN) & (self.board[games, targets] == 0), self._passer(targets, colour), target
        )
        occupied = (self.sides[0, games] | self.sides[1, games]) & ~BIT[sources] & ~gone | target
        kings = np.where(ways == KING, targets, self.kings[colour, games])
        enemies: Sets = self.pieces[6 - 6 * colour : 12 - 6 * colour, games] & ~gone
        safe: NDArray[np.bool_] = attackers(kings, occupied, enemies, 1 - colour) == 0
        return safe

    @staticmethod
    def _passer(targets: Squares, colour: int) -> Sets:
        """Where the pawn stands that is taken in passing on ``targets``."""
        stands: Sets = BIT[targets + (8 if colour == BLACK else -8) & 63]
        return stands

    def _play(
        self, colour: int, games: Squares, sources: Squares, targets: Squares, ways: Squares, promotions: Squares
    ) -> None:
        source, target = BIT[sources], BIT[targets]
        moved = _MOVED[ways]
        taken = self.board[games, targets]
        passing = np.flatnonzero((ways == _TAKING_PAWN) & (taken == 0))
        become = np.where(promotions == NONE, moved, promotions)
        self.pieces[moved - 1 + 6 * colour, games] ^= source
        self.pieces[become - 1 + 6 * colour, games] |= target
        took = np.flatnonzero(taken)
        self.pieces[taken[took] - 1, games[took]] ^= target[took]
        self.sides[colour, games] ^= source | target
        self.sides[1 - colour, games] &= ~target
        self.board[games, sources] = NONE
        self.board[games, targets] = become + 6 * colour
        if len(passing):
            pawns, there = self._passer(targets[passing], colour), games[passing]
            self.pieces[PAWN - 1 + 6 - 6 * colour, there] ^= pawns
            self.sides[1 - colour, there] ^= pawns
            self.board[there, only_square(pawns)] = NONE
        kings = np.flatnonzero(ways == KING)
        self.kings[colour, games[kings]] = targets[kings]
        self.rights[games] &= _KEPT_RIGHTS[sources] & _KEPT_RIGHTS[targets]
        self.clocks[games] = np.where((moved == PAWN) | (taken > 0), 0, self.clocks[games] + 1)
        double = (moved == PAWN) & (np.abs(targets - sources) == 16)
        self.passed[games] = np.where(double, (sources + targets) // 2, _NOWHERE)

    def _castle(self, colour: int, games: Squares, way: int) -> Squares:
        """Castles in those of ``games`` where it is legal, and returns them."""
        home = 56 * colour
        king, rook, to, over, between, right = (
            (4, 7, 6, 5, (5, 6), 1) if way == _CASTLE_SHORT else (4, 0, 2, 3, (1, 2, 3), 2)
        )
        occupied = self.sides[0, games] | self.sides[1, games]
        empty = np.bitwise_or.reduce(BIT[[square + home for square in between]])
        able = (self.rights[games] & (right << 2 * colour) != 0) & (occupied & empty == 0)
        enemies = self.pieces[6 - 6 * colour : 12 - 6 * colour, games]
        way_of_king = np.repeat([king + home, over + home, to + home], len(games))
        attacked = attackers(way_of_king, np.tile(occupied, 3), np.tile(enemies, 3), 1 - colour) != 0
        able &= ~attacked.reshape(3, -1).any(axis=0)
        games = games[able]
        kings, rooks = BIT[king + home] | BIT[to + home], BIT[rook + home] | BIT[over + home]
        self.pieces[KING - 1 + 6 * colour, games] ^= kings
        self.pieces[ROOK - 1 + 6 * colour, games] ^= rooks
        self.sides[colour, games] ^= kings ^ rooks
        for square, piece in ((king, NONE), (rook, NONE), (to, KING), (over, ROOK)):
            self.board[games, square + home] = piece + 6 * colour if piece else NONE
        self.kings[colour, games] = to + home
        self.rights[games] &= _KEPT_RIGHTS[king + home]
        self.clocks[games] += 1
        self.passed[games] = _NOWHERE
        return games

    def finish(self, order: Squares, lengths: Squares, whole: NDArray[np.bool_]) -> ResolvedGames:
        """Everything in the order of the games; ``order`` gives their numbers by place, the others go by number."""
        place = np.argsort(order)
        plies = self.sources.shape[1]
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        game = np.repeat(np.arange(len(order)), lengths)
        moves = place[game] * plies + np.arange(len(game)) - offsets[game]
        game = np.repeat(np.arange(len(order)), lengths + 1)
        positions = place[game] * (plies + 1) + np.arange(len(game)) - (offsets[game] + game)
        rights = self.past_rights.ravel()[positions]
        return ResolvedGames(
            valid=self.valid[place] & whole,
            move_offsets=offsets,
            sources=self.sources.ravel()[moves],
            targets=self.targets.T.astype(np.uint8).ravel()[moves],
            promotions=np.where(self.promotions == NONE, -1, self.promotions).T.astype(np.int8).ravel()[moves],
            boards=self.boards.reshape(-1, 64)[positions],
            castling=(rights[:, None] >> np.arange(4, dtype=np.uint8) & 1).astype(np.bool_),
            clocks=self.past_clocks.ravel()[positions],
            stuck=self._stuck(lengths[order] % 2)[place],
        )

    def _stuck(self, colours: Squares) -> NDArray[np.bool_]:
        """Whether no move is legal in the last positions, in which ``colours`` are to move."""
        stuck = np.zeros(len(colours), dtype=np.bool_)
        occupied = self.sides[0] | self.sides[1]
        for colour in (WHITE, BLACK):
            games = np.flatnonzero((colours == colour) & self.valid)
            kings, blocked = self.kings[colour, games], occupied[games]
            enemies = self.pieces[6 - 6 * colour : 12 - 6 * colour, games]
            own = self.sides[colour, games]
            free = self.pieces[6 * colour : 6 * colour + 6, games] & ~ON_LINE[kings]  # nothing there is pinned
            moves = some_steps(free, blocked, own, colour) != 0
            moves &= attackers(kings, blocked, enemies, 1 - colour) == 0
            around = KING_STEPS[kings] & ~own
            while around.any():
                here = np.flatnonzero(around)
                step = around[here] & (~around[here] + BIT[0])
                around[here] ^= step
                emptied = blocked[here] & ~BIT[kings[here]] | step
                moves[here] |= attackers(only_square(step), emptied, enemies[:, here] & ~step, 1 - colour) == 0
            for game in games[~moves].tolist():
                stuck[game] = not make_game("chess").initial_state(self._fen(game, colour)).legal_actions()
        return stuck

    def _fen(self, game: int, colour: int) -> str:
        """The last position of a game, without its counters."""
        rows = self.board[game].reshape(8, 8)[::-1]
        ranks = "/".join("".join(_LETTERS[piece] for piece in row) for row in rows.tolist())
        rights = "".join(letter for bit, letter in enumerate("KQkq") if self.rights[game] >> bit & 1)
        passed = int(self.passed[game])
        passing = "-" if passed == _NOWHERE else "abcdefgh"[passed % 8] + str(passed // 8 + 1)
        return f"{_BLANKS.sub(lambda run: str(len(run[0])), ranks)} {'wb'[colour]} {rights or '-'} {passing} 0 1"
