"""How fast a game was played: the class of a time control, by its usual estimated duration.

    seconds = first stages + base + 40 * increment

and bullet is below 180 s, blitz below 480 s, rapid below 1500 s, classical from there on (lichess.org's classes;
its ultra-bullet counts as bullet). An hour or more for each move is correspondence.
"""

import re
from collections.abc import Mapping
from typing import Literal

TimeClass = Literal["bullet", "blitz", "rapid", "classical", "correspondence"]
"""Kinds of time controls."""

_MOVES = 40
"""Moves of a player that the estimate assumes."""
_BOUNDS: tuple[tuple[float, TimeClass], ...] = ((180, "bullet"), (480, "blitz"), (1500, "rapid"))
_CORRESPONDENCE = 3600
"""Seconds a move from which a game is played by correspondence."""
_STAGE = re.compile(r"\*?(?:(\d{1,4})/)?(\d{1,8}(?:\.\d{1,3})?)(?:\+(\d{1,6}(?:\.\d{1,3})?))?")
"""PGN's descriptors: ``40/7200`` moves/seconds, ``300+2`` base and increment, ``600``, ``*180`` sandclock."""
_OVERTIME = re.compile(r"(\d{1,8}(?:\.\d{1,3})?)(?: (\d{1,3})(x|/)(\d{1,6})\b.*)?", re.DOTALL)
"""SGF's ``TM`` and ``OT``: ``1800 5x30 byo-yomi`` periods x seconds a move, ``600 25/300 Canadian`` moves/seconds."""
_WORDS = re.compile(r"\b(bullet|blitz|rapid|correspondence)\b", re.IGNORECASE)
_LONGEST = 200
"""Characters of a time control or event looked at."""


def time_class(time_control: str | None, event: str | None, tags: Mapping[str, str]) -> TimeClass | None:
    """The class of a game's time control; None where nothing tells.

    A time control that can be read decides. Without one, the word ``bullet``, ``blitz``, ``rapid`` or
    ``correspondence`` in the tag ``EventType`` or in the event's name does.
    """
    seconds = None if time_control is None else estimated_seconds(time_control[:_LONGEST])
    if seconds == float("inf"):
        return "correspondence"
    if seconds is not None:
        return next((name for bound, name in _BOUNDS if seconds < bound), "classical")
    for text in (tags.get("EventType"), event):
        found = _WORDS.search(text[:_LONGEST]) if text else None
        if found:
            word: TimeClass = found[1].lower()  # type: ignore[assignment]
            return word
    return None


def estimated_seconds(time_control: str) -> float | None:
    """Seconds that a player has for 40 moves; infinite for correspondence, None where the text cannot be read."""
    text = time_control.strip()
    overtime = _OVERTIME.fullmatch(text)
    if overtime and overtime[2]:
        number, seconds = int(overtime[2]), int(overtime[4])
        a_move = float(seconds) if overtime[3] == "x" else seconds / max(1, number)
        return float(overtime[1]) + _MOVES * a_move
    total = 0.0
    for stage in text.split(":"):
        found = _STAGE.fullmatch(stage)
        if found is None:
            return None
        moves, base, increment = int(found[1] or 0), float(found[2]), float(found[3] or 0)
        if moves and base / moves >= _CORRESPONDENCE:
            return float("inf")
        total += base + _MOVES * increment
    return total or None
