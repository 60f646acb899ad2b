"""A mixture of policies: several plans at once, none of them blurred into their mean (``losses.latent``).

Letters: ``B`` batch, ``C`` channels, ``S`` scores of the head inside, ``Z`` modes, ``L`` legal actions.
"""

from typing import cast

import torch
from torch import Tensor, nn

from gameil.losses.latent import mixture_log_probs
from gameil.models.heads.policy_head import PolicyHead
from gameil.models.heads.scoring import Float32Linear
from gameil.models.layers import board_mean


class LatentPolicyHead(nn.Module):
    """``Z`` policies of one head, each on features shifted by a learned vector of its mode, and a gate over them.

        log p(a | s) = log sum_z p(z | s) p(a | f(s) + e_z)

    The mode is drawn in every position; the likelihood is exact. Scores are ``[Z gate logits, Z * S scores]``.
    """

    def __init__(self, head: nn.Module, channels: int, *, modes: int) -> None:
        super().__init__()
        self.head = head
        self.modes = modes
        self.num_scores = modes * (1 + self.inner.num_scores)
        self.gate = Float32Linear(channels, modes)
        # Far enough apart that no two modes start as one and stay so.
        self.shifts = nn.Parameter(torch.randn(modes, channels) * 0.5)

    @property
    def inner(self) -> PolicyHead:
        """The head that scores each mode."""
        return cast(PolicyHead, self.head)

    def forward(self, features: Tensor) -> Tensor:
        pooled = board_mean(features) if features.ndim == 4 else features
        shape = (1, -1) + (1,) * (features.ndim - 2)
        scores = [self.inner(torch.relu(features + shift.view(shape))) for shift in self.shifts]
        return torch.cat([self.gate(pooled), *scores], dim=1)

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        return mixture_log_probs(scores[:, : self.modes], self.mode_log_probs(scores, legal, rows), rows)

    def mode_log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        """``log p(a | s, z)`` of the legal actions under each mode, ``[L, Z]``."""
        by_mode = scores[:, self.modes :].chunk(self.modes, dim=1)
        return torch.stack([self.inner.log_probs(each.contiguous(), legal, rows) for each in by_mode], dim=1)
