"""Boards drawn in KIF (BOD): a start position as nine lines between bars, with the pieces in hand above and below."""

import re
from collections.abc import Callable
from itertools import groupby

RANKS = "一二三四五六七八九"
PIECES = {
    "歩": "P", "香": "L", "桂": "N", "銀": "S", "金": "G", "角": "B", "飛": "R", "玉": "K", "王": "K",
    "と": "+P", "杏": "+L", "圭": "+N", "全": "+S", "馬": "+B", "龍": "+R", "竜": "+R",
}  # fmt: skip
SIGNS = {letters: sign for sign, letters in reversed(PIECES.items())}
HAND_ORDER = "RBGSNLP"
"""SFEN's order of the pieces in hand."""
CELL = re.compile(r"([ v^])(成香|成桂|成銀|.)")
HELD = re.compile(r"([歩香桂銀金角飛])([一二三四五六七八九十]{0,2})")


def board_sfen(rows: list[str], hands: tuple[str, str], white_moves: bool) -> str | None:
    """The SFEN of a drawn board, None where it cannot be read.

    Args:
        rows: the nine lines that start with a bar.
        hands: what Black and White hold: ``角　歩十二`` or ``なし``.
        white_moves: White moves first.
    """
    if len(rows) != len(RANKS):
        return None
    ranks = [_rank(row) for row in rows]
    held = [_hand(text) for text in hands]
    if None in ranks or None in held:
        return None
    hand = f"{held[0]}{(held[1] or '').lower()}" or "-"
    return f"{'/'.join(map(str, ranks))} {'w' if white_moves else 'b'} {hand} 1"


def _rank(row: str) -> str | None:
    cells = CELL.findall(row[1:].partition("|")[0])
    if len(cells) != len(RANKS):
        return None
    pieces = []
    for side, name in cells:
        sign = "." if name == "・" else PIECES.get({"成香": "杏", "成桂": "圭", "成銀": "全"}.get(name, name))
        if sign is None:
            return None
        pieces.append(sign.lower() if side == "v" else sign)
    return "".join(str(len(list(run))) if sign == "." else "".join(run) for sign, run in groupby(pieces))


def _hand(text: str) -> str | None:
    """Pieces in hand as SFEN's capital letters, each with its number where there are several."""
    parts = text.split()
    counts: dict[str, int] = {}
    for part in [] if parts == ["なし"] else parts:
        match = HELD.fullmatch(part)
        number = _number(match[2]) if match else None
        if match is None or number is None:
            return None
        counts[PIECES[match[1]]] = number
    return "".join(f"{number if number > 1 else ''}{piece}" for piece, number in _ordered(counts) if number)


def _ordered(counts: dict[str, int]) -> list[tuple[str, int]]:
    return [(piece, counts.get(piece, 0)) for piece in HAND_ORDER]


def _number(text: str) -> int | None:
    """1 to 19 in Japanese; nothing is 1."""
    match = re.fullmatch(rf"(十?)([{RANKS}]?)", text)
    if match is None:
        return None
    return (10 if match[1] else 0) + (RANKS.index(match[2]) + 1 if match[2] else 0) or 1


def draw_board(sfen: str) -> tuple[list[str], tuple[str, str], bool]:
    """Reverse of ``board_sfen``: the rows, what Black and White hold, and whether White moves."""
    board, mover, hand, _ = sfen.split()
    rows = []
    for name, rank in zip(RANKS, board.split("/"), strict=True):
        cells = ""
        for sign in re.findall(r"\d|\+?[A-Za-z]", rank):
            if sign.isdigit():
                cells += " ・" * int(sign)
            else:
                cells += ("v" if sign.islower() else " ") + SIGNS[sign.upper()]
        rows.append(f"|{cells}|{name}")
    found = re.findall(r"(\d*)([A-Za-z])", hand)
    return rows, (_spelled(found, str.isupper), _spelled(found, str.islower)), mover == "w"


def _spelled(found: list[tuple[str, str]], is_side: Callable[[str], bool]) -> str:
    held = [f"{SIGNS[piece.upper()]}{_japanese(int(count or 1))}" for count, piece in found if is_side(piece)]
    return "　".join(held) or "なし"


def _japanese(number: int) -> str:
    ones = RANKS[number % 10 - 1] if number % 10 else ""
    return "" if number == 1 else ("十" if number >= 10 else "") + ones
