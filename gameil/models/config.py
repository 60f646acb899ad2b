"""Which network: stored in every snapshot, so that weights always come with the shape they belong to."""

from dataclasses import dataclass
from typing import Literal

from gameil.errors import ConfigError

MAX_CHANNELS = 2048
"""Bound on every width: a snapshot from a stranger must not make us allocate the whole machine."""
MAX_DEPTH = 128
"""Bound on blocks and layers, for the same reason."""


@dataclass(frozen=True)
class ModelConfig:
    """A policy-value network. ``residual`` needs a game with a board, ``mlp`` takes any observation, flattened."""

    __pydantic_config__ = {"extra": "forbid"}

    kind: Literal["mlp", "residual"] = "residual"
    """``residual``: convolutional tower; ``mlp``: fully connected."""
    channels: int = 64
    """Width of the residual tower."""
    blocks: int = 6
    """Residual blocks of two 3x3 convolutions each."""
    stem_kernel: Literal[1, 3, 5, 7] = 3
    """Side of the first convolution. 5 pays on large boards (Go), where shapes are wider than 3 points."""
    squeeze: int = 16
    """Width of the squeeze-and-excitation bottleneck in every block, 0 for none."""
    policy_channels: int = 64
    """Width of a 3x3 convolution before the policy planes; 0 puts the 1x1 planes right on the tower."""
    value_channels: int = 8
    """Planes that the value head flattens."""
    value_hidden: int = 64
    """Width of the value head's hidden layer."""
    hidden: int = 256
    """Width of the ``mlp`` layers."""
    layers: int = 2
    """Number of ``mlp`` layers before the heads."""

    def __post_init__(self) -> None:
        for name in ("channels", "value_channels", "value_hidden", "hidden"):
            _check(name, getattr(self, name), 1, MAX_CHANNELS)
        for name in ("squeeze", "policy_channels"):
            _check(name, getattr(self, name), 0, MAX_CHANNELS)
        _check("blocks", self.blocks, 0, MAX_DEPTH)
        _check("layers", self.layers, 1, MAX_DEPTH)


def _check(name: str, value: int, low: int, high: int) -> None:
    if not low <= value <= high:
        raise ConfigError(f"model.{name} must be {low} to {high}, got {value}")
