"""The tag section of a PGN game: from text to the fields of a record."""

import re
from typing import Any

from gameil.records.pgn_moves import Movetext
from gameil.records.record import PlayerInfo, Termination

PLAIN_TAG = re.compile(r"\[(\w+) \"([^\"\\\n]*)\"\]")
PLAIN_SECTION = re.compile(r"(?>\[\w+ \"[^\"\\\n]*+\"\]\s*+)*+")
ONE_TAG = re.compile(r"\[[ \t]*(\w+)[ \t]+\"((?>[^\"\\]|\\.)*+)\"[ \t]*\]")
SEVERAL_TAGS = re.compile(rf"(?>{ONE_TAG.pattern}\s*+)++")
ESCAPE = re.compile(r"\\([\"\\])")

RESULTS: dict[str, tuple[float, float] | None] = {
    "1-0": (1.0, -1.0),
    "0-1": (-1.0, 1.0),
    "1/2-1/2": (0.0, 0.0),
    "1/2": (0.0, 0.0),
    "½-½": (0.0, 0.0),
    "0.5-0.5": (0.0, 0.0),
    "+/-": (1.0, -1.0),
    "-/+": (-1.0, 1.0),
    "+:-": (1.0, -1.0),
    "-:+": (-1.0, 1.0),
    "+--": (1.0, -1.0),
    "--+": (-1.0, 1.0),
    "1-0F": (1.0, -1.0),
    "0-1F": (-1.0, 1.0),
    "0-0": None,
    "*": None,
}
CANONICAL = {"1/2": "1/2-1/2", "½-½": "1/2-1/2", "0.5-0.5": "1/2-1/2"}
DECIDED = {"1-0", "0-1"}
UNSTATED = {"", "?", "-", "??", "????.??.??"}
NOBODY = (PlayerInfo(), PlayerInfo())
FORFEITS = {"+/-", "-/+", "+:-", "-:+", "+--", "--+", "1-0F", "0-1F", "0-0"}
STANDARD = {"", "?", "-", "chess", "standard", "normal", "regular", "from position", "fromposition", "orthodox"}
CHESS960 = {"chess960", "chess 960", "fischerandom", "fischerrandom", "fischer random", "freestyle", "freestyle chess"}
TERMINATIONS: tuple[tuple[str, Termination], ...] = (
    ("by the rules", "rules"),
    ("checkmate", "rules"),
    ("stalemate", "rules"),
    ("repetition", "rules"),
    ("insufficient material", "rules"),
    ("50-move", "rules"),
    ("fifty", "rules"),
    ("resign", "resignation"),
    ("time", "time"),
    ("clock", "time"),
    ("agree", "agreed"),
    ("abandon", "forfeit"),
    ("forfeit", "forfeit"),
    ("infraction", "forfeit"),
    ("adjudicat", "agreed"),
)
"""First part found in the lower-case Termination tag decides; chess.com and lichess write these."""

VARIANT_GAMES = {"antichess": "antichess", "crazyhouse": "crazyhouse", "xiangqi": "xiangqi"}
"""Values of the Variant tag that are games of their own here."""
USUAL_START = "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"
USUAL_STARTS = {
    "chess": {USUAL_START},
    "antichess": {USUAL_START, USUAL_START.replace("KQkq", "-")},
    "crazyhouse": {USUAL_START, USUAL_START.replace("RNBQKBNR", "RNBQKBNR[]"), USUAL_START.replace(" w", "/ w")},
    "xiangqi": {"rnbakabnr/9/1c5c1/p1p1p1p1p/9/9/P1P1P1P1P/1C5C1/9/RNBAKABNR w - - 0 1"},
}
RATING = re.compile(r"\s*(\d{2,4})(?!\d)")
DATE = re.compile(r"(\d{4}|\?{4})[./-](\d{1,2}|\?{1,2})[./-](\d{1,2}|\?{1,2})$")


def read_tags(head: str, tolerances: list[str]) -> dict[str, str]:
    """The tags of a section; of a repeated one the last counts. Names of tolerances used are appended."""
    if PLAIN_SECTION.fullmatch(head):
        found = PLAIN_TAG.findall(head)
    else:
        found = []
        for line in head.split("\n"):
            found += _read_line(line.strip(), tolerances)
    tags = dict(found)
    if len(tags) != len(found):
        tolerances.append("duplicate tag")
    return tags


def _read_line(line: str, tolerances: list[str]) -> list[tuple[str, str]]:
    """The tags of one line that is not of the plain form."""
    if not line.startswith("["):
        return []
    if SEVERAL_TAGS.fullmatch(line):
        return [(name, ESCAPE.sub(r"\1", value)) for name, value in ONE_TAG.findall(line)]
    tolerances.append("malformed tag")
    name, _, rest = line[1:].strip().partition(" ")
    if not name.isidentifier():
        return []
    value = rest.strip().removesuffix("]").rstrip().removeprefix('"').removesuffix('"')
    return [(name, ESCAPE.sub(r"\1", value))]


def tag_fields(tags: dict[str, str], movetext: Movetext) -> dict[str, Any] | str:
    """The fields of a ``GameRecord`` that tags decide (``tags`` is used up), or the name of a variant of chess."""
    variant = tags.pop("Variant", "")
    name = variant.strip().lower()
    chess960 = name in CHESS960
    game = VARIANT_GAMES.get(name, "chess")
    if game == "chess" and not chess960 and name not in STANDARD:
        return variant
    stated = tags.pop("Result", "*").strip()
    result = stated if stated in RESULTS and stated != "*" else movetext.result or "*"
    result = CANONICAL.get(result, result)
    fields: dict[str, Any] = {
        "game": game,
        "parameters": {"chess960": True} if chess960 else {},
        "players": _players(tags),
        "returns": RESULTS[result],
        "result": result,
        "termination": _termination(tags.pop("Termination", ""), result, movetext.moves[-1]),
        "event": _stated(tags.pop("Event", "")),
        "time_control": _stated(tags.pop("TimeControl", "")),
        "date": _date(tags.pop("Date", "")) or _date(tags.get("UTCDate", "")),
    }
    if tags.pop("SetUp", "1") != "0" and tags.get("FEN"):
        start = " ".join(tags.pop("FEN").split())
        if chess960 or start not in USUAL_STARTS[game]:
            fields["start"] = start
    fields["tags"] = {key: value for key, value in tags.items() if _stated(value) is not None}
    return fields


def _players(tags: dict[str, str]) -> tuple[PlayerInfo, ...]:
    players = tuple(
        PlayerInfo(
            _stated(tags.pop(seat, "")), _rating(tags.pop(seat + "Elo", "")), _stated(tags.pop(seat + "Title", ""))
        )
        for seat in ("White", "Black")
    )
    return players if players != NOBODY else ()


def _stated(value: str) -> str | None:
    """The value, or None for the ways of PGN to say nothing."""
    return None if value in UNSTATED else value.strip() or None


def _rating(value: str) -> int | None:
    match = RATING.match(value)
    return int(match[1]) or None if match else None


def _date(value: str) -> str | None:
    match = DATE.match(value.strip())
    if match is None or match[1] == "????":
        return None
    return f"{match[1]}-{match[2]:0>2}-{match[3]:0>2}".replace("0?", "??")


def _termination(value: str, result: str, last_move: str) -> Termination:
    if result in FORFEITS:
        return "forfeit"
    text = value.lower()
    if "unterminated" not in text and "normal" not in text:
        for part, termination in TERMINATIONS:
            if part in text:
                return termination
    return "rules" if last_move.endswith("#") and result in DECIDED else "unknown"
