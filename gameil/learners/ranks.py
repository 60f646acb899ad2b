"""Several processes that train one network, as ``torchrun`` starts them: each computes a part of every batch.

All of them read the same batches and take every ``size``-th position, so that the batch, the learning rate and the
place in the data mean the same for any number of processes, and a checkpoint of one run goes on with another number.
"""

import os
from collections.abc import Sequence
from types import TracebackType
from typing import Self

import numpy as np
import torch
from torch import Tensor, distributed

from gameil.errors import ConfigError
from gameil.positions.position_batch import PositionBatch


class Ranks:
    """This process among those that train together; alone, everything here does nothing. A context manager."""

    def __init__(self, rank: int = 0, size: int = 1) -> None:
        self.rank = rank
        self.size = size

    @staticmethod
    def of_environment(device: torch.device) -> "Ranks":
        """Joins the group that ``torchrun`` describes in the environment (``RANK``, ``WORLD_SIZE``, ...).

        Raises ``ConfigError`` when the description is no good.
        """
        try:
            rank, size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
            if size > 1:
                distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")
        except (ValueError, RuntimeError) as error:
            raise ConfigError(f"the processes of torchrun do not find each other: {error}") from error
        return Ranks(rank, size)

    def part(self, batch: PositionBatch) -> PositionBatch:
        """This process's positions of a batch."""
        return batch if self.size == 1 else batch.take(np.arange(self.rank, len(batch), self.size))

    def average(self, tensors: Sequence[Tensor]) -> None:
        """Replaces float tensors by their mean over all processes, in place."""
        if self.size == 1 or not tensors:
            return
        flat = torch.cat([tensor.detach().flatten() for tensor in tensors])
        distributed.all_reduce(flat)
        flat /= self.size
        with torch.no_grad():
            for tensor, mean in zip(tensors, torch.split(flat, [tensor.numel() for tensor in tensors]), strict=True):
                tensor.copy_(mean.view(tensor.shape))

    def agree(self, numbers: Sequence[float], device: torch.device) -> list[float]:
        """The first process's numbers, for all."""
        if self.size == 1:
            return list(numbers)
        told = torch.tensor(numbers, dtype=torch.float64, device=device)
        distributed.broadcast(told, src=0)
        return told.tolist()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.size > 1:
            distributed.destroy_process_group()
