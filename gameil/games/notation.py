"""Moves as people write them: dispatch by notation, the engine's own text, and Go's points.

``action`` is the rules engine's text and exists for every game. ``san`` and ``uci`` are chess (``chess_notation``).
``gtp`` and ``sgf`` are Go: ``Q16`` counts columns without I from the left and rows from the bottom; ``pd`` counts both
in letters from the upper left, with ``""`` (and ``tt`` on boards up to 19x19) for a pass.

Refusals are ``NotationError`` and start with the ply and one of *malformed* (not this notation), *illegal* (understood,
but not allowed here) or *ambiguous* (several legal actions fit).
"""

import re
from typing import Literal, NoReturn, Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import NotationError
from gameil.games import chess_notation
from gameil.games.game import BoardLayout, Notation

_GTP_COLUMNS = "ABCDEFGHJKLMNOPQRSTUVWXYZ"
_SGF_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_GTP_POINT = re.compile(r"([A-HJ-Za-hj-z])([1-9][0-9]?)")
_SGF_POINT = re.compile(r"([a-z])([a-z])")
_SHOWN = 40


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


def notations(name: str) -> tuple[Notation, ...]:
    """All notations of a game, the one for records first."""
    if name == "chess":
        return ("san", "uci", "action")
    return ("sgf", "gtp", "action") if name == "go" else ("action",)


def write_move(state: WrittenState, action: int, notation: Notation) -> str:
    """The written form of a legal action. Raises ``NotationError`` for a notation of another game."""
    name = state.game.name
    _check_notation(name, notation)
    if action not in state.legal_actions():
        raise NotationError(f"{name}: action {action} is not legal here, so it has no text")
    if state.current_player() < 0 or notation in ("action", "san"):
        return state.engine_text(action)
    if notation == "uci":
        return chess_notation.write_uci(state, action)
    board = state.game.board
    assert board is not None
    return point_text(action, board.height, notation)


def read_move(state: WrittenState, text: str, notation: Notation) -> int:
    """The action that ``text`` means here. Raises ``NotationError``: malformed, illegal or ambiguous."""
    name = state.game.name
    _check_notation(name, notation)
    if state.current_player() < 0 or notation == "action":
        return _read_engine_text(state, text)
    if notation in ("san", "uci"):
        result = (chess_notation.read_san if notation == "san" else chess_notation.read_uci)(state, text)
        return result if isinstance(result, int) else refuse(state, result, text)
    board = state.game.board
    assert board is not None
    action = _read_point(text.strip(), board.height, notation)
    if action is None:
        refuse(state, f"malformed {notation} point for a {board.height}x{board.height} board", text)
    if action not in state.legal_actions():
        refuse(state, "illegal: occupied, suicide, a repeated position, or the game is over", text)
    return action


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
    if notation not in notations(name):
        raise NotationError(f"{name} has no notation {notation[:_SHOWN]!r} (it has: {', '.join(notations(name))})")
