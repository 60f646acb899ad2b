"""Plays the written points of one game of Go after another without asking the engine for all legal ones each time.

A point where nothing was played yet is empty; beside another such point it has a liberty, so no rule forbids it: ko
forbids only a point where a stone was taken. Every other point is left to ``state.apply``, which looks.
"""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

from gameil.errors import IllegalActionError
from gameil.games.game import Notation


@runtime_checkable
class UncheckedState(Protocol):
    """A Go state that also plays a move without looking whether it is legal."""

    @property
    def history(self) -> list[int]: ...

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...

    def apply_unchecked(self, action: int) -> None: ...


class GoFollower:
    """Plays moves on ``state``, which nobody else may play on meanwhile: called with a text, or many in a ``run``."""

    __slots__ = ("_left", "_notation", "_places", "_points", "_state", "_untouched", "_width")

    def __init__(self, state: UncheckedState, size: int, notation: Notation, points: Mapping[str, int]) -> None:
        """``points``: the action of each point of the board, and of the pass, as ``notation`` writes it."""
        self._state = state
        self._points = points
        self._notation: Notation = notation
        self._width = size + 1
        """Places a row takes; one column and the rows outside are no points, so neighbours need no bounds."""
        self._places, empty = _board(size)
        self._untouched = bytearray(empty)
        legal = state.legal_actions() if state.current_player() >= 0 else []
        if len(legal) <= size * size:
            for action in set(range(size * size)).difference(legal):
                self._untouched[self._places[action]] = 0
        self._left = 2 * size * size - len(state.history)
        """Plies until the engine ends the game for its length."""

    def run(self, texts: Sequence[str], start: int) -> int:
        """Plays ``texts[start:]`` as far as they go to such points, at once; returns how many that were.

        No such move ends the game: it is no pass, and makes a position that never was before.
        """
        points, places, untouched, width = self._points, self._places, self._untouched, self._width
        apply = self._state.apply_unchecked
        played = 0
        for index in range(start, min(len(texts), start + self._left - 1)):
            action = points.get(texts[index])
            if action is None or action >= len(places):
                break
            place = places[action]
            if not untouched[place] or not (
                untouched[place - 1] or untouched[place + 1] or untouched[place - width] or untouched[place + width]
            ):
                break
            untouched[place] = 0
            apply(action)
            played += 1
        self._left -= played
        return played

    def __call__(self, text: str) -> None:
        """``state.apply(state.parse(text, notation))``, faster; raises what those raise."""
        self._left -= 1
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


@lru_cache(maxsize=32)
def _board(size: int) -> tuple[list[int], bytes]:
    """The place of each action that is a point, and the places of an empty board: 1 for a point."""
    width = size + 1
    places = [row * width + column for row in range(1, size + 1) for column in range(1, size + 1)]
    empty = bytearray((size + 2) * width + 1)
    for place in places:
        empty[place] = 1
    return places, bytes(empty)
