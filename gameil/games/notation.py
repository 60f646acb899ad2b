"""Moves as people write them: dispatch by notation, the engine's own text, and Go's points.

``action`` is the rules engine's text and exists for every game. ``san`` and ``uci`` are chess (``chess_notation``),
``backgammon`` is match text (``backgammon_notation``). ``gtp`` and ``sgf`` are Go: ``Q16`` counts columns without I
from the left and rows from the bottom; ``pd`` counts both in letters from the upper left, with ``""`` (and ``tt`` on
boards up to 19x19) for a pass. ``othello`` is squares without the passes between them (``othello_notation``),
``draughts`` squares by number (``draughts_notation``).

Refusals are ``NotationError`` and start with the ply and one of *malformed* (not this notation), *illegal* (understood,
but not allowed here) or *ambiguous* (several legal actions fit).
"""

import re
from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import NotationError
from gameil.games import (
    backgammon_notation,
    chess_notation,
    draughts_notation,
    hex_notation,
    othello_notation,
    usi_notation,
    variant_notation,
)
from gameil.games.chess_follower import ChessFollower
from gameil.games.game import BoardLayout, Notation
from gameil.games.go_follower import GoFollower, UncheckedState

_GTP_COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_SGF_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GTP_POINT = re.compile(r"([A-HJ-Za-hj-z])([1-9][0-9]?)")
_SGF_POINT = re.compile(r"([a-z])([a-z])")
_SHOWN = 40
_NOTATIONS: dict[str, tuple[Notation, ...]] = {
    "antichess": ("san", "action"),
    "backgammon": ("backgammon", "action"),
    "checkers": ("draughts", "action"),
    "chess": ("san", "uci", "action"),
    "crazyhouse": ("san", "action"),
    "go": ("sgf", "gtp", "action"),
    "othello": ("othello", "action"),
    "xiangqi": ("iccs", "action"),
}


class WrittenGame(Protocol):
    """What notation needs to know of a game."""

    @property
    def name(self) -> str: ...

    @property
    def board(self) -> BoardLayout | None: ...


class WrittenState(Protocol):
    """What notation needs of a state: every adapter's states have it."""

    @property
    def game(self) -> WrittenGame: ...

    @property
    def history(self) -> list[int]: ...

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def engine_text(self, action: int) -> str:
        """The engine's own text of a legal action."""

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None: ...


class FollowedState(Protocol):
    """What playing a game's written moves needs of a state."""

    @property
    def game(self) -> WrittenGame: ...

    @property
    def history(self) -> list[int]: ...

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...


def notations(name: str) -> tuple[Notation, ...]:
    """All notations of a game, the one for records first."""
    return _NOTATIONS.get(name, ("action",))


def write_move(state: WrittenState, action: int, notation: Notation) -> str:
    """The written form of a legal action. Raises ``NotationError`` for a notation of another game."""
    name = state.game.name
    _check_notation(name, notation)
    if action not in state.legal_actions():
        raise NotationError(f"{name}: action {action} is not legal here, so it has no text")
    if notation == "number":
        return str(action)
    if notation == "backgammon":
        return backgammon_notation.write_turn(state, action)
    if state.current_player() < 0 or notation in ("action", "san"):
        return state.engine_text(action)
    if notation == "iccs":
        return variant_notation.write_iccs(state.engine_text(action))
    if notation == "uci":
        return chess_notation.write_uci(state, action)
    if notation == "othello":
        return othello_notation.write_square(action)
    if notation == "draughts":
        return draughts_notation.write_step(state, action)
    board = state.game.board
    assert board is not None
    return point_text(action, board.height, notation)


def read_move(state: WrittenState, text: str, notation: Notation) -> int:
    """The action that ``text`` means here. Raises ``NotationError``: malformed, illegal or ambiguous."""
    name = state.game.name
    _check_notation(name, notation)
    if notation == "number":
        number = int(text) if text.isdecimal() and len(text) < 10 else None
        if number not in state.legal_actions():
            refuse(state, "malformed: no number" if number is None else "illegal here", text)
        return number
    if notation == "backgammon":
        turn = backgammon_notation.read_turn(state, text)
        return turn if isinstance(turn, int) else refuse(state, turn, text)
    if name == "shogi" and (found := usi_notation.read_usi(state, text)) is not None:
        return found
    if state.current_player() < 0 or notation == "action":
        return _read_engine_text(state, text)
    if notation == "iccs" or name in variant_notation.SAN_VARIANTS:
        move = (variant_notation.read_iccs if notation == "iccs" else variant_notation.read_variant_san)(state, text)
        return move if isinstance(move, int) else refuse(state, move, text)
    if notation in ("san", "uci"):
        result = (chess_notation.read_san if notation == "san" else chess_notation.read_uci)(state, text)
        return result if isinstance(result, int) else refuse(state, result, text)
    if notation == "draughts":
        step = draughts_notation.read_step(state, text)
        return step if isinstance(step, int) else refuse(state, step, text)
    if notation == "othello":
        square = othello_notation.read_square(text)
        if square is None:
            refuse(state, "malformed: not a square such as f5", text)
        return square if square in state.legal_actions() else refuse(state, "illegal: it turns no disc", text)
    board = state.game.board
    assert board is not None
    action = _read_point(text.strip(), board.height, notation)
    if action is None:
        refuse(state, f"malformed {notation} point for a {board.height}x{board.height} board", text)
    if action not in state.legal_actions():
        refuse(state, "illegal: occupied, suicide, a repeated position, or the game is over", text)
    return action


def follow(state: FollowedState, notation: Notation) -> Callable[[str], None]:
    """A function that plays the next written move of a game on ``state``, which nobody else may play on meanwhile.

    It does and raises what ``state.apply(state.parse(text, notation))`` does, but remembers what it has seen of the
    game; it plays moves that the notation leaves out, because they are forced, before the written one; and all actions
    of a written move that is several for the engine.
    """
    name = state.game.name
    if name == "chess" and notation == "san":
        return ChessFollower(state).play
    if notation == "othello":
        return othello_notation.follow_squares(state)
    if notation == "draughts" and isinstance(state, draughts_notation.PlayedState):
        return draughts_notation.follow_moves(state)
    board = state.game.board
    if name == "go" and notation in ("sgf", "gtp") and board is not None and isinstance(state, UncheckedState):
        return GoFollower(state, board.height, notation, _points(board.height, notation))
    if name == "hex" and notation == "action" and board is not None:
        return hex_notation.follow_cells(state, board.height)
    return lambda text: state.apply(state.parse(text, notation))


def refuse(state: WrittenState, why: str, text: str) -> NoReturn:
    """Raises the ``NotationError`` of all refusals."""
    kind: Literal["malformed", "illegal", "ambiguous"] = "illegal"
    if why.startswith("malformed"):
        kind = "malformed"
    elif why.startswith("ambiguous"):
        kind = "ambiguous"
    raise NotationError(f"ply {len(state.history)}: {text[:_SHOWN]!r} is {why}", kind)


def point_text(action: int, size: int, notation: Notation) -> str:
    """The point of Go action ``action`` on a ``size`` x ``size`` board; the pass is ``pass`` or empty."""
    if action == size * size:
        return "pass" if notation == "gtp" else ""
    row, column = divmod(action, size)
    if notation == "gtp":
        return f"{_GTP_COLUMNS[column]}{row + 1}"
    return _SGF_LETTERS[column] + _SGF_LETTERS[size - 1 - row]


def _read_point(text: str, size: int, notation: Notation) -> int | None:
    if notation == "gtp":
        if text.lower() == "pass":
            return size * size
        match = _GTP_POINT.fullmatch(text)
        if match is None:
            return None
        row, column = int(match.group(2)) - 1, _GTP_COLUMNS.index(match.group(1).upper())
    else:
        if text == "" or (text == "tt" and size <= 19):
            return size * size
        match = _SGF_POINT.fullmatch(text)
        if match is None:
            return None
        row, column = size - 1 - _SGF_LETTERS.index(match.group(2)), _SGF_LETTERS.index(match.group(1))
    return row * size + column if 0 <= row < size and column < size else None


@lru_cache(maxsize=64)
def _points(size: int, notation: Notation) -> dict[str, int]:
    """The action of each point of a Go board, and of the pass, as ``point_text`` writes it."""
    return {point_text(action, size, notation): action for action in range(size * size + 1)}


def _read_engine_text(state: WrittenState, text: str) -> int:
    """The legal action with that text: as written, or else the only one that differs in case and blanks alone."""
    legal = state.legal_actions()
    for action in legal:
        if state.engine_text(action) == text:
            return action
    folded = _fold(text)
    texts = {action: state.engine_text(action) for action in legal}
    found = [action for action, own in texts.items() if _fold(own) == folded]
    if len(found) == 1:
        return found[0]
    if found:
        refuse(state, f"ambiguous: {len(found)} legal actions are written so", text)
    some = ", ".join(list(texts.values())[:3])
    refuse(state, f"malformed or illegal: none of {len(texts)} legal actions ({some} ...)", text)


def _fold(text: str) -> str:
    return "".join(text.split()).casefold()


def _check_notation(name: str, notation: str) -> None:
    if notation not in (*notations(name), "number"):
        raise NotationError(f"{name} has no notation {notation[:_SHOWN]!r} (it has: {', '.join(notations(name))})")
