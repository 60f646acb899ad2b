"""The policy-improvement step of guided policy search: as good as possible, at most so far from the policy.

    p* = argmax_p E_s E_p Q(s, a)   subject to   E_s KL(p || pi) <= epsilon
    p*(a|s) = pi(a|s) exp(Q(s, a) / eta) / Z(s)
    g(eta) = eta epsilon + eta E_s log sum_a pi(a|s) exp(Q(s, a) / eta)          eta* = argmin g

Abdolmaleki et al., "Maximum a Posteriori Policy Optimisation" (2018), section 4.1, with one eta for a whole batch;
Montgomery and Levine, "Guided Policy Search via Approximate Mirror Descent" (2016). ``docs/search.md`` says how the
lecture's multipliers relate to it. Letters: ``B`` states, ``L`` their legal actions in a row.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.positions.position_batch import row_starts

LEAST_ETA, GREATEST_ETA = 1e-4, 1e4
"""Between them eta is looked for: values lie in [-1, 1], so beyond them p* is argmax or the prior."""


def improved_policy(
    priors: NDArray[np.float32], q: NDArray[np.float32], rows: NDArray[np.int64], eta: float
) -> NDArray[np.float64]:
    """p* ``[L]``.

    Args:
        priors: pi beside the legal actions, ``[L]``, summing to one in each state.
        q: action values for the mover, ``[L]``.
        rows: state of each action, ascending, ``[L]``.
        eta: above 0.
    """
    starts = row_starts(rows)
    with np.errstate(divide="ignore"):
        scores = np.log(priors.astype(np.float64)) + q.astype(np.float64) / eta
    scores -= np.maximum.reduceat(scores, starts)[rows]
    weights = np.exp(scores)
    policy: NDArray[np.float64] = weights / np.add.reduceat(weights, starts)[rows]
    return policy


def mean_kl(policy: NDArray[np.float64], priors: NDArray[np.float32], rows: NDArray[np.int64]) -> float:
    """E_s KL(policy || priors), in nats; both ``[L]``, the policy 0 wherever the prior is."""
    used = policy > 0.0
    terms = policy[used] * np.log(policy[used] / priors[used].astype(np.float64))
    return float(terms.sum() / (rows[-1] + 1))


def dual(
    priors: NDArray[np.float32], q: NDArray[np.float32], rows: NDArray[np.int64], eta: float, epsilon: float
) -> float:
    """g(eta); arguments as of ``improved_policy``."""
    starts = row_starts(rows)
    with np.errstate(divide="ignore"):
        scores = np.log(priors.astype(np.float64)) + q.astype(np.float64) / eta
    most = np.maximum.reduceat(scores, starts)
    log_sums = most + np.log(np.add.reduceat(np.exp(scores - most[rows]), starts))
    return eta * epsilon + eta * float(log_sums.mean())


def best_eta(
    priors: NDArray[np.float32], q: NDArray[np.float32], rows: NDArray[np.int64], *, epsilon: float, steps: int = 60
) -> float:
    """The eta that minimises the dual.

    g is convex with g'(eta) = epsilon - E_s KL(p* || pi), and that KL falls as eta rises: descent on one number, done
    by halving the interval (in log eta) in which the derivative changes its sign. Where even the best actions are
    nearer than epsilon, the constraint does not bind: ``LEAST_ETA``.

    Args:
        priors, q, rows: as of ``improved_policy``, of at least one state.
        epsilon: greatest mean KL in nats, above 0.
        steps: halvings.

    Raises:
        ConfigError: epsilon is not positive.
    """
    if not epsilon > 0.0:
        raise ConfigError(f"epsilon must be positive, got {epsilon}")
    low, high = np.log(LEAST_ETA), np.log(GREATEST_ETA)
    for _ in range(steps):
        middle = 0.5 * (low + high)
        if mean_kl(improved_policy(priors, q, rows, float(np.exp(middle))), priors, rows) > epsilon:
            low = middle
        else:
            high = middle
    return float(np.exp(high))
