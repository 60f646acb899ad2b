"""How UCI engines write the moves of the games that they play: chess, and what Fairy-Stockfish plays besides.

Fairy-Stockfish names files by letters from the first player's left and ranks by numbers from their side, in every game.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gameil.errors import NotationError
from gameil.games.game import Game, State
from gameil.games.variant_notation import iccs_squares

_CASTLING = {"O-O": ("e", "g"), "O-O-O": ("e", "c")}


@dataclass(frozen=True, slots=True)
class UciGame:
    """One game as UCI has it."""

    variant: str | None
    """Value of the option ``UCI_Variant``; None for chess, which engines play without it."""
    write: Callable[[State, int], str]
    """Text of a legal action."""
    start: str = "fen"
    """Word of the ``position`` command before a written position."""

    def read(self, state: State, text: str) -> int:
        """The action that an engine's text means. Raises ``NotationError`` where it is not legal."""
        if self.variant is None:
            return state.parse(text, "uci")
        found = next((action for action in state.legal_actions() if self.write(state, action) == text), None)
        if found is None:
            raise NotationError(f"ply {len(state.history)}: {text[:40]!r} is illegal here", "illegal")
        return found


def uci_game(game: Game) -> UciGame | None:
    """How engines write ``game``; None where none of those known here plays it."""
    return _GAMES.get(game.id)


def _chess(state: State, action: int) -> str:
    return state.text(action, "uci")


def _shogi(state: State, action: int) -> str:
    """USI counts files from the first player's right and names ranks from the other side: ``P*5e`` is ``P@e5``."""
    text = state.text(action)
    squares = text[2:] if text[1] == "*" else text
    here = "".join(
        f"{'abcdefghi'[9 - int(file)]}{9 - 'abcdefghi'.index(rank)}"
        for file, rank in zip(squares[0:4:2], squares[1:4:2], strict=True)
    )
    return f"{text[0]}@{here}" if text[1] == "*" else here + ("+" if text.endswith("+") else "")


def _xiangqi(state: State, action: int) -> str:
    from_file, from_rank, to_file, to_rank = iccs_squares(state.text(action))
    return f"{from_file}{int(from_rank) + 1}{to_file}{int(to_rank) + 1}"


def _cells(state: State, action: int) -> str:
    """From the frame's cells, with drops, promotions and castling as SAN has them."""
    board, text, mover = state.game.board, state.text(action).rstrip("+#"), state.current_player()
    assert board is not None
    if text in _CASTLING:
        rank = 8 if mover else 1
        return "".join(f"{file}{rank}" for file in _CASTLING[text])
    squares = ""
    for cell in board.action_cells[action].tolist():
        if cell >= 0:
            row, column = divmod(int(board.opponent_view[cell]) if mover else cell, board.width)
            squares += f"{'abcdefgh'[column]}{row + 1}"
    if "@" in text:
        return f"{text[0].upper() if text[0] != '@' else 'P'}@{squares[-2:]}"
    return squares + (text.partition("=")[2][:1].lower() if "=" in text else "")


_GAMES: Mapping[str, UciGame] = {
    "chess": UciGame(None, _chess),
    "shogi": UciGame("shogi", _shogi, "sfen"),
    "xiangqi": UciGame("xiangqi", _xiangqi),
    "crazyhouse": UciGame("crazyhouse", _cells),
    "antichess": UciGame("antichess", _cells),
    "breakthrough": UciGame("breakthrough", _cells),
}
"""By game id: other sizes are other games."""
UCI_GAMES = tuple(_GAMES)
"""Games that a UCI engine may play."""
