"""Scores of moves that go from a cell to a cell: how well the two fit.

Letters: ``B`` batch, ``L`` legal actions, ``A`` actions, ``N`` cells, ``D`` width, ``R`` actions at most that share
source and target.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn

from gameil.games.game import BoardLayout
from gameil.losses.masking import legal_log_softmax
from gameil.models.heads.move_parts import move_parts
from gameil.models.heads.scoring import Float32Conv, Float32Linear, float32_product
from gameil.models.layers import board_mean


class FromToPolicyHead(nn.Module):
    """A dot product of source and target, and a term of its own where several actions share both (promotions).

        score(a) = q_from . k_to / sqrt(D) + r_{to, rank(a)}

    Actions without a source (drops) have the second term only, those without any cell (castling, pass) a linear layer
    on pooled features. Scores are ``[N * N pairs, N * R terms, cell-less actions, 0]``. Leela Chess Zero's attention
    policy (``lczero-training``, 2021).
    """

    places: Tensor

    def __init__(self, channels: int, layout: BoardLayout, *, width: int) -> None:
        super().__init__()
        parts = move_parts(layout)
        cells = layout.height * layout.width
        self.scale = 1.0 / math.sqrt(width)
        self.mix = nn.Conv2d(channels, width, 1)
        self.source = nn.Conv2d(width, width, 1)
        self.target = nn.Conv2d(width, width, 1)
        self.terms = Float32Conv(width, parts.num_ranks, 1)
        self.loose = Float32Linear(width, parts.num_loose) if parts.num_loose else None
        first_term, first_loose = cells * cells, cells * cells + parts.num_ranks * cells
        zero = first_loose + parts.num_loose
        self.num_scores = zero + 1
        moves = (parts.source >= 0) & (parts.target >= 0)
        pair = np.where(moves, parts.source * cells + parts.target, zero)
        term = np.where(parts.target >= 0, first_term + parts.rank * cells + parts.target, zero)
        pair = np.where(parts.loose >= 0, first_loose + parts.loose, pair)
        self.register_buffer("places", torch.from_numpy(np.stack([pair, term], axis=1)), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        features = torch.relu(self.mix(features))
        source, target = self.source(features).flatten(2), self.target(features).flatten(2)
        pairs = float32_product(source.transpose(1, 2), target).flatten(1) * self.scale
        scores = [pairs, self.terms(features).flatten(1)]
        if self.loose is not None:
            scores.append(self.loose(board_mean(features)))
        return torch.cat([*scores, pairs[:, :1] * 0.0], dim=1)  # zeros_like would fix the batch size in exports

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        places = self.places.to(legal.device).index_select(0, legal) + (rows * self.num_scores)[:, None]
        logits = scores.flatten().index_select(0, places.flatten()).view(-1, 2).float().sum(dim=1)
        return legal_log_softmax(logits, rows, len(scores))
