"""The network run by torch as it is: normalisation folded away, channels last, half precision where it pays."""

import copy

import torch
from torch import Tensor

from gameil.models.backends.backend import Array
from gameil.models.heads.scoring import FLOAT32_LAYERS
from gameil.models.layers import ConvNorm
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import host_tensor, observation_tensor, use_channels_last


def frozen_copy(model: PolicyValueNet) -> PolicyValueNet:
    """A copy for play: the same policy and value, batch normalisation folded into convolutions, nothing trainable."""
    frozen = copy.deepcopy(model).eval().requires_grad_(False)
    frozen.for_play()
    for module in frozen.modules():
        if isinstance(module, ConvNorm):
            module.fold()
    return frozen


class EagerBackend:
    """See the module. ``dtype`` is that of weights and activations; the last layers stay in float32."""

    name = "eager"

    def __init__(self, model: PolicyValueNet, device: torch.device, dtype: torch.dtype) -> None:
        self.device = device
        self.dtype = dtype
        self.model = frozen_copy(model).to(device)
        if dtype != torch.float32:
            # Converted weights spare the conversion of every weight that autocast makes at every call.
            self.model.to(dtype)
            for module in self.model.modules():
                if isinstance(module, FLOAT32_LAYERS):
                    module.float()
        use_channels_last(self.model)

    def tensors(self, inputs: tuple[Array, ...]) -> list[Tensor]:
        """Inputs on the device: observations in ``dtype``, conditions in float32, which tells 1500 from 1504."""
        observations, *conditions = inputs
        others = [host_tensor(array).to(self.device, torch.float32) for array in conditions]
        return [observation_tensor(observations, self.device, self.dtype), *others]

    def __call__(self, *inputs: Array) -> tuple[Tensor, Tensor]:
        with torch.inference_mode():
            scores, values = self.model(*self.tensors(inputs))[:2]
            return scores, values.float()
