"""What training predicts besides: it shapes the features, and play does without it.

Letters: ``B`` batch, ``N`` cells.
"""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gameil.models.heads.scoring import Float32Conv, Float32Linear
from gameil.models.layers import board_mean


class MovesLeftHead(nn.Module):
    """Plies until the game ends, ``[B]``, at least 0. Leela Chess Zero's moves-left head."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(channels, hidden)
        self.plies = Float32Linear(hidden, 1)

    def forward(self, features: Tensor) -> Tensor:
        pooled = board_mean(features) if features.ndim == 4 else features
        # 20 plies a unit: games have some tens of them, and the softplus starts near one unit.
        return 20.0 * F.softplus(self.plies(torch.relu(self.hidden(pooled)))).squeeze(1)


class OwnershipHead(nn.Module):
    """Logits of the mover owning each cell in the end, ``[B, N]``. Wu, KataGo (2019), section 4.1."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.owner = Float32Conv(channels, 1, 1)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.owner(features)).flatten(1)
