"""A game as the rules made of it: what a dataset stores, and what every position is recomputed from."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError
from gameil.records.record import PlayerInfo, Provenance, Termination

MATCH_TAG = "MATCH"
"""Tag of a generated game's record: its ``match_id``. Capitals, so that PGN, SGF and JSON lines can all carry it."""
OPENING_TAG = "OPENING"
"""Tag of a generated game's record: how many of its first moves were drawn at random, chosen by no agent."""


@dataclass(frozen=True, slots=True, eq=False)
class PlayedGame:
    """Legal actions from a start position, with who played, how it ended and where it came from."""

    game_id: str
    """Full id with parameters (``go(komi=0.5)``)."""
    actions: NDArray[np.uint32]
    """``[T]``: setup, chance and players' actions in the mover's frame; every one legal when replayed in order."""
    source: Provenance
    num_setup: int = 0
    """The first so many actions are setup (handicap stones with passes between them, random openings of generated
    games): replayed, never learned from."""
    start: str | None = None
    """Start position (chess: a FEN), None for the usual one."""
    returns: tuple[float, ...] | None = None
    """Outcome per seat in [-1, 1], the record's; where it states none, the board's of a finished game of checkers, hex
    or othello; None where unknown."""
    result: str = "*"
    termination: Termination = "unknown"
    after_end: int = 0
    """Moves of the record that came after the rules' automatic end and were left out."""
    players: tuple[PlayerInfo, ...] = ()
    date: str | None = None
    event: str | None = None
    time_control: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    clocks: tuple[float | None, ...] | None = None
    """Seconds left after each action, ``[T]``."""
    match_id: str | None = None
    """Set for games that gameil itself generated (arena, league, experts): their key instead of a content digest."""
    observations: NDArray[np.generic] | None = None
    """What was seen before each action, ``[T, ...]``, of games that actions cannot replay; None for all others."""
    departures: tuple[str, ...] = ()
    """Where the rules say otherwise than the record (docs/formats.md lists them): counted, not stored."""

    def __post_init__(self) -> None:
        if self.actions.ndim != 1:
            raise ShapeError(f"actions must be one vector, got shape {self.actions.shape}")
        if not 0 <= self.num_setup <= len(self.actions):
            raise ShapeError(f"num_setup {self.num_setup} is not within the game's {len(self.actions)} actions")
        if self.clocks is not None and len(self.clocks) != len(self.actions):
            raise ShapeError(f"{len(self.clocks)} clocks for {len(self.actions)} actions")
        self.actions.setflags(write=False)


def opening_plies(tags: Mapping[str, str]) -> int:
    """Number of random first moves that a generated game's tags state; 0 for people's games."""
    stated = tags.get(OPENING_TAG, "")
    return int(stated) if MATCH_TAG in tags and stated.isdecimal() and len(stated) < 6 else 0
