"""Scores as planes over the board: one plane for each kind of action, read at the cell where it starts or falls.

Letters: ``B`` batch, ``A`` actions, ``K`` action planes, ``H`` and ``W`` board height and width.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import ShapeError
from gameil.games.game import BoardLayout
from gameil.losses.masking import flat_log_probs
from gameil.models.heads.scoring import Float32Conv, Float32Linear
from gameil.models.layers import ConvNorm, board_mean


class BoardPolicyHead(nn.Module):
    """``K`` planes over the board, and one linear layer on pooled features for actions without a cell (pass).

    Scores are the planes in ``[H, W, K]`` order, with the cell-less actions behind: that is how a channels_last tensor
    lies in memory, so flattening copies nothing, and only the legal actions' scores are ever looked up. Silver et al.,
    "A general reinforcement learning algorithm that masters chess, shogi, and Go through self-play" (2018), Methods,
    "Representation".
    """

    places: Tensor

    def __init__(self, channels: int, layout: BoardLayout, *, policy_channels: int) -> None:
        super().__init__()
        self.mix: nn.Module = (
            nn.Sequential(ConvNorm(channels, policy_channels, 3), nn.ReLU()) if policy_channels else nn.Identity()
        )
        inputs = policy_channels or channels
        self.planes = Float32Conv(inputs, layout.action_planes, 1)
        num_loose = int((layout.action_index < 0).sum())
        self.loose = Float32Linear(inputs, num_loose) if num_loose else None
        self.num_scores = layout.height * layout.width * layout.action_planes + num_loose
        self.register_buffer("places", torch.from_numpy(score_places(layout)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        features = self.mix(features)
        planes = self.planes(features).permute(0, 2, 3, 1).flatten(1)
        return planes if self.loose is None else torch.cat([planes, self.loose(board_mean(features))], dim=1)

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        return flat_log_probs(scores, self.places.to(legal.device).index_select(0, legal), rows)


def score_places(layout: BoardLayout) -> NDArray[np.int64]:
    """Where each action stands in the flattened ``[H, W, K]`` planes with the cell-less actions behind: ``[A]``.

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
    places: NDArray[np.int64] = np.where(
        on_board, cell * layout.action_planes + plane, layout.action_planes * cells + loose_rank
    )
    return places.astype(np.int64)
