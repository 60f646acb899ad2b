"""Policy gradients from demonstrations by importance sampling: three estimators, two of them unbiased.

Letters: ``T`` time first, ``N`` trajectories. Trajectories shorter than ``T`` are padded with log-ratios and rewards of
0, which leaves every sum and product as it was. There is no discount: rewards come with theirs (``gamma^t r_t``).

The density ``q`` of people's play is not known. Option 1 models it: ``log_ratios = log pi - log q`` with a network
cloned from the demonstrations. Option 2 takes q for the empirical one, so that a demonstration's weight is
proportional to its probability under the policy alone: ``log_ratios = log pi``, self-normalised. Dynamics cancel in
option 1; option 2 drops them, which is exact only where opponents and chance are deterministic.
"""

import math
from typing import Literal

import torch
from torch import Tensor

from gameil.errors import ShapeError

Estimator = Literal["full", "per_decision", "prefix"]


def importance_coefficients(
    log_ratios: Tensor,
    rewards: Tensor,
    estimator: Estimator,
    *,
    self_normalised: bool = False,
    clip: float = math.inf,
) -> Tensor:
    """What each ``grad log pi_t`` is multiplied with, ``[T, N]``, not differentiated.

        W_t = prod_{k <= t} rho_k,    R_t = sum_{t' >= t} r_{t'},    gradient = 1/N sum_n sum_t grad log pi_t C_t
        full:          C_t = W_T R_t
        per_decision:  C_t = sum_{t' >= t} W_{t'} r_{t'}
        prefix:        C_t = W_t R_t

    ``full`` and ``per_decision`` have the policy gradient as their expectation (Precup, Sutton and Singh, "Eligibility
    Traces for Off-Policy Policy Evaluation", 2000). ``prefix`` is the form of the lecture: what follows t stays that
    of q, so its expectation is ``sum_t E_{s, a of pi}[grad log pi Q^q(s, a)]``; it is biased, with less variance.

    Args:
        log_ratios: log pi(a_t | s_t) - log q(a_t | s_t), ``[T, N]``.
        rewards: ``[T, N]``.
        estimator: see above.
        self_normalised: divide each W_t by its mean over the trajectories: biased, consistent, bounded by N.
        clip: weights above it are cut to it (Ionides, "Truncated Importance Sampling", 2008), before normalising.

    Raises:
        ShapeError: the shapes differ, or are not ``[T, N]``.
    """
    if log_ratios.shape != rewards.shape or log_ratios.ndim != 2:
        raise ShapeError(
            f"log-ratios {tuple(log_ratios.shape)} and rewards {tuple(rewards.shape)} are not both [T, N] alike"
        )
    log_weights = log_ratios.detach().cumsum(0).clamp(max=math.log(clip) if clip < math.inf else math.inf)
    if self_normalised:
        count = math.log(log_ratios.shape[1])
        log_weights = log_weights - torch.logsumexp(log_weights, dim=1, keepdim=True) + count
    weights = log_weights.exp()
    if estimator == "per_decision":
        return _sum_ahead(weights * rewards)
    return (weights[-1:] if estimator == "full" else weights) * _sum_ahead(rewards)


def importance_loss(action_log_probs: Tensor, coefficients: Tensor) -> Tensor:
    """A scalar whose descent is the estimator: ``-1/N sum_n sum_t C_t log pi(a_t | s_t)``.

    Args:
        action_log_probs: of the demonstrated actions, ``[T, N]``; anything finite in the padding.
        coefficients: of ``importance_coefficients``, ``[T, N]``.

    Raises:
        ShapeError: the two shapes differ.
    """
    if action_log_probs.shape != coefficients.shape:
        raise ShapeError(
            f"log-probabilities {tuple(action_log_probs.shape)} and coefficients {tuple(coefficients.shape)} differ"
        )
    return -(action_log_probs * coefficients.detach()).sum() / coefficients.shape[1]


def effective_sample_size(log_weights: Tensor) -> Tensor:
    """How many equally weighted trajectories the weights ``[N]`` are worth, a scalar from 1 to N.

        ESS = (sum_n W_n)^2 / sum_n W_n^2

    Kong, "A Note on Importance Sampling using Standardized Weights" (1992).
    """
    shares = torch.softmax(log_weights.detach(), dim=0)
    return 1.0 / shares.square().sum()


def _sum_ahead(values: Tensor) -> Tensor:
    """Sums from each row to the last, ``[T, N]``."""
    return values.flip(0).cumsum(0).flip(0)
