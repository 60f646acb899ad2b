"""A policy over real numbers: a mixture of Gaussians (``losses.continuous``), read at the values a game's actions have.

    pi(a) = p(x_a) / sum over the legal b of p(x_b),    p = sum_m w_m N(. ; mu_m, sigma_m)

A game's actions are a grid of values ``x_a`` between the bounds of its real numbers (``HasRealActions``); on a fine
grid ``-log pi(a) + log(width of a cell)`` is the mixture's own negative log-density, cut off at the bounds. So every
learner, agent and measurement of other policies works with this one, and its NLL compares with that of a policy over
the same grid that knows nothing of distances.

Letters: ``B`` batch, ``M`` components, ``D`` numbers in an action, ``A`` actions, ``L`` legal ones of the batch in a
row.
"""

from typing import cast

import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.losses.continuous import gaussian_mixture_log_prob
from gameil.losses.masking import legal_log_softmax
from gameil.models.heads.scoring import Float32Linear

LEAST_LOG_STD = -5.0
"""A narrower component could make the density of one repeated action arbitrarily high."""
GREATEST_LOG_STD = 2.0
"""A wider one says nothing; both are the bounds usual in soft actor-critic implementations."""

FIRST_LOG_STD = -1.0
"""Of fresh weights: wide enough that every action has a gradient, narrow enough that components differ."""


class GaussianMixtureHead(nn.Module):
    """Parameters of the mixture as scores ``[gate M, means M * D, log stds M * D]``."""

    values: Tensor

    def __init__(self, inputs: int, values: NDArray, *, components: int) -> None:  # type: ignore[type-arg]
        """``values`` are the actions' ``[A, D]``."""
        super().__init__()
        self.register_buffer("values", torch.tensor(values, dtype=torch.float32), persistent=False)
        self.action_size = values.shape[1]
        self.components = components
        self.num_scores = components * (1 + 2 * self.action_size)
        self.parameters_of = Float32Linear(inputs, self.num_scores)
        # Components that begin at one place stay together: they are spread over the range, and overlap.
        with torch.no_grad():
            gate, means, log_stds = torch.split(
                self.parameters_of.bias, [components, components * self.action_size, components * self.action_size]
            )
            gate.zero_()
            spread = torch.linspace(-1.0, 1.0, components + 2)[1:-1]
            means.copy_(spread.repeat_interleave(self.action_size))
            log_stds.fill_(FIRST_LOG_STD)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.parameters_of(features.flatten(1)))

    def split(self, scores: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gate ``[B, M]``, means and bounded log standard deviations ``[B, M, D]``."""
        count = self.components * self.action_size
        gate, means, log_stds = torch.split(scores, [self.components, count, count], dim=1)
        shape = (-1, self.components, self.action_size)
        return gate, means.reshape(shape), log_stds.reshape(shape).clamp(LEAST_LOG_STD, GREATEST_LOG_STD)

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        gate, means, log_stds = (part.index_select(0, rows) for part in self.split(scores.float()))
        played = self.values.to(legal.device).index_select(0, legal)
        densities = gaussian_mixture_log_prob(gate, means, log_stds, played)
        return legal_log_softmax(densities, rows, len(scores))
