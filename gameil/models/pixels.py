"""A trunk for pictures: strided convolutions down to a few cells, then one layer over all of them.

As the networks that play from a screen do (Mnih et al., "Human-level control through deep reinforcement learning",
2015, Methods), with strides of 2 for as long as the picture is large, whatever its size.

Letters: ``B`` batch, ``C`` planes, ``H`` and ``W`` pixels.
"""

from typing import cast

import torch
from torch import Tensor, nn

from gameil.models.layers import ConvNorm

SMALLEST_SIDE = 6
"""Pictures are halved while their shorter side is longer than this."""
MAX_HALVINGS = 8


class PixelTrunk(nn.Module):
    """Pictures to features: ``[B, C, H, W]`` to ``[B, hidden]``."""

    def __init__(self, shape: tuple[int, ...], *, channels: int, hidden: int) -> None:
        super().__init__()
        planes, height, width = shape
        layers: list[nn.Module] = []
        out = channels
        for _ in range(MAX_HALVINGS):
            # The last layer that keeps the size sees what the strides before it have left.
            halves = min(height, width) > SMALLEST_SIDE
            layers += [ConvNorm(planes, out, 3, stride=2 if halves else 1), nn.ReLU()]
            planes = out
            if not halves:
                break
            height, width = (height + 1) // 2, (width + 1) // 2
            out = min(2 * out, 4 * channels)
        self.layers = nn.Sequential(*layers)
        self.dense = nn.Linear(planes * height * width, hidden)
        for module in (*self.layers.modules(), self.dense):
            # torch's own weights make each layer's outputs three times smaller than its inputs. Demonstrations bring
            # them back, by batch normalisation; in reinforcement learning from nothing that stands still, and what
            # differs from picture to picture would be lost.
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")

    def forward(self, observations: Tensor, shift: Tensor | None = None) -> Tensor:
        """Features; ``shift [B, hidden]`` (see ``conditioning``) is added before the last activation."""
        features = cast(Tensor, self.dense(self.layers(observations).flatten(1)))
        return torch.relu(features if shift is None else features + shift)
