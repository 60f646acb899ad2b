"""UCI's ``go``: what it may say, and how long to think by it."""

from dataclasses import dataclass

from gameil.errors import ConfigError

_NUMBERS = ("wtime", "btime", "winc", "binc", "movestogo", "depth", "nodes", "mate", "movetime")
_MOVES_LEFT = 30
"""Moves for which the clock must last where nothing is said."""
_INCREMENT_SHARE = 0.8
_LEAST = 0.01
"""Seconds."""
_GREATEST = 10**9


@dataclass(frozen=True, slots=True)
class GoLimits:
    """When to stop. Times in milliseconds."""

    searchmoves: tuple[str, ...] = ()
    ponder: bool = False
    infinite: bool = False
    wtime: int | None = None
    btime: int | None = None
    winc: int | None = None
    binc: int | None = None
    movestogo: int | None = None
    depth: int | None = None
    """Length of the expected line at which a search ends: trees that grow at their leaves have no other depth."""
    nodes: int | None = None
    mate: int | None = None
    """Accepted; searched like any position."""
    movetime: int | None = None

    @property
    def is_timed(self) -> bool:
        return self.movetime is not None or self.wtime is not None or self.btime is not None

    def seconds(self, player: int, overhead: float) -> float | None:
        """Thinking time of ``player`` (1 Black, any other White); None: no limit by time.

        A clock gives its ``movestogo``-th (or 30th) part and most of the increment, never more than half of what is
        left, less the overhead of the way to the other side.
        """
        if self.movetime is not None:
            return max(_LEAST, self.movetime / 1000.0 - overhead)
        left, increment = (self.btime, self.binc) if player == 1 else (self.wtime, self.winc)
        if left is None or self.infinite:
            return None
        share = left / (self.movestogo or _MOVES_LEFT) + _INCREMENT_SHARE * (increment or 0)
        return max(_LEAST, min(share, left / 2.0) / 1000.0 - overhead)


def read_go(words: list[str]) -> GoLimits:
    """Reads the words behind ``go``. Raises ``ConfigError`` for a number that is none; unknown words are skipped."""
    flags: dict[str, bool] = {}
    numbers: dict[str, int] = {}
    moves: list[str] = []
    place = 0
    while place < len(words):
        word = words[place]
        place += 1
        if word in ("ponder", "infinite"):
            flags[word] = True
        elif word == "searchmoves":
            while place < len(words) and words[place] not in (*_NUMBERS, "ponder", "infinite"):
                moves.append(words[place])
                place += 1
        elif word in _NUMBERS:
            text = words[place] if place < len(words) else ""
            place += 1
            digits = text.removeprefix("-")
            if not (digits.isdecimal() and digits.isascii() and len(digits) <= 18):
                raise ConfigError(f"go {word} needs a whole number, got {text[:40]!r}")
            numbers[word] = min(_GREATEST, max(0, int(text)))
    return GoLimits(
        searchmoves=tuple(moves),
        ponder=flags.get("ponder", False),
        infinite=flags.get("infinite", False),
        wtime=numbers.get("wtime"),
        btime=numbers.get("btime"),
        winc=numbers.get("winc"),
        binc=numbers.get("binc"),
        movestogo=numbers.get("movestogo"),
        depth=numbers.get("depth"),
        nodes=numbers.get("nodes"),
        mate=numbers.get("mate"),
        movetime=numbers.get("movetime"),
    )
