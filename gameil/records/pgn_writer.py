"""Writes chess records as PGN: the seven standard tags first, then the others, lines of at most 80 characters."""

import re
from collections.abc import Iterator

from gameil.errors import RecordsError
from gameil.records.pgn_moves import SAN
from gameil.records.pgn_tags import CANONICAL, RESULTS, UNSTATED
from gameil.records.record import GameRecord, PlayerInfo, Termination

LINE = 80
TAG_NAME = re.compile(r"[A-Za-z]\w*")
WHITE_SPACE = re.compile(r"\s+")
MOVE = re.compile(SAN)
CHESS960_START = "Chess960"
TERMINATIONS: dict[Termination, str] = {
    "rules": "by the rules",
    "resignation": "resignation",
    "time": "time forfeit",
    "agreed": "agreement",
    "forfeit": "forfeit",
}


def format_pgn(record: GameRecord) -> str:
    """One game and the empty line behind it. Raises ``RecordsError`` for what PGN cannot carry."""
    if record.game != "chess" or record.notation != "san":
        raise RecordsError(f"pgn holds chess in SAN, not {record.game} in {record.notation!r}")
    other = sorted(record.parameters.keys() - {"chess960"})
    if other or record.setup or record.movers is not None:
        raise RecordsError(f"pgn cannot carry {', '.join(other) or 'setup stones or movers'} of a record of chess")
    result = _result(record)
    lines = [f'[{name} "{escape_tag(value)}"]' for name, value in _tags(record, result)]
    return "\n".join([*lines, "", *wrap_tokens(_tokens(record, result)), "", ""])


def _result(record: GameRecord) -> str:
    result = CANONICAL.get(record.result, record.result)
    if result in RESULTS and RESULTS[result] == record.returns:
        return result
    for known in ("1-0", "0-1", "1/2-1/2", "*"):
        if RESULTS[known] == record.returns:
            return known
    raise RecordsError(f"pgn cannot carry the returns {record.returns}")


def _tags(record: GameRecord, result: str) -> Iterator[tuple[str, str]]:
    white, black = record.players if len(record.players) == 2 else (PlayerInfo(), PlayerInfo())
    tags = dict(record.tags)
    for name in tags:
        if not TAG_NAME.fullmatch(name):
            raise RecordsError(f"pgn cannot carry a tag named {name!r:.80}")
    yield "Event", record.event or "?"
    yield "Site", tags.pop("Site", "?")
    yield "Date", record.date.replace("-", ".") if record.date else "????.??.??"
    yield "Round", tags.pop("Round", "?")
    yield "White", white.name or "?"
    yield "Black", black.name or "?"
    yield "Result", result
    for seat, player in (("White", white), ("Black", black)):
        if player.rating is not None:
            yield f"{seat}Elo", str(player.rating)
        if player.title is not None:
            yield f"{seat}Title", player.title
    if record.parameters.get("chess960"):
        yield "Variant", CHESS960_START
    if record.start is not None:
        yield "SetUp", "1"
        yield "FEN", record.start
    if record.time_control is not None:
        yield "TimeControl", record.time_control
    if record.termination in TERMINATIONS:
        yield "Termination", TERMINATIONS[record.termination]
    yield from ((name, value) for name, value in tags.items() if value not in UNSTATED)


def escape_tag(value: str) -> str:
    """A tag's value as it stands between quotes, on one line."""
    line = WHITE_SPACE.sub(lambda found: " " if "\n" in found[0] or "\r" in found[0] else found[0], value)
    return line.strip().replace("\\", "\\\\").replace('"', '\\"')


def _tokens(record: GameRecord, result: str) -> Iterator[str]:
    """The movetext's tokens, each of which stays on one line."""
    fields = record.start.split() if record.start else []
    white_moves = fields[1:2] != ["b"]
    number = int(fields[5]) if len(fields) > 5 and fields[5].isdecimal() else 1
    show_number = True
    yield from _comment(record.comments.get(-1, ""), None)
    for index, move in enumerate(record.moves):
        if not MOVE.fullmatch(move):
            raise RecordsError(f"pgn cannot carry {move!r:.80}, which is not a SAN move")
        if white_moves or show_number:
            yield f"{number}." if white_moves else f"{number}..."
        yield move
        clock = record.clocks[index] if record.clocks is not None else None
        noted = list(_comment(record.comments.get(index, ""), clock))
        yield from noted
        show_number = bool(noted)
        number += not white_moves
        white_moves = not white_moves
    yield result


def _comment(text: str, clock: float | None) -> Iterator[str]:
    """A brace comment's words; a closing brace, which PGN cannot carry, becomes a parenthesis."""
    words = text.replace("}", ")").split()
    if clock is not None:
        minutes, seconds = divmod(clock, 60)
        shown = f"{seconds:06.3f}".rstrip("0").removesuffix(".") if seconds % 1 else f"{seconds:02.0f}"
        words = [f"[%clk {minutes // 60:.0f}:{minutes % 60:02.0f}:{shown}]", *words]
    if words:
        yield "{ " + words[0]
        yield from words[1:]
        yield "}"


def wrap_tokens(tokens: Iterator[str]) -> Iterator[str]:
    """Lines of at most 80 characters; no token is broken, and no line of a comment begins as a tag does."""
    line = ""
    for token in tokens:
        if line and len(line) + 1 + len(token) > LINE and (token[0] != "[" or token.startswith("[%")):
            yield line
            line = token
        else:
            line = f"{line} {token}" if line else token
    yield line
