"""The movetext of a PGN game: moves of the main line, comments, clocks and result, without knowing the rules.

A game without comments, variations and glyphs takes the fast path: three regular expressions and a split.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SAN = (
    r"(?:[KQRBNP]?[a-h]?[1-8]?[x:\-]?[a-h][1-8](?:=?[KQRBNkqrbn]|\([QRBNqrbn]\)|/[QRBN])?"
    r"|[O0o]-[O0o](?:-[O0o])?|[PNBRQK]?@[a-h][1-8]|--|Z0|null|@@@@)(?:\+\+|[+#])?"
)
"""A move as a token: a SAN move in its looser forms, castling with O or 0, a drop, a null move."""
RESULT = r"1-0F?|0-1F?|1/2(?:-1/2)?|½-½|0\.5-0\.5|0-0(?!-)|\+/-|-/\+|\+:-|-:\+|\+--|--\+|\*"

NUMBER = re.compile(r"\d+\s*\.[.\s]*")
PLAIN = re.compile(rf"(?:{SAN}(?: |$))*+")
SLOW_SIGNS = re.compile(r"[{(;$!?%\[…]")
LAST_RESULT = re.compile(rf"(?:^|\s)({RESULT})\s*$")
TOKEN = re.compile(
    r"\s+|(?P<comment>\{[^}]*\}?|;[^\n]*)|(?P<escape>^%[^\n]*)|(?P<glyph>\$\d*|[!?]+|‼|⁇|⁈|⁉)"
    r"|(?P<open>\()|(?P<close>\))"
    rf"|(?P<result>(?:{RESULT})(?=[\s;{{)\[]|$))"
    r"|(?P<number>\d+\s*(?:\.|…)+|\.+|…|\d+(?=\s|$))"
    rf"|(?P<move>{SAN})(?=[\s!?$;{{()\[\]…‼⁇⁈⁉]|$|\.(?!\d))"
    r"|(?P<note>e\.?p\.?(?=\s|$)|[+\-=/~∞±∓⩲⩱]+|N(?=\s|$)|D(?=\s|$))"
    r"|(?P<unknown>[^\s{(;)]+)",
    re.MULTILINE,
)
CLOCK = re.compile(r"\[%clk\s+(\d+):(\d+):(\d+(?:\.\d+)?)\s*\]")
NEXT_GAME = re.compile(r"(?:\s|\{[^}]*\}|;[^\n]*)*1\s*\.")
ZERO_CASTLING = re.compile(r"^[0o]-[0o](-[0o])?")


@dataclass(frozen=True, slots=True)
class Movetext:
    """What the movetext of one game says."""

    moves: tuple[str, ...]
    result: str | None
    """Result token, None where it is missing."""
    end: int
    """Position in the text where the game ends."""
    comments: Mapping[int, str] = field(default_factory=dict)
    clocks: tuple[float | None, ...] | None = None
    tolerances: tuple[str, ...] = ()
    unknown: str | None = None
    """A token that is no part of PGN: the game cannot be used."""


def read_movetext(text: str, start: int, stated_result: str | None) -> Movetext:
    """Reads one game from ``text[start:]``; where further moves ``1. ...`` follow its result, ``end`` is before them.

    ``stated_result`` is the Result tag: it tells ``0-0`` (both lost) from castling written with zeros.
    """
    if start == 0 and not SLOW_SIGNS.search(text):
        result = LAST_RESULT.search(text)
        body = text[: result.start()] if result else text
        moves = NUMBER.sub(" ", body).split()
        line = " ".join(moves)
        if PLAIN.fullmatch(line) and not (result and result[1] == "0-0" and stated_result != "0-0"):
            tolerances: tuple[str, ...] = () if result else ("missing result",)
            if "0-0" in line or "o-o" in line:
                moves = [_castling(move) for move in moves]
                tolerances += ("castling with zeros",)
            return Movetext(tuple(moves), result[1] if result else None, len(text), tolerances=tolerances)
    return _read_tokens(text, start, stated_result)


def _castling(move: str) -> str:
    return move.replace("0", "O").replace("o", "O") if ZERO_CASTLING.match(move) else move


def _read_tokens(text: str, start: int, stated_result: str | None) -> Movetext:
    moves: list[str] = []
    comments: dict[int, str] = {}
    clocks: dict[int, float] = {}
    tolerances: dict[str, None] = {}
    depth = 0
    result = None
    end = len(text)
    for match in TOKEN.finditer(text, start):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth < 0:
                depth = 0
                tolerances["stray parenthesis"] = None
        elif kind == "comment":
            if depth == 0:
                _read_comment(match[0], len(moves) - 1, comments, clocks, tolerances)
        elif depth or kind is None or kind in ("number", "glyph", "escape"):
            continue
        elif kind == "move":
            move = match[0]
            if ZERO_CASTLING.match(move):
                move = _castling(move)
                tolerances["castling with zeros"] = None
            moves.append(move)
        elif kind == "result":
            if match[0] == "0-0" and stated_result != "0-0":
                moves.append("O-O")
                tolerances["castling with zeros"] = None
                continue
            result = match[0]
            if NEXT_GAME.match(text, match.end()):
                end = match.end()
                break
            if text[match.end() :].strip():
                tolerances["text after result"] = None
            break
        elif kind == "note":
            tolerances["annotation in moves"] = None
        else:
            return Movetext(tuple(moves), None, len(text), unknown=match[0])
    if depth:
        tolerances["unterminated variation"] = None
    if result is None:
        tolerances["missing result"] = None
    return Movetext(
        tuple(moves),
        result,
        end,
        comments,
        tuple(clocks.get(index) for index in range(len(moves))) if clocks else None,
        tuple(tolerances),
    )


def _read_comment(
    token: str, index: int, comments: dict[int, str], clocks: dict[int, float], tolerances: dict[str, None]
) -> None:
    """Notes a comment behind the move ``index`` and the clock in it."""
    if token.startswith("{"):
        if not token.endswith("}"):
            tolerances["unterminated comment"] = None
        token = token.strip("{}") if token.endswith("}") else token[1:]
    else:
        token = token[1:]
    if "[%clk" in token:
        clock = CLOCK.search(token)
        if clock and index >= 0:
            clocks[index] = int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3])
            token = token[: clock.start()] + token[clock.end() :]
    comment = " ".join(token.split())
    if comment:
        comments[index] = f"{comments[index]} {comment}" if index in comments else comment
