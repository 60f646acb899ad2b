"""Words of GTP commands: colours, numbers, and the time that they give an engine."""

from gameil.errors import ConfigError

COLOURS = {"b": 0, "black": 0, "w": 1, "white": 1}
"""Player of each colour."""
_MOVES_LEFT = 40
"""Moves for which the main time must last."""
_KGS_TIMES = {"none": 0, "absolute": 1, "byoyomi": 2, "canadian": 3}
"""Numbers behind each time system of ``kgs-time_settings``; the third one of byoyomi says nothing new here."""


def colour(word: str) -> int:
    """The player of a colour. Raises ``ConfigError`` for a word that is none."""
    if word.lower() not in COLOURS:
        raise ConfigError("invalid color or coordinate")
    return COLOURS[word.lower()]


def whole(words: list[str], place: int, what: str) -> int:
    """The number at ``place``. Raises ``ConfigError`` where there is none."""
    text = words[place] if place < len(words) else ""
    if not (text.isdecimal() and text.isascii() and len(text) <= 12):
        raise ConfigError(f"{what} not an integer")
    return int(text)


class GtpTime:
    """How long an engine may think, as its controller said last."""

    def __init__(self) -> None:
        self._main, self._period, self._stones = 0.0, 0.0, 0
        self._left: dict[int, tuple[float, int]] = {}

    def settings(self, words: list[str]) -> str:
        """``MAIN PERIOD STONES`` in seconds (GTP specification, section 4.2)."""
        main, period, stones = (whole(words, place, "time") for place in range(3))
        self._main, self._period, self._stones, self._left = float(main), float(period), stones, {}
        return ""

    def kgs_settings(self, words: list[str]) -> str:
        """``none``, ``absolute MAIN``, ``byoyomi MAIN PERIOD PERIODS``, ``canadian MAIN PERIOD STONES``."""
        system = words[0].lower() if words else ""
        if system not in _KGS_TIMES:
            raise ConfigError("unknown time system")
        main, period, stones = [*(whole(words, 1 + place, "time") for place in range(_KGS_TIMES[system])), 0, 0, 0][:3]
        # A Japanese period is the time of one move; a period without stones means no limit.
        self._main, self._left = float(main), {}
        self._period, self._stones = float(period), 1 if system == "byoyomi" else stones
        if system == "none":
            self._period, self._stones = 1.0, 0
        return ""

    def left(self, words: list[str]) -> str:
        """``COLOUR TIME STONES``: what is left of the main time (no stones) or of the period."""
        player = colour(words[0] if words else "")
        self._left[player] = (float(whole(words, 1, "time")), whole(words, 2, "stones"))
        return ""

    def seconds(self, player: int) -> float | None:
        """Thinking time of one move; None where no time was set, or where a period without stones means no limit."""
        if self._main == 0 and self._period == 0 and not self._left:
            return None
        if self._period > 0 and self._stones == 0:
            return None
        left, stones = self._left.get(player, (self._main, 0))
        if stones == 0 and left > 0:
            return max(0.01, left / _MOVES_LEFT)
        if stones == 0:
            left, stones = self._period, self._stones
        return max(0.01, 0.9 * left / max(1, stones))
