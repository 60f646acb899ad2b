"""Moves of crazyhouse and antichess as SAN (``N@f3`` drops a knight), and of xiangqi in ICCS coordinates (``H2-E2``).

Resolved on the engine's own texts of the legal actions. In crazyhouse the engine writes promoted pieces as A, C, E, H;
people write them as the B, R, Q, N that they move like.
"""

import re
from functools import lru_cache
from typing import NamedTuple, Protocol

from gameil.games.game import BoardLayout

SAN_VARIANTS = ("antichess", "crazyhouse")
_PROMOTED = str.maketrans("ACEH", "BRQN")
_SAN = re.compile(
    r"([KQRBNP]?)(?:(@)|([a-h]?)([1-8]?)[x:-]?)([a-h])([1-8])(?:[=/(]?([QRBNKqrbnk])\)?)?(?:\s*e\.?p\.?)?[+#!?]*"
)
_CASTLING = re.compile(r"([Oo0])-?\1(-?\1)?[+#!?]*")
_ICCS = re.compile(r"([a-i])([0-9])-?([a-i])([0-9])")
_ENGINE_ICCS = re.compile(r"[A-Za-z]\((\d),(\d)\)-\((\d),(\d)\)")
_FILES = "abcdefghi"


class VariantGame(Protocol):
    """What the notation needs of a game."""

    @property
    def board(self) -> BoardLayout | None: ...


class VariantState(Protocol):
    """What the notation needs of a state."""

    @property
    def game(self) -> VariantGame: ...

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def engine_text(self, action: int) -> str: ...


class _Move(NamedTuple):
    """What a SAN move says; castling has the piece ``O`` or ``OO``."""

    piece: str
    drops: bool
    file: str
    rank: str
    target: str
    promotion: str


@lru_cache(maxsize=1 << 14)
def _san(text: str) -> _Move | None:
    castling = _CASTLING.fullmatch(text)
    if castling is not None:
        return _Move("OO" if castling[2] else "O", False, "", "", "", "")
    match = _SAN.fullmatch(text)
    if match is None:
        return None
    piece, drop, file, rank, to_file, to_rank, promotion = match.groups()
    return _Move(piece or "P", bool(drop), file or "", rank or "", to_file + to_rank, (promotion or "").upper())


def read_variant_san(state: VariantState, text: str) -> int | str:
    """The action of a SAN move, or why it is none.

    Lenient: missing or superfluous ``x + # ! ?`` and source file or rank, a drop of a pawn without ``P``, promotion as
    ``e8=Q e8Q e8(Q)``, castling with zeros, small o or without hyphens.
    """
    wanted = _san(text.strip())
    texts = {action: state.engine_text(action) for action in state.legal_actions()}
    exact = [action for action, own in texts.items() if own.rstrip("+#") == text.rstrip("+#!?")]
    if len(exact) == 1:
        return exact[0]
    if wanted is None:
        return "malformed SAN"
    board = state.game.board
    assert board is not None
    found = []
    for action, own in texts.items():
        # The engine's first letter may be a promoted piece's; files and promotions are no capitals of those four.
        move = _san(own[:1].translate(_PROMOTED) + own[1:])
        if move is None or (move.piece, move.drops, move.target) != (wanted.piece, wanted.drops, wanted.target):
            continue
        if move.promotion == wanted.promotion and wanted.file + wanted.rank in _origins(state, board, action, wanted):
            found.append(action)
    if len(found) > 1:
        return f"ambiguous: it may be {', '.join(sorted(texts[action] for action in found))}"
    return found[0] if found else "illegal here"


def _origins(state: VariantState, board: BoardLayout, action: int, wanted: _Move) -> tuple[str, ...]:
    """The source square of an action as far as ``wanted`` names it: nothing, file, rank or both."""
    source = int(board.action_cells[action, 0])
    if source < 0 or wanted.drops:
        return ("",)
    row, column = divmod(source, board.width)
    rank = str((board.height - 1 - row if state.current_player() == 1 else row) + 1)
    return (("", rank)[bool(wanted.rank)],) if not wanted.file else (_FILES[column] + (rank if wanted.rank else ""),)


def read_iccs(state: VariantState, text: str) -> int | str:
    """The action of a move such as ``H2-E2`` or ``h2e2``, or why it is none. Files a to i from Red's left, ranks 0 to 9
    from Red's side."""
    match = _ICCS.fullmatch(text.strip().lower())
    if match is None:
        return "malformed ICCS"
    wanted = match.groups()
    for action in state.legal_actions():
        if iccs_squares(state.engine_text(action)) == wanted:
            return action
    return "illegal here"


def write_iccs(engine_text: str) -> str:
    """The ICCS form of the engine's text."""
    from_file, from_rank, to_file, to_rank = iccs_squares(engine_text)
    return f"{from_file}{from_rank}-{to_file}{to_rank}".upper()


@lru_cache(maxsize=1 << 14)
def iccs_squares(engine_text: str) -> tuple[str, str, str, str]:
    """File, rank, file, rank of the engine's ``C(7,7)-(7,4)``, which counts rows from Black's side."""
    match = _ENGINE_ICCS.fullmatch(engine_text)
    assert match is not None, engine_text
    row, column, to_row, to_column = map(int, match.groups())
    return _FILES[column], str(9 - row), _FILES[to_column], str(9 - to_row)
