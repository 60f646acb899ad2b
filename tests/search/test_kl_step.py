"""The KL-bounded policy step: against brute force over eta, and against its own definition."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.search.kl_step import LEAST_ETA, best_eta, dual, improved_policy, mean_kl

ROWS = np.array([0, 0, 0, 1, 1])
PRIORS = np.array([0.5, 0.3, 0.2, 0.9, 0.1], np.float32)
Q = np.array([-0.5, 0.2, 0.4, 0.0, 0.6], np.float32)


def test_the_policy_is_the_prior_times_the_exponential() -> None:
    eta = 0.7
    wanted = PRIORS * np.exp(Q / eta)
    wanted[:3] /= wanted[:3].sum()
    wanted[3:] /= wanted[3:].sum()
    np.testing.assert_allclose(improved_policy(PRIORS, Q, ROWS, eta), wanted, rtol=1e-6)


def test_eta_minimises_the_dual_and_meets_the_bound() -> None:
    epsilon = 0.05
    eta = best_eta(PRIORS, Q, ROWS, epsilon=epsilon)
    assert mean_kl(improved_policy(PRIORS, Q, ROWS, eta), PRIORS, ROWS) == pytest.approx(epsilon, abs=1e-6)
    grid = np.exp(np.linspace(np.log(0.05), np.log(50.0), 4001))
    values = [dual(PRIORS, Q, ROWS, float(one), epsilon) for one in grid]
    assert grid[int(np.argmin(values))] == pytest.approx(eta, rel=2e-3)


def test_no_policy_within_the_bound_is_better() -> None:
    # Strong duality (MPO, appendix): the best mean value within the bound is the dual's least value.
    epsilon = 0.05
    eta = best_eta(PRIORS, Q, ROWS, epsilon=epsilon)
    policy = improved_policy(PRIORS, Q, ROWS, eta)
    value = (policy * Q).sum() / 2
    assert value == pytest.approx(dual(PRIORS, Q, ROWS, eta, epsilon), abs=1e-5)
    rng = np.random.default_rng(0)
    for _ in range(2000):
        other = np.concatenate([rng.dirichlet(20 * policy[:3]), rng.dirichlet(20 * policy[3:])])
        if mean_kl(other, PRIORS, ROWS) <= epsilon:
            assert (other * Q).sum() / 2 <= value + 1e-9


def test_larger_steps_need_a_smaller_eta_until_the_best_action_is_reached() -> None:
    etas = [best_eta(PRIORS, Q, ROWS, epsilon=epsilon) for epsilon in (0.01, 0.1, 0.5)]
    assert etas == sorted(etas, reverse=True)
    # All on the best actions is log 5 and log 10 nats away: within 3 nats the bound does not bind.
    assert best_eta(PRIORS, Q, ROWS, epsilon=3.0) == pytest.approx(LEAST_ETA, rel=1e-6)
    with pytest.raises(ConfigError, match="epsilon must be positive"):
        best_eta(PRIORS, Q, ROWS, epsilon=0.0)
