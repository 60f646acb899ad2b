"""Planes that follow from a position by the rules, and that a small network would spend its layers on working out.

AlphaGo's network saw liberties and captures beside the stones (Silver et al. 2016, extended data table 2). They are
computed from the observation alone, for a whole batch at once, and so are neither stored nor packed.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from gameil.positions.derived.chess import CHESS_PLANES, write_chess
from gameil.positions.derived.go import GO_PLANES, write_go
from gameil.positions.derived.othello import OTHELLO_PLANES, write_othello


@dataclass(frozen=True, slots=True)
class DerivedPlanes:
    """What is derived in one game."""

    number: int
    """``F``: planes."""
    write: Callable[[NDArray[Any], NDArray[Any]], None]
    """From observations ``[B, C, H, W]``, the game's own planes first, into zeros ``[B, F, H, W]``; any float types."""


_GAMES = {
    "chess": DerivedPlanes(CHESS_PLANES, write_chess),
    "go": DerivedPlanes(GO_PLANES, write_go),
    "othello": DerivedPlanes(OTHELLO_PLANES, write_othello),
}


def derived_planes(game_name: str) -> DerivedPlanes | None:
    """What is derived in a game, by its short name (``game.Game.name``); None where nothing is."""
    return _GAMES.get(game_name)
