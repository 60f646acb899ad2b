"""From the engine's ids and tensors to the mover's and back: the moving parts of a ``Frame``. Knows no engine."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.games.frame import Frame, VectorFrame

Observe = Callable[[Any, int, NDArray[np.float32]], None]
"""Writes what a seat sees of an engine's state into an array ``[*observation_shape]``."""


class ActionRenaming:
    """Action ids by seat, mover's frame to engine and back, as lists (indexing one is 4x faster than NumPy's)."""

    def __init__(self, raw_actions: tuple[NDArray[np.int64], ...], engine_actions: int) -> None:
        self.outward: list[list[int]] = [actions.tolist() for actions in raw_actions]
        self.inward: list[list[int]] = []
        for actions in raw_actions:
            inverse = np.full(engine_actions, -1, dtype=np.int64)
            inverse[actions] = np.arange(len(actions))
            self.inward.append(inverse.tolist())


def action_renaming(frame: Frame | VectorFrame | None, engine_actions: int) -> ActionRenaming | None:
    """The renaming of a frame, or None where the engine's ids are the mover's already."""
    if frame is None or frame.raw_actions is None:
        return None
    return ActionRenaming(frame.raw_actions, engine_actions)


def plane_observer(observer: Any, frame: Frame) -> Observe:
    """Writes planes through one gather from the engine's flat tensor.

    ``observer`` has ``set_from(state, player)`` and the flat ``tensor`` it fills, which all states of a game share: a
    lock (0.1 us) keeps threads apart.
    """
    set_from, constant, seats = observer.set_from, frame.constant, frame.raw_seats
    takes = [_coarsest_take(observer.tensor, gather) for gather in frame.gather]
    lock = threading.Lock()

    def observe(state: Any, player: int, out: NDArray[np.float32]) -> None:
        take, gather = takes[player]
        with lock:
            set_from(state, player if seats is None else seats[player])
            take(gather, 0, out, "clip")  # "raise" would buffer the output
        if constant is not None:
            out[constant[0]] = constant[1][player]

    return observe


def _coarsest_take(
    tensor: NDArray[np.float32], gather: NDArray[np.intp]
) -> tuple[Callable[..., Any], NDArray[np.intp]]:
    """``take`` of a view of the tensor, and its indices: of whole planes or rows where they stay whole, else of cells.

    Chess gathers 152 rows of 8 instead of 1,216 cells: a third of the time.
    """
    planes, height, width = gather.shape
    size, index = coarsest_units(len(tensor), gather)
    unit = {1: (), width: (width,), height * width: (height, width)}[size]
    return tensor.reshape(-1, *unit).take, index.reshape((planes, height, width)[: 3 - len(unit)])


def coarsest_units(tensor_size: int, gather: NDArray[np.intp]) -> tuple[int, NDArray[np.intp]]:
    """The same gather by the largest units that stay whole (planes, rows, else cells): unit size and flat indices."""
    for size in (gather.shape[1] * gather.shape[2], gather.shape[2]):
        chunks = gather.reshape(-1, size)
        first = chunks[:, :1]
        whole = np.array_equal(chunks, first + np.arange(size)) and not np.any(first % size)
        if whole and tensor_size % size == 0:
            return size, (first[:, 0] // size).astype(np.intp)
    return 1, gather.ravel()


def vector_observer(observer: Any, num_players: int, frame: VectorFrame | None = None) -> tuple[tuple[int], Observe]:
    """Shape ``(N,)`` and writer of the engine's own vector, renamed by the frame where there is one.

    Without a frame the seat stands as a one-hot behind it, where the vector does not name it.
    """
    size = len(observer.tensor)
    named = num_players == 1 or "player" in observer.dict or frame is not None
    gather = None if frame is None else frame.gather
    seats = np.eye(num_players, dtype=np.float32)
    lock = threading.Lock()

    def observe(state: Any, player: int, out: NDArray[np.float32]) -> None:
        with lock:
            observer.set_from(state, player)
            out[:size] = observer.tensor if gather is None else observer.tensor[gather[player]]
        if not named:
            out[size:] = seats[player]

    return (size if named else size + num_players,), observe
