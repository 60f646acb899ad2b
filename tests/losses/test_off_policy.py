"""V-trace against its sum written out, its on-policy case, and the fixed point it is known to have."""

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.off_policy import vtrace
from gameil.losses.returns import lambda_returns


def _random(seed: int, length: int) -> tuple[torch.Tensor, ...]:
    stream = torch.Generator().manual_seed(seed)
    numbers = torch.randn(4, length + 1, generator=stream, dtype=torch.float64)
    discounts = (torch.rand(length, generator=stream) < 0.8).double() * 0.9
    return numbers[0, :-1], numbers[1, :-1], discounts, numbers[2]


@given(st.integers(0, 10_000), st.integers(1, 6), st.sampled_from([0.5, 1.0]), st.sampled_from([0.7, 1.0, math.inf]))
def test_vtrace_is_the_papers_sum(seed: int, length: int, lambda_: float, clip: float) -> None:
    """Equation 1 with every product written out."""
    log_ratios, rewards, discounts, values = _random(seed, length)
    got = vtrace(log_ratios, rewards, discounts, values, lambda_=lambda_, clip_rho=clip, clip_c=1.0)
    ratios = log_ratios.exp().tolist()
    d, r, v = discounts.tolist(), rewards.tolist(), values.tolist()
    targets = []
    for s in range(length):
        total, product = v[s], 1.0
        for t in range(s, length):
            total += product * min(clip, ratios[t]) * (r[t] + d[t] * v[t + 1] - v[t])
            product *= d[t] * lambda_ * min(1.0, ratios[t])
        targets.append(total)
    torch.testing.assert_close(got.targets, torch.tensor(targets, dtype=torch.float64))
    ahead = [*targets[1:], v[-1]]
    advantages = [min(clip, ratios[s]) * (r[s] + d[s] * ahead[s] - v[s]) for s in range(length)]
    torch.testing.assert_close(got.advantages, torch.tensor(advantages, dtype=torch.float64))


@given(st.integers(0, 10_000), st.integers(1, 6), st.floats(0, 1))
def test_on_policy_vtrace_is_the_lambda_return(seed: int, length: int, lambda_: float) -> None:
    _, rewards, discounts, values = _random(seed, length)
    got = vtrace(torch.zeros(length, dtype=torch.float64), rewards, discounts, values, lambda_=lambda_)
    torch.testing.assert_close(got.targets, lambda_returns(rewards, discounts, values, lambda_))


def test_without_clipping_one_step_is_plain_importance_sampling() -> None:
    """A bandit: E_mu[v] = sum_a mu(a) (V + rho (r - V)) = sum_a pi(a) r, whatever V says."""
    mu, pi = torch.tensor([0.8, 0.2]), torch.tensor([0.3, 0.7])
    rewards = torch.tensor([1.0, -2.0])
    values = torch.full((2, 2), 5.0)
    got = vtrace((pi / mu).log()[None], rewards[None], torch.zeros(1, 2), values, clip_rho=math.inf)
    torch.testing.assert_close((mu * got.targets[0]).sum(), (pi * rewards).sum())


def test_clipped_ratios_move_the_fixed_point_to_the_papers_policy() -> None:
    """Espeholt et al., equation 3: the bandit's value solves V = sum_a pi'(a) r_a, pi' ~ min(clip mu, pi)."""
    mu, pi = torch.tensor([0.8, 0.2]), torch.tensor([0.3, 0.7])
    rewards = torch.tensor([1.0, -2.0])
    between = torch.minimum(mu, pi)
    fixed = (between * rewards).sum() / between.sum()
    values = torch.stack([fixed.expand(2), torch.zeros(2)])
    got = vtrace((pi / mu).log()[None], rewards[None], torch.zeros(1, 2), values)
    torch.testing.assert_close((mu * got.targets[0]).sum(), fixed)


def test_nothing_is_differentiated_and_shapes_are_checked() -> None:
    ratios = torch.zeros(2, requires_grad=True)
    got = vtrace(ratios, torch.zeros(2), torch.ones(2), torch.zeros(3, requires_grad=True))
    assert not got.targets.requires_grad
    assert not got.advantages.requires_grad
    with pytest.raises(ShapeError, match="differ in shape"):
        vtrace(torch.zeros(3), torch.zeros(2), torch.ones(2), torch.zeros(3))
    with pytest.raises(ShapeError, match="one step longer"):
        vtrace(torch.zeros(2), torch.zeros(2), torch.ones(2), torch.zeros(2))
