"""8x8 planes as sets of squares in 64-bit numbers and back; bit ``row * 8 + column``."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def as_sets(planes: NDArray[Any]) -> NDArray[np.uint64]:
    """Sets ``[...]`` of what is not zero in planes ``[..., 8, 8]``."""
    marks = np.ascontiguousarray(planes != 0).reshape(-1, 64)
    found: NDArray[np.uint64] = np.packbits(marks, axis=1, bitorder="little").view(np.uint64)
    return found.reshape(planes.shape[:-2])


def as_marks(sets: NDArray[np.uint64]) -> NDArray[np.uint8]:
    """Zeros and ones ``[..., 64]`` of sets ``[...]``."""
    flat = np.ascontiguousarray(sets).reshape(-1)
    return np.unpackbits(flat.view(np.uint8), bitorder="little").reshape(*sets.shape, 64)
