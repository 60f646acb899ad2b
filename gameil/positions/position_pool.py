"""Many positions waiting to be cut into batches: a ``PositionBatch`` whose observations are packed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError
from gameil.positions.plane_packing import PlanePacking
from gameil.positions.position_batch import PositionBatch


@dataclass(frozen=True, slots=True, eq=False)
class PositionPool:
    """Positions that ``take`` turns into batches. Chess: about 350 bytes each, against 3 kB in a batch."""

    rows: PositionBatch
    """Everything but the observations, which are ``[P, 0]`` where packed."""
    packing: PlanePacking | None
    """How observations are packed; None where ``rows`` holds them as they are."""
    bits: NDArray[np.uint8]
    """``[P, row_bytes]`` (``PlanePacking.pack``)."""
    values: NDArray[np.float16]
    """``[P, F]``: values of the flat planes."""

    def __post_init__(self) -> None:
        if self.packing is not None and not len(self.bits) == len(self.values) == len(self.rows):
            raise ShapeError(f"{len(self.bits)} packed and {len(self.values)} values for {len(self.rows)} positions")

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, indices: NDArray[np.int64]) -> PositionBatch:
        """The positions at ``indices``, in that order."""
        taken = self.rows.take(indices)
        if self.packing is None:
            return taken
        return replace(taken, observations=self.packing.unpack(self.bits[indices], self.values[indices]))

    def select(self, indices: NDArray[np.int64]) -> "PositionPool":
        """The positions at ``indices``, still packed."""
        return PositionPool(self.rows.take(indices), self.packing, self.bits[indices], self.values[indices])

    def weighted(self, weights: NDArray[np.float32]) -> "PositionPool":
        """The same positions with other weights of their policy targets, ``[P]``."""
        return replace(self, rows=replace(self.rows, weights=weights))

    @staticmethod
    def pack(batch: PositionBatch, packing: PlanePacking | None) -> "PositionPool":
        """The positions of a batch."""
        if packing is None:
            nothing: NDArray[np.float64] = np.zeros((len(batch), 0))
            return PositionPool(batch, None, nothing.astype(np.uint8), nothing.astype(np.float16))
        bits, values = packing.split(batch.observations)
        return PositionPool(replace(batch, observations=np.empty((len(batch), 0), np.float16)), packing, bits, values)

    @staticmethod
    def concatenate(parts: Sequence["PositionPool"]) -> "PositionPool":
        """All positions of ``parts`` (at least one, all packed alike) in a row."""
        if len(parts) == 1:
            return parts[0]
        return PositionPool(
            PositionBatch.concatenate([part.rows for part in parts]),
            parts[0].packing,
            np.concatenate([part.bits for part in parts]),
            np.concatenate([part.values for part in parts]),
        )
