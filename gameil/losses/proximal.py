"""PPO: several updates from the same games, none of which may move the policy far from the one that played them.

Letters: ``B`` decisions. Losses are per decision, so that the caller weighs and averages them
(``supervised.weighted_mean``).
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError


def clipped_surrogate_loss(log_ratios: Tensor, advantages: Tensor, clip: float) -> Tensor:
    """PPO's loss of the policy, ``[B]``: no gain from moving a ratio further than ``clip`` in the good direction.

        L = -min(rho A, clip(rho, 1 - clip, 1 + clip) A),    rho = pi(a | s) / mu(a | s)

    Schulman et al., "Proximal Policy Optimization Algorithms" (2017), equation 7.

    Args:
        log_ratios: log pi - log mu of the action taken, ``[B]``; differentiated.
        advantages: ``[B]``; not differentiated.
        clip: the paper's epsilon, 0.2 there.

    Raises:
        ShapeError: the two shapes differ.
    """
    if log_ratios.shape != advantages.shape:
        raise ShapeError(f"log-ratios {tuple(log_ratios.shape)} and advantages {tuple(advantages.shape)} differ")
    advantages = advantages.detach()
    ratios = log_ratios.exp()
    return -torch.minimum(ratios * advantages, ratios.clamp(1.0 - clip, 1.0 + clip) * advantages)


def clipped_value_loss(values: Tensor, behaviour_values: Tensor, returns: Tensor, clip: float) -> Tensor:
    """Squared error of values that gains nothing from moving further than ``clip`` from the old ones, ``[B]``.

        L = max((v - G)^2, (v_old + clip(v - v_old, -clip, clip) - G)^2)

    Of OpenAI's PPO implementation; Engstrom et al., "Implementation Matters in Deep Policy Gradients" (2020), section
    3. Infinity for ``clip`` gives the plain squared error.

    Raises:
        ShapeError: the three shapes differ.
    """
    if not (values.shape == behaviour_values.shape == returns.shape):
        raise ShapeError(
            f"values {tuple(values.shape)}, old values {tuple(behaviour_values.shape)} and returns "
            f"{tuple(returns.shape)} differ in shape"
        )
    old, returns = behaviour_values.detach(), returns.detach()
    near = old + (values - old).clamp(-clip, clip)
    return torch.maximum((values - returns).square(), (near - returns).square())


def behaviour_kl(log_ratios: Tensor) -> Tensor:
    """Estimates KL(mu || pi) from actions of mu, ``[B]``: unbiased, and never negative.

        k = rho - 1 - log rho

    Schulman, "Approximating KL Divergence" (2020), estimator k3. ``log_ratios`` are log pi - log mu, ``[B]``.
    """
    return torch.expm1(log_ratios) - log_ratios
