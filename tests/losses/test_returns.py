"""Returns against numbers worked out by hand, and against each other."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ShapeError
from gameil.losses.returns import (
    discounted_returns,
    generalised_advantages,
    lambda_returns,
    n_step_returns,
    upgo_returns,
)


def test_lambda_returns_by_hand() -> None:
    # G_2 = 3 + 0.5 * 8 = 7 (both parts of the mix are the bootstrap at the last step)
    # G_1 = 2 + 0.5 * (0.25 * v_2 + 0.75 * G_2) = 2 + 0.5 * (0.25 * 4 + 0.75 * 7) = 5.125
    # G_0 = 1 + 0.5 * (0.25 * v_1 + 0.75 * G_1) = 1 + 0.5 * (0.25 * 2 + 0.75 * 5.125) = 3.171875
    rewards = torch.tensor([1.0, 2.0, 3.0])
    discounts = torch.full((3,), 0.5)
    values = torch.tensor([1.0, 2.0, 4.0, 8.0])
    targets = lambda_returns(rewards, discounts, values, 0.75)
    torch.testing.assert_close(targets, torch.tensor([3.171875, 5.125, 7.0]))


def test_termination_cuts_and_truncation_bootstraps() -> None:
    rewards = torch.zeros(2, 2)
    discounts = torch.tensor([[1.0, 1.0], [0.0, 1.0]])  # first trajectory terminates, second is truncated
    values = torch.tensor([[0.1, 0.1], [0.2, 0.2], [0.9, 0.9]])
    targets = lambda_returns(rewards, discounts, values)
    torch.testing.assert_close(targets, torch.tensor([[0.0, 0.9], [0.0, 0.9]]))


trajectories = st.integers(1, 6).flatmap(
    lambda length: st.tuples(
        st.lists(st.floats(-1, 1, width=32), min_size=length, max_size=length),
        st.lists(st.sampled_from([0.0, 0.5, 1.0]), min_size=length, max_size=length),
        st.lists(st.floats(-1, 1, width=32), min_size=length + 1, max_size=length + 1),
    )
)


@given(trajectories)
def test_lambda_one_is_monte_carlo_with_a_bootstrap(trajectory: tuple[list[float], list[float], list[float]]) -> None:
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    monte_carlo = []
    for start in range(len(rewards)):
        total, weight = 0.0, 1.0
        for t in range(start, len(rewards)):
            total += weight * float(rewards[t])
            weight *= float(discounts[t])
        monte_carlo.append(total + weight * float(values[-1]))
    expected = torch.tensor(monte_carlo)
    torch.testing.assert_close(lambda_returns(rewards, discounts, values, 1.0), expected, atol=1e-5, rtol=1e-5)
    torch.testing.assert_close(discounted_returns(rewards, discounts, values[-1]), expected, atol=1e-5, rtol=1e-5)


@given(trajectories)
def test_lambda_zero_is_one_step(trajectory: tuple[list[float], list[float], list[float]]) -> None:
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    torch.testing.assert_close(lambda_returns(rewards, discounts, values, 0.0), rewards + discounts * values[1:])


@given(trajectories, st.floats(0, 1))
def test_lambda_returns_mix_n_step_returns(
    trajectory: tuple[list[float], list[float], list[float]], lambda_: float
) -> None:
    """Sutton and Barto (12.3): (1 - l) sum_n l^(n-1) G^(n) + l^(T-t-1) G^(T-t)."""
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    length = len(rewards)
    n_step = []  # of t = 0
    total, weight = 0.0, 1.0
    for t in range(length):
        total += weight * float(rewards[t])
        weight *= float(discounts[t])
        n_step.append(total + weight * float(values[t + 1]))
    mixed = (
        sum((1 - lambda_) * lambda_**n * n_step[n] for n in range(length - 1)) + lambda_ ** (length - 1) * n_step[-1]
    )
    got = float(lambda_returns(rewards, discounts, values, lambda_)[0])
    assert got == pytest.approx(mixed, abs=1e-4)


def test_values_are_not_differentiated() -> None:
    values = torch.ones(3, requires_grad=True)
    assert not lambda_returns(torch.zeros(2), torch.ones(2), values, 0.5).requires_grad


def test_refuses_values_of_the_wrong_length() -> None:
    with pytest.raises(ShapeError, match=r"\(2,\).*\(2,\)"):
        lambda_returns(torch.zeros(2), torch.ones(2), torch.zeros(2))


@given(trajectories, st.floats(0, 1))
def test_generalised_advantages_are_discounted_sums_of_errors(
    trajectory: tuple[list[float], list[float], list[float]], lambda_: float
) -> None:
    """The paper's other form: one-step errors, each further one weighted by d * lambda once more."""
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    errors = rewards + discounts * values[1:] - values[:-1]
    expected, ahead = torch.empty(len(rewards)), torch.zeros(())
    for t in range(len(rewards) - 1, -1, -1):
        ahead = errors[t] + discounts[t] * lambda_ * ahead
        expected[t] = ahead
    got = generalised_advantages(rewards, discounts, values, lambda_)
    torch.testing.assert_close(got, expected, atol=1e-5, rtol=1e-5)


@given(trajectories, st.integers(1, 8))
def test_n_step_returns_are_their_definition(trajectory: tuple[list[float], list[float], list[float]], n: int) -> None:
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    expected = []
    for start in range(len(rewards)):
        end = min(start + n, len(rewards))
        total, weight = 0.0, 1.0
        for t in range(start, end):
            total += weight * float(rewards[t])
            weight *= float(discounts[t])
        expected.append(total + weight * float(values[end]))
    got = n_step_returns(rewards, discounts, values, n)
    torch.testing.assert_close(got, torch.tensor(expected), atol=1e-5, rtol=1e-5)


def test_upgo_by_hand() -> None:
    # q_2 = 0 + 0.5 * 0 = 0 < v_2 = 0.5, so t=1 bootstraps: G_1 = 1 + 0.5 * 0.5 = 1.25 (G_2 = 0 + 0.5 * 0 = 0)
    # q_1 = 1 + 0.5 * 0.5 = 1.25 >= v_1 = 1, so t=0 goes on: G_0 = 0 + 0.5 * 1.25 = 0.625
    rewards = torch.tensor([0.0, 1.0, 0.0])
    discounts = torch.full((3,), 0.5)
    values = torch.tensor([9.0, 1.0, 0.5, 0.0])
    torch.testing.assert_close(upgo_returns(rewards, discounts, values), torch.tensor([0.625, 1.25, 0.0]))


@given(trajectories)
def test_upgo_is_monte_carlo_where_nothing_disappoints(
    trajectory: tuple[list[float], list[float], list[float]],
) -> None:
    """Values that are always exceeded leave Monte Carlo returns; values that never are, one-step targets."""
    rewards, discounts, values = (torch.tensor(part) for part in trajectory)
    # Each value is lower than what the next step promises, by far.
    low = torch.cat([-(10.0 ** torch.arange(len(rewards), 0, -1)) * 100, values[-1:]])
    monte_carlo = discounted_returns(rewards, discounts, values[-1])
    torch.testing.assert_close(upgo_returns(rewards, discounts, low), monte_carlo, atol=1e-5, rtol=1e-5)
    high = torch.cat([10.0 ** torch.arange(len(rewards), 0, -1) * 100, values[-1:]])
    one_step = rewards + discounts * high[1:]
    torch.testing.assert_close(upgo_returns(rewards, discounts, high), one_step)


@pytest.mark.parametrize("function", [upgo_returns, lambda *args: n_step_returns(*args, 2)])
def test_all_returns_refuse_values_of_the_wrong_length(function) -> None:
    with pytest.raises(ShapeError, match=r"\(2,\).*\(2,\)"):
        function(torch.zeros(2), torch.ones(2), torch.zeros(2))
