"""An ONNX graph whose tower multiplies numbers of eight bits, with scales taken from positions it was shown.

Stem, heads and squeeze-and-excitation's dense layers stay as they are: they are a tenth of the work, and the last
layers tell moves apart. Jacob et al., "Quantization and Training of Neural Networks for Efficient
Integer-Arithmetic-Only Inference" (2018), section 3, after training.
"""

import logging
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError

TOWER = "trunk/blocks"
"""Part of the names of a residual tower's operators."""
OPERATORS = ("Conv", "Add", "Mul", "Relu")
"""What is computed in eight bits: all between two convolutions, else each is followed by a conversion."""
BATCH = 64
"""Positions shown at a time."""


def int8_bytes(content: bytes, inputs: Sequence[NDArray[np.float32]]) -> bytes:
    """The graph of ``onnx_bytes`` with its residual tower in eight bits: weights by channel, activations by tensor.

    Args:
        content: an ONNX file's content.
        inputs: what the graph takes, in its order, for some hundred positions such as it will meet.

    Raises:
        ConfigError: ONNX Runtime is not installed, or the graph has no residual tower.
    """
    try:
        import onnx
        from onnxruntime import quantization
    except ImportError as error:
        raise ConfigError("eight bits need ONNX Runtime: pip install 'gameil[onnx]'") from error
    graph = onnx.load_model_from_string(content)
    tower = [node.name for node in graph.graph.node if TOWER in node.name and node.op_type in OPERATORS]
    if not any(node.op_type == "Conv" for node in graph.graph.node if node.name in tower):
        raise ConfigError("eight bits are for residual networks: this one has no tower of convolutions")
    names = [node.name for node in graph.graph.input]

    class Shown(quantization.CalibrationDataReader):  # type: ignore[misc]
        """Hands out the positions, then None."""

        def __init__(self) -> None:
            self._parts = _parts(dict(zip(names, inputs, strict=True)))

        def get_next(self) -> dict[str, NDArray[np.float32]] | None:
            return next(self._parts, None)

    advice = logging.getLogger()  # the root: it advises to simplify graphs that are simple already
    level = advice.level
    advice.setLevel(logging.ERROR)
    try:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "int8.onnx"
            quantization.quantize_static(
                graph,
                path,
                Shown(),
                quant_format=quantization.QuantFormat.QDQ,
                op_types_to_quantize=list(OPERATORS),
                nodes_to_exclude=[node.name for node in graph.graph.node if node.name not in tower],
                per_channel=True,
                activation_type=quantization.QuantType.QUInt8,
                weight_type=quantization.QuantType.QInt8,
            )
            return path.read_bytes()
    finally:
        advice.setLevel(level)


def _parts(inputs: dict[str, NDArray[Any]]) -> Iterator[dict[str, NDArray[np.float32]]]:
    number = len(next(iter(inputs.values())))
    for start in range(0, number, BATCH):
        yield {name: array[start : start + BATCH].astype(np.float32) for name, array in inputs.items()}
