"""Reads backgammon match text (Jellyfish's ``.mat``, as GNU Backgammon and servers write it): one record a game.

Knows no rules but the arithmetic of dice: a roll is a move of its own (``43``), then comes the play; doubles are two
plays of at most two steps, as the rules engine takes them. Cube decisions are no moves: they stand in the tag ``Cube``.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from gameil.records.record import GameRecord, PlayerInfo, RawRecord, RecordError, Termination
from gameil.records.sources import Source
from gameil.records.window import MAX_GAME_BYTES, Window, excerpt, raw_error

TOO_LARGE = f"a game of more than {MAX_GAME_BYTES} bytes"
MAX_HEADER = 1 << 16
"""Characters of a match's header that are kept."""
BOUNDARY = re.compile(
    rb"^[ \t]*+(?:(?P<game>Game[ \t]+\d++)|(?P<length>\d{1,9})[ \t]+points?[ \t]+match|;[ \t]*+\[(?P<tag>[^\n]*+))",
    re.MULTILINE,
)
TAG = re.compile(r"([^\"\[\]]*+)\"(.*)\"\s*+\]?\s*+")
LENGTH = "Match length"
"""Tag: points that win the match, 0 for a game for money."""

SCORES = re.compile(r"[ \t]*(.*?)[ \t]*:[ \t]*(\d{1,9})[ \t]+(.*?)[ \t]*:[ \t]*(\d{1,9})[ \t]*")
LONGEST_NAMES = 500
"""Characters of the longest line that names the players."""
STEP = r"(?:bar|\d{1,2})(?:/(?:off|\d{1,2})\*?)+(?:\([1-4]\))?"
EVENT = re.compile(
    rf"(?P<dice>[1-6][1-6]):[ \t]*(?P<play>cannot[ \t]+move|\?\?\?\?|{STEP}(?:[ \t]+{STEP})*)?"
    r"|doubles[ \t]*=>[ \t]*(?P<doubles>\d{1,9})|(?P<cube>takes|drops|beavers|raccoons)"
    r"|(?P<end>wins|losses)[ \t]+(?P<points>\d{1,9})[ \t]+points?(?:[ \t]+and[ \t]+the[ \t]+match)?|;.*"
    r"|(?P<number>\d{1,6}\))|(?P<unknown>\S+)",
    re.IGNORECASE,
)
RIGHT_COLUMN = 17
"""An event that starts at least so many columns behind the turn's number, or behind the margin, is the right one's."""
PART = re.compile(r"(bar|\d{1,2})/(.+?)(?:\(([1-4])\))?")
CHECKERS = 15
HEADER_FIELDS = frozenset({"Player 1", "Player 2", "Player 1 Elo", "Player 2 Elo", "EventDate", "Event"})


def split_match(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games of one match or many, unparsed, each with the header of its match as context."""
    window = Window(source)
    header: dict[str, str] = {}
    begin: int | None = None  # of the game that is being read
    scan = 0  # up to here all boundaries are known
    found = in_match = skipping = False
    while True:
        limit = len(window.data) if window.ended else window.data.rfind(b"\n") + 1
        for mark in BOUNDARY.finditer(window.data, scan, limit):
            if begin is not None:
                yield _cut_out(window, begin, mark.start(), header)
                begin = None
            skipping = False
            if mark["game"]:
                begin, found, in_match = mark.start(), True, True
                continue
            if in_match:
                header, in_match = {}, False
            if mark["length"]:
                header[LENGTH] = str(int(mark["length"]))
            else:
                _add_tag(header, mark["tag"])
        scan = max(scan, limit)
        if window.ended:
            break
        keep = scan if begin is None else begin
        window.drop(keep)
        scan -= keep
        begin = None if begin is None else 0
        if len(window.data) > MAX_GAME_BYTES:
            if not skipping:
                found = True
                yield window.error(0, "too large", TOO_LARGE)
            begin, skipping = None, True
            # What may be the start of a line's boundary is kept.
            cut = max(scan, len(window.data) - MAX_HEADER)
            window.drop(cut)
            scan = 0
        window.extend()
    if source.broken is not None:
        yield RecordError(window.at(len(window.data) if begin is None else begin), "truncated", source.broken)
    elif begin is not None:
        yield _cut_out(window, begin, len(window.data), header)
    elif not found:
        yield window.error(0, "no records", "no line 'Game 1' was found")


def _cut_out(window: Window, begin: int, end: int, header: Mapping[str, str]) -> RawRecord | RecordError:
    if end - begin > MAX_GAME_BYTES:
        return window.error(begin, "too large", TOO_LARGE)
    return RawRecord("mat", window.data[begin:end], window.at(begin), dict(header))


def _add_tag(header: dict[str, str], line: bytes) -> None:
    tag = TAG.fullmatch(_decode(line[:MAX_HEADER])[0])
    if tag and sum(map(len, header)) + sum(map(len, header.values())) + len(line) <= MAX_HEADER:
        header[tag[1].strip()] = tag[2]


def _decode(data: bytes) -> tuple[str, bool]:
    """The text, and whether it had to be read as Latin-1."""
    try:
        return data.decode(), False
    except UnicodeDecodeError:
        return data.decode("latin-1"), True


@dataclass
class _Turns:
    """What the lines of a game say, sides 0 (left) and 1 (right)."""

    moves: list[str] = field(default_factory=list)
    cube: list[tuple[int, int, str]] = field(default_factory=list)
    """Number of moves before it, side, decision."""
    first: int | None = None
    """The side that rolls first."""
    last: int | None = None
    """The side that rolled last."""
    winner: int | None = None
    points: str = ""
    borne_off: list[int] = field(default_factory=lambda: [0, 0])
    unplayed: bool = False
    """The game ended with a roll whose play is not known."""


class _SyntaxError(ValueError):
    """A line that cannot be understood; the text says why."""

    def __init__(self, reason: str, detail: str, shown: str) -> None:
        super().__init__(detail)
        self.reason, self.shown = reason, shown


def parse_match_game(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game. Seat 0 is who rolled first, unless the header names seat 0."""
    header = raw.context
    variation = header.get("Variation", "Backgammon")
    if variation.strip().lower() not in ("backgammon", ""):
        return RecordError(raw.source, "variant", f"not played by the rules of backgammon: {variation[:80]!a}")
    text, latin = _decode(raw.data)
    lines = [line for line in text.splitlines()[1:] if line.strip()]
    scores = SCORES.fullmatch(lines[0]) if lines and len(lines[0]) <= LONGEST_NAMES else None
    try:
        turns = _read_turns(lines[1:] if scores else lines)
    except _SyntaxError as error:
        return RecordError(raw.source, error.reason, str(error), excerpt(error.shown))
    if not turns.moves:
        return raw_error(raw, "no moves", "a game without a turn that was played")
    assert turns.first is not None
    left = turns.first
    if header.get("Seat 0") in ("Player 1", "Player 2"):
        left = 0 if header["Seat 0"] == "Player 1" else 1
    seats = (0, 1) if left == 0 else (1, 0)  # the side of each seat
    if turns.first != left:
        turns.moves[0] = f"second {turns.moves[0]}"
    tags = {name: value for name, value in header.items() if name not in HEADER_FIELDS and name != "Seat 0"}
    tags["Game"] = lines_number(text)
    if scores:
        tags["Score"] = "-".join((scores[2], scores[4])[side] for side in seats)
    for seat, side in enumerate(seats):
        if rating := header.get(f"Player {side + 1} Elo", ""):
            tags[f"Seat {seat} Elo"] = rating
    if turns.cube:
        tags["Cube"] = " ".join(f"{ply}:{seats.index(side)}:{decision}" for ply, side, decision in turns.cube)
    if turns.points:
        tags["Points"] = turns.points
    winner = turns.winner if turns.winner is None else seats.index(turns.winner)
    return GameRecord(
        game="backgammon",
        notation="backgammon",
        moves=tuple(turns.moves),
        source=raw.source,
        players=tuple(_player(header, scores, side) for side in seats),
        returns=None if winner is None else (1.0, -1.0) if winner == 0 else (-1.0, 1.0),
        result="*" if winner is None else ("1-0", "0-1")[winner],
        termination=_termination(turns),
        date=_date(header.get("EventDate", "")),
        event=header.get("Event") or None,
        tags=tags,
        tolerances=("latin-1",) * latin + ("roll without a play",) * turns.unplayed,
    )


def lines_number(text: str) -> str:
    """The number of the game in its match, from the line it starts with."""
    return text.split(None, 2)[1]


def _player(header: Mapping[str, str], scores: re.Match[str] | None, side: int) -> PlayerInfo:
    name = header.get(f"Player {side + 1}") or (scores[1 + 2 * side] if scores else "")
    rating = re.match(r"\s*(\d{1,6})(?:[.,](\d{1,6}))?\s*(?:/|$)", header.get(f"Player {side + 1} Elo", ""))
    stated = round(float(f"{rating[1]}.{rating[2] or 0}")) if rating else 0
    return PlayerInfo(name or None, stated or None)


def _date(text: str) -> str | None:
    match = re.fullmatch(r"\s*(\d{4})[.-](\d\d)[.-](\d\d)\s*", text)
    return "-".join(match.groups()) if match else None


def _termination(turns: _Turns) -> Termination:
    """A game is over by the rules when the winner has borne off all checkers; a drop gives it up."""
    if turns.winner is not None and turns.borne_off[turns.winner] >= CHECKERS:
        return "rules"
    return "resignation" if turns.cube and turns.cube[-1][2] == "drops" else "unknown"


def _read_turns(lines: list[str]) -> _Turns:
    turns = _Turns()
    for line in lines:
        start, place, numbered = 0, 0, False
        for event in EVENT.finditer(line):
            if event["number"]:
                start, place, numbered = event.end(), 0, True
                continue
            side = 1 if place or event.start() - start >= RIGHT_COLUMN else 0
            place += 1
            if event["unknown"] is not None:
                raise _SyntaxError("syntax", f"no turn after {len(turns.moves)} moves: {excerpt(line.strip())}", line)
            if event["dice"]:
                _roll(turns, side, event["dice"], event["play"] or "", line)
            elif event["doubles"]:
                turns.cube.append((len(turns.moves), side, f"doubles={int(event['doubles'])}"))
            elif event["cube"]:
                turns.cube.append((len(turns.moves), side, event["cube"].lower()))
            elif event["end"] and event["end"].lower() == "wins":
                _end(turns, side, event["points"], line)
            elif event["end"] and numbered:  # outside the numbered lines its column says nothing
                _end(turns, 1 - side, event["points"], line)
    _drop_open_end(turns)
    if turns.winner is None and turns.cube and turns.cube[-1][2] == "drops":
        turns.winner = 1 - turns.cube[-1][1]
    return turns


def _end(turns: _Turns, winner: int, points: str, line: str) -> None:
    if turns.winner is not None and turns.winner != winner:
        raise _SyntaxError("result", "both players are said to have won", line)
    turns.winner = winner
    turns.points = str(int(points))


def _roll(turns: _Turns, side: int, dice: str, play: str, line: str) -> None:
    if turns.last == side or turns.winner is not None or turns.unplayed:
        what = "two turns of one player in a row" if turns.last == side else "a turn after the end of the game"
        raise _SyntaxError("out of turn", f"{what} after {len(turns.moves)} moves: {excerpt(line.strip())}", line)
    turns.first = side if turns.first is None else turns.first
    turns.last = side
    turns.moves.append(dice)
    if play.startswith("?"):
        turns.unplayed = True
        return
    play = "" if play.lower().startswith("cannot") else " ".join(play.split()).lower()
    parts = map(_part, play.split())
    turns.borne_off[side] += sum(int(part[3] or 1) for part in parts if re.search(r"(?:^|/)(?:off|0)$", part[2]))
    if dice[0] == dice[1]:
        turns.moves += split_doubles(play, int(dice[0]))
    else:
        turns.moves.append(play)


def _part(text: str) -> re.Match[str]:
    match = PART.fullmatch(text)
    assert match is not None, text
    return match


def _drop_open_end(turns: _Turns) -> None:
    """Forgets a roll at the end that was not played, and forced passes that nothing follows."""
    decided = turns.cube[-1][0] if turns.cube else 0
    while len(turns.moves) > decided and (not turns.moves[-1] or turns.moves[-1].isdecimal()):
        turns.moves.pop()


def split_doubles(play: str, die: int) -> list[str]:
    """The plays of a turn of doubles: two steps, then the other two; one play where only one step is made.

    Steps from higher points come first, so that every step is legal when it is made, and different orders are one.
    """
    steps: list[tuple[int, int]] = []
    for part in map(_part, play.split()):
        start = 25 if part[1] == "bar" else int(part[1])
        path = []
        for stop in part[2].split("/"):
            end = 0 if stop.startswith("off") else int(stop.rstrip("*"))
            count = math.ceil((start - end) / die)
            if count < 1 or (end and (start - end) % die):
                return [play]  # the rules will refuse it
            path += [(start - die * i, max(end, start - die * (i + 1))) for i in range(count)]
            start = end
        steps += path * int(part[3] or 1)
    steps.sort(reverse=True)
    texts = [f"{'bar' if start == 25 else start}/{end or 'off'}" for start, end in steps]
    if len(texts) < 2:
        return [" ".join(texts)]
    return [" ".join(texts[:2]), " ".join(texts[2:])]
