"""DAPG's two sums by hand, and the fading of the demonstrations."""

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.hybrid import augmented_policy_loss, demonstration_weight


def test_weight_by_hand() -> None:
    advantages = torch.tensor([-1.0, 2.0, 0.5])
    assert demonstration_weight(0, advantages) == pytest.approx(0.2)  # 0.1 * 1 * 2
    assert demonstration_weight(2, advantages) == pytest.approx(0.1805)  # 0.1 * 0.95^2 * 2
    assert demonstration_weight(0, torch.tensor([-1.0, -2.0])) == 0.0


def test_gradient_is_the_papers_sum_over_both_batches() -> None:
    own, shown = torch.zeros(3, requires_grad=True), torch.zeros(2, requires_grad=True)
    advantages = torch.tensor([1.0, -2.0, 0.0], requires_grad=True)
    augmented_policy_loss(own, advantages, shown, 0.25).backward()
    torch.testing.assert_close(own.grad, torch.tensor([-1.0, 2.0, 0.0]))
    torch.testing.assert_close(shown.grad, torch.full((2,), -0.25))
    assert advantages.grad is None


def test_refuses_shapes_that_would_broadcast() -> None:
    with pytest.raises(ShapeError):
        augmented_policy_loss(torch.zeros(3), torch.zeros(3, 1), torch.zeros(2), 0.1)
