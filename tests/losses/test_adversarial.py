"""Learned rewards against what they must become: densities known by construction, and hand values."""

import math

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.adversarial import (
    adversarial_rewards,
    airl_logits,
    discriminator_loss,
    gradient_penalty,
    guided_cost_loss,
    interpolate,
    mixture_log_densities,
)

DEMONSTRATED = torch.tensor([0.5, 0.3, 0.2], dtype=torch.float64)
PLAYED = torch.tensor([0.1, 0.3, 0.6], dtype=torch.float64)


def test_best_discriminator_is_the_ratio_of_densities() -> None:
    """Goodfellow et al. 2014, proposition 1: D = p / (p + q), so logit D = log p - log q. There the gradient is 0."""
    logits = (DEMONSTRATED / PLAYED).log().requires_grad_()
    # Expectations over both densities, by repeating each decision as often as it occurs in ten.
    shown = logits.repeat_interleave((DEMONSTRATED * 10).round().long())
    own = logits.repeat_interleave((PLAYED * 10).round().long())
    loss = discriminator_loss(shown, own)
    (gradient,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(gradient, torch.zeros_like(logits))
    # Its value is log 4 - 2 JS(p, q).
    middle = (DEMONSTRATED + PLAYED) / 2
    divergence = sum((p * (p / middle).log()).sum() for p in (DEMONSTRATED, PLAYED)) / 2
    torch.testing.assert_close(loss.detach(), math.log(4.0) - 2 * divergence)


def test_rewards_by_hand() -> None:
    """D = 3/4 at logit log 3."""
    logits = torch.tensor([math.log(3.0)], requires_grad=True)
    for form, expected in (
        ("positive", -math.log(0.25)),
        ("negative", math.log(0.75)),
        ("difference", math.log(3.0)),
    ):
        rewards = adversarial_rewards(logits, form)
        assert float(rewards) == pytest.approx(expected)
        assert not rewards.requires_grad


def test_airl_by_hand() -> None:
    """f = 1 + 0.9 * 2 - 0.5 = 2.3; logit = f - log(1/2); a terminal state has no potential."""
    numbers = [torch.tensor([x, x]) for x in (1.0, 0.5, 2.0)]
    log_probs = torch.full((2,), math.log(0.5))
    got = airl_logits(*numbers, torch.tensor([0.9, 0.0]), log_probs)
    torch.testing.assert_close(got, torch.tensor([2.3, 0.5]) + math.log(2.0))
    # D = e^f / (e^f + pi)
    torch.testing.assert_close(torch.sigmoid(got), (f := torch.tensor([2.3, 0.5]).exp()) / (f + 0.5))


def test_airls_potentials_change_no_ranking_of_courses() -> None:
    """Summed over an episode with discount 1 the potentials leave -h(s_0) only (Ng et al. 1999)."""
    stream = torch.Generator().manual_seed(1)
    rewards, potentials = torch.randn(2, 5, generator=stream)
    discounts = torch.tensor([1.0, 1, 1, 1, 0])
    ahead = torch.cat([potentials[1:], torch.tensor([9.0])])
    shaped = airl_logits(rewards, potentials, ahead, discounts, torch.zeros(5))
    torch.testing.assert_close(shaped.sum(), rewards.sum() - potentials[0])


def test_guided_cost_is_least_at_minus_the_log_density_of_the_demonstrations() -> None:
    """All three courses as samples, with their true densities: the gradient vanishes where e^-c is the density."""
    costs = (-DEMONSTRATED.log() + 5.0).requires_grad_()  # costs are known up to a constant
    shown = costs.repeat_interleave((DEMONSTRATED * 10).round().long())
    sampled = (PLAYED * 10).round().long()
    loss = guided_cost_loss(shown, costs.repeat_interleave(sampled), PLAYED.log().repeat_interleave(sampled))
    (gradient,) = torch.autograd.grad(loss, costs)
    torch.testing.assert_close(gradient, torch.zeros_like(costs))
    torch.testing.assert_close(loss.detach(), -(DEMONSTRATED * DEMONSTRATED.log()).sum())  # entropy: NLL of itself


def test_guided_cost_estimates_the_partition_function() -> None:
    """c = 0 for three courses and q uniform: Z = 3, so the loss is log 3."""
    zeros = torch.zeros(3)
    loss = guided_cost_loss(zeros[:1], zeros, torch.full((3,), -math.log(3.0)))
    assert float(loss) == pytest.approx(math.log(3.0))


def test_mixture_by_hand() -> None:
    log_densities = torch.tensor([[0.5, 0.2], [0.1, 0.6]]).log()
    expected = torch.tensor([0.25 * 0.5 + 0.75 * 0.1, 0.25 * 0.2 + 0.75 * 0.6]).log()
    torch.testing.assert_close(mixture_log_densities(log_densities, torch.tensor([0.25, 0.75])), expected)


def test_gradient_penalty_by_hand() -> None:
    """logit = 3 x + 4 y has gradient (3, 4) of norm 5: (5 - 1)^2; and it can be differentiated itself."""
    weights = torch.tensor([3.0, 4.0], requires_grad=True)
    inputs = torch.zeros(2, 2, requires_grad=True)
    penalty = gradient_penalty(inputs @ weights, inputs)
    assert float(penalty.detach()) == pytest.approx(16.0)
    (gradient,) = torch.autograd.grad(penalty, weights)
    torch.testing.assert_close(gradient, 2 * 4.0 * torch.tensor([3.0, 4.0]) / 5)
    inputs = torch.zeros(2, 2, requires_grad=True)
    assert float(gradient_penalty(inputs @ weights, inputs, norm=0.0).detach()) == pytest.approx(25.0)


def test_interpolates_lie_between() -> None:
    ones, zeros = torch.ones(2, 3), torch.zeros(2, 3)
    torch.testing.assert_close(interpolate(ones, zeros, torch.tensor([0.25, 1.0]))[:, 0], torch.tensor([0.25, 1.0]))


def test_refuses_what_does_not_fit() -> None:
    three, two = torch.zeros(3), torch.zeros(2)
    with pytest.raises(ShapeError):
        airl_logits(three, three, three, two, three)
    with pytest.raises(ShapeError):
        guided_cost_loss(two, three, two)
    with pytest.raises(ShapeError):
        mixture_log_densities(torch.zeros(2, 3), three)
    with pytest.raises(ShapeError):
        interpolate(torch.zeros(2, 3), torch.zeros(2, 3), three)
