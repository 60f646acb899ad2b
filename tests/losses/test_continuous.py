"""Gaussian mixtures: by hand, against torch's own distributions."""

import math

import pytest
import torch
from torch import distributions

from gameil.errors import ShapeError
from gameil.losses.continuous import gaussian_mixture_log_prob


def test_by_hand() -> None:
    # Weights 1/2; N(1; 0, 1) = exp(-1/2) / sqrt(2 pi), N(1; 1, 2) = 1 / (2 sqrt(2 pi)).
    found = gaussian_mixture_log_prob(
        torch.zeros(1, 2),
        torch.tensor([[[0.0], [1.0]]]),
        torch.tensor([[[0.0], [math.log(2.0)]]]),
        torch.tensor([[1.0]]),
    )
    expected = 0.5 * (math.exp(-0.5) + 0.5) / math.sqrt(2.0 * math.pi)
    assert float(found.exp()) == pytest.approx(expected, rel=1e-6)


def test_against_torch_distributions() -> None:
    generator = torch.Generator().manual_seed(0)
    gate, means = torch.randn(5, 3, generator=generator), torch.randn(5, 3, 2, generator=generator)
    log_stds, actions = torch.randn(5, 3, 2, generator=generator), torch.randn(5, 2, generator=generator)
    peer = distributions.MixtureSameFamily(
        distributions.Categorical(logits=gate),
        distributions.Independent(distributions.Normal(means, log_stds.exp()), 1),
    )
    torch.testing.assert_close(gaussian_mixture_log_prob(gate, means, log_stds, actions), peer.log_prob(actions))


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        gaussian_mixture_log_prob(torch.zeros(1, 2), torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), torch.zeros(1, 2))
