"""Policy gradient with a baseline, and the entropy that keeps a policy from closing too soon.

Letters: ``B`` decisions, ``L`` the legal actions of all of them in a row (see ``masking``).
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError
from gameil.losses.masking import segment_sum


def policy_gradient_loss(action_log_probs: Tensor, advantages: Tensor) -> Tensor:
    """Loss whose descent is REINFORCE with a baseline.

        L = -mean_b log pi(a_b | s_b) * sg(G_b - v(s_b))

    Williams (1992); with a value baseline as in Silver et al., "Mastering the game of Go with deep neural networks and
    tree search" (2016), Methods, "Reinforcement learning of policy networks": the gradient of the parameters is in
    proportion to ``sum_t grad log pi(a_t | s_t) (z_t - v(s_t))``.

    Args:
        action_log_probs: log-probability of the action taken, ``[B]``.
        advantages: return less baseline, ``[B]``; not differentiated.

    Raises:
        ShapeError: the two shapes differ.
    """
    if action_log_probs.shape != advantages.shape:
        raise ShapeError(
            f"log-probabilities {tuple(action_log_probs.shape)} and advantages {tuple(advantages.shape)} differ"
        )
    return -(action_log_probs * advantages.detach()).mean()


def entropy(log_probs: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Entropy in nats over the legal actions of each decision, ``[B]``.

    Args:
        log_probs: of the legal actions, normalised within a decision, ``[L]``.
        rows: decision of each legal action, int64 ``[L]``.
        batch: number of decisions ``B``.
    """
    return segment_sum(-log_probs.exp() * log_probs, rows, batch)


def normalised_advantages(advantages: Tensor, *, epsilon: float = 1e-6) -> Tensor:
    """Advantages divided by their root mean square: the size of a step no longer depends on the size of the rewards.

    The mean is left alone: taking it off would push down moves of a batch that was simply lost.
    """
    scale = advantages.pow(2).mean().sqrt()
    return advantages / torch.clamp(scale, min=epsilon)
