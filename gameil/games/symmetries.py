"""Maps of a board onto itself that the rules do not notice, for augmentation and for tests.

All are given in the mover's frame and hold in every seat's frame alike, because each commutes with the frame's own
turning of the board (``BoardLayout.opponent_view``).
"""

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import BoardLayout, Symmetry

_DIHEDRAL = (
    "identity",
    "flip_columns",
    "flip_rows",
    "rotate_180",
    "transpose",
    "rotate_270",
    "rotate_90",
    "anti_transpose",
)


def cell_maps(name: str, board: BoardLayout) -> dict[str, NDArray[np.int64]]:
    """By name of the map: which old cell each new cell shows, ``[H * W]``; the identity first.

    Tic-tac-toe, Go and Othello: the eight maps of the square (turns are clockwise where row 0 is drawn on top).
    Connect four and breakthrough: left and right exchanged.
    Hex: half a turn (the mover still joins first and last row). Chess: castling tells left from right, so none.
    """
    grid = np.arange(board.height * board.width, dtype=np.int64).reshape(board.height, board.width)
    if name in ("tic_tac_toe", "go", "othello"):
        turned = [grid, grid[:, ::-1], grid[::-1], grid[::-1, ::-1]]
        maps = dict(zip(_DIHEDRAL, [*turned, *(each.T for each in turned)], strict=True))
    elif name in ("connect_four", "breakthrough"):
        maps = {"identity": grid, "flip_columns": grid[:, ::-1]}
    elif name == "hex":
        maps = {"identity": grid, "rotate_180": grid[::-1, ::-1]}
    else:
        maps = {"identity": grid}
    return {key: value.ravel().copy() for key, value in maps.items()}


def action_map(name: str, board: BoardLayout, cells: NDArray[np.int64]) -> NDArray[np.int64]:
    """The new id of each old action, ``[A]``, under the map ``cells``."""
    moved = np.argsort(cells)  # where each old cell goes
    old = np.arange(len(board.action_index), dtype=np.int64)
    if name == "breakthrough":
        source, direction, capture = old // 6, old % 6 // 2, old % 2
        mirrored = bool(np.any(moved != np.arange(len(moved))))
        return moved[source] * 6 + (2 - direction if mirrored else direction) * 2 + capture
    size = board.height * board.width
    place = board.action_index
    # One action a cell (connect four: a column's top cell); actions without a cell keep their id.
    at_cell = np.full(size, -1, dtype=np.int64)
    at_cell[place[place >= 0] % size] = old[place >= 0]
    return np.where(place >= 0, at_cell[moved[place % size]], old) if board.action_planes == 1 else old


def board_symmetries(
    name: str, board: BoardLayout | None, num_actions: int, start: NDArray[np.float32] | None
) -> tuple[Symmetry, ...]:
    """All known symmetries, the identity first.

    Args:
        name: the game's name.
        board: its layout; without one there is only the identity, on no cells.
        num_actions: ``A``.
        start: observation of the start ``[C, H, W]``, to see which maps keep it; None where chance moves first.
    """
    if board is None:
        nothing = np.zeros(0, dtype=np.int64)
        return (Symmetry("identity", nothing, np.arange(num_actions), keeps_start=True),)
    found = []
    for key, cells in cell_maps(name, board).items():
        keeps = key == "identity" or (start is not None and _shows_itself(start, cells))
        symmetry = Symmetry(key, cells, action_map(name, board, cells), keeps_start=keeps)
        symmetry.cells.setflags(write=False)
        symmetry.actions.setflags(write=False)
        found.append(symmetry)
    return tuple(found)


def _shows_itself(planes: NDArray[np.float32], cells: NDArray[np.int64]) -> bool:
    flat = planes.reshape(len(planes), -1)
    return bool(np.array_equal(flat[:, cells], flat))
