"""Losses of learning from demonstrations: what was played, and how the game ended.

Letters: ``B`` positions, ``L`` all legal actions of a batch in one row (see ``masking``).
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError
from gameil.losses.masking import segment_sum


def played_targets(actions: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
    """One-hot targets beside the legal actions, float32 ``[L]``: 1 at the action that was played.

    Args:
        actions: played, int64 ``[B]``.
        legal: flat legal actions ``[L]``.
        rows: position of each legal action, int64 ``[L]``.

    Raises:
        ShapeError: an action is not among the legal ones of its position, or is there twice.
    """
    targets = (legal == actions.index_select(0, rows)).float()
    if targets.sum() != len(actions) or (segment_sum(targets, rows, len(actions)) != 1).any():
        bad = int((segment_sum(targets, rows, len(actions)) != 1).nonzero()[0, 0])
        raise ShapeError(f"position {bad} of the batch: action {int(actions[bad])} is not exactly once among its legal")
    return targets


def smooth_targets(targets: Tensor, rows: Tensor, batch: int, smoothing: float) -> Tensor:
    """Label smoothing over the legal actions only, ``[L]``: ``q = (1 - e) * p + e / n_legal``.

    Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7, with the uniform taken over legal
    actions: smoothing over all of them would teach illegal moves.
    """
    if smoothing == 0.0:
        return targets
    counts = segment_sum(torch.ones_like(targets), rows, batch)
    return (1.0 - smoothing) * targets + smoothing / counts.index_select(0, rows)


def weighted_mean(losses: Tensor, weights: Tensor) -> Tensor:
    """``sum w_b l_b / sum w_b``, scalar; 0 when all weights are 0. ``losses`` and ``weights`` are ``[B]``."""
    if losses.shape != weights.shape:
        raise ShapeError(f"losses {tuple(losses.shape)} and weights {tuple(weights.shape)} differ in shape")
    return (losses * weights).sum() / weights.sum().clamp_min(torch.finfo(weights.dtype).tiny)


def policy_loss(log_probs: Tensor, targets: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of the policy against hard or soft targets, a scalar.

        L = 1 / (sum_b w_b) * sum_b w_b * (- sum_{a legal in b} q_b(a) log p_b(a))

    Behavioural cloning with one-hot ``q``: Silver et al., "Mastering the game of Go with deep neural networks and
    tree search" (2016), Methods, "Supervised learning of policy networks".

    Args:
        log_probs: of the legal actions, ``[L]``.
        targets: distribution over the legal actions of each position, ``[L]``; not differentiated.
        rows: position of each legal action, int64 ``[L]``.
        weights: of each position, ``[B]``; 0 leaves one out.
    """
    if log_probs.shape != targets.shape:
        raise ShapeError(f"log_probs {tuple(log_probs.shape)} and targets {tuple(targets.shape)} differ in shape")
    return weighted_mean(-segment_sum(targets.detach() * log_probs, rows, len(weights)), weights)


def value_loss(values: Tensor, returns: Tensor, weights: Tensor) -> Tensor:
    """Squared error of the value against the mover's return, a scalar.

        L = 1 / (sum_b w_b) * sum_b w_b * (v_b - z_b)^2

    Silver et al. (2016), Methods, "Training the value network" (equation 5, without their factor one half).

    Args:
        values: in [-1, 1], the mover's, ``[B]``.
        returns: the mover's outcome in [-1, 1], ``[B]``.
        weights: 0 where the outcome is unknown, ``[B]``.
    """
    if values.shape != returns.shape:
        raise ShapeError(f"values {tuple(values.shape)} and returns {tuple(returns.shape)} differ in shape")
    return weighted_mean((values - returns.detach()).square(), weights)
