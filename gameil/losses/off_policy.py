"""V-trace: values and advantages of the learning policy from actions of another, older one.

Letters: ``T`` time first; any trailing axes are batch. ``discounts`` are gamma times not-terminal.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from gameil.errors import ShapeError


class VTrace(NamedTuple):
    """What V-trace makes of trajectories. Nothing in it is differentiated."""

    targets: Tensor
    """``[T, ...]``: ``v_s``, targets of the values."""
    advantages: Tensor
    """``[T, ...]``: of the policy gradient, the clipped ratio included."""


def vtrace(
    log_ratios: Tensor,
    rewards: Tensor,
    discounts: Tensor,
    values: Tensor,
    *,
    lambda_: float = 1.0,
    clip_rho: float = 1.0,
    clip_c: float = 1.0,
) -> VTrace:
    """V-trace targets and policy-gradient advantages.

        rho_t = min(clip_rho, pi/mu),    c_t = lambda min(clip_c, pi/mu)
        delta_t = rho_t (r_t + d_t V_{t+1} - V_t)
        v_s = V_s + sum_{t >= s} (prod_{i=s..t-1} d_i c_i) delta_t
        advantage_s = rho_s (r_s + d_s v_{s+1} - V_s)

    Espeholt et al., "IMPALA" (2018), equation 1 and section 4.2. On policy and with ``lambda_`` 1 the targets are Monte
    Carlo returns.

    Args:
        log_ratios: log pi(a_t | s_t) - log mu(a_t | s_t), ``[T, ...]``.
        rewards: after action t, ``[T, ...]``.
        discounts: gamma times not-terminal after action t, ``[T, ...]``.
        values: one more than actions, ``[T + 1, ...]``.
        lambda_: shortens the traces; 1 is the paper's default.
        clip_rho: bound of the ratios that decide which policy's values are found; infinity for none.
        clip_c: bound of those that decide how fast; infinity for none.

    Raises:
        ShapeError: the shapes do not fit.
    """
    if not (log_ratios.shape == rewards.shape == discounts.shape):
        raise ShapeError(
            f"log-ratios {tuple(log_ratios.shape)}, rewards {tuple(rewards.shape)} and discounts "
            f"{tuple(discounts.shape)} differ in shape"
        )
    if values.shape != (rewards.shape[0] + 1, *rewards.shape[1:]):
        raise ShapeError(f"values {tuple(values.shape)} are not one step longer than rewards {tuple(rewards.shape)}")
    values = values.detach()
    ratios = log_ratios.detach().exp()
    rhos = ratios.clamp(max=clip_rho)
    traces = lambda_ * ratios.clamp(max=clip_c)
    deltas = rhos * (rewards + discounts * values[1:] - values[:-1])
    corrections = torch.zeros_like(values)
    for t in range(rewards.shape[0] - 1, -1, -1):
        corrections[t] = deltas[t] + discounts[t] * traces[t] * corrections[t + 1]
    targets = values + corrections
    return VTrace(targets[:-1], rhos * (rewards + discounts * targets[1:] - values[:-1]))
