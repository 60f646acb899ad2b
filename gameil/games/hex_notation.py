"""Follows games of Hex by their cells, ``f8``, without asking the engine for the text of every legal action."""

from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from gameil.errors import IllegalActionError, NotationError
from gameil.games.game import Notation


class HexState(Protocol):
    """What following a game needs of a state."""

    @property
    def history(self) -> list[int]: ...

    def current_player(self) -> int: ...

    def parse(self, text: str, notation: Notation = "action") -> int: ...

    def apply(self, action: int) -> None: ...


def follow_cells(state: HexState, size: int) -> Callable[[str], None]:
    """A function that plays the next written cell. It raises ``NotationError``, the state unhurt."""
    cells = _cells(size)

    def play(text: str) -> None:
        player = state.current_player()
        action = cells[player].get(text) if player >= 0 else None
        if action is not None:
            try:
                state.apply(action)
            except IllegalActionError:
                why = f"ply {len(state.history)}: {text!r} is illegal: a stone is there, or the game is over"
                raise NotationError(why, "illegal") from None
        else:
            state.apply(state.parse(text))

    return play


@lru_cache(maxsize=32)
def _cells(size: int) -> tuple[dict[str, int], dict[str, int]]:
    """The action of each cell for both seats: the second one sees the transposed board."""
    names = [(f"{chr(ord('a') + column)}{row + 1}", row, column) for row in range(size) for column in range(size)]
    return (
        {name: row * size + column for name, row, column in names},
        {name: column * size + row for name, row, column in names},
    )
