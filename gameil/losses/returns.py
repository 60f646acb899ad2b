"""Targets from rewards: discounted and lambda-returns.

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
    if discounts.shape != rewards.shape or values.shape != (rewards.shape[0] + 1, *rewards.shape[1:]):
        raise ShapeError(
            f"rewards {tuple(rewards.shape)} need discounts of the same shape and values one step longer, "
            f"got {tuple(discounts.shape)} and {tuple(values.shape)}"
        )
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
