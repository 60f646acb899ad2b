"""A policy over actions of real numbers: a mixture of Gaussians (``losses.continuous``).

Letters: ``B`` batch, ``M`` components, ``D`` numbers in an action.
"""

from typing import cast

import torch
from torch import Tensor, nn

from gameil.losses.continuous import gaussian_mixture_log_prob, sample_gaussian_mixture
from gameil.models.heads.scoring import Float32Linear

LEAST_LOG_STD = -5.0
"""A narrower component could make the density of one repeated action arbitrarily high."""
GREATEST_LOG_STD = 2.0
"""A wider one says nothing; both are the bounds usual in soft actor-critic implementations."""


class GaussianMixtureHead(nn.Module):
    """Parameters of the mixture as scores ``[gate M, means M * D, log stds M * D]``."""

    def __init__(self, inputs: int, action_size: int, *, components: int) -> None:
        super().__init__()
        self.action_size = action_size
        self.components = components
        self.num_scores = components * (1 + 2 * action_size)
        self.parameters_of = Float32Linear(inputs, self.num_scores)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.parameters_of(features.flatten(1)))

    def split(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gate ``[B, M]``, means and bounded log standard deviations ``[B, M, D]``."""
        count = self.components * self.action_size
        gate, means, log_stds = torch.split(scores, [self.components, count, count], dim=1)
        shape = (-1, self.components, self.action_size)
        return gate, means.reshape(shape), log_stds.reshape(shape).clamp(LEAST_LOG_STD, GREATEST_LOG_STD)

    def log_prob(self, scores: Tensor, actions: Tensor) -> Tensor:
        """Log-density of actions ``[B, D]``: ``[B]``. Its negative mean is the cloning loss."""
        return gaussian_mixture_log_prob(*self.split(scores), actions)

    def sample(self, scores: Tensor, generator: torch.Generator) -> Tensor:
        """One action for each row, ``[B, D]``."""
        return sample_gaussian_mixture(*self.split(scores), generator)
