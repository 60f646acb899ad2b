"""Policies with a hidden choice behind the visible one: which plan, then which action.

Letters: ``Z`` values of the hidden choice, ``L`` legal actions of a batch in one row, ``G`` trajectories, ``N`` their
positions in a row.
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError


def mixture_log_probs(gate: Tensor, log_probs: Tensor, rows: Tensor) -> Tensor:
    """Log-probabilities of a mixture, exact, ``[L]``: the hidden choice is drawn anew in every position.

        log p(a | s) = log sum_z p(z | s) p(a | s, z)

    Bishop, "Mixture density networks" (1994), with categorical components.

    Args:
        gate: logits of ``p(z | s)``, ``[B, Z]``.
        log_probs: ``log p(a | s, z)`` of legal actions, ``[L, Z]``.
        rows: position of each, int64 ``[L]``.
    """
    if gate.shape[1] != log_probs.shape[1]:
        raise ShapeError(f"gate {tuple(gate.shape)} and log_probs {tuple(log_probs.shape)} differ in Z")
    return torch.logsumexp(torch.log_softmax(gate.float(), dim=1).index_select(0, rows) + log_probs, dim=1)


def trajectory_log_likelihood(gate: Tensor, log_probs: Tensor, rows: Tensor) -> Tensor:
    """Log-likelihood of whole trajectories, exact, ``[G]``: the hidden choice is drawn once, at their start.

        log p(a_0 .. a_T-1) = log sum_z p(z | s_0) prod_t p(a_t | s_t, z)

    Args:
        gate: logits of ``p(z | s_0)``, ``[G, Z]``.
        log_probs: ``log p(a_t | s_t, z)`` of the actions taken, ``[N, Z]``.
        rows: trajectory of each position, int64 ``[N]``; one without positions has likelihood 1.
    """
    if gate.shape[1] != log_probs.shape[1] or len(log_probs) != len(rows):
        raise ShapeError(
            f"gate {tuple(gate.shape)}, log_probs {tuple(log_probs.shape)} and rows {tuple(rows.shape)} do not fit"
        )
    summed = log_probs.new_zeros(gate.shape).index_add(0, rows, log_probs)
    return torch.logsumexp(torch.log_softmax(gate.float(), dim=1) + summed, dim=1)
