"""From features to action scores and to a value. Their last layers run in float32: half precision would tie moves.

Letters: ``B`` batch, ``A`` actions, ``K`` action planes, ``H`` and ``W`` board height and width.
"""

from typing import cast

import numpy as np
import torch
from torch import Tensor, nn

from gameil.errors import ShapeError
from gameil.games.game import BoardLayout
from gameil.models.layers import ConvNorm, board_mean


def in_float32(layer: nn.Module, features: Tensor) -> Tensor:
    """Applies ``layer`` in float32, whatever autocast is on."""
    with torch.autocast(features.device.type, enabled=False):
        return cast(Tensor, layer(features.float()))


class DensePolicyHead(nn.Module):
    """One linear layer to logits ``[B, A]``, for games whose actions lie on no board."""

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.logits = nn.Linear(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        return in_float32(self.logits, features.flatten(1))


class BoardPolicyHead(nn.Module):
    """``K`` planes over the board, and one linear layer on pooled features for actions without a cell (pass).

    Both are put behind each other and gathered into logits ``[B, A]``, the planes in ``[H, W, K]`` order: that is how
    a channels_last tensor lies in memory, so flattening copies nothing. Silver et al., "A general reinforcement
    learning algorithm that masters chess, shogi, and Go through self-play" (2018), Methods, "Representation".
    """

    places: Tensor

    def __init__(self, channels: int, layout: BoardLayout, *, policy_channels: int) -> None:
        super().__init__()
        self.mix: nn.Module = (
            nn.Sequential(ConvNorm(channels, policy_channels, 3), nn.ReLU()) if policy_channels else nn.Identity()
        )
        inputs = policy_channels or channels
        self.planes = nn.Conv2d(inputs, layout.action_planes, 1)
        places = score_places(layout)
        num_loose = int((layout.action_index < 0).sum())
        self.loose = nn.Linear(inputs, num_loose) if num_loose else None
        self.register_buffer("places", torch.from_numpy(places), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        features = self.mix(features)
        planes = in_float32(self.planes, features).permute(0, 2, 3, 1).flatten(1)
        if self.loose is not None:
            planes = torch.cat([planes, in_float32(self.loose, board_mean(features))], dim=1)
        return planes.index_select(1, self.places)


def score_places(layout: BoardLayout) -> np.ndarray:
    """Where each action stands in the flattened ``[H, W, K]`` planes with the cell-less actions behind: int64 ``[A]``.

    Raises ``ShapeError`` when two actions share a place or one lies outside the planes.
    """
    index = layout.action_index
    cells = layout.height * layout.width
    on_board = index >= 0
    if index.max(initial=-1) >= layout.action_planes * cells:
        raise ShapeError(f"action_index {int(index.max())} lies outside {layout.action_planes} planes of {cells} cells")
    if len(np.unique(index[on_board])) != on_board.sum():
        raise ShapeError("two actions share one place of the policy planes")
    plane, cell = np.divmod(index, cells)
    loose_rank = np.cumsum(~on_board) - 1
    places: np.ndarray = np.where(
        on_board, cell * layout.action_planes + plane, layout.action_planes * cells + loose_rank
    )
    return places.astype(np.int64)


class ValueHead(nn.Module):
    """Expected return of the mover in [-1, 1]: ``[B]``.

    From a board, ``value_channels`` 1x1 planes are flattened first; then one hidden layer and a tanh.
    """

    def __init__(self, inputs: int, hidden: int, *, reduce: nn.Module | None = None) -> None:
        super().__init__()
        self.reduce: nn.Module = reduce if reduce is not None else nn.Identity()
        self.hidden = nn.Linear(inputs, hidden)
        self.value = nn.Linear(hidden, 1)

    def forward(self, features: Tensor) -> Tensor:
        hidden = torch.relu(self.hidden(self.reduce(features).flatten(1)))
        return torch.tanh(in_float32(self.value, hidden)).squeeze(1)
