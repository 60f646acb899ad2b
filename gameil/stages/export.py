"""A snapshot's network as an ONNX file, checked number by number against torch before it gets its name."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gameil.checkpoints.snapshot import load_snapshot
from gameil.config import config_values
from gameil.errors import CheckpointError, ConfigError
from gameil.models.backends.onnx_runtime import OnnxBackend
from gameil.models.backends.own_positions import own_positions
from gameil.models.inference import NetworkEvaluator
from gameil.models.onnx_export import onnx_bytes

TOLERANCE = 1e-3
"""Greatest difference of a score or a value between torch and the file; both compute in float32."""
POSITIONS = 64
"""Positions on which they are compared, of games that the network plays against itself."""


@dataclass(frozen=True)
class ExportConfig:
    """What to write where."""

    __pydantic_config__ = {"extra": "forbid"}

    snapshot: Path
    """Snapshot directory, such as runs/x/snapshots/best."""
    out: Path
    """File to write; its name ends in .onnx."""

    def __post_init__(self) -> None:
        if self.out.suffix != ".onnx":
            raise ConfigError(f"out: {self.out} must end in .onnx")


def export(config: ExportConfig) -> dict[str, Any]:
    """Writes the file, whole or not at all.

    Inputs and outputs are those of ``models.onnx_export``. The file's metadata says how to use them: ``gameil.card``
    is the snapshot's card, ``gameil.places`` where each action's scores stand (``[A, factors]``; one factor: a softmax
    over the legal actions' scores is the policy; of a latent policy the place within each mode).

    Returns:
        ``out``, ``bytes``, ``positions`` compared and the greatest ``difference``.

    Raises:
        ConfigError: a package of the extra ``onnx`` is missing.
        CheckpointError: the snapshot cannot be read, or the file computes something else.
    """
    snapshot = load_snapshot(config.snapshot)
    policy = snapshot.model.policy
    places = getattr(getattr(policy, "head", policy), "places", None)
    table = np.arange(snapshot.model.num_actions)[:, None] if places is None else np.asarray(places)
    content = onnx_bytes(
        snapshot.model,
        {
            "gameil.card": json.dumps(config_values(snapshot.card)),
            "gameil.places": json.dumps(table.reshape(snapshot.model.num_actions, -1).tolist()),
        },
    )
    evaluator = NetworkEvaluator(snapshot.model, precision="float32")
    observations = own_positions(evaluator, snapshot.game, snapshot.encoder, POSITIONS).observations
    inputs = [observations]
    if snapshot.model.config.conditions:
        inputs.append(np.zeros((len(observations), len(snapshot.model.config.conditions)), np.float32))
    expected, found = evaluator.backend(*inputs), OnnxBackend(content)(*inputs)
    difference = max(float((torch.abs(a - b)).max()) for a, b in zip(expected, found, strict=True))
    if not difference <= TOLERANCE:
        raise CheckpointError(
            f"{config.snapshot}: ONNX Runtime and torch differ by {difference:g}, more than {TOLERANCE:g}; not written"
        )
    temporary = config.out.with_name(config.out.name + ".writing")
    config.out.parent.mkdir(parents=True, exist_ok=True)
    temporary.write_bytes(content)
    temporary.replace(config.out)
    return {"out": str(config.out), "bytes": len(content), "positions": len(observations), "difference": difference}
