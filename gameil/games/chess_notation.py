"""Chess moves as text, resolved on legal actions and the mover's own piece planes.

Standard algebraic notation after the PGN standard, section 8.2.3, and UCI's long form (with UCI_Chess960's "king takes
own rook"). Reading SAN is lenient where the meaning stays clear; each leniency is listed in ``read_san``.

Everything is in the mover's frame: cell ``rank * 8 + file`` with the mover's own back rank as rank 0.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.games.frames import CHESS_ACTION_PLANES, chess_moves

CASTLE_A_SIDE = 64 * CHESS_ACTION_PLANES
CASTLE_H_SIDE = CASTLE_A_SIDE + 1
_PIECES = "KQRBNP"
"""In the order of the observation's own planes."""
_KNIGHT_KIND, _PROMOTION_KINDS = 65, 9
_FILES = "abcdefgh"
_SAN = re.compile(
    r"([KQRBNPkqrn]?)([a-h]?)([1-8]?)[x:-]?([a-h])([1-8])(?:[=/(]?([QRBNqrbn])\)?)?(?:\s*e\.?p\.?)?[+#!?]*"
)
_CASTLING = re.compile(r"([Oo0])-?\1(-?\1)?[+#!?]*")
_UCI = re.compile(r"([a-h])([1-8])([a-h])([1-8])([qrbn])?")
_NULL_MOVES = frozenset(("--", "Z0", "null", "@@@@", "0000", "pass"))


class ChessState(Protocol):
    """What chess notation needs of a state; its ``str`` is the position as FEN."""

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def engine_text(self, action: int) -> str: ...

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """One way to read a text: actions that fit it on an empty board, and the piece that must stand on their source."""

    piece: str
    actions: tuple[int, ...]
    castling: int | None = None
    """The castling that is meant where none of ``actions`` is legal (a king's move of two)."""


def read_san(state: ChessState, text: str) -> int | str:
    """The action of a SAN move, or why it is none.

    Lenient: missing or superfluous ``x + # ! ?`` and ``e.p.``, superfluous source file or rank, long algebraic
    (``Ng1-f3``, ``e2e4``), promotion as ``e8=Q e8Q e8(Q) e8/q``, castling with zeros, small o or without hyphens or as
    a king's move of two, small piece letters; a small ``b`` is a pawn's file where a pawn can make the move, and a
    bishop otherwise.
    """
    readings = san_readings(text, _flip(state))
    if isinstance(readings, str):
        return readings
    legal = set(state.legal_actions())
    for group in readings:
        found = [action for reading in group for action in _fitting(state, reading, legal)]
        if len(found) == 1:
            return found[0]
        if found:
            texts = ", ".join(sorted({state.engine_text(action) for action in found}))
            return f"ambiguous: it may be {texts}"
    return "illegal here"


def _fitting(state: ChessState, reading: Reading, legal: set[int]) -> list[int]:
    """The legal actions that a reading means."""
    found = [action for action in reading.actions if action in legal]
    if found and reading.piece != "N":  # only knights jump, so a jump needs no look at the board
        planes, plane = _own_planes(state), _PIECES.index(reading.piece) * 64
        cells = move_cells()
        found = [action for action in found if planes.item(plane + cells[action][0])]
    if not found and reading.castling in legal:
        return [reading.castling]
    return found


@lru_cache(maxsize=1 << 16)
def san_readings(text: str, flip: int) -> tuple[tuple[Reading, ...], ...] | str:
    """What a text may mean in some position, in order of preference; a string saying why it can mean nothing."""
    text = text.strip()
    match = _SAN.fullmatch(text)
    if match is None:
        castling = _CASTLING.fullmatch(text)
        if castling is not None:
            return ((Reading("K", (), CASTLE_A_SIDE if castling.group(2) else CASTLE_H_SIDE),),)
        return "illegal: a null move" if text in _NULL_MOVES else "malformed SAN"
    letter, *rest = match.groups()
    groups: list[tuple[Reading, ...]] = [(_reading(letter.upper() or "P", flip, *rest),)]
    if not letter and rest[0] and rest[1]:  # long algebraic without a piece letter: e2e4, e1g1
        groups.append(tuple(_reading(piece, flip, *rest) for piece in _PIECES if piece != "P"))
    if text[0] == "b" and (bishop := _SAN.fullmatch("B" + text[1:])) is not None:
        groups.append((_reading("B", flip, *bishop.groups()[1:]),))
    return tuple(groups)


def _reading(
    piece: str,
    flip: int,
    from_file: str | None,
    from_rank: str | None,
    to_file: str,
    to_rank: str,
    promotion: str | None,
) -> Reading:
    target = (int(to_rank) - 1 ^ flip) * 8 + _FILES.index(to_file)
    actions = _reaching()[piece, target]
    cells = move_cells()
    if from_file:
        file = _FILES.index(from_file)
        actions = [action for action in actions if cells[action][0] % 8 == file]
    if from_rank:
        rank = int(from_rank) - 1 ^ flip
        actions = [action for action in actions if cells[action][0] // 8 == rank]
    castling = None
    if piece == "P" and target >= 56:
        actions = [action for action in actions if promotion is None or promoted_piece(action) == promotion.upper()]
    elif promotion is not None:
        actions = []
    elif piece == "K" and target in (2, 6):
        castling = CASTLE_A_SIDE if target == 2 else CASTLE_H_SIDE
    return Reading(piece, tuple(actions), castling)


def read_uci(state: ChessState, text: str) -> int | str:
    """The action of a UCI move, or why it is none. Castling: the king's move of two, or king takes own rook."""
    match = _UCI.fullmatch(text.strip().lower())
    if match is None:
        return "illegal: a null move" if text in _NULL_MOVES else "malformed UCI"
    flip = _flip(state)
    from_file, to_file = _FILES.index(match.group(1)), _FILES.index(match.group(3))
    source = (int(match.group(2)) - 1 ^ flip) * 8 + from_file
    target = (int(match.group(4)) - 1 ^ flip) * 8 + to_file
    promotion = (match.group(5) or "").upper()
    legal = state.legal_actions()
    planes = _own_planes(state)
    is_king = planes[source] > 0
    if is_king and source < 8 and target < 8:
        own_rook = planes[2 * 64 + target] > 0
        if own_rook or abs(to_file - from_file) > 1:
            side = CASTLE_H_SIDE if to_file > from_file else CASTLE_A_SIDE
            return side if side in legal else "illegal here"
    promotes = planes[5 * 64 + source] > 0 and target >= 56
    if promotes != bool(promotion):
        return "malformed: " + ("the promotion lacks its piece" if promotes else "only a promotion names a piece")
    found = [action for action in _between().get((source, target), ()) if action in legal]
    found = [action for action in found if not promotes or promoted_piece(action) == promotion]
    return found[0] if len(found) == 1 else "illegal here"


def write_uci(state: ChessState, action: int) -> str:
    """The UCI form of a legal action; castling as ``e1g1``, or as king takes rook where the start was shuffled."""
    flip = _flip(state)
    planes = _own_planes(state)
    if action >= CASTLE_A_SIDE:
        king = int(np.argmax(planes[:64]))
        target = _castling_target(state, planes, king, h_side=action == CASTLE_H_SIDE)
        return _square(king, flip) + _square(target, flip)
    source, target = move_cells()[action]
    promotes = planes[5 * 64 + source] > 0 and target >= 56
    return _square(source, flip) + _square(target, flip) + (promoted_piece(action).lower() if promotes else "")


def _castling_target(state: ChessState, planes: NDArray[np.float32], king: int, *, h_side: bool) -> int:
    """The cell that UCI names for castling: the king's own in standard chess, the rook's in chess960."""
    rights = str(state).split()[2]
    own = [letter.lower() for letter in rights if letter.isupper() == (state.current_player() == 0)]
    files = [_FILES.index(letter) for letter in own if letter in _FILES]
    wanted = [file for file in files if (file > king) == h_side]
    if wanted:
        return wanted[0]
    return 6 if h_side else 2


def _own_planes(state: ChessState) -> NDArray[np.float32]:
    """The flat observation; its first six planes are the mover's K, Q, R, B, N, P."""
    planes = np.empty((19, 8, 8), dtype=np.float32)
    state.write_observation(planes)
    return planes.reshape(-1)


def promoted_piece(action: int) -> str:
    """The piece that a pawn becomes by an action to the last rank."""
    kind = action % CHESS_ACTION_PLANES
    return "RBN"[kind // 3] if kind < _PROMOTION_KINDS else "Q"


def _flip(state: ChessState) -> int:
    """What to xor a rank with: 7 for Black, whose ranks are turned."""
    return 7 if state.current_player() == 1 else 0


def _square(cell: int, flip: int) -> str:
    return f"{_FILES[cell % 8]}{(cell // 8 ^ flip) + 1}"


@lru_cache(maxsize=1)
def move_cells() -> list[tuple[int, int]]:
    """Source and target cell of each action from one square to another; target -1 where it leaves the board."""
    rank_steps, file_steps = chess_moves()
    cells = []
    for square in range(64):
        file, rank = divmod(square, 8)
        for rank_step, file_step in zip(rank_steps.tolist(), file_steps.tolist(), strict=True):
            to_rank, to_file = rank + rank_step, file + file_step
            inside = 0 <= to_rank < 8 and 0 <= to_file < 8
            cells.append((rank * 8 + file, to_rank * 8 + to_file if inside else -1))
    return cells


@lru_cache(maxsize=1)
def _between() -> dict[tuple[int, int], list[int]]:
    """All actions from one cell to another."""
    table: dict[tuple[int, int], list[int]] = {}
    for action, (source, target) in enumerate(move_cells()):
        if target >= 0:
            table.setdefault((source, target), []).append(action)
    return table


@lru_cache(maxsize=1)
def _reaching() -> dict[tuple[str, int], list[int]]:
    """All actions by which a kind of piece may reach a cell on an empty board."""
    table: dict[tuple[str, int], list[int]] = {(piece, cell): [] for piece in _PIECES for cell in range(64)}
    for action, (source, target) in enumerate(move_cells()):
        if target >= 0:
            for piece in _movers(action % CHESS_ACTION_PLANES, source, target):
                table[piece, target].append(action)
    return table


def _movers(kind: int, source: int, target: int) -> str:
    """The kinds of pieces that move so."""
    if kind < _PROMOTION_KINDS:
        return "P" if target >= 56 else ""
    if kind >= _KNIGHT_KIND:
        return "N"
    up, right = target // 8 - source // 8, target % 8 - source % 8
    pieces = "QR" if up == 0 or right == 0 else "QB"
    if max(abs(up), abs(right)) == 1:
        pieces += "K"
    if (up == 1 and abs(right) <= 1) or (up == 2 and right == 0 and source // 8 == 1):
        pieces += "P"
    return pieces
