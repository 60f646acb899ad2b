"""Checks a shogi position written as SFEN before the rules engine sees it (which trusts whatever it is given)."""

import re
from collections.abc import Iterable

from gameil.errors import GameError

USUAL_START = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b - 1"
_RANK = re.compile(r"(?:[1-9]|\+?[lnsbrpLNSBRP]|[gkGK])+")
_HAND = re.compile(r"([0-9]{0,2})([rbgsnlpRBGSNLP])")
_PIECES = {"r": 2, "b": 2, "g": 4, "s": 4, "n": 4, "l": 4, "p": 18}
"""Pieces of each kind in a set of shogi."""


def checked(text: str) -> str:
    """The SFEN with all four fields. Raises ``GameError`` saying what is wrong with it.

    Lenient: a missing hand becomes ``-``, a missing move number ``1``.
    """
    fields = text.split()
    shown = f"shogi: position {text[:100]!r}"
    if not 2 <= len(fields) <= 4:
        raise GameError(f"{shown}: an SFEN has 2 to 4 fields, not {len(fields)}")
    fields += ["-", "1"][len(fields) - 2 :]
    board, mover, hand, number = fields
    ranks = board.split("/")
    if len(ranks) != 9:
        raise GameError(f"{shown}: {len(ranks)} ranks instead of 9")
    for place, rank in enumerate(ranks):
        squares = sum(int(sign) if sign.isdigit() else sign != "+" for sign in rank)
        if not _RANK.fullmatch(rank) or squares != 9:
            raise GameError(f"{shown}: rank {place + 1} {rank[:30]!r} does not describe 9 squares")
    for king, side in (("K", "Black"), ("k", "White")):
        if board.count(king) != 1:
            raise GameError(f"{shown}: {side} has {board.count(king)} kings instead of one")
    if mover not in ("b", "w"):
        raise GameError(f"{shown}: the side to move must be b or w, not {mover[:10]!r}")
    held = _held(hand)
    if held is None:
        raise GameError(f"{shown}: {hand[:30]!r} does not describe pieces in hand")
    for piece, most in _PIECES.items():
        found = board.lower().count(piece) + held[piece]
        if found > most:
            raise GameError(f"{shown}: {found} pieces {piece.upper()}, there are {most}")
    if not re.fullmatch(r"[0-9]{1,4}", number) or not int(number):
        raise GameError(f"{shown}: the move number {number[:10]!r} is not a number from 1 to 9999")
    return " ".join(fields)


def _held(hand: str) -> dict[str, int] | None:
    """How many pieces of each kind are in hand; None where the text is no hand."""
    held = dict.fromkeys(_PIECES, 0)
    if hand != "-":
        if not re.fullmatch(rf"(?:{_HAND.pattern})+", hand):
            return None
        for count, piece in _HAND.findall(hand):
            held[piece.lower()] += int(count or 1)
    return held


def takes_king(position: str, moves: Iterable[str]) -> bool:
    """Whether one of the mover's moves (USI) takes the opponent's king, as only impossible positions allow."""
    board, mover = position.split()[:2]
    king = "k" if mover == "b" else "K"
    for place, rank in enumerate(board.split("/")):
        if king in rank:
            before = rank[: rank.index(king)].replace("+", "")
            square = f"{9 - sum(int(sign) if sign.isdigit() else 1 for sign in before)}{'abcdefghi'[place]}"
            return any(move[2:4] == square for move in moves)
    return False
