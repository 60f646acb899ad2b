"""Building blocks of the networks. Letters: ``B`` batch, ``C`` channels, ``H`` and ``W`` board height and width."""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


class ConvNorm(nn.Module):
    """A convolution and batch normalisation: ``[B, C, H, W]`` to ``[B, out, H, W]``, or with a ``stride`` to every
    so manieth cell."""

    def __init__(self, channels: int, out: int, kernel: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2, stride=stride, bias=False)
        self.norm: nn.Module = nn.BatchNorm2d(out)

    def forward(self, planes: Tensor) -> Tensor:
        return cast(Tensor, self.norm(self.conv(planes)))

    def fold(self) -> None:
        """Multiplies the normalisation's running statistics into the convolution: same outputs, for inference only."""
        if isinstance(self.norm, nn.BatchNorm2d):
            self.conv = fuse_conv_bn_eval(self.conv, self.norm)
            self.norm = nn.Identity()


def board_mean(planes: Tensor) -> Tensor:
    """Mean over the board: ``[B, C, H, W]`` to ``[B, C]``.

    Not ``planes.mean``, whose gradient torch writes out in full and in contiguous order: with channels_last tensors
    that doubles the time of squeeze-and-excitation.
    """
    return planes.sum(dim=(2, 3)) * (1.0 / (planes.shape[2] * planes.shape[3]))


class BoardPool(nn.Module):
    """Mean and maximum of each plane over the board, whatever its size: ``[B, C, H, W]`` to ``[B, 2 C]``."""

    def forward(self, planes: Tensor) -> Tensor:
        return torch.cat([board_mean(planes), planes.amax(dim=(2, 3))], dim=1)


class SqueezeExcitation(nn.Module):
    """Scales and shifts every channel by what the whole board looks like.

        y = sigmoid(w) * x + b,    (w, b) = W_2 relu(W_1 mean_HW x)

    Hu et al., "Squeeze-and-Excitation Networks" (2018), section 3; with the bias of Leela Chess Zero's networks.
    """

    def __init__(self, channels: int, squeeze: int) -> None:
        super().__init__()
        self.squeeze = nn.Linear(channels, squeeze)
        self.excite = nn.Linear(squeeze, 2 * channels)

    def forward(self, planes: Tensor) -> Tensor:
        pooled = board_mean(planes)
        scale, shift = self.excite(torch.relu(self.squeeze(pooled))).chunk(2, dim=1)
        return torch.addcmul(shift[:, :, None, None], torch.sigmoid(scale)[:, :, None, None], planes)


class GlobalPooling(nn.Module):
    """Adds what is pooled from some channels to all others, everywhere on the board.

        y = x + W (mean_HW g, max_HW g),    g = relu(conv_3x3 x)

    Wu, "Accelerating Self-Play Learning in Go" (2019), section 3.3; without the mean scaled by the board's size, since
    one network learns from one size.
    """

    def __init__(self, channels: int) -> None:
        super().__init__()
        pooled = max(1, channels // 4)
        self.pooled = ConvNorm(channels, pooled, 3)
        self.pool = BoardPool()
        self.spread = nn.Linear(2 * pooled, channels)

    def forward(self, planes: Tensor) -> Tensor:
        spread = self.spread(self.pool(torch.relu(self.pooled(planes))))
        return planes + cast(Tensor, spread)[:, :, None, None]


class ResidualBlock(nn.Module):
    """Two 3x3 convolutions beside an identity: ``relu(x + SE(f(x)))``. He et al. (2016), figure 2."""

    def __init__(self, channels: int, squeeze: int, *, pooling: bool = False) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = ConvNorm(channels, channels, 3)
        self.excitation: nn.Module = SqueezeExcitation(channels, squeeze) if squeeze else nn.Identity()
        self.pooling: nn.Module = GlobalPooling(channels) if pooling else nn.Identity()

    def forward(self, planes: Tensor) -> Tensor:
        change = self.excitation(self.second(self.pooling(torch.relu_(self.first(planes)))))
        return torch.relu_(planes + change)


class ResidualTower(nn.Module):
    """Observation planes to features: ``[B, C, H, W]`` to ``[B, channels, H, W]``."""

    def __init__(
        self, planes: int, *, channels: int, blocks: int, stem_kernel: int, squeeze: int, global_pooling: int = 0
    ) -> None:
        super().__init__()
        self.stem = ConvNorm(planes, channels, stem_kernel)
        pools = [bool(global_pooling) and (number + 1) % global_pooling == 0 for number in range(blocks)]
        self.blocks = nn.Sequential(*(ResidualBlock(channels, squeeze, pooling=pool) for pool in pools))

    def forward(self, observations: Tensor, shift: Tensor | None = None) -> Tensor:
        """Features; ``shift [B, channels]`` (see ``conditioning``) is added after the first convolution."""
        stem = self.stem(observations)
        if shift is not None:
            stem = stem + shift[:, :, None, None]
        return cast(Tensor, self.blocks(torch.relu_(stem)))


class DenseTrunk(nn.Module):
    """Any observation, flattened, to features: ``[B, *shape]`` to ``[B, hidden]``."""

    def __init__(self, inputs: int, *, hidden: int, layers: int) -> None:
        super().__init__()
        widths = [inputs, *[hidden] * layers]
        self.layers = nn.ModuleList(nn.Linear(fan_in, fan_out) for fan_in, fan_out in pairwise(widths))

    def forward(self, observations: Tensor, shift: Tensor | None = None) -> Tensor:
        """Features; ``shift [B, hidden]`` (see ``conditioning``) is added before the first activation."""
        features = observations.flatten(1)
        for number, layer in enumerate(self.layers):
            features = layer(features)
            features = torch.relu(features if number or shift is None else features + shift)
        return features
