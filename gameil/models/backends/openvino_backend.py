"""The network run by OpenVINO (extra ``fast``): the fastest on CPUs, in bfloat16 where they have it."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.models.backends.backend import Array
from gameil.models.onnx_export import onnx_bytes
from gameil.models.onnx_int8 import int8_bytes
from gameil.models.policy_value import PolicyValueNet


class OpenVinoBackend:
    """See the module. Takes any batch size: its kernels for a size are made when it is first met, in milliseconds."""

    name = "openvino"

    def __init__(
        self, model: PolicyValueNet, dtype: torch.dtype, shown: Sequence[NDArray[np.float32]] | None = None
    ) -> None:
        """
        Args:
            model: the network.
            dtype: of the computation.
            shown: inputs of some hundred positions to take the scales of eight bits from; None for no eight bits.

        Raises:
            ConfigError: OpenVINO is not installed; with ``shown``, as of ``onnx_int8.int8_bytes``.
        """
        try:
            import openvino
        except ImportError as error:
            raise ConfigError("backend 'openvino' is not installed: pip install 'gameil[fast]'") from error
        # Read from ONNX: OpenVINO's own converter from torch brings in a part that reports its use.
        content = onnx_bytes(model) if shown is None else int8_bytes(onnx_bytes(model), shown)
        graph = openvino.Core().read_model(content)
        compiled = openvino.Core().compile_model(
            graph,
            "CPU",
            {
                "INFERENCE_PRECISION_HINT": "bf16" if dtype == torch.bfloat16 else "f32",
                "INFERENCE_NUM_THREADS": torch.get_num_threads(),
                "PERFORMANCE_HINT": "LATENCY",
                # Otherwise each copy of the lanes binds its one thread to the first core: both there, the rest idle.
                "ENABLE_CPU_PINNING": False,
            },
        )
        self._request = compiled.create_infer_request()
        # Once here, where one thread is: OpenVINO's bindings set themselves up at their first call, and two threads
        # that make it at the same moment wait for each other for ever (seen with 2026.4 in lanes of a search).
        shapes = [[1, *(size.get_length() for size in list(port.get_partial_shape())[1:])] for port in compiled.inputs]
        self(*(np.zeros(shape, np.float32) for shape in shapes))

    def __call__(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        arrays = [np.ascontiguousarray(array, dtype=np.float32) for array in inputs]
        outputs = self._request.infer(arrays, share_inputs=True, share_outputs=False)
        return torch.from_numpy(outputs[0]), torch.from_numpy(outputs[1])
