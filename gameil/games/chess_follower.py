"""Plays the SAN moves of one game after another while keeping the board beside the rules engine.

``read_san`` looks at the position anew for each move; a game that is transcribed from its start needs no look, since
its board follows from the moves. Whatever is not plain is left to ``read_san``, so the meaning is always its own.

Squares are ``rank * 8 + file`` from White's side; pieces are the letters of FEN, ``.`` an empty square.
"""

from functools import lru_cache
from typing import Protocol

from gameil.errors import IllegalActionError
from gameil.games.chess_notation import CASTLE_A_SIDE, move_cells, promoted_piece, san_readings
from gameil.games.game import Notation

_EMPTY_RUNS = str.maketrans({str(length): "." * length for length in range(1, 9)})
_BLACK_FLIP = 56
"""What to xor a cell of Black's frame with to get its square."""


class FollowedState(Protocol):
    """What following needs of a chess state; its ``str`` is the position as FEN."""

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...


class ChessFollower:
    """Plays moves on ``state``, which nobody else may play on meanwhile."""

    __slots__ = ("_state", "board")

    def __init__(self, state: FollowedState) -> None:
        self._state = state
        self.board: list[str] | None = None
        """The piece on each of the 64 squares; None where it has to be looked up before the next move."""

    def play(self, text: str) -> None:
        """``state.apply(state.parse(text, "san"))``, faster; raises what those raise."""
        state = self._state
        player = state.current_player()
        if player < 0:
            state.apply(state.parse(text, "san"))
            self.board = None
            return
        board = self.board
        if board is None:
            board = self.board = placement(str(state))
        action = self._apply_plain(board, text, player)
        if action is None:
            action = state.parse(text, "san")
            state.apply(action)
        if action >= CASTLE_A_SIDE:
            self.board = None  # in Chess960 the rook may come from anywhere
        else:
            source, target = _squares(player)[action]
            piece = board[source]
            board[source] = "."
            if piece in "Pp":
                if board[target] == "." and (source ^ target) & 7:
                    board[source & 56 | target & 7] = "."  # taken en passant
                if not 8 <= target < 56:
                    promoted = promoted_piece(action)
                    piece = promoted if piece == "P" else promoted.lower()
            board[target] = piece

    def _apply_plain(self, board: list[str], text: str, player: int) -> int | None:
        """Plays the move that the board alone tells, if it is legal; None where nothing was played.

        Where one action fits text and board and is legal, it is the one that ``read_san`` finds.
        """
        meant = _meant(text, player)
        if meant is None:
            return None
        piece, candidates, found = meant
        for source, action in candidates:
            if board[source] == piece:
                if found is not None:
                    return self._apply_only_legal(board, piece, candidates)
                found = action
        if found is None:
            return None
        try:
            self._state.apply(found)
        except IllegalActionError:
            return None
        return found

    def _apply_only_legal(self, board: list[str], piece: str, candidates: tuple[tuple[int, int], ...]) -> int | None:
        legal = self._state.legal_actions()
        found = [action for source, action in candidates if board[source] == piece and action in legal]
        if len(found) != 1:
            return None
        self._state.apply(found[0])
        return found[0]


def placement(fen: str) -> list[str]:
    """The 64 squares of a FEN."""
    ranks = fen.partition(" ")[0].translate(_EMPTY_RUNS).split("/")
    return list("".join(reversed(ranks)))


@lru_cache(maxsize=1 << 16)
def _meant(text: str, player: int) -> tuple[str, tuple[tuple[int, int], ...], int | None] | None:
    """The first way to read a text: the piece that moves, its (source square, action) pairs, or a castling's action."""
    readings = san_readings(text, 7 * player)
    if isinstance(readings, str):
        return None
    ((reading,), *_) = readings
    piece = reading.piece.lower() if player else reading.piece
    squares = _squares(player)
    candidates = tuple((squares[action][0], action) for action in reading.actions)
    return piece, candidates, None if candidates else reading.castling


@lru_cache(maxsize=2)
def _squares(player: int) -> list[tuple[int, int]]:
    """Source and target square of each action of a seat; targets off the board are never asked for."""
    flip = _BLACK_FLIP * player
    return [(source ^ flip, target ^ flip) for source, target in move_cells()]
