"""Board observations in a tenth of the memory: planes of zeros and ones as bits, planes of one value as that value.

A pool of positions is shuffled and cut in this form; float16 planes are made for the rows of one batch at a time.
Exact: ``BoardLayout.flat_planes`` says which planes are which, and the conformance kit checks what it says.

Letters: ``R`` positions, ``C`` planes, ``H``, ``W`` board.
"""

import numpy as np
from numpy.typing import NDArray

_ONE = np.uint16(np.float16(1).view(np.uint16))
"""The bits of 1 in float16; 0 has none."""


class PlanePacking:
    """How observations of one shape are packed."""

    def __init__(self, shape: tuple[int, ...], flat: tuple[int, ...]) -> None:
        """``shape`` is ``[C, H, W]``; ``flat`` are the planes of one value."""
        self.shape = shape
        self.flat = flat
        self.binary = [plane for plane in range(shape[0]) if plane not in flat]
        self._cells = shape[1] * shape[2]
        self._num_bits = len(self.binary) * self._cells
        self._runs = _runs(self.binary)
        self.row_bytes = (self._num_bits + 7) // 8
        """Bytes of one position's bits."""

    def pack(self, planes: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Bits ``[R, row_bytes]`` of binary planes ``[R, len(binary), H * W]``."""
        return np.packbits(planes.reshape(len(planes), self._num_bits), axis=1)

    def split(self, observations: NDArray[np.float16]) -> tuple[NDArray[np.uint8], NDArray[np.float16]]:
        """Bits and values ``[R, len(flat)]`` of whole observations ``[R, C, H, W]``."""
        marked = (observations[:, self.binary] != 0).view(np.uint8)
        return self.pack(marked.reshape(len(observations), len(self.binary), -1)), observations[:, self.flat, 0, 0]

    def unpack(self, bits: NDArray[np.uint8], values: NDArray[np.float16]) -> NDArray[np.float16]:
        """Observations ``[R, C, H, W]``."""
        size = len(bits)
        marks = np.unpackbits(bits, axis=1, count=self._num_bits).reshape(size, len(self.binary), self._cells)
        out = np.empty((size, self.shape[0], self._cells), np.uint16)
        for start, plane, number in self._runs:
            out[:, plane : plane + number] = marks[:, start : start + number]
        for plane in self.flat:
            out[:, plane] = 0
        out *= _ONE
        found = out.view(np.float16)
        found[:, self.flat] = values[:, :, None]
        return found.reshape(size, *self.shape)


def _runs(planes: list[int]) -> list[tuple[int, int, int]]:
    """Neighbouring planes together: place of the first among ``planes``, the plane itself, how many."""
    runs: list[tuple[int, int, int]] = []
    for place, plane in enumerate(planes):
        if runs and plane == runs[-1][1] + runs[-1][2]:
            runs[-1] = (runs[-1][0], runs[-1][1], runs[-1][2] + 1)
        else:
            runs.append((place, plane, 1))
    return runs
