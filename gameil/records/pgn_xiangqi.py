"""Reads xiangqi games in PGN's form: the tag ``[Game "Chinese Chess"]``, moves in ICCS coordinates (``H2-E2``)."""

import re

from gameil.records.pgn_moves import Movetext
from gameil.records.pgn_tags import tag_fields
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.window import excerpt, raw_error

NAMES = {"chinese chess", "xiangqi"}
TOKEN = re.compile(
    r"\s+|\{[^}]*\}?|;[^\n]*|\d+\s*\.[.\s]*|\$\d*|[!?]+|(?P<open>\()|(?P<close>\))"
    r"|(?P<move>[A-Ia-i][0-9]-?[A-Ia-i][0-9])(?=[\s!?$;{()]|$)|(?P<result>(?:1-0|0-1|1/2-1/2|\*)(?=\s|$))"
    r"|(?P<unknown>[^\s{(;)]+)"
)


def is_xiangqi(tags: dict[str, str]) -> bool:
    """Whether the tags say that the game is xiangqi."""
    return tags.get("Game", "").strip().lower() in NAMES or tags.get("Variant", "").strip().lower() == "xiangqi"


def parse_xiangqi(raw: RawRecord, tags: dict[str, str], body: str, tolerances: list[str]) -> GameRecord | RecordError:
    """Reads one game. Red is seat 0. Moves by names of pieces (``C2=5``, ``炮二平五``) are not read."""
    moves: list[str] = []
    result = None
    depth = 0
    for token in TOKEN.finditer(body):
        if token["open"] or token["close"]:
            depth = max(0, depth + (1 if token["open"] else -1))
        elif depth:
            continue
        elif token["result"]:
            result = token["result"]
            break
        elif token["unknown"]:
            what = excerpt(token["unknown"])
            return RecordError(raw.source, "syntax", f"not an ICCS move after {len(moves)} plies: {what}", what)
        elif token["move"]:
            moves.append(token["move"])
    if not moves:
        return raw_error(raw, "no moves", "a game without moves")
    for name in ("Game", "Variant", "Format"):
        tags.pop(name, None)
    for name in ("Red", "RedElo", "RedTitle"):
        if name in tags:
            tags[name.replace("Red", "White")] = tags.pop(name)
    movetext = Movetext(tuple(moves), result, len(body))
    fields = tag_fields({**tags, "Variant": "xiangqi"}, movetext)
    assert not isinstance(fields, str)
    if result is None:
        tolerances = [*tolerances, "missing result"]
    return GameRecord(notation="iccs", moves=movetext.moves, source=raw.source, tolerances=tuple(tolerances), **fields)
