"""The network run by ONNX Runtime (extra ``onnx``) in float32: what a program that reads the export would compute."""

import numpy as np
import torch
from torch import Tensor

from gameil.errors import ConfigError
from gameil.models.backends.backend import Array
from gameil.models.onnx_export import onnx_bytes
from gameil.models.policy_value import PolicyValueNet


class OnnxBackend:
    """See the module. Takes any batch size."""

    name = "onnx"

    def __init__(self, model: PolicyValueNet | bytes) -> None:
        """Args:
            model: a network, or the content of an ONNX file that ``onnx_bytes`` made.

        Raises:
            ConfigError: ONNX Runtime is not installed.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise ConfigError("backend 'onnx' is not installed: pip install 'gameil[onnx]'") from error
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        options.log_severity_level = 3
        content = model if isinstance(model, bytes) else onnx_bytes(model)
        self._session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
        self._names = [node.name for node in self._session.get_inputs()]

    def __call__(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        named = {name: array.astype(np.float32, copy=False) for name, array in zip(self._names, inputs, strict=True)}
        scores, values = self._session.run(["scores", "values"], named)
        return torch.from_numpy(scores), torch.from_numpy(values)
