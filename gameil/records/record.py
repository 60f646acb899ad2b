"""A game that people (or agents) played, as it stands in a file, before any rules look at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray

Notation = Literal["action", "san", "uci", "gtp", "sgf", "backgammon", "iccs", "othello", "number", "draughts"]
"""How moves are written. ``action``: the rules engine's own text; ``san``, ``uci``: chess; ``gtp``, ``sgf``: Go;
``backgammon``: rolls and plays of match text; ``iccs``: xiangqi; ``othello``: squares without the passes; ``draughts``:
squares by number."""

Termination = Literal["rules", "resignation", "time", "agreed", "forfeit", "unknown"]
"""How a game ended: by the rules, by giving up, on the clock, by agreement, by not playing, or not stated."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a record came from."""

    file: str
    """Path or name of the source, with ``!member`` behind an archive's."""
    offset: int
    """Byte offset of the record's start in the (decompressed) file or member."""


@dataclass(frozen=True, slots=True)
class RawRecord:
    """One record's bytes, cut out of its source but not parsed: parsing may happen in another process."""

    format: str
    """Name of the format, a key of ``gameil.records.formats.FORMATS``."""
    data: bytes
    """The record, whole, and nothing of its neighbours."""
    source: Provenance
    context: Mapping[str, str] = field(default_factory=dict)
    """What the record needs from outside its bytes: names from another file, the header of a match."""


@dataclass(frozen=True, slots=True)
class PlayerInfo:
    """One seat's player, as far as the record says."""

    name: str | None = None
    rating: int | None = None
    """Rating in the record's own scale (Elo; for Go dans and kyus see ``title``)."""
    title: str | None = None
    """Title or rank as written: ``GM``, ``9d``, ``BOT``."""


@dataclass(frozen=True, slots=True)
class GameRecord:
    """One game as parsed. Knows no rules: moves are text, and ``notation`` says how to read them."""

    game: str
    """Name of the game without parameters, such as ``chess`` or ``go``."""
    notation: Notation
    """How ``moves`` are written: the same names as ``gameil.games.game.Notation``, which the rules read them by."""
    moves: tuple[str, ...]
    """Main-line moves as written, chance outcomes included where the format has them."""
    source: Provenance
    parameters: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Parameters of the game played: ``board_size``, ``komi``, ``chess960`` ..."""
    players: tuple[PlayerInfo, ...] = ()
    """By seat; empty where the record names nobody."""
    movers: tuple[int, ...] | None = None
    """Seat that made each move, where the format states it (SGF); None where turns simply alternate."""
    setup: tuple[tuple[int, str], ...] = ()
    """Stones put on the board before the first move, as (seat, point): Go's handicap and setup stones."""
    start: str | None = None
    """Start position as written (chess: a FEN), None for the usual one."""
    returns: tuple[float, ...] | None = None
    """Per seat 1 for a win, 0 for a draw, -1 for a loss; None where the record states no result."""
    result: str = "*"
    """Result as written: ``1-0``, ``B+R``, ``*``."""
    termination: Termination = "unknown"
    date: str | None = None
    """``YYYY-MM-DD`` with ``??`` for unknown parts."""
    event: str | None = None
    time_control: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    """All other tags of the record, by the format's own names."""
    clocks: tuple[float | None, ...] | None = None
    """Seconds left on the mover's clock after each move, where stated."""
    observations: NDArray[Any] | None = field(default=None, compare=False)
    """What was seen before each move, ``[T, ...]``, where the format has it (numeric trajectories)."""
    states: NDArray[Any] | None = field(default=None, compare=False)
    """All of the game before each move and after the last one, ``[T + 1, N]``, where the format has it: what the rules
    make of the moves is held against it."""
    comments: Mapping[int, str] = field(default_factory=dict)
    """Comment after the move of that index (-1: before the first move)."""
    tolerances: tuple[str, ...] = ()
    """Names of the departures from the format that the reader accepted (docs/formats.md lists them), for counting."""


@dataclass(frozen=True, slots=True)
class RecordError:
    """A record that could not be used: a value, never an exception, so that the good part of a file is kept."""

    source: Provenance
    reason: str
    """Short and countable: ``syntax``, ``illegal move``, ``no moves``, ``variant``, ``truncated``, ``too large`` ..."""
    detail: str
    """One line for people: what was found, where, and what was expected."""
    excerpt: str = ""
    """At most 200 characters of the offending text."""

    def __post_init__(self) -> None:
        # Both may hold a stranger's text, and terminals obey control characters.
        object.__setattr__(self, "detail", printable(self.detail))
        object.__setattr__(self, "excerpt", printable(self.excerpt))


def printable(text: str) -> str:
    """The text with control characters, line ends and halves of characters escaped, as one line for people."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)
