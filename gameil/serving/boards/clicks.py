"""From clicks on a pictured board to actions: which cells say which action, one after the other.

Every action has one or more paths of cells: a stone is one cell, a move is two, a backgammon play is up to four. A
click goes on with a path, begins another, or takes the selection back. What has no cell (passes, the swap) is a button.
"""

from collections.abc import Iterator

from gameil.games.backgammon_notation import plain_play, read_play
from gameil.games.game import State
from gameil.reports.backgammon_board import BARS, OFFS, POINTS
from gameil.reports.boards import Position

Cell = tuple[int, int]
"""Row and column of ``Position.cells``."""
Path = tuple[Cell, ...]

_FROM_BELOW = frozenset({"chess", "go", "checkers"})
"""Games whose layouts count rows from the picture's lower edge."""


class Clicks:
    """The clicks on one position of whoever is to move."""

    def __init__(self, state: State, position: Position) -> None:
        self._paths: dict[int, list[Path]] = {
            action: list(_paths(state, position, action)) for action in state.legal_actions()
        }
        self.chosen: Path = ()
        """Cells clicked so far."""

    @property
    def buttons(self) -> list[int]:
        """Actions that no cell says."""
        return [action for action, paths in self._paths.items() if not paths]

    def next_cells(self) -> set[Cell]:
        """Cells that go on from what was clicked; at first those that begin."""
        depth = len(self.chosen)
        return {
            path[depth]
            for paths in self._paths.values()
            for path in paths
            if len(path) > depth and path[:depth] == self.chosen
        }

    def click(self, cell: Cell) -> list[int]:
        """The actions that the clicks so far say: none yet, one, or several to choose from (promotions)."""
        if cell in self.next_cells():
            self.chosen = (*self.chosen, cell)
        else:
            again = self.chosen[-1:] == (cell,)
            self.chosen = ()
            if not again and cell in self.next_cells():
                self.chosen = (cell,)
        found = [action for action, paths in self._paths.items() if self.chosen in paths]
        if found and not self.next_cells():
            self.chosen = ()
            return found
        return []

    def cells_of(self, action: int) -> Path:
        """The first path of an action, to show it; empty for a button."""
        paths = self._paths.get(action)
        return paths[0] if paths else ()


def _paths(state: State, position: Position, action: int) -> Iterator[Path]:
    game, kind = state.game, position.kind
    if kind == "backgammon":
        yield from _backgammon_paths(state, action)
        return
    if kind == "connect_four":
        yield from (((row, action),) for row in range(len(position.cells)))
        return
    layout = game.board
    assert layout is not None, kind
    source, target = (int(cell) for cell in layout.action_cells[action])
    if source < 0 and target < 0:
        if kind == "chess":  # castling
            text = state.text(action, "uci")
            yield tuple((8 - int(square[1]), "abcdefgh".index(square[0])) for square in (text[:2], text[2:4]))
        return
    path = []
    for cell in (source, target):
        if cell >= 0:
            seen = int(layout.opponent_view[cell]) if state.current_player() == 1 else cell
            row, column = divmod(seen, layout.width)
            path.append((layout.height - 1 - row if kind in _FROM_BELOW else row, column))
    yield tuple(path)


def _backgammon_paths(state: State, action: int) -> Iterator[Path]:
    """The steps in both orders."""
    play = read_play(plain_play(state.text(action, "action")))
    steps = play[0] if play is not None else ()
    seat = state.current_player()

    def place(point: int, *, end: bool) -> Cell:
        if point == 0 and end:
            return 0, OFFS[seat]
        if point > POINTS:
            return 0, BARS[seat]
        return 0, point - 1 if seat == 0 else POINTS - point

    orders = {steps, steps[::-1]} if steps else set()
    for order in sorted(orders):
        yield tuple(cell for start, end in order for cell in (place(start, end=False), place(end, end=True)))
