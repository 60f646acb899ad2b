"""How large and how costly a network is."""

from dataclasses import dataclass

import torch
from torch.utils.flop_counter import FlopCounterMode

from gameil.models.policy_value import PolicyValueNet


@dataclass(frozen=True, slots=True)
class ModelSize:
    """Size of a network."""

    parameters: int
    """Number of trained numbers."""
    mflops: float
    """Million floating-point operations for one position forward, a multiplication and an addition being two."""

    def __str__(self) -> str:
        return f"{self.parameters:,} parameters, {self.mflops:.1f} MFLOP a position"


def measure_size(model: PolicyValueNet) -> ModelSize:
    """Counts parameters, and operations of one forward pass through convolutions and linear layers."""
    parameters = sum(parameter.numel() for parameter in model.parameters())
    reference = next(model.parameters())
    training = model.training
    model.eval()
    try:
        with torch.inference_mode(), FlopCounterMode(display=False) as counter:
            model(torch.zeros(1, *model.observation_shape, device=reference.device))
    finally:
        model.train(training)
    return ModelSize(parameters, counter.get_total_flops() / 1e6)
