"""The movetext of a PGN game: moves of the main line, comments, clocks and result, without knowing the rules.

A game without comments, variations and glyphs takes the fast path: three regular expressions and a split. One that is
also spaced as the standard says, of moves met before, takes the fastest: a split and a look into two sets.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

SAN = (
    r"(?:(?:[KQRBNP]?[a-h]?[1-8]?[x:\-]?[a-h][1-8](?:=?[KQRBNkqrbn]|\([QRBNqrbn]\)|/[QRBN])?"
    r"|[O0o]-[O0o](?:-[O0o])?|[PNBRQK]?@[a-h][1-8])(?:\+\+|[+#])?|--|Z0|null|@@@@)"
)
"""A move as a token: a SAN move in its looser forms, castling with O or 0, a drop, a null move (which checks nobody:
``--+`` is an assessment)."""
RESULT = r"1-0F?|0-1F?|1/2(?:-1/2)?|½-½|0\.5-0\.5|0-0(?!-)|\+/-|-/\+|\+:-|-:\+|\+--|--\+|\*"

NUMBER = re.compile(r"(?<!\d)\d++\s*+\.[.\s]*+")  # possessive, and from the first digit on: linear in any text
PLAIN = re.compile(rf"(?>{SAN}(?: |$))*+")
SLOW_SIGNS = re.compile(r"[{(;$!?%\[…]")
LAST_RESULT = re.compile(rf"(?:^|\s)({RESULT})\Z")
AMBIGUOUS = frozenset({"0-0", "+/-", "-/+", "+:-", "-:+", "+--", "--+"})
"""Results of games that were not played out only where the Result tag says the same: else castling or assessments."""
LONGEST_RESULT = 8
PLAIN_RESULTS = frozenset({"1-0", "0-1", "1/2-1/2", "*"})
PLAIN_NUMBERS = frozenset(f"{number}." for number in range(1, 301))
MOST_KNOWN = 1 << 16
_known_moves: set[str] = set()
"""Moves that ``PLAIN`` has passed, at most ``MOST_KNOWN``; it would pass them again."""
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
PASSED_OVER = frozenset({"number", "glyph", "escape"})
CLOCK = re.compile(r"\[%clk\s+(\d{1,4}):(\d{1,2}):(\d{1,2}(?:\.\d{1,6})?)\s*\]")
NEXT_GAME = re.compile(r"(?>\s++|\{[^}]*+\}|;[^\n]*+)*+1\s*\.")  # possessive: time stays linear in any text
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
    if start == 0:
        plain = _read_known(text) or (None if SLOW_SIGNS.search(text) else _read_plain(text, stated_result))
        if plain is not None:
            return plain
    return _Reader(text, start, stated_result).read()


def _read_known(text: str) -> Movetext | None:
    """The fastest path: ``1. e4 e5 2. Nf3 *`` of known moves; None where there is more."""
    tokens = text.split()
    if not tokens or tokens[-1] not in PLAIN_RESULTS:
        return None
    result = tokens.pop()
    moves = [token for token in tokens if token not in PLAIN_NUMBERS]
    return Movetext(tuple(moves), result, len(text)) if _known_moves.issuperset(moves) else None


def _read_plain(text: str, stated_result: str | None) -> Movetext | None:
    """The fast path: numbers, moves and a result at the end, nothing else; None where there is more."""
    stripped = text.rstrip()
    found = LAST_RESULT.search(stripped, max(0, len(stripped) - LONGEST_RESULT))
    result = found[1] if found else None
    moves = NUMBER.sub(" ", stripped[: found.start()] if found else stripped).split()
    line = " ".join(moves)
    if not PLAIN.fullmatch(line) or (result in AMBIGUOUS and result != stated_result):
        return None
    tolerances: tuple[str, ...] = () if result else ("missing result",)
    if "0-0" in line or "o-o" in line:
        moves = [_castling(move) for move in moves]
        tolerances += ("castling with zeros",)
    elif len(_known_moves) < MOST_KNOWN:
        _known_moves.update(moves)
    return Movetext(tuple(moves), result, len(text), tolerances=tolerances)


def _castling(move: str) -> str:
    return move.replace("0", "O").replace("o", "O") if ZERO_CASTLING.match(move) else move


class _Reader:
    """Reads any movetext token by token."""

    def __init__(self, text: str, start: int, stated_result: str | None) -> None:
        self.text = text
        self.start = start
        self.stated_result = stated_result
        self.moves: list[str] = []
        self.comments: dict[int, list[str]] = {}
        self.clocks: dict[int, float] = {}
        self.tolerances: dict[str, None] = {}

    def read(self) -> Movetext:
        depth = 0
        for match in TOKEN.finditer(self.text, self.start):
            kind = match.lastgroup
            if kind == "open":
                depth += 1
            elif kind == "close":
                if depth == 0:
                    self.tolerances["stray parenthesis"] = None
                depth = max(0, depth - 1)
            elif depth or kind is None or kind in PASSED_OVER:
                continue
            elif kind == "comment":
                self._comment(match[0])
            elif kind == "move":
                self._move(match[0])
            elif kind == "note":
                self.tolerances["annotation in moves"] = None
            elif kind == "unknown":
                return Movetext(tuple(self.moves), None, len(self.text), unknown=match[0])
            elif match[0] == "0-0" and self.stated_result != "0-0":
                self._move(match[0])
            elif match[0][0] in "+-" and match[0] != self.stated_result:
                self.tolerances["annotation in moves"] = None
            else:
                return self._finish(match[0], match.end())
        if depth:
            self.tolerances["unterminated variation"] = None
        self.tolerances["missing result"] = None
        return self._finish(None, len(self.text))

    def _finish(self, result: str | None, end: int) -> Movetext:
        if not NEXT_GAME.match(self.text, end):
            if self.text[end:].strip():
                self.tolerances["text after result"] = None
            end = len(self.text)
        clocks = tuple(map(self.clocks.get, range(len(self.moves)))) if self.clocks else None
        comments = {index: " ".join(parts) for index, parts in self.comments.items()}
        return Movetext(tuple(self.moves), result, end, comments, clocks, tuple(self.tolerances))

    def _move(self, move: str) -> None:
        if ZERO_CASTLING.match(move):
            self.tolerances["castling with zeros"] = None
            move = _castling(move)
        self.moves.append(move)

    def _comment(self, token: str) -> None:
        """Notes a comment behind the last move, and the clock in it."""
        if token.startswith(";"):
            token = token[1:]
        elif token.endswith("}"):
            token = token[1:-1]
        else:
            self.tolerances["unterminated comment"] = None
            token = token[1:]
        index = len(self.moves) - 1
        clock = CLOCK.search(token) if index >= 0 and "[%clk" in token else None
        if clock:
            self.clocks[index] = round(int(clock[1]) * 3600 + int(clock[2]) * 60 + float(clock[3]), 6)
            token = token[: clock.start()] + token[clock.end() :]
        comment = " ".join(token.split())
        if comment:
            self.comments.setdefault(index, []).append(comment)
