"""Targets from rewards: discounted, n-step, lambda- and upgoing returns, and generalised advantages.

Letters: ``T`` time first; any trailing axes are batch. ``discounts`` are gamma times not-terminal, so these functions
know neither: a terminated trajectory ends with discount 0, a truncated one with gamma and a bootstrap value.
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError


def lambda_returns(rewards: Tensor, discounts: Tensor, values: Tensor, lambda_: float = 1.0) -> Tensor:
    """Mixes all n-step returns of a trajectory with weight ``lambda_``.

        G_t = r_t + d_t * ((1 - lambda) * v_{t+1} + lambda * G_{t+1}),    G_T = v_T

    Sutton and Barto, "Reinforcement Learning: An Introduction", 2nd ed., section 12.1.

    Args:
        rewards: reward after action t, ``[T, ...]``.
        discounts: gamma times not-terminal after action t, ``[T, ...]``.
        values: state values, one more than actions, ``[T + 1, ...]``; not differentiated.
        lambda_: 0 gives one-step targets, 1 gives Monte Carlo with a bootstrap.

    Returns:
        Targets for ``values[:-1]``, ``[T, ...]``.

    Raises:
        ShapeError: ``values`` is not one step longer than ``rewards``, or ``discounts`` is of another shape.
    """
    _check_lengths(rewards, discounts, values)
    values = values.detach()
    targets = torch.empty_like(rewards)
    ahead = values[-1]
    for t in range(rewards.shape[0] - 1, -1, -1):
        ahead = rewards[t] + discounts[t] * ((1.0 - lambda_) * values[t + 1] + lambda_ * ahead)
        targets[t] = ahead
    return targets


def discounted_returns(rewards: Tensor, discounts: Tensor, bootstrap_value: Tensor) -> Tensor:
    """Monte Carlo returns with a bootstrap at the end, ``[T, ...]``: G_t = r_t + d_t * G_{t+1}, G_T the bootstrap.

    Args:
        rewards: ``[T, ...]``.
        discounts: ``[T, ...]``.
        bootstrap_value: value after the last action, ``[...]``; without effect where the trajectory terminated.
    """
    zeros = torch.zeros_like(rewards)
    return lambda_returns(rewards, discounts, torch.cat([zeros, bootstrap_value.unsqueeze(0)]), 1.0)


def generalised_advantages(rewards: Tensor, discounts: Tensor, values: Tensor, lambda_: float) -> Tensor:
    """Generalised advantage estimates, ``[T, ...]``.

        A_t = sum_l (prod_{i=t..t+l-1} d_i lambda) delta_{t+l},    delta_t = r_t + d_t v_{t+1} - v_t

    Schulman et al., "High-Dimensional Continuous Control Using Generalized Advantage Estimation" (2016), equation 16.
    It is the lambda-return less the value, and computed so. Arguments and errors as of ``lambda_returns``.
    """
    return lambda_returns(rewards, discounts, values, lambda_) - values[:-1].detach()


def n_step_returns(rewards: Tensor, discounts: Tensor, values: Tensor, n: int) -> Tensor:
    """Returns that bootstrap after ``n`` steps, or at the end of the trajectory where that comes first, ``[T, ...]``.

        G_t = r_t + d_t r_{t+1} + ... + (d_t ... d_{m-2}) r_{m-1} + (d_t ... d_{m-1}) v_m,    m = min(t + n, T)

    Sutton and Barto, 2nd ed., equation 7.1. Arguments and errors as of ``lambda_returns``; ``n`` is at least 1.
    """
    _check_lengths(rewards, discounts, values)
    if n < 1:
        raise ShapeError(f"n-step returns need n of at least 1, got {n}")
    values = values.detach()
    length = rewards.shape[0]
    targets = values[torch.arange(length).add(n).clamp(max=length)]
    for ahead in range(min(n, length) - 1, -1, -1):
        # Rows 0 .. length - ahead - 1 still have a step t + ahead; it goes in front of what they have so far.
        having = targets[: length - ahead]
        targets[: length - ahead] = rewards[ahead:] + discounts[ahead:] * having
    return targets


def upgo_returns(rewards: Tensor, discounts: Tensor, values: Tensor) -> Tensor:
    """Returns that follow the trajectory as long as it does better than expected, ``[T, ...]``.

        G_t = r_t + d_t * (G_{t+1} if q_{t+1} >= v_{t+1} else v_{t+1}),    q_{t+1} := r_{t+1} + d_{t+1} v_{t+2}

    and ``v_T`` behind the last action. Vinyals et al., "Grandmaster level in StarCraft II using multi-agent
    reinforcement learning" (2019), Methods, "UPGO". Arguments and errors as of ``lambda_returns``.
    """
    _check_lengths(rewards, discounts, values)
    values = values.detach()
    targets = torch.empty_like(rewards)
    ahead = values[-1]
    for t in range(rewards.shape[0] - 1, -1, -1):
        targets[t] = rewards[t] + discounts[t] * ahead
        better = rewards[t] + discounts[t] * values[t + 1] >= values[t]
        ahead = torch.where(better, targets[t], values[t])
    return targets


def _check_lengths(rewards: Tensor, discounts: Tensor, values: Tensor) -> None:
    if discounts.shape != rewards.shape or values.shape != (rewards.shape[0] + 1, *rewards.shape[1:]):
        raise ShapeError(
            f"rewards {tuple(rewards.shape)} need discounts of the same shape and values one step longer, "
            f"got {tuple(discounts.shape)} and {tuple(values.shape)}"
        )
