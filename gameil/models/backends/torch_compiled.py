"""The network compiled by torch: a minute to start, a few fixed batch sizes, worth it on GPUs and in long runs."""

import numpy as np
import torch
from torch import Tensor
from torch._dynamo.exc import TorchDynamoException

from gameil.errors import ConfigError
from gameil.models.backends.backend import Array
from gameil.models.backends.torch_eager import EagerBackend
from gameil.models.policy_value import PolicyValueNet

LARGEST_BATCH = 512
"""Larger ones are run in pieces."""


class CompiledBackend:
    """See the module. Batches are filled up to the next power of two, each of which is compiled when first met."""

    name = "compiled"

    def __init__(self, model: PolicyValueNet, device: torch.device, dtype: torch.dtype) -> None:
        self._eager = EagerBackend(model, device, dtype)
        try:
            self._compiled = torch.compile(self._eager.model, dynamic=False)
        except RuntimeError as error:  # no compiler for this platform or Python
            raise ConfigError(f"backend 'compiled' is not available here: {error}") from error

    def __call__(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        number = len(inputs[0])
        pieces = [self._run(*(array[start : start + LARGEST_BATCH] for array in inputs)) for start in _starts(number)]
        if len(pieces) == 1:
            return pieces[0]
        return torch.cat([scores for scores, _ in pieces]), torch.cat([values for _, values in pieces])

    def _run(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        number = len(inputs[0])
        room = 1 << (number - 1).bit_length()
        filled = tuple(
            np.concatenate([array, np.zeros((room - number, *array.shape[1:]), array.dtype)]) for array in inputs
        )
        # no_grad, not inference_mode: its tensors are of another kind, which would compile everything twice.
        with torch.no_grad():
            try:
                scores, values = self._compiled(*self._eager.tensors(filled))[:2]
            except TorchDynamoException as error:  # most often: no C++ compiler
                reason = str(error).strip().partition("\n")[0]
                raise ConfigError(f"backend 'compiled' cannot compile this network here: {reason}") from error
            return scores[:number], values[:number].float()


def _starts(number: int) -> range:
    return range(0, number, LARGEST_BATCH)
