"""Plays the written points of one game of Go after another without asking the engine for all legal ones each time.

A point where nothing was played yet is empty; beside another such point it has a liberty, so no rule forbids it: ko
forbids only a point where a stone was taken. Every other point is left to ``state.apply``, which looks.
"""

from collections.abc import Mapping
from typing import Protocol, runtime_checkable

from gameil.errors import IllegalActionError
from gameil.games.game import Notation


@runtime_checkable
class UncheckedState(Protocol):
    """A Go state that also plays a move without looking whether it is legal."""

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...

    def apply_unchecked(self, action: int) -> None: ...


class GoFollower:
    """Plays moves on ``state``, which nobody else may play on meanwhile."""

    __slots__ = ("_notation", "_places", "_points", "_state", "_untouched", "_width")

    def __init__(self, state: UncheckedState, size: int, notation: Notation, points: Mapping[str, int]) -> None:
        """``points``: the action of each point of the board, and of the pass, as ``notation`` writes it."""
        self._state = state
        self._points = points
        self._notation: Notation = notation
        self._width = size + 1
        """Places a row takes; one column and the rows outside are no points, so neighbours need no bounds."""
        self._places = [row * self._width + column for row in range(1, size + 1) for column in range(1, size + 1)]
        """Place of each action that is a point."""
        self._untouched = bytearray((size + 2) * self._width + 1)
        for action in state.legal_actions() if state.current_player() >= 0 else ():
            if action < size * size:
                self._untouched[self._places[action]] = 1

    def play(self, text: str) -> None:
        """``state.apply(state.parse(text, notation))``, faster; raises what those raise."""
        action = self._points.get(text)
        if action is None:
            action = self._state.parse(text, self._notation)
        if action >= len(self._places) or self._state.current_player() < 0:
            self._apply(action, text)
            return
        place, width, untouched = self._places[action], self._width, self._untouched
        if untouched[place] and (
            untouched[place - 1] or untouched[place + 1] or untouched[place - width] or untouched[place + width]
        ):
            self._state.apply_unchecked(action)
        else:
            self._apply(action, text)
        untouched[place] = 0

    def _apply(self, action: int, text: str) -> None:
        try:
            self._state.apply(action)
        except IllegalActionError:
            self._state.apply(self._state.parse(text, self._notation))  # which says why it cannot be played
