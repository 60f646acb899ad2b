"""Gaussian mixtures: by hand, against torch's own distributions, samples where they belong."""

import math

import pytest
import torch
from torch import distributions

from gameil.errors import ShapeError
from gameil.losses.continuous import gaussian_mixture_log_prob, sample_gaussian_mixture


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


def test_samples_have_the_mixtures_mean_and_spread() -> None:
    gate = torch.log(torch.tensor([[1.0, 3.0]])).expand(20_000, -1)
    means = torch.tensor([[[-2.0], [2.0]]]).expand(20_000, -1, -1)
    log_stds = torch.full((20_000, 2, 1), math.log(0.1))
    found = sample_gaussian_mixture(gate, means, log_stds, torch.Generator().manual_seed(0))
    # mean 3/4 * 2 - 1/4 * 2 = 1; variance 4 - 1 + 0.01
    assert float(found.mean()) == pytest.approx(1.0, abs=0.05)
    assert float(found.var()) == pytest.approx(3.01, abs=0.1)
    assert (found.abs() - 2.0).abs().max() < 0.6


def test_shapes_are_checked() -> None:
    with pytest.raises(ShapeError, match="do not fit"):
        gaussian_mixture_log_prob(torch.zeros(1, 2), torch.zeros(1, 2, 3), torch.zeros(1, 2, 3), torch.zeros(1, 2))
