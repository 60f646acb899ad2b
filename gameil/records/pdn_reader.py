"""Reads PDN, draughts as text (PDN 3.0, https://pdn.fmjd.org): English draughts, game type 21, and no other.

Black moves first and is seat 0. ``1-0`` is a win of Black: PDN does not say, but the Open Checkers Archive and the
collections of problems that go with it write so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from gameil.records.pgn_tags import DATE, TERMINATIONS, UNSTATED
from gameil.records.record import GameRecord, PlayerInfo, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.tagged_text import read_tagged, split_tagged
from gameil.records.window import excerpt, raw_error

SEATS = ("Black", "White")
ENGLISH = "21"
"""The game type that is read."""
GAME_TYPES = {
    "20": "international draughts",
    "22": "Italian draughts",
    "23": "American pool checkers",
    "24": "Spanish draughts",
    "25": "Russian draughts",
    "26": "Brazilian draughts",
    "27": "Canadian draughts",
    "28": "Portuguese draughts",
    "29": "Czech draughts",
    "30": "Turkish draughts",
    "31": "Thai draughts",
    "40": "Frisian draughts",
    "41": "Spantsiretti draughts",
}
SQUARES = 32
RESULTS: dict[str, tuple[float, float] | None] = {
    "1-0": (1.0, -1.0),
    "0-1": (-1.0, 1.0),
    "1/2-1/2": (0.0, 0.0),
    "2-0": (1.0, -1.0),
    "0-2": (-1.0, 1.0),
    "1-1": (0.0, 0.0),
    "0-0": None,
    "*": None,
}
USUAL_START = ("B", frozenset(map(str, range(21, 33))), frozenset(map(str, range(1, 13))))
RATING = re.compile(r"\d{1,4}")

STRENGTH = r"(?>\(\s?[!?*]{1,4}\s?\)|[!?*])*+"
"""Behind a move without a space, ``*`` says that it was forced; elsewhere it ends the game."""
TOKEN = re.compile(
    r"\s+|(?P<comment>\{[^}]*+\}?|;[^\n]*+|^%[^\n]*+)|(?P<glyph>\$\d*+|[!?]++|\(\s?[!?*]{1,4}\s?\))"
    r"|(?P<open>\()|(?P<close>\))|(?P<result>1/2-1/2|[12]-0|0-[012]|1-1|\*)(?=[\s{;)]|\Z)"
    r"|(?P<number>\d{1,3}\s*+\.++(?:\s*+\.\.\.)?)"
    rf"|(?P<move>\d{{1,2}}(?>\s?[-x:]\s?\d{{1,2}})++){STRENGTH}(?=[\s{{;()$]|\Z)|(?P<unknown>[^\s{{;()]++|.)",
    re.MULTILINE,
)


@dataclass(slots=True)
class Movetext:
    """What stands behind the tags of a game."""

    moves: list[str] = field(default_factory=list)
    comments: dict[int, str] = field(default_factory=dict)
    result: str = ""
    unknown: str = ""
    tolerances: list[str] = field(default_factory=list)


def split_pdn(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a PDN stream in order, unparsed: they stand in a file as those of PGN do."""
    return split_tagged(source, "pdn")


def parse_pdn(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game."""
    tolerances: list[str] = []
    tags, text = read_tagged(raw, tolerances)
    kind = tags.pop("GameType", ENGLISH).partition(",")[0].strip()
    if kind != ENGLISH:
        return raw_error(
            raw, "variant", f"game type {excerpt(kind)}, {GAME_TYPES.get(kind, 'unknown')}: only 21 is read"
        )
    start = tags.pop("FEN", "")
    if start and _position(start) != USUAL_START:
        return raw_error(raw, "start position", "English draughts is known from its usual start only")
    tags.pop("SetUp", tags.pop("Setup", None))
    body = _read_movetext(text)
    if body.unknown:
        return raw_error(raw, "syntax", f"not a move after {len(body.moves)} moves: {excerpt(body.unknown)}")
    if not body.moves:
        return raw_error(raw, "no moves", "a game without moves")
    largest = max(int(square) for move in body.moves for square in re.findall(r"\d+", move))
    if largest > SQUARES:
        return raw_error(raw, "variant", f"square {largest}: English draughts has {SQUARES}")
    stated = tags.pop("Result", "").strip()
    result = stated if stated in RESULTS and stated != "*" else body.result or "*"
    players = tuple(_player(tags, seat) for seat in SEATS)
    event, time_control = (_stated(tags.pop(name, "")) for name in ("Event", "TimeControl"))
    termination = tags.pop("Termination", "").lower()
    return GameRecord(
        game="checkers",
        notation="draughts",
        moves=tuple(body.moves),
        source=raw.source,
        players=players if players != (PlayerInfo(), PlayerInfo()) else (),
        returns=RESULTS[result],
        result=result,
        termination=next((end for part, end in TERMINATIONS if part in termination), "unknown"),
        date=_date(tags.pop("Date", "")),
        event=event,
        time_control=time_control,
        tags={name: value for name, value in tags.items() if _stated(value) is not None},
        comments=body.comments,
        tolerances=tuple(dict.fromkeys([*tolerances, *body.tolerances])),
    )


def _read_movetext(text: str) -> Movetext:
    read = Movetext()
    depth = 0
    for match in TOKEN.finditer(text):
        kind = match.lastgroup
        if kind == "open":
            depth += 1
        elif kind == "close":
            depth -= 1
            if depth < 0:
                read.unknown = ")"
                return read
        elif depth or kind is None or kind in ("glyph", "number"):
            continue
        elif kind == "comment":
            _add_comment(read, match[0])
        elif kind == "move":
            _add_move(read, match["move"])
        elif kind == "result":
            read.result = match[0]
            read.unknown = text[match.end() :].strip()
            if read.unknown.startswith(("{", ";")):
                _add_comment(read, read.unknown)
                read.unknown = ""
            return read
        else:
            read.unknown = match[0]
            return read
    if depth:
        read.tolerances.append("unterminated variation")
    return read


def _add_move(read: Movetext, move: str) -> None:
    """Without spaces and leading zeros; ``:`` is an ``x``."""
    if any(map(str.isspace, move)):
        read.tolerances.append("spaces in a move")
    squares = [str(int(square)) for square in re.findall(r"\d+", move)]
    read.moves.append(("-" if "-" in move else "x").join(squares))


def _add_comment(read: Movetext, token: str) -> None:
    words = " ".join(token.removeprefix("%").strip("{};").split())
    index = len(read.moves) - 1
    if words:
        read.comments[index] = f"{read.comments[index]} {words}" if index in read.comments else words


def _position(text: str) -> tuple[str, frozenset[str], frozenset[str]] | None:
    """Who moves, and the men of White and Black, of a FEN; None where there are kings or it is none."""
    turn, *sides = text.strip().rstrip(".").split(":")
    men = {side[:1]: frozenset(side[1:].strip().split(",")) for side in sides}
    return (turn, men["W"], men["B"]) if set(men) == {"W", "B"} else None


def _player(tags: dict[str, str], seat: str) -> PlayerInfo:
    name, title = _stated(tags.pop(seat, "")), _stated(tags.pop(seat + "Title", ""))
    rating = _stated(tags.pop(seat + "Rating", tags.pop(seat + "Elo", "")))
    return PlayerInfo(name, int(rating) if rating and RATING.fullmatch(rating) else None, title)


def _date(value: str) -> str | None:
    found = DATE.match(value.strip())
    if found is None or found[1] == "????":
        return None
    return f"{found[1]}-{found[2]:0>2}-{found[3]:0>2}".replace("0?", "??")


def _stated(value: str) -> str | None:
    return None if value in UNSTATED else value.strip() or None
