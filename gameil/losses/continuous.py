"""Policies over real numbers: mixtures of Gaussians.

Letters: ``B`` positions, ``M`` components, ``D`` numbers in an action.
"""

import math

import torch
from torch import Tensor

from gameil.errors import ShapeError


def gaussian_mixture_log_prob(gate: Tensor, means: Tensor, log_stds: Tensor, actions: Tensor) -> Tensor:
    """Log-density of actions under mixtures of Gaussians with diagonal covariance, ``[B]``.

        log p(a) = log sum_m w_m prod_d N(a_d; mu_md, sigma_md),    w = softmax(gate)
        log N(a; mu, sigma) = -((a - mu) / sigma)^2 / 2 - log sigma - log(2 pi) / 2

    Bishop, "Mixture density networks" (1994), equations 22 to 24.

    Args:
        gate: logits of the components, ``[B, M]``.
        means: ``[B, M, D]``.
        log_stds: logarithms of the standard deviations, ``[B, M, D]``.
        actions: ``[B, D]``.
    """
    if means.shape != log_stds.shape or means.shape[:2] != gate.shape or means[:, 0].shape != actions.shape:
        raise ShapeError(
            f"gate {tuple(gate.shape)}, means {tuple(means.shape)}, log_stds {tuple(log_stds.shape)} and actions "
            f"{tuple(actions.shape)} do not fit [B, M], [B, M, D] twice and [B, D]"
        )
    scaled = (actions.unsqueeze(1) - means) * torch.exp(-log_stds)
    components = (-0.5 * scaled.square() - log_stds - 0.5 * math.log(2.0 * math.pi)).sum(dim=2)
    return torch.logsumexp(torch.log_softmax(gate, dim=1) + components, dim=1)
