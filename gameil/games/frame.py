"""What a frame is: a game's board in the mover's eyes, and the arrays that rename the engine's cells and actions."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import BoardLayout
from gameil.games.parameters import Value


@dataclass(frozen=True, eq=False)
class Frame:
    """Observation and action renaming of one game with fixed parameters, by seat."""

    board: BoardLayout
    gather: tuple[NDArray[np.intp], ...]
    """By seat ``[C, H, W]``: index into the flat raw observation ``[N]`` that each cell shows."""
    raw_actions: tuple[NDArray[np.int64], ...] | None = None
    """By seat ``[A]``: the raw id of each action; None where they are the same for all seats."""
    constant: tuple[int, tuple[float, ...]] | None = None
    """An observation plane filled with one value by seat (Go's komi as the mover sees it)."""
    raw_seats: tuple[int, ...] | None = None
    """The engine's number of each seat, where it differs: seat 0 is who moves first from the usual start."""
    alternates: bool = False
    """Seats move in turn, always: 0, 1, 0, 1 ... or 1, 0, 1, 0 ..., passes being actions."""
    engine_parameters: Mapping[str, Value] | None = None
    """Parameters that the engine needs for this view and that are no parameters of the game."""


@dataclass(frozen=True, eq=False)
class VectorFrame:
    """Observation and action renaming of a game without a board, by seat."""

    gather: tuple[NDArray[np.int64], ...]
    """By seat ``[N]``: index into the raw observation that each number shows."""
    raw_actions: tuple[NDArray[np.int64], ...]
    """By seat ``[A]``: the raw id of each action."""


def make_layout(
    height: int,
    width: int,
    *,
    planes: int,
    index: NDArray[np.int64],
    cells: NDArray[np.int64],
    opponent_view: NDArray[np.int64] | None = None,
    flat_planes: tuple[int, ...] = (),
) -> BoardLayout:
    """The layout with read-only arrays; without ``opponent_view`` both seats call the cells alike."""
    view = np.arange(height * width) if opponent_view is None else opponent_view
    for array in (index, cells, view):
        array.setflags(write=False)
    return BoardLayout(height, width, planes, index, cells, view, own_plane=0, flat_planes=flat_planes)


def placement(height: int, width: int, extra: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Action index and cells of a game where action ``i`` puts a piece on cell ``i``, then ``extra`` cell-less ones."""
    index = np.concatenate([np.arange(height * width), np.full(extra, -1)]).astype(np.int64)
    return index, np.stack([np.full(len(index), -1, dtype=np.int64), index], axis=1)


def gathered(planes: tuple[int, ...], size: int, view: NDArray[np.int64] | None = None) -> NDArray[np.intp]:
    """Flat gather ``[C * size]`` of raw ``planes``, each board renamed by ``view``."""
    board = np.arange(size) if view is None else view
    return np.concatenate([plane * size + board for plane in planes]).astype(np.intp)
