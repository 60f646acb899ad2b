"""Checks a chess position written as FEN before the rules engine sees it (which stops at a missing king)."""

import re

from gameil.errors import GameError

_RANK = re.compile(r"[1-8pnbrqkPNBRQK]{1,8}")
_CASTLING = re.compile(r"-|[KQkqA-Ha-h]{1,4}")
_SQUARE = re.compile(r"-|[a-h][36]")


def checked(text: str) -> str:
    """The FEN with all six fields filled in. Raises ``GameError`` saying what is wrong with it.

    Lenient: missing trailing fields (castling, en passant, counters) become ``-``, ``-``, ``0``, ``1``.
    """
    fields = text.split()
    shown = f"chess: position {text[:100]!r}"
    if not 1 <= len(fields) <= 6:
        raise GameError(f"{shown}: a FEN has 1 to 6 fields, not {len(fields)}")
    fields += ["w", "-", "-", "0", "1"][len(fields) - 1 :]
    board, mover, castling, en_passant, clock, number = fields
    ranks = board.split("/")
    if len(ranks) != 8:
        raise GameError(f"{shown}: {len(ranks)} ranks instead of 8")
    for place, rank in enumerate(ranks):
        if not _RANK.fullmatch(rank) or sum(int(c) if c.isdigit() else 1 for c in rank) != 8:
            raise GameError(f"{shown}: rank {8 - place} {rank[:20]!r} does not describe 8 squares")
    for king, side in (("K", "White"), ("k", "Black")):
        if board.count(king) != 1:
            raise GameError(f"{shown}: {side} has {board.count(king)} kings")
    if set("pP") & set(ranks[0] + ranks[7]):
        raise GameError(f"{shown}: a pawn stands on the first or last rank")
    if mover not in ("w", "b"):
        raise GameError(f"{shown}: side to move {mover[:20]!r} is neither w nor b")
    if not _CASTLING.fullmatch(castling):
        raise GameError(f"{shown}: castling rights {castling[:20]!r} are not understood")
    for letter in castling.replace("-", ""):
        if not _castles(_squares(ranks[7] if letter.isupper() else ranks[0]), letter):
            raise GameError(f"{shown}: castling right {letter!r} without its king and rook on the back rank")
    if not _SQUARE.fullmatch(en_passant):
        raise GameError(f"{shown}: en passant square {en_passant[:20]!r} is not understood")
    for counter in (clock, number):
        if not counter.isdecimal() or len(counter) > 4:
            raise GameError(f"{shown}: counter {counter[:20]!r} is not a number up to 9999")
    return " ".join([board, mover, castling, en_passant, clock, number])


def _squares(rank: str) -> str:
    """One character a square, ``.`` for an empty one."""
    return "".join("." * int(c) if c.isdigit() else c for c in rank)


def _castles(rank: str, right: str) -> bool:
    """Whether a back rank still has the king and the rook of a castling right (K, Q, or X-FEN's file letter)."""
    king, rook = ("K", "R") if right.isupper() else ("k", "r")
    if king not in rank:
        return False
    if right in "Kk":
        return rook in rank[rank.index(king) :]
    if right in "Qq":
        return rook in rank[: rank.index(king)]
    return rank["abcdefgh".index(right.lower())] == rook
