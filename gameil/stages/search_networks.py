"""Networks that guide searches in self-play: several copies where lanes are wanted, each perhaps with a memory."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.models.backends.backend import BackendName
from gameil.models.inference import NetworkEvaluator
from gameil.models.lane_evaluators import lane_evaluators
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision
from gameil.positions.encoder import ObservationEncoder
from gameil.search.cache import CachedEvaluator
from gameil.search.evaluators import network_evaluator
from gameil.search.simulation import StateEvaluator


@dataclass(frozen=True)
class NetworkConfig:
    """How a network is run for searches of many games."""

    __pydantic_config__ = {"extra": "forbid"}

    backend: BackendName = "eager"
    """``eager``, ``compiled``, ``openvino``, ``openvino_int8`` or ``onnx`` (``models.backends``); not ``auto``: weights
    change all the time. Eight bits take their scales from positions of self-play; until there are some, and where
    series are measured, ``openvino`` stands in for them."""
    precision: Precision = "auto"
    """``auto``, ``float32`` or ``bfloat16``."""
    lanes: int = 1
    """Parts of the games searched at the same time, each with its share of the cores (``search.lanes``)."""
    cache: int = 0
    """Positions that each lane remembers the evaluations of, for one version of the network; 0: none. Games that share
    positions, and the searches of one game from move to move, then ask the network once."""

    def __post_init__(self) -> None:
        if self.backend == "auto":
            raise ConfigError("network.backend must be eager, compiled, openvino, openvino_int8 or onnx, not auto")
        if self.lanes < 1 or self.cache < 0:
            raise ConfigError(f"network: lanes must be at least 1 and cache 0, got {self.lanes} and {self.cache}")


def state_evaluators(
    model: PolicyValueNet,
    encoder: ObservationEncoder,
    config: NetworkConfig,
    *,
    device: str,
    shown: NDArray[np.float32] | None = None,
) -> list[StateEvaluator]:
    """One evaluator a lane, of the network as it is now.

    Args:
        model: the network.
        encoder: what it sees.
        config: how it is run.
        device: where.
        shown: observations of some hundred positions, for the scales of eight bits.

    Raises:
        ConfigError: the backend is not installed.
    """
    backend = config.backend
    if backend == "openvino_int8" and shown is None:
        backend = "openvino"

    def build() -> NetworkEvaluator:
        return NetworkEvaluator(model, device=device, precision=config.precision, backend=backend, shown=shown)

    networks = [build()] if config.lanes == 1 else lane_evaluators(build, config.lanes)
    return [
        CachedEvaluator(network, encoder, positions=config.cache)
        if config.cache
        else network_evaluator(network, encoder)
        for network in networks
    ]
