"""A network as an ONNX graph: for other programs, and for the backends that read one.

Inputs: ``observations`` ``[B, *observation_shape]`` float32 and, of a conditioned network, ``conditions`` ``[B, K]``
float32. Outputs: ``scores`` ``[B, S]`` and ``values`` ``[B]``. ``B`` is free.
"""

import io
import warnings
from collections.abc import Mapping
from typing import cast

import torch
from torch import Tensor, nn
from torch.jit._trace import TracerWarning

from gameil.errors import ConfigError
from gameil.models.backends.torch_eager import frozen_copy
from gameil.models.policy_value import PolicyValueNet

OPSET = 17
"""ONNX operator set: of 2022, the first with layer normalisation, and read by every runtime in use."""


class _ForPlay(nn.Module):
    """The two outputs that play needs."""

    def __init__(self, model: PolicyValueNet) -> None:
        super().__init__()
        self.model = model

    def forward(self, observations: Tensor, conditions: Tensor | None = None) -> tuple[Tensor, Tensor]:
        scores, values = self.model(observations, conditions)[:2]
        return cast(Tensor, scores), cast(Tensor, values)


def onnx_bytes(model: PolicyValueNet, metadata: Mapping[str, str] | None = None) -> bytes:
    """The network as an ONNX file's content, in float32, normalisation folded away, with texts beside it.

    Raises ``ConfigError`` where the package ``onnx`` is not installed, which torch's exporter needs.
    """
    try:
        import onnx
    except ImportError as error:
        raise ConfigError("ONNX is not installed: pip install 'gameil[onnx]'") from error
    frozen = frozen_copy(model).cpu()
    example = [torch.zeros(2, *model.observation_shape)]
    names = ["observations"]
    if model.config.conditions:
        example.append(torch.zeros(2, len(model.config.conditions)))
        names.append("conditions")
    free = {name: {0: "B"} for name in (*names, "scores", "values")}
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        # The exporter that succeeds it needs two more packages and makes larger graphs of the same operators.
        warnings.simplefilter("ignore", DeprecationWarning)
        warnings.simplefilter("ignore", TracerWarning)
        torch.onnx.export(
            _ForPlay(frozen).eval(),
            tuple(example),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            input_names=names,
            output_names=["scores", "values"],
            dynamic_axes=free,
            opset_version=OPSET,
        )
    graph = onnx.load_model_from_string(buffer.getvalue())
    onnx.helper.set_model_props(graph, dict(metadata or {}))
    onnx.checker.check_model(graph)
    content: bytes = graph.SerializeToString()
    return content
