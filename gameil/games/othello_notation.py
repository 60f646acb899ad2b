"""Othello's squares as people write them: ``f5``. A pass is not written, as nobody may choose it."""

import re
from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import IllegalActionError
from gameil.games.game import Notation

PASS = 64
PASS_TEXT = "pass"
_PASSES = frozenset({"", "--", "-", "pa", PASS_TEXT, "ps"})
"""How a pass is written by those who do write it."""
_SQUARE = re.compile(r"[a-h][1-8]")
_ACTIONS: Mapping[str, int] = {
    name: 8 * row + column
    for row in range(8)
    for column, letter in enumerate("abcdefgh")
    for name in (f"{letter}{row + 1}", f"{letter.upper()}{row + 1}")
}


SCORE = re.compile(r"(\d\d?)-(\d\d?)")
"""A result as discs of Black and White."""


class OthelloState(Protocol):
    """What following a game needs of a state."""

    def legal_actions(self) -> list[int]: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...


class SeenState(Protocol):
    """What counting discs needs of a state."""

    def write_observation(self, out: NDArray[np.float32], player: int | None = None) -> None: ...


def write_square(action: int) -> str:
    """``f5``, or ``pass``."""
    return PASS_TEXT if action == PASS else f"{'abcdefgh'[action % 8]}{action // 8 + 1}"


def read_square(text: str) -> int | None:
    """The action written so, in small or capital letters; None where it is neither a square nor a pass."""
    plain = text.strip().casefold()
    if _SQUARE.fullmatch(plain):
        return _ACTIONS[plain]
    return PASS if plain in _PASSES else None


def follow_squares(state: OthelloState) -> Callable[[str], None]:
    """A function that plays the next written square, after the pass that goes before it where there is no other move.

    It raises what ``state.parse`` raises.
    """

    def play(text: str) -> None:
        if state.legal_actions() == [PASS] and read_square(text) != PASS:
            state.apply(PASS)
        action = _ACTIONS.get(text)
        if action is not None:
            try:
                state.apply(action)
            except IllegalActionError:
                pass  # parse says why
            else:
                return
        state.apply(state.parse(text, "othello"))

    return play


def final_score(state: SeenState) -> tuple[int, int]:
    """Discs of Black and White at the end; empty squares count for the winner, and half each in a draw."""
    planes = np.empty((3, 8, 8), dtype=np.float32)
    state.write_observation(planes, 0)
    black, white, empty = (int(plane.sum()) for plane in planes)
    share = empty // 2 if black == white else empty if black > white else 0
    return black + share, white + empty - share
