"""Last layers, which run in float32: half precision would tie moves."""

import torch
from torch import Tensor, nn


class Float32Linear(nn.Linear):
    """A linear layer that computes in float32, whatever autocast is on."""

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.float())


class Float32Conv(nn.Conv2d):
    """A convolution that computes in float32, whatever autocast is on."""

    def forward(self, features: Tensor) -> Tensor:
        with torch.autocast(features.device.type, enabled=False):
            return super().forward(features.float())


FLOAT32_LAYERS = (Float32Linear, Float32Conv)
"""Kept in float32 where all other weights are converted."""


def float32_product(left: Tensor, right: Tensor) -> Tensor:
    """Batched matrix product in float32, whatever autocast is on: ``[B, N, D]`` and ``[B, D, M]`` to ``[B, N, M]``."""
    with torch.autocast(left.device.type, enabled=False):
        return torch.bmm(left.float(), right.float())
