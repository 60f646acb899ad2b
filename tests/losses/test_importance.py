"""Importance-sampled policy gradients against the true gradient, on a game small enough to enumerate.

Three decisions with two actions each in one of two states, drawn anew by chance with a probability that depends on
state and action; a reward after every one. 2^6 courses of states and actions, all of which are listed.
"""

import itertools
import math

import pytest
import torch

from gameil.errors import ShapeError
from gameil.losses.importance import (
    Estimator,
    effective_sample_size,
    importance_coefficients,
    importance_loss,
)

T, STATES, ACTIONS = 3, 2, 2
COURSES = torch.tensor(list(itertools.product(range(STATES), range(ACTIONS), repeat=T))).T  # [2 T, N]
S, A = COURSES[0::2], COURSES[1::2]  # [T, N]
STREAM = torch.Generator().manual_seed(4)
DYNAMICS = torch.softmax(torch.randn(STATES, ACTIONS, STATES, generator=STREAM, dtype=torch.float64), -1)
REWARDS = torch.randn(STATES, ACTIONS, generator=STREAM, dtype=torch.float64)[S, A]  # [T, N]
THETA = torch.randn(STATES, ACTIONS, generator=STREAM, dtype=torch.float64)
Q_LOG_PROBS = torch.log_softmax(torch.randn(STATES, ACTIONS, generator=STREAM, dtype=torch.float64), -1)
START = torch.tensor([0.7, 0.3], dtype=torch.float64)


def _chance() -> torch.Tensor:
    """What chance contributes to the probability of each course, [N]."""
    return START[S[0]] * DYNAMICS[S[0], A[0], S[1]] * DYNAMICS[S[1], A[1], S[2]]


def _log_probs(theta: torch.Tensor) -> torch.Tensor:
    return torch.log_softmax(theta, -1)[S, A]  # [T, N]


def _true_gradient() -> torch.Tensor:
    """Of J = E_pi[sum_t r_t], by differentiating the enumerated sum itself."""
    theta = THETA.clone().requires_grad_()
    objective = (_chance() * _log_probs(theta).sum(0).exp() * REWARDS.sum(0)).sum()
    return torch.autograd.grad(objective, theta)[0]


def _expected_gradient(estimator: Estimator, **options) -> torch.Tensor:
    """The estimator's expectation over courses of q: every course, times its probability."""
    theta = THETA.clone().requires_grad_()
    log_probs = _log_probs(theta)
    q = Q_LOG_PROBS[S, A]
    coefficients = importance_coefficients(log_probs - q, REWARDS, estimator, **options)
    probability = _chance() * q.sum(0).exp()
    torch.testing.assert_close(probability.sum(), torch.ones((), dtype=torch.float64))
    loss = importance_loss(log_probs, coefficients * probability * probability.numel())
    return -torch.autograd.grad(loss, theta)[0]


@pytest.mark.parametrize("estimator", ["full", "per_decision"])
def test_two_estimators_are_unbiased(estimator: Estimator) -> None:
    truth = _true_gradient()
    assert truth.abs().max() > 0.1
    torch.testing.assert_close(_expected_gradient(estimator), truth)


def test_the_lectures_estimator_follows_q_after_the_action() -> None:
    """Its expectation is sum_t E_{s_t, a_t of pi}[grad log pi(a_t | s_t) Q^q(s_t, a_t)], which is not the gradient."""
    pi, q = torch.softmax(THETA, -1), Q_LOG_PROBS.exp()
    reward = torch.zeros(STATES, ACTIONS, dtype=torch.float64)
    reward[S, A] = REWARDS
    # Q^q backwards, and the states that pi reaches forwards.
    action_values = [reward]
    for _ in range(T - 1):
        action_values.insert(0, reward + DYNAMICS @ (q * action_values[0]).sum(-1))
    expected, reached = torch.zeros_like(THETA), START
    for t in range(T):
        joint = reached[:, None] * pi * action_values[t]
        expected += joint - pi * joint.sum(-1, keepdim=True)  # grad of log softmax
        reached = torch.einsum("s,sa,sak->k", reached, pi, DYNAMICS)
    got = _expected_gradient("prefix")
    torch.testing.assert_close(got, expected)
    bias = (got - _true_gradient()).norm() / _true_gradient().norm()
    assert bias > 0.05


def test_all_estimators_agree_on_policy_where_nothing_is_biased() -> None:
    theta = THETA.clone().requires_grad_()
    log_probs = _log_probs(theta)
    for estimator in ("full", "per_decision", "prefix"):
        coefficients = importance_coefficients(log_probs - log_probs, REWARDS, estimator)
        torch.testing.assert_close(coefficients, REWARDS.flip(0).cumsum(0).flip(0))


def test_per_decision_varies_less_than_full() -> None:
    """Precup et al. 2000: weights of what comes later only add noise to earlier rewards. Second moments, enumerated."""
    log_probs, q = _log_probs(THETA), Q_LOG_PROBS[S, A]
    probability = _chance() * q.sum(0).exp()
    moments = {
        estimator: float((probability * importance_coefficients(log_probs - q, REWARDS, estimator)[0] ** 2).sum())
        for estimator in ("full", "per_decision")
    }
    assert moments["per_decision"] < moments["full"]


def test_option_two_is_exact_for_a_deterministic_game_shown_in_full() -> None:
    """Demonstrations that are all courses of a game without chance, once each: weights pi / sum pi = pi."""
    actions = torch.tensor(list(itertools.product(range(ACTIONS), repeat=T))).T
    states = torch.zeros_like(actions)
    states[1:] = actions[:-1]  # the state is the last action
    rewards = torch.randn(STATES, ACTIONS, generator=torch.Generator().manual_seed(5), dtype=torch.float64)
    rewards = rewards[states, actions]
    theta = THETA.clone().requires_grad_()
    log_probs = torch.log_softmax(theta, -1)[states, actions]
    (truth,) = torch.autograd.grad((log_probs.sum(0).exp() * rewards.sum(0)).sum(), theta, retain_graph=True)
    coefficients = importance_coefficients(log_probs, rewards, "full", self_normalised=True)
    (gradient,) = torch.autograd.grad(-importance_loss(log_probs, coefficients), theta)
    torch.testing.assert_close(gradient, truth)


def test_self_normalised_weights_have_mean_one_and_survive_any_size() -> None:
    """W = (e^1000, 3 e^1000): a ratio of 1 to 3, so weights 0.5 and 1.5."""
    log_ratios = torch.tensor([[1000.0, 1000.0 + math.log(3.0)]])
    got = importance_coefficients(log_ratios, torch.ones(1, 2), "full", self_normalised=True)
    torch.testing.assert_close(got, torch.tensor([[0.5, 1.5]]), atol=1e-4, rtol=0.0)


def test_clipped_weights_by_hand() -> None:
    """Ratios 2 and 2: W = 2, 4; cut to 3, and rewards 1 and 10: full R_0 * 3 = 33, per decision 2 * 1 + 3 * 10."""
    log_ratios = torch.full((2, 1), math.log(2.0))
    rewards = torch.tensor([[1.0], [10.0]])
    expected = {"full": [33.0, 30.0], "per_decision": [32.0, 30.0], "prefix": [22.0, 30.0]}
    for estimator, coefficients in expected.items():
        got = importance_coefficients(log_ratios, rewards, estimator, clip=3.0)
        torch.testing.assert_close(got, torch.tensor(coefficients)[:, None])


@pytest.mark.parametrize("estimator", ["full", "per_decision", "prefix"])
def test_padding_changes_nothing(estimator: Estimator) -> None:
    log_ratios, rewards = torch.tensor([[0.3], [-0.5]]), torch.tensor([[1.0], [2.0]])
    short = importance_coefficients(log_ratios, rewards, estimator)
    padding = torch.zeros(2, 1)
    long = importance_coefficients(torch.cat([log_ratios, padding]), torch.cat([rewards, padding]), estimator)
    torch.testing.assert_close(long[:2], short)
    assert (long[2:] == 0).all()


def test_effective_sample_size_by_hand() -> None:
    assert float(effective_sample_size(torch.zeros(5))) == pytest.approx(5.0)
    assert float(effective_sample_size(torch.tensor([0.0, -1e4]))) == pytest.approx(1.0)
    # Weights 1 and 3: 16 / 10
    assert float(effective_sample_size(torch.tensor([0.0, math.log(3.0)]))) == pytest.approx(1.6)


def test_refuses_shapes_that_would_broadcast() -> None:
    with pytest.raises(ShapeError):
        importance_coefficients(torch.zeros(2), torch.zeros(2), "full")
    with pytest.raises(ShapeError):
        importance_loss(torch.zeros(2, 1), torch.zeros(2, 3))
