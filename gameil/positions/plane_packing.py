"""Board observations in a tenth of the memory: planes of zeros and ones as bits, planes of one value as that value.

A pool of positions is shuffled and cut in this form; float16 planes are made for the rows of one batch at a time.
Exact: ``BoardLayout.flat_planes`` says which planes are which, and the conformance kit checks what it says.

Letters: ``R`` positions, ``C`` planes, ``F`` derived ones, ``H``, ``W`` board.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.positions.derived.planes import DerivedPlanes

_ONE = np.uint16(np.float16(1).view(np.uint16))
"""The bits of 1 in float16; 0 has none."""


class PlanePacking:
    """How observations of one shape are packed: bits of the game's own planes, padded to whole bytes, then of those
    that the encoder adds, likewise; beside them the values of the flat planes. Derived planes are computed anew."""

    def __init__(
        self, shape: tuple[int, ...], flat: tuple[int, ...], base_planes: int, derived: DerivedPlanes | None = None
    ) -> None:
        """``shape`` is ``[C, H, W]``: ``base_planes`` of the game, then the encoder's; ``flat`` have one value.
        ``derived`` come after them in whole observations, ``[C + F, H, W]``."""
        self.shape = shape
        self._derived = derived
        self.flat = list(flat)
        self._base = [plane for plane in range(base_planes) if plane not in flat]
        self._extra = list(range(base_planes, shape[0]))
        self._cells = shape[1] * shape[2]
        self._base_bytes = (len(self._base) * self._cells + 7) // 8

    def split(self, observations: NDArray[np.float16]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """Bits ``[R, bytes]`` and values ``[R, flat]`` of whole observations ``[R, C + F, H, W]``."""
        marks = observations != 0
        bits = [np.packbits(marks[:, planes].reshape(len(marks), -1), axis=1) for planes in (self._base, self._extra)]
        return np.concatenate(bits, axis=1), observations[:, self.flat, 0, 0]

    def marks(self, bits: NDArray[np.uint8], number: int) -> NDArray[np.uint8]:
        """The first ``number`` of the game's own binary planes, ``[R, number, H * W]``."""
        size = number * self._cells
        return np.unpackbits(bits[:, : (size + 7) // 8], axis=1, count=size).reshape(len(bits), number, self._cells)

    def unpack(self, bits: NDArray[np.uint8], values: NDArray[np.float16]) -> NDArray[np.float16]:
        """Whole observations ``[R, C + F, H, W]``."""
        size, planes_stored = len(bits), self.shape[0]
        planes_derived = 0 if self._derived is None else self._derived.number
        out = np.empty((size, planes_stored + planes_derived, self._cells), np.uint16)
        for planes, some in ((self._base, bits[:, : self._base_bytes]), (self._extra, bits[:, self._base_bytes :])):
            count = len(planes) * self._cells
            marks = np.unpackbits(some, axis=1, count=count).reshape(size, len(planes), self._cells)
            for start, plane, number in _runs(planes):
                out[:, plane : plane + number] = marks[:, start : start + number]
        for _, plane, number in _runs(self.flat):
            out[:, plane : plane + number] = 0
        out[:, planes_stored:] = 0
        out *= _ONE
        found = out.view(np.float16)
        for start, plane, number in _runs(self.flat):
            found[:, plane : plane + number] = values[:, start : start + number, None]
        found = found.reshape(size, -1, *self.shape[1:])
        if self._derived is not None:
            self._derived.write(found, found[:, planes_stored:])
        return found


def _runs(planes: list[int]) -> list[tuple[int, int, int]]:
    """Neighbouring planes together: place of the first among ``planes``, the plane itself, how many."""
    runs: list[tuple[int, int, int]] = []
    for place, plane in enumerate(planes):
        if runs and plane == runs[-1][1] + runs[-1][2]:
            runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((place, plane, 1))
    return runs
