"""Reads Othello as text: tags as in PGN and moves such as ``1. F5 D6``, and bare transcripts ``f5d6c3``, one a line.

Black moves first, is seat 0 and comes first in the result, which is discs: ``39-25``. Passes are not written.
"""

import re
from collections.abc import Iterator

from gameil.records.pgn_tags import TERMINATIONS, UNSTATED
from gameil.records.record import GameRecord, PlayerInfo, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.tagged_text import read_tagged, split_tagged
from gameil.records.window import MAX_GAME_BYTES, Window, excerpt, raw_error

SEATS = ("Black", "White")
GAME_NAMES = {"", "othello", "reversi"}
WORD_RESULTS: dict[str, tuple[float, float]] = {"1-0": (1.0, -1.0), "0-1": (-1.0, 1.0), "1/2-1/2": (0.0, 0.0)}
"""What our writer puts where only the winner is known."""
SCORE = re.compile(r"(\d\d?)\s*-\s*(\d\d?)")
SQUARES = 64
DATE = re.compile(r"(\d{4})(?:[./-](\d{1,2}|\?\?)(?:[./-](\d{1,2}|\?\?))?)?$")
RATING = re.compile(r"\d{1,4}")

PLAIN = re.compile(r"(?>\s*+(?:\d{1,3}\s*+\.++\s*+)?[A-Ha-h][1-8](?=\s|\Z))*+\s*+")
SQUARE = re.compile(r"[A-Ha-h][1-8]")
TOKEN = re.compile(
    r"\s+|(?P<comment>\{[^}]*+\}?|;[^\n]*+)|\d{1,3}\s*\.+|(?P<move>[A-Ha-h][1-8]|[Pp]ass|PASS|--)(?=[\s{;]|\Z)"
    r"|(?P<result>\d\d?-\d\d?|1/2-1/2|\*)(?=[\s{;]|\Z)|(?P<unknown>[^\s{;]+)"
)
TRANSCRIPT = re.compile(rb"(?>[A-Ha-h][1-8][ \t]*+)++")


def split_othello(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of a text with tags in order, unparsed: they stand in a file as those of PGN do."""
    return split_tagged(source, "othello")


def parse_othello(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game with tags."""
    tolerances: list[str] = []
    tags, text = read_tagged(raw, tolerances)
    variant = tags.pop("Variant", tags.pop("Game", ""))
    if variant.strip().lower() not in GAME_NAMES:
        return raw_error(raw, "variant", f"{excerpt(variant)} is not Othello")
    if tags.pop("FEN", ""):
        return raw_error(raw, "start position", "Othello is known from its usual start only")
    moves, comments, ending, unknown = _read_moves(text)
    if unknown:
        return raw_error(raw, "syntax", f"not a square after {len(moves)} moves: {excerpt(unknown)}")
    if not moves:
        return raw_error(raw, "no moves", "a game without moves")
    result = tags.pop("Result", "").strip()
    result = (result if result not in UNSTATED else ending) or "*"
    returns = read_score(result)
    if returns is None and result != "*":
        return raw_error(raw, "result", f"{excerpt(result)} is no score of {SQUARES} discs")
    players = tuple(_player(tags, seat) for seat in SEATS)
    event, time_control = (_stated(tags.pop(name, "")) for name in ("Event", "TimeControl"))
    date = DATE.match(tags.pop("Date", "").strip())
    termination = tags.pop("Termination", "").lower()
    return GameRecord(
        game="othello",
        notation="othello",
        moves=moves,
        source=raw.source,
        players=players if players != (PlayerInfo(), PlayerInfo()) else (),
        returns=returns,
        result=result,
        termination=next((end for part, end in TERMINATIONS if part in termination), "unknown"),
        date=f"{date[1]}-{date[2] or '??':0>2}-{date[3] or '??':0>2}" if date else None,
        event=event,
        time_control=time_control,
        tags={name: value for name, value in tags.items() if _stated(value) is not None},
        comments=comments,
        tolerances=tuple(dict.fromkeys(tolerances)),
    )


def read_score(result: str) -> tuple[float, float] | None:
    """Returns of Black and White of discs such as ``39-25``, of ``1-0``, ``0-1`` and ``1/2-1/2``; None for others."""
    if result in WORD_RESULTS:
        return WORD_RESULTS[result]
    score = SCORE.fullmatch(result)
    black, white = (int(score[1]), int(score[2])) if score else (SQUARES, SQUARES)
    if black + white > SQUARES:
        return None
    value = float((black > white) - (black < white))
    return value, 0.0 - value


def _read_moves(text: str) -> tuple[tuple[str, ...], dict[int, str], str, str]:
    """Moves in small letters, comments by move, the result behind the moves, and what is none of these."""
    if PLAIN.fullmatch(text):
        return tuple(SQUARE.findall(text.lower())), {}, "", ""
    moves: list[str] = []
    comments: dict[int, str] = {}
    for match in TOKEN.finditer(text):
        if match["move"]:
            square = match["move"].lower()
            moves.append("pass" if square == "--" else square)
        elif match["comment"]:
            words = " ".join(match["comment"].strip("{};").split())
            known = comments.get(len(moves) - 1)
            if words:
                comments[len(moves) - 1] = f"{known} {words}" if known else words
        elif match["result"]:
            return tuple(moves), comments, match["result"], text[match.end() :].strip()
        elif match["unknown"]:
            return tuple(moves), comments, "", match["unknown"]
    return tuple(moves), comments, "", ""


def _player(tags: dict[str, str], seat: str) -> PlayerInfo:
    name, rating, title = (_stated(tags.pop(seat + part, "")) for part in ("", "Elo", "Title"))
    if name is not None and not name.strip("? "):
        name = None  # the archive's own ``???``
    return PlayerInfo(name, int(rating) if rating and RATING.fullmatch(rating) else None, title)


def _stated(value: str) -> str | None:
    return None if value in UNSTATED else value.strip() or None


def split_transcripts(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the lines of a text of bare transcripts; blank lines are passed over."""
    window = Window(source)
    start = 0
    found = False
    skipping = False
    while True:
        end = window.data.find(b"\n", start)
        if end < 0 and not window.ended:
            window.drop(start)
            start = 0
            if len(window.data) > MAX_GAME_BYTES:
                if not skipping:
                    yield window.error(0, "too large", f"a line of more than {MAX_GAME_BYTES} bytes")
                found = skipping = True
                window.drop(len(window.data))
            window.extend()
            continue
        line = window.data[start:] if end < 0 else window.data[start:end]
        if end < 0 and source.broken is not None:
            yield RecordError(window.at(start), "truncated", source.broken)
            return
        if line.strip() and not skipping:
            found = True
            yield RawRecord("othello-transcripts", line, window.at(start))
        skipping = False
        if end < 0:
            break
        start = end + 1
    if not found:
        yield window.error(0, "no records", "no line holds a transcript")


def parse_transcript(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one line of squares without spaces or with them; nothing else is known of such a game."""
    line = raw.data.removeprefix(b"\xef\xbb\xbf").strip()
    if not TRANSCRIPT.fullmatch(line):
        return raw_error(raw, "syntax", "not a line of squares such as f5d6c3")
    moves = tuple(SQUARE.findall(line.decode("ascii").lower()))
    return GameRecord(game="othello", notation="othello", moves=moves, source=raw.source)
