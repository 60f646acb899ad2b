"""SAN moves of many chess games resolved side by side: all first moves at once, then all second ones, and so on.

Each ply is some hundred NumPy calls on vectors with one entry a game, so a move costs about a microsecond, where the
rules engine takes several to list the legal moves of one position. Pieces are kept as sets of squares
(``games/bitboards.py``): those that reach the target from a kind of piece are found backwards, from the target, and a
move is legal where it leaves the mover's king unattacked.

Any unreadable, illegal or ambiguous move makes its game invalid here; who asked reads that game another way.

Letters: ``G`` games, ``N`` games that still go on (a prefix of all, since longer games come first), ``T`` plies of
the longest game.
"""

import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.games.bitboards import (
    BISHOP,
    BIT,
    BLACK,
    KING,
    KING_STEPS,
    KNIGHT,
    NONE,
    ON_LINE,
    PAWN,
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
from gameil.positions.written_moves import Ply, WrittenMoves
from gameil.records.resolved_games import ResolvedGames

MOST_PLIES = 600
"""Longer games are left to others: the memory of a chunk is that of its longest game."""
_LETTERS = ".PNBRQKpnbrqk"
_BLANKS = re.compile(r"\.+")
_NO_SQUARES = np.uint64(0)
_KEPT_RIGHTS = np.full(64, 15, np.uint8)
"""``[64]``: rights to castle (White's short and long, Black's) that stay when something leaves or enters a square."""
for _square, _lost in ((7, 1), (0, 2), (4, 3), (63, 4), (56, 8), (60, 12)):
    _KEPT_RIGHTS[_square] -= _lost
_NOWHERE = 64
_NOBODY = np.zeros(0, np.intp)
_START = np.array([ROOK, KNIGHT, BISHOP, QUEEN, KING, BISHOP, KNIGHT, ROOK], np.uint8)


def resolve_in_lockstep(games: Sequence[Sequence[str]]) -> ResolvedGames:
    """Resolves the SAN moves of ``G`` games from the usual start, each with at least one move."""
    lengths = np.array([len(moves) for moves in games])
    kept = np.minimum(lengths, MOST_PLIES)
    order = np.argsort(-kept, kind="stable")
    run = _Lockstep(WrittenMoves([games[game] for game in order.tolist()], MOST_PLIES), len(games))
    active = np.searchsorted(-kept[order], -np.arange(kept.max()), side="left")
    for ply, count in enumerate(active.tolist()):
        run.step(ply, count)
    return run.finish(order, kept, lengths <= MOST_PLIES)


class _Lockstep:
    """The positions of all games after the same number of plies, and what came before."""

    def __init__(self, moves: WrittenMoves, games: int) -> None:
        self.moves = moves
        board = np.zeros(64, np.uint8)
        board[:8], board[8:16], board[48:56], board[56:] = _START, PAWN, PAWN + 6, _START + 6
        pieces = np.array([np.bitwise_or.reduce(BIT[board == piece]) for piece in range(1, 13)])
        self.board = np.tile(board, games)
        """``[G * 64]``."""
        self.first = np.arange(games) * 64
        """``[G]``: where each game's squares start in ``board``."""
        self.places = np.arange(games)
        self.pieces = np.repeat(pieces[:, None], games, axis=1)
        """``[12, G]``: squares of each piece."""
        self.flat_pieces = self.pieces.reshape(-1)
        self.sides = np.stack([np.bitwise_or.reduce(self.pieces[:6]), np.bitwise_or.reduce(self.pieces[6:])])
        """``[2, G]``: squares of each colour."""
        self.kings = np.array([[4], [60]]).repeat(games, axis=1)
        """``[2, G]``."""
        self.rights = np.full(games, 15, np.uint8)
        self.clocks = np.zeros(games, np.uint8)
        self.passed = np.full(games, _NOWHERE)
        """``[G]``: square that a pawn has just passed over, where it may be taken."""
        self.valid = np.ones(games, dtype=np.bool_)
        plies = len(moves)
        self.sources = np.empty((plies, games), np.uint8)
        self.boards = np.empty((plies + 1, games * 64), np.uint8)
        self.past_rights = np.empty((plies + 1, games), np.uint8)
        self.past_clocks = np.empty((plies + 1, games), np.uint8)
        self._note(0, games)

    def _note(self, ply: int, count: int) -> None:
        self.boards[ply, : count * 64] = self.board[: count * 64]
        self.past_rights[ply, :count] = self.rights[:count]
        self.past_clocks[ply, :count] = self.clocks[:count]

    def step(self, ply: int, count: int) -> None:
        """Plays the move ``ply`` of the first ``count`` games; of those not valid it does not matter how."""
        colour, said = ply % 2, self.moves.at(ply, count)
        own, other = self.sides[colour, :count], self.sides[1 - colour, :count]
        occupied = own | other
        candidates = self._candidates(said, own, other, occupied)
        castling = np.flatnonzero(said.castles) if self.moves.has_castling(ply) else _NOBODY
        if len(castling):
            candidates[castling[~self._may_castle(colour, castling, said.targets[castling])]] = 0
        taken = self.board.take(self.first[:count] + said.targets)
        gone = said.target_sets
        passing = np.flatnonzero(said.takes & (taken == 0))
        if len(passing):
            gone = gone.copy()
            gone[passing] = said.behind_sets[passing]
        enemies = self.pieces[6 - 6 * colour : 12 - 6 * colour, :count]
        enemies &= ~gone
        kings = np.where(said.kings, said.targets, self.kings[colour, :count])
        occupied &= ~gone
        several = np.flatnonzero(candidates & (candidates - BIT[0]))
        if len(several):
            candidates[several] = _only_legal(
                candidates[several],
                kings[several],
                occupied[several],
                said.target_sets[several],
                enemies[:, several],
                colour,
            )
        self.valid[:count] &= candidates != 0
        candidates = np.maximum(candidates, BIT[0])
        after = (occupied & ~candidates) | said.target_sets
        self.valid[:count] &= attackers(kings, after, enemies, 1 - colour) == 0

        sources = only_square(candidates)
        self.flat_pieces[said.movers * len(self.places) + self.places[:count]] ^= candidates
        self.flat_pieces[said.becomes * len(self.places) + self.places[:count]] |= said.target_sets
        self.sides[colour, :count] = (own ^ candidates) | said.target_sets
        self.sides[1 - colour, :count] &= ~gone
        self.board[self.first[:count] + sources] = NONE
        self.board[self.first[:count] + said.targets] = said.becomes + 1
        if len(passing):
            self.board[self.first[passing] + said.behind[passing]] = NONE
        if len(castling):
            self._move_rooks(colour, castling, said.targets[castling])
        self.kings[colour, :count] = kings
        self.rights[:count] &= _KEPT_RIGHTS[sources] & _KEPT_RIGHTS[said.targets]
        self.clocks[:count] += 1
        self.clocks[:count][(taken != 0) | said.pushes | said.takes] = 0
        self.passed[:count] = np.where(candidates == said.doubles, said.behind, _NOWHERE)
        self.sources[ply, :count] = sources
        self._note(ply + 1, count)

    def _candidates(self, said: Ply, own: Sets, other: Sets, occupied: Sets) -> Sets:
        """``[N]``: pieces that may make the move but for their king's safety, and for what castling needs besides."""
        count = len(own)
        straight, diagonal = lines_from(said.targets, occupied)
        sources = (straight & said.straight) | (diagonal & said.diagonal) | said.steps
        sources |= np.where((occupied & said.steps) == 0, said.doubles, _NO_SQUARES)
        open_squares = np.where(said.pushes, ~occupied, np.where(said.takes, other, ~own))
        able = (open_squares & said.target_sets) != 0
        able |= (self.passed[:count] == said.targets) & said.takes
        movers = self.flat_pieces.take(said.movers * len(self.places) + self.places[:count])
        return np.where(able, sources & movers & said.wanted, _NO_SQUARES)

    def _may_castle(self, colour: int, games: Squares, targets: Squares) -> NDArray[np.bool_]:
        """Whether castling that takes the king to ``targets`` is allowed in ``games``."""
        home = 56 * colour
        occupied = self.sides[0, games] | self.sides[1, games]
        short = targets == 6 + home
        right = np.where(short, 1, 2) << 2 * colour
        between = np.where(short, BIT[5 + home] | BIT[6 + home], BIT[1 + home] | BIT[2 + home] | BIT[3 + home])
        able = (self.rights[games] & right != 0) & (occupied & between == 0)
        way_of_king = np.concatenate([np.full(len(games), 4 + home), (targets + 4 + home) // 2])
        enemies = self.pieces[6 - 6 * colour : 12 - 6 * colour, games]
        attacked = attackers(way_of_king, np.tile(occupied, 2), np.tile(enemies, 2), 1 - colour) != 0
        allowed: NDArray[np.bool_] = able & ~attacked.reshape(2, -1).any(axis=0)
        return allowed

    def _move_rooks(self, colour: int, games: Squares, targets: Squares) -> None:
        """Castling's second half."""
        short = targets == 6 + 56 * colour
        corner, beside = np.where(short, 7, 0) + 56 * colour, np.where(short, 5, 3) + 56 * colour
        both = BIT[corner] | BIT[beside]
        self.pieces[ROOK - 1 + 6 * colour, games] ^= both
        self.sides[colour, games] ^= both
        self.board[self.first[games] + corner] = NONE
        self.board[self.first[games] + beside] = ROOK + 6 * colour

    def finish(self, order: Squares, lengths: Squares, whole: NDArray[np.bool_]) -> ResolvedGames:
        """Everything in the order of the games; ``order`` gives their numbers by place, the others go by number."""
        size = len(order)
        place = np.argsort(order)
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        game = np.repeat(np.arange(size), lengths)
        moves = (np.arange(len(game)) - offsets[game]) * size + place[game]
        game = np.repeat(np.arange(size), lengths + 1)
        positions = (np.arange(len(game)) - offsets[game] - game) * size + place[game]
        rights = self.past_rights.take(positions)
        return ResolvedGames(
            valid=self.valid[place] & whole,
            move_offsets=offsets,
            sources=self.sources.take(moves),
            targets=self.moves.targets.take(moves),
            promotions=self.moves.promotions.take(moves),
            boards=self.boards.reshape(-1, 64).take(positions, axis=0),
            castling=(rights[:, None] >> np.arange(4, dtype=np.uint8) & 1).astype(np.bool_),
            clocks=self.past_clocks.take(positions),
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
        rows = self.board[64 * game : 64 * game + 64].reshape(8, 8)[::-1]
        ranks = "/".join("".join(_LETTERS[piece] for piece in row) for row in rows.tolist())
        rights = "".join(letter for bit, letter in enumerate("KQkq") if self.rights[game] >> bit & 1)
        passed = int(self.passed[game])
        passing = "-" if passed == _NOWHERE else "abcdefgh"[passed % 8] + str(passed // 8 + 1)
        return f"{_BLANKS.sub(lambda run: str(len(run[0])), ranks)} {'wb'[colour]} {rights or '-'} {passing} 0 1"


def _only_legal(
    candidates: Sets, kings: Squares, occupied: Sets, targets: Sets, enemies: NDArray[np.uint64], colour: int
) -> Sets:
    """Of several candidates a game the legal one; none where several are legal or none is.

    Args:
        candidates: squares that the piece may come from.
        kings: where the mover's king is after the move.
        occupied: all pieces but those taken.
        targets: where the piece goes.
        enemies: by kind, ``[6, N]``, without those taken.
        colour: the mover's.
    """
    legal = np.zeros_like(candidates)
    left = candidates.copy()
    while (here := np.flatnonzero(left)).size:
        lowest = left[here] & (~left[here] + BIT[0])
        left[here] ^= lowest
        after = (occupied[here] & ~lowest) | targets[here]
        safe = attackers(kings[here], after, enemies[:, here], 1 - colour) == 0
        legal[here] |= np.where(safe, lowest, _NO_SQUARES)
    return np.where(legal & (legal - BIT[0]), _NO_SQUARES, legal)
