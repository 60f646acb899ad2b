"""A policy that chooses an action part by part (``losses.factored``): the autoregressive head.

Letters: ``B`` batch, ``L`` legal actions, ``A`` actions, ``N`` cells, ``H`` board height, ``D`` width, ``R`` actions
at most that share source and target, ``F`` factors.
"""

import math

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import ConfigError
from gameil.games.game import BoardLayout
from gameil.losses.factored import factored_log_softmax
from gameil.models.heads.move_parts import MoveParts, move_parts
from gameil.models.heads.scoring import Float32Conv, Float32Linear, float32_product
from gameil.models.layers import board_mean


class FactoredPolicyHead(nn.Module):
    """First from where, then to where given that, then as what given both:

        p(a) = p(from) p(to | from) p(rank | from, to)

    Where actions put pieces on cells without a source: first the row, then the cell given the row. Actions without a
    cell (castling, pass) are first choices of their own. All conditionals come from one pass, since the score of ``to``
    given ``from`` is a dot product of the two; so the likelihood is exact and sampling needs no second pass.
    """

    places: Tensor
    choices: Tensor

    def __init__(self, channels: int, layout: BoardLayout, *, width: int) -> None:
        super().__init__()
        parts = move_parts(layout)
        moves, drops = parts.source >= 0, (parts.source < 0) & (parts.target >= 0)
        if moves.any() == drops.any():
            what = "both moves and drops" if drops.any() else "neither source nor target cells"
            raise ConfigError(f"model.policy = 'autoregressive' does not know actions with {what}: use 'planes'")
        self.has_sources = bool(moves.any())
        self.scale = 1.0 / math.sqrt(width)
        self.mix = nn.Conv2d(channels, width, 1)
        self.first = Float32Conv(width, 1, 1)
        self.loose = Float32Linear(width, parts.num_loose) if parts.num_loose else None
        if self.has_sources:
            self.source = nn.Conv2d(width, width, 1)
            self.target = nn.Conv2d(width, width, 1)
            self.terms = Float32Conv(width, parts.num_ranks, 1)
        else:
            self.second = Float32Conv(width, 1, 1)
        places, choices, self.num_scores = _moves(layout, parts) if self.has_sources else _drops(layout, parts)
        self.register_buffer("places", torch.from_numpy(places), persistent=False)
        self.register_buffer("choices", torch.from_numpy(choices), persistent=False)

    def forward(self, features: Tensor) -> Tensor:
        features = torch.relu(self.mix(features))
        first = self.first(features)
        scores = [first.flatten(1) if self.has_sources else first.mean(dim=3).flatten(1)]
        if self.loose is not None:
            scores.append(self.loose(board_mean(features)))
        if self.has_sources:
            source, target = self.source(features).flatten(2), self.target(features).flatten(2)
            scores.append(float32_product(source.transpose(1, 2), target).flatten(1) * self.scale)
            scores.append(self.terms(features).flatten(1))
        else:
            scores.append(self.second(features).flatten(1))
        return torch.cat([*scores, scores[0][:, :1] * 0.0], dim=1)  # zeros_like would fix the batch size in exports

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        places = self.places.to(legal.device).index_select(0, legal) + (rows * self.num_scores)[:, None]
        chosen = scores.flatten().index_select(0, places.flatten()).view(places.shape).float()
        return factored_log_softmax(chosen, self.choices.to(legal.device).index_select(0, legal), rows, len(scores))


def _moves(layout: BoardLayout, parts: MoveParts) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Places of each action's three scores and its three choices, ``[A, 3]`` each, and the number of scores.

    Scores lie as ``[N sources, cell-less actions, N * N pairs, R * N terms, 0]``.
    """
    cells = layout.height * layout.width
    first_pair = cells + parts.num_loose
    first_term = first_pair + cells * cells
    zero = first_term + parts.num_ranks * cells
    first = np.where(parts.loose >= 0, cells + parts.loose, parts.source)
    moves = parts.target >= 0
    pair = np.where(moves, first_pair + parts.source * cells + parts.target, zero)
    term = np.where(moves, first_term + parts.rank * cells + parts.target, zero)
    choices = [first, np.where(moves, parts.target, 0), parts.rank]
    return np.stack([first, pair, term], axis=1), np.stack(choices, axis=1), zero + 1


def _drops(layout: BoardLayout, parts: MoveParts) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """The same with two factors, ``[A, 2]``. Scores lie as ``[H rows, cell-less actions, N cells, 0]``."""
    first_cell = layout.height + parts.num_loose
    zero = first_cell + layout.height * layout.width
    on_board = parts.target >= 0
    first = np.where(on_board, parts.target // layout.width, layout.height + parts.loose)
    second = np.where(on_board, first_cell + parts.target, zero)
    choices = [first, np.where(on_board, parts.target, 0)]
    return np.stack([first, second], axis=1), np.stack(choices, axis=1), zero + 1
