"""What runs a network: one function from arrays to scores and values, whatever computes it.

Letters: ``B`` positions, ``S`` numbers that the policy head writes for each (``PolicyValueNet.log_probs`` reads them).
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

BackendName = Literal["auto", "eager", "compiled", "openvino", "openvino_int8", "onnx"]
"""``eager``: torch as it is; ``compiled``: torch.compile, up to a minute to start. For CPUs: ``openvino`` (extra
``fast``), ``openvino_int8`` with the residual tower in eight bits (both extras), ``onnx`` (ONNX Runtime, extra
``onnx``). ``auto``: the fastest of those here that agrees with float32."""

Array = NDArray[np.floating[Any]]


class Backend(Protocol):
    """A frozen network ready to run. Used by one thread at a time."""

    def __call__(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        """Scores ``[B, S]`` and values ``[B]``, both float32, valid until the next call.

        Args:
            inputs: what the network's ``forward`` takes, in its order: observations ``[B, *observation_shape]`` in
                float16 or float32 first; any ``B`` of 1 or more.
        """


@dataclass(frozen=True, slots=True)
class Agreement:
    """How near a backend comes to the float32 network on sample positions."""

    same_top1: float
    """Share of positions with the same likeliest action, or another whose probability is equal to 1e-3."""
    value_error: float
    """Greatest difference of a value, in [0, 2]."""
    positions_per_second: float
    """Speed on the samples, wall time."""

    def agrees(self, *, least_same: float = 0.99, most_value_error: float = 0.05) -> bool:
        """Whether it may stand in for the float32 network."""
        return self.same_top1 >= least_same and self.value_error <= most_value_error
