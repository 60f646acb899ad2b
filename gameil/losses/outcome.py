"""Losses of how a game ends: won, drawn or lost; after how many moves; with whom on each cell.

Letters: ``B`` positions, ``N`` cells of a board.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gameil.errors import ShapeError
from gameil.losses.supervised import weighted_mean


def outcome_targets(returns: Tensor) -> Tensor:
    """Win, draw and loss for the mover out of its return ``z`` in [-1, 1], ``[B, 3]``.

        (max(z, 0), 1 - |z|, max(-z, 0))

    One-hot for -1, 0 and 1; in between (an expert's estimate) the likeliest to end in no surprise: its expectation is
    ``z`` and it puts no weight on win and loss at once.
    """
    return torch.stack([returns.clamp_min(0.0), 1.0 - returns.abs(), (-returns).clamp_min(0.0)], dim=1)


def outcome_value(logits: Tensor) -> Tensor:
    """Expected return ``p(win) - p(loss)`` in [-1, 1], ``[B]``, from logits ``[B, 3]`` of win, draw, loss."""
    probs = torch.softmax(logits, dim=1)
    return probs[:, 0] - probs[:, 2]


def outcome_loss(logits: Tensor, returns: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of win, draw, loss, a scalar: ``- sum_o t_o log p_o``, ``t`` as of ``outcome_targets``.

    Leela Chess Zero's value head since 2020 (``lczero-training``, "wdl"); the mean as in ``supervised.value_loss``.

    Args:
        logits: of win, draw and loss for the mover, ``[B, 3]``.
        returns: the mover's outcome in [-1, 1], ``[B]``.
        weights: 0 where the outcome is unknown, ``[B]``.
    """
    if logits.shape != (len(returns), 3):
        raise ShapeError(f"logits {tuple(logits.shape)} for {len(returns)} returns: [B, 3] is needed")
    cross_entropy = -(outcome_targets(returns) * torch.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return weighted_mean(cross_entropy, weights)


def moves_left_loss(predicted: Tensor, moves_left: Tensor, weights: Tensor, *, scale: float = 20.0) -> Tensor:
    """Huber loss of the plies that are still to come, in units of ``scale`` plies, a scalar.

        huber(x) = x^2 / 2 if |x| <= 1 else |x| - 1/2,    x = (m_hat - m) / scale

    Leela Chess Zero's moves-left head (``lczero-training``, "moves_left", with its scale of 20).

    Args:
        predicted: plies, ``[B]``.
        moves_left: plies from the position to the end of the game, ``[B]``.
        weights: 0 where the end is not known, ``[B]``.
    """
    if predicted.shape != moves_left.shape:
        raise ShapeError(f"predicted {tuple(predicted.shape)} and moves_left {tuple(moves_left.shape)} differ")
    return weighted_mean(F.huber_loss(predicted / scale, moves_left / scale, reduction="none"), weights)


def ownership_loss(logits: Tensor, owners: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy of who owns each cell at the end, mean over the board, a scalar.

        L_b = 1/N sum_n -[t log s(x) + (1 - t) log(1 - s(x))],    t = (o + 1) / 2

    Wu, "Accelerating Self-Play Learning in Go" (2019), section 4.1.

    Args:
        logits: of the mover owning a cell, ``[B, N]``.
        owners: 1 mover, -1 opponent, 0 nobody (a target of one half), ``[B, N]``.
        weights: 0 where the final board is not known, ``[B]``.
    """
    if logits.shape != owners.shape:
        raise ShapeError(f"logits {tuple(logits.shape)} and owners {tuple(owners.shape)} differ in shape")
    targets = (owners.float() + 1.0) / 2.0
    losses = F.binary_cross_entropy_with_logits(logits.float(), targets, reduction="none")
    return weighted_mean(losses.mean(dim=1), weights)
