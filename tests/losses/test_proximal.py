"""PPO's losses by hand, in each of the four cases that the minimum knows."""

import math

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.policy_gradient import policy_gradient_loss
from gameil.losses.proximal import behaviour_kl, clipped_surrogate_loss, clipped_value_loss


@pytest.mark.parametrize(
    ("ratio", "advantage", "loss", "gradient"),
    [
        (1.5, 1.0, -1.2, 0.0),  # too far already in the good direction: the clipped ratio, which has no gradient
        (0.5, 1.0, -0.5, -0.5),  # too far in the bad direction: pulled back
        (1.5, -1.0, 1.5, 1.5),
        (0.5, -1.0, 0.8, 0.0),
        (1.1, 2.0, -2.2, -2.2),  # within the bounds
    ],
)
def test_clipped_surrogate_by_hand(ratio: float, advantage: float, loss: float, gradient: float) -> None:
    """d ratio / d log ratio = ratio."""
    log_ratio = torch.tensor([math.log(ratio)], requires_grad=True)
    got = clipped_surrogate_loss(log_ratio, torch.tensor([advantage]), 0.2)
    torch.testing.assert_close(got.detach(), torch.tensor([loss]))
    (found,) = torch.autograd.grad(got.sum(), log_ratio)
    torch.testing.assert_close(found, torch.tensor([gradient]))


def test_first_update_is_the_plain_policy_gradient() -> None:
    """Where the policy is the behaviour policy the gradients of both losses are equal."""
    stream = torch.Generator().manual_seed(0)
    advantages = torch.randn(5, generator=stream)
    log_probs = torch.randn(5, generator=stream).requires_grad_()
    (proximal,) = torch.autograd.grad(
        clipped_surrogate_loss(log_probs - log_probs.detach(), advantages, 0.2).mean(), log_probs
    )
    (plain,) = torch.autograd.grad(policy_gradient_loss(log_probs, advantages), log_probs)
    torch.testing.assert_close(proximal, plain)


def test_clipped_value_by_hand() -> None:
    # old 0, return 1: 0.1 is within the bounds; 0.9 counts as 0.2; moving away to -0.9 counts in full.
    values, zeros = torch.tensor([0.1, 0.9, -0.9]), torch.zeros(3)
    expected = torch.tensor([0.81, 0.64, 3.61])
    torch.testing.assert_close(clipped_value_loss(values, zeros, torch.ones(3), 0.2), expected)
    torch.testing.assert_close(clipped_value_loss(values, zeros, torch.ones(3), math.inf), (values - 1.0).square())


def test_behaviour_kl_has_the_kl_as_its_mean() -> None:
    mu, pi = torch.tensor([0.2, 0.5, 0.3]), torch.tensor([0.6, 0.3, 0.1])
    estimates = behaviour_kl((pi / mu).log())
    assert (estimates >= 0).all()
    torch.testing.assert_close((mu * estimates).sum(), (mu * (mu / pi).log()).sum())


def test_refuses_shapes_that_would_broadcast() -> None:
    with pytest.raises(ShapeError):
        clipped_surrogate_loss(torch.zeros(3), torch.zeros(3, 1), 0.2)
    with pytest.raises(ShapeError):
        clipped_value_loss(torch.zeros(3), torch.zeros(3), torch.zeros(1), 0.2)
