"""Batches from one process to another through memory that both see, so that nothing but their places is sent.

Pickling a chess batch and reading it from a pipe costs more than replaying its games. Here the giver copies arrays into
a slot, and the taker's arrays are views of it; a slot is free again when the last of them is gone. Where the system
has no anonymous shared files (only Linux has), batches are pickled.
"""

import mmap
import os
import weakref
from collections import deque
from dataclasses import dataclass, fields, is_dataclass
from multiprocessing.connection import Connection
from multiprocessing.reduction import recv_handle, send_handle
from typing import Any

import numpy as np
from numpy.typing import NDArray

_ALIGNMENT = 64
_ROOM = 1.5
"""Size of a slot over that of the first batch; larger batches are pickled."""


@dataclass(frozen=True, slots=True)
class _Array:
    """Where an array lies in a slot."""

    offset: int
    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True, slots=True)
class Shipped:
    """A batch on its way: its class with the place of each array, and the slot; slot -1: the batch itself."""

    slot: int
    content: Any


class BatchGiver:
    """The end that makes batches. Made with the first batch, which says how large slots must be."""

    def __init__(self, first: Any, slots: int) -> None:
        self._slot_bytes = 0
        self._free: deque[int] = deque()
        self._memory: mmap.mmap | None = None
        self._handle = -1
        size = sum(-(-array.nbytes // _ALIGNMENT) * _ALIGNMENT for array in _arrays(first))
        if not hasattr(os, "memfd_create") or not size:
            return
        self._slot_bytes = -(-int(_ROOM * size) // mmap.PAGESIZE) * mmap.PAGESIZE
        handle = os.memfd_create("gameil-loader")
        try:
            os.posix_fallocate(handle, 0, slots * self._slot_bytes)  # so that memory is found missing here, not later
            self._memory = mmap.mmap(handle, slots * self._slot_bytes)
        except OSError:
            os.close(handle)
            return
        self._handle = handle
        self._free.extend(range(slots))

    def introduce(self, pipe: Connection, taker: int) -> None:
        """Tells the ``BatchTaker`` of process ``taker``, at the other end of the pipe, about the memory."""
        pipe.send(None if self._memory is None else (len(self._memory), self._slot_bytes))
        if self._memory is not None:
            send_handle(pipe, self._handle, taker)
            os.close(self._handle)

    def give(self, batch: Any, pipe: Connection) -> Shipped:
        """Copies the batch into a free slot, waiting for one: their numbers come back through the pipe.

        Raises ``EOFError`` or ``OSError`` when the other end has gone.
        """
        size = sum(-(-array.nbytes // _ALIGNMENT) * _ALIGNMENT for array in _arrays(batch))
        if self._memory is None or size > self._slot_bytes:
            return Shipped(-1, batch)
        while pipe.poll() or not self._free:
            self._free.extend(pipe.recv())
        slot = self._free.popleft()
        place = _Place(self._memory, slot * self._slot_bytes)
        return Shipped(slot, _write(batch, place))


class BatchTaker:
    """The end that uses batches."""

    def __init__(self, pipe: Connection) -> None:
        """Waits for ``BatchGiver.introduce``."""
        self._pipe = pipe
        self._memory: mmap.mmap | None = None
        self._slot_bytes = 0
        self._slots = 0
        self._released: deque[int] = deque()
        self._held = 0
        sizes = pipe.recv()
        if sizes is not None:
            size, self._slot_bytes = sizes
            self._slots = size // self._slot_bytes
            handle = recv_handle(pipe)
            self._memory = mmap.mmap(handle, size)
            os.close(handle)

    def take(self, shipped: Shipped) -> Any:
        """The batch. Its arrays are views of its slot as long as few batches are held, copies beyond."""
        if shipped.slot < 0 or self._memory is None:
            return shipped.content
        self._give_back()
        self._held += 1
        start = shipped.slot * self._slot_bytes
        slot = np.frombuffer(self._memory, np.uint8, self._slot_bytes, start)
        if self._held > self._slots // 2:  # somebody collects batches: the giver must not starve
            batch = _read(shipped.content, slot, copy=True)
            self._released.append(shipped.slot)
            self._give_back()
            return batch
        # All views have this array as their base, so it goes with the last of them.
        weakref.finalize(slot, self._released.append, shipped.slot).atexit = False
        return _read(shipped.content, slot, copy=False)

    def _give_back(self) -> None:
        """Tells the giver which slots are free again."""
        numbers = []
        while self._released:
            numbers.append(self._released.popleft())
        if numbers:
            self._held -= len(numbers)
            try:
                self._pipe.send(numbers)
            except OSError:  # it has gone; who reads its last messages will find out why
                return


class _Place:
    """Where the next array goes in a slot."""

    def __init__(self, memory: mmap.mmap, start: int) -> None:
        self._memory = memory
        self._start = start
        self._offset = 0

    def put(self, array: NDArray[Any]) -> _Array:
        found = _Array(self._offset, array.shape, array.dtype.str)
        target = np.frombuffer(self._memory, array.dtype, array.size, self._start + self._offset)
        np.copyto(target.reshape(array.shape), array)
        self._offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
        return found


def _arrays(batch: Any) -> list[NDArray[Any]]:
    """All arrays of a batch, of the batches within it too."""
    found: list[NDArray[Any]] = []
    for field in fields(batch):
        value = getattr(batch, field.name)
        if isinstance(value, np.ndarray):
            found.append(value)
        elif is_dataclass(value):
            found += _arrays(value)
    return found


def _write(batch: Any, place: _Place) -> tuple[type, dict[str, Any]]:
    values: dict[str, Any] = {}
    for field in fields(batch):
        value = getattr(batch, field.name)
        if isinstance(value, np.ndarray):
            values[field.name] = place.put(value)
        else:
            values[field.name] = _write(value, place) if is_dataclass(value) else value
    return type(batch), values


def _read(content: tuple[type, dict[str, Any]], slot: NDArray[np.uint8], *, copy: bool) -> Any:
    kind, values = content
    found: dict[str, Any] = {}
    for name, value in values.items():
        if isinstance(value, _Array):
            size = int(np.prod(value.shape)) * np.dtype(value.dtype).itemsize
            view = slot[value.offset : value.offset + size].view(value.dtype).reshape(value.shape)
            found[name] = view.copy() if copy else view
        elif isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], type):
            found[name] = _read(value, slot, copy=copy)
        else:
            found[name] = value
    return kind(**found)
