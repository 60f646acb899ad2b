"""Policies that choose an action part by part: from where, to where, as what.

Letters: ``L`` all legal actions of a batch in one row (see ``masking``), ``F`` factors.
"""

import torch
from torch import Tensor

from gameil.errors import ShapeError
from gameil.losses.masking import legal_log_softmax


def factored_log_softmax(scores: Tensor, choices: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Log-probabilities of legal actions, each a chain of choices, ``[L]``.

        log p(a) = sum_f log p(c_f | c_<f),    p(c_f | c_<f) = exp u_f(c_f) / sum_{c legal after c_<f} exp u_f(c)

    A choice is legal after others when some legal action begins so; so the product is normalised over the legal
    actions (a test adds it up). Vinyals et al., "Grandmaster level in StarCraft II using multi-agent reinforcement
    learning" (2019), Methods, "Architecture", choose an action's arguments in turn likewise.

    Args:
        scores: ``u_f`` of each legal action's choice, ``[L, F]``; actions that begin alike have equal ones there.
        choices: the choices themselves, ids from 0, int64 ``[L, F]``; no two actions of a position are equal in all.
        rows: position of each action, int64 ``[L]``.
        batch: number of positions.
    """
    if scores.shape != choices.shape or scores.ndim != 2:
        raise ShapeError(f"scores {tuple(scores.shape)} and choices {tuple(choices.shape)} must both be [L, F]")
    total = torch.zeros_like(scores[:, 0])
    prefixes, num_prefixes = rows, batch
    for factor in range(scores.shape[1]):
        width = int(choices[:, factor].max()) + 1 if len(choices) else 1
        # Actions that have made the same choices so far share one entry, which counts once in the sum.
        keys, entry = torch.unique(prefixes * width + choices[:, factor], return_inverse=True)
        parents = torch.div(keys, width, rounding_mode="floor")
        first = torch.empty_like(keys).scatter_(0, entry, torch.arange(len(entry), device=keys.device))
        log_probs = legal_log_softmax(scores[:, factor].index_select(0, first), parents, num_prefixes)
        total = total + log_probs.index_select(0, entry)
        prefixes, num_prefixes = entry, len(keys)
    return total
