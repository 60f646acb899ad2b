"""A state as a picture in notebooks, and as text anywhere else."""

from dataclasses import dataclass

from gameil.games.game import State
from gameil.reports.board_text import board_text
from gameil.reports.boards import Position, board_picture, read_position

_WIDTH = 360
"""Pixels of a board in a notebook."""


@dataclass(frozen=True)
class BoardView:
    """What ``board`` gives: notebooks draw it, ``print`` writes it."""

    text: str
    """The state's own."""
    position: Position | None
    """None: no drawing is known; the text is shown."""
    turned: bool
    name: str

    def _repr_svg_(self) -> str | None:
        """The drawing alone, which can be written to a file of its own; None where there is none."""
        if self.position is None:
            return None
        inner = board_picture(self.position, self.text, set(), self.name, turned=self.turned)
        return inner.replace("<svg", f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}"', 1)

    def _repr_html_(self) -> str:
        """The drawing, else the text, as HTML."""
        return self._repr_svg_() or board_picture(None, self.text, set(), self.name)

    def __str__(self) -> str:
        return board_text(self.name, self.text)


def board(state: State, *, turned: bool = False) -> BoardView:
    """The picture of a state as it is now; later moves do not change it.

    Args:
        state: of any game.
        turned: seen from the second player's side, where the board has sides.
    """
    text = str(state)
    return BoardView(text, read_position(state.game.name, text), turned, state.game.name)
