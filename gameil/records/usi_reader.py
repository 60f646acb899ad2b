"""Reads shogi games as lines of the Universal Shogi Interface: ``position startpos moves 7g7f 3c3d ...``.

Knows no rules: moves stay USI text, which is also the rules engine's own. A line holds moves and nothing else, but
for ``resign`` or ``win`` as the last of them (of the player to move).
"""

import re
from collections.abc import Iterator

from gameil.records.lines import split_lines
from gameil.records.record import GameRecord, RawRecord, RecordError, Termination
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, excerpt, raw_error

LINE = re.compile(
    r"(?:position\s+)?(?:startpos|sfen\s+(?P<sfen>\S+(?:\s+(?!moves\b)\S+){0,3}))(?:\s+moves(?P<moves>(?:\s.*)?))?",
    re.DOTALL,
)
MOVE = re.compile(r"[1-9][a-i][1-9][a-i]\+?|[PLNSGBR]\*[1-9][a-i]")
USUAL_START = "lnsgkgsnl/1r5b1/ppppppppp/9/9/9/PPPPPPPPP/1B5R1/LNSGKGSNL b -"


def split_usi(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the lines, unparsed; blank ones are passed over."""
    return split_lines(source, "usi", MAX_GAME_BYTES)


def parse_usi(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one line."""
    try:
        text = raw.data.decode("utf-8-sig").strip()
    except UnicodeDecodeError as error:
        return raw_error(raw, "syntax", f"not UTF-8: {error.reason}")
    line = LINE.fullmatch(text)
    if line is None:
        return raw_error(raw, "syntax", "not a line 'position startpos moves ...' or 'position sfen ... moves ...'")
    moves = (line["moves"] or "").split()
    start = None if line["sfen"] is None else " ".join(line["sfen"].split())
    if start is not None and start.startswith(USUAL_START):
        start = None
    ending = moves.pop() if moves and moves[-1] in ("resign", "win") else ""
    wrong = next((move for move in moves if not MOVE.fullmatch(move)), None)
    if wrong is not None:
        return RecordError(raw.source, "syntax", f"not a USI move: {excerpt(wrong)}", excerpt(wrong))
    if not moves:
        return raw_error(raw, "no moves", "a game without moves")
    returns, termination = _outcome(ending, (len(moves) + first_seat(start)) % 2)
    return GameRecord(
        game="shogi",
        notation="action",
        moves=tuple(moves),
        source=raw.source,
        start=start,
        returns=returns,
        result="*" if returns is None else "1-0" if returns[0] > 0 else "0-1",
        termination=termination,
    )


def first_seat(start: str | None) -> int:
    """The seat that moves first from a position: 0 is Black (sente), 1 White."""
    return int(start is not None and start.split()[1:2] == ["w"])


def _outcome(ending: str, seat: int) -> tuple[tuple[float, float] | None, Termination]:
    """Returns and termination of a game that ``seat`` ended by resigning or by declaring a win."""
    if not ending:
        return None, "unknown"
    winner = seat if ending == "win" else 1 - seat
    return (1.0, -1.0) if winner == 0 else (-1.0, 1.0), "rules" if ending == "win" else "resignation"
