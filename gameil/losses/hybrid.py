"""Demonstrations as a part of the reinforcement-learning loss.

The plain hybrid objective, ``L = L_RL + lambda(k) L_BC``, needs no function: a schedule times
``supervised.policy_loss``. Letters: ``B`` decisions of the policy, ``D`` of demonstrations.
"""

from torch import Tensor

from gameil.errors import ShapeError


def demonstration_weight(step: int, advantages: Tensor, *, lambda0: float = 0.1, lambda1: float = 0.95) -> float:
    """DAPG's weight of each demonstrated decision: ``w = lambda0 lambda1^k max_b A_b``.

    Rajeswaran et al., "Learning Complex Dexterous Manipulation with Deep Reinforcement Learning and Demonstrations"
    (2018), section IV-C; both defaults are theirs.

    Args:
        step: updates done, ``k``.
        advantages: of the policy's own decisions, ``[B]``; if none is above 0 the demonstrations get no weight, since
            a negative one would push away from them.
        lambda0: weight at the start.
        lambda1: what is left of it after each step.
    """
    return lambda0 * lambda1**step * max(0.0, float(advantages.max()))


def augmented_policy_loss(
    action_log_probs: Tensor, advantages: Tensor, demonstration_log_probs: Tensor, weight: float
) -> Tensor:
    """DAPG's loss, a scalar: a sum over both batches, not a mean.

        L = -sum_b log pi(a_b | s_b) A_b - w sum_d log pi(a_d | s_d)

    Rajeswaran et al. (2018), equation 6, whose step is the natural gradient; what is stepped with is the caller's.

    Args:
        action_log_probs: of the policy's own decisions, ``[B]``.
        advantages: of them, ``[B]``; not differentiated.
        demonstration_log_probs: of the demonstrated actions, ``[D]``.
        weight: of ``demonstration_weight``.

    Raises:
        ShapeError: decisions and advantages differ in shape.
    """
    if action_log_probs.shape != advantages.shape:
        raise ShapeError(
            f"log-probabilities {tuple(action_log_probs.shape)} and advantages {tuple(advantages.shape)} differ"
        )
    return -(action_log_probs * advantages.detach()).sum() - weight * demonstration_log_probs.sum()
