"""Mixtures with a hidden choice: exact marginals against sums over all choices and all paths."""

import itertools

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.latent import mixture_log_probs, trajectory_log_likelihood


def test_a_mixture_by_hand() -> None:
    # Gate 1/4, 3/4; the modes give the two legal actions (1/2, 1/2) and (1/5, 4/5).
    gate = torch.log(torch.tensor([[1.0, 3.0]]))
    modes = torch.log(torch.tensor([[0.5, 0.2], [0.5, 0.8]]))
    found = mixture_log_probs(gate, modes, torch.tensor([0, 0])).exp()
    torch.testing.assert_close(found, torch.tensor([0.125 + 0.15, 0.125 + 0.6]))


def test_a_trajectory_by_hand() -> None:
    # z is drawn once: 1/2 * 1/2 * 1/2 + 1/2 * 1 * 1/4, not the product of the two mixtures.
    gate = torch.zeros(1, 2)
    steps = torch.log(torch.tensor([[0.5, 1.0], [0.5, 0.25]]))
    found = trajectory_log_likelihood(gate, steps, torch.tensor([0, 0])).exp()
    torch.testing.assert_close(found, torch.tensor([0.25]))


def test_trajectory_likelihoods_sum_to_one_over_all_paths() -> None:
    generator = torch.Generator().manual_seed(0)
    modes, actions, steps = 3, 2, 3
    gate = torch.randn(1, modes, generator=generator)
    policies = torch.log_softmax(torch.randn(steps, modes, actions, generator=generator), dim=2)
    total = 0.0
    for path in itertools.product(range(actions), repeat=steps):
        taken = torch.stack([policies[step, :, action] for step, action in enumerate(path)])
        total += float(trajectory_log_likelihood(gate, taken, torch.zeros(steps, dtype=torch.long)).exp())
    assert total == pytest.approx(1.0, abs=1e-5)


def test_trajectories_are_kept_apart_and_an_empty_one_is_certain() -> None:
    gate, steps = torch.zeros(3, 2), torch.log(torch.tensor([[0.5, 0.5], [0.1, 0.3]]))
    found = trajectory_log_likelihood(gate, steps, torch.tensor([0, 2])).exp()
    torch.testing.assert_close(found, torch.tensor([0.5, 1.0, 0.2]))


def test_gradients_and_shapes() -> None:
    gate = torch.randn(2, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    steps = torch.randn(3, 2, dtype=torch.float64, generator=torch.Generator().manual_seed(2)).requires_grad_()
    rows = torch.tensor([0, 0, 1])
    # The gate is widened to float32, so differences are taken in steps that float32 can tell.
    assert torch.autograd.gradcheck(
        lambda steps: mixture_log_probs(gate.detach(), steps, rows), (steps,), eps=1e-6, atol=1e-4
    )
    trajectory_log_likelihood(gate, steps, rows).sum().backward()
    assert gate.grad is not None
    assert gate.grad.abs().sum() > 0
    with pytest.raises(ShapeError, match="differ in Z"):
        mixture_log_probs(torch.zeros(1, 2), torch.zeros(4, 3), torch.zeros(4, dtype=torch.long))
    with pytest.raises(ShapeError, match="do not fit"):
        trajectory_log_likelihood(torch.zeros(1, 2), torch.zeros(4, 2), torch.zeros(3, dtype=torch.long))
