"""Q-learning over legal actions: double targets, and the margin that keeps demonstrated actions on top.

Letters: ``B`` decisions, ``L`` the legal actions of all of them in a row (see ``masking``). Losses are per decision, so
that the caller can weigh them (prioritised replay) and learns the error of each.
"""

import torch
from torch import Tensor
from torch.nn import functional

from gameil.errors import ShapeError


def greedy_places(action_values: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Where each decision's best legal action stands among ``L``, int64 ``[B]``; the first of equals.

    Args:
        action_values: of the legal actions, ``[L]``.
        rows: decision of each, int64 ``[L]``.
        batch: number of decisions; one without any legal action (a terminal state) gets ``L``.
    """
    places = torch.arange(len(rows), device=rows.device)
    best = best_values(action_values, rows, batch)
    ties = action_values.detach() == best.index_select(0, rows)
    first = torch.full((batch,), len(rows), dtype=torch.int64, device=rows.device)
    return first.scatter_reduce(0, rows[ties], places[ties], "amin")


def best_values(action_values: Tensor, rows: Tensor, batch: int) -> Tensor:
    """The greatest value of each decision, ``[B]``, not differentiated; 0 where it has no legal action."""
    values = action_values.detach()
    lowest = torch.zeros(batch, dtype=values.dtype, device=values.device)
    return lowest.scatter_reduce(0, rows, values, "amax", include_self=False)


def double_q_values(online_values: Tensor, target_values: Tensor, rows: Tensor, batch: int) -> Tensor:
    """Values of states by double Q-learning, ``[B]``: the online network chooses, the target network judges.

        v(s) = Q_target(s, argmax_{a legal} Q_online(s, a)),    0 in a terminal state

    van Hasselt, Guez and Silver, "Deep Reinforcement Learning with Double Q-learning" (2016), equation 4. A one-step
    target is ``r + d v(s')``; ``returns.n_step_returns`` makes n-step ones of them. Not differentiated.

    Args:
        online_values: of the legal actions by the network that learns, ``[L]``.
        target_values: by its delayed copy, ``[L]``.
        rows: state of each, int64 ``[L]``; a terminal state has none.
        batch: number of states.

    Raises:
        ShapeError: the two networks differ in their number of actions.
    """
    if online_values.shape != target_values.shape:
        raise ShapeError(f"online {tuple(online_values.shape)} and target {tuple(target_values.shape)} differ in shape")
    places = greedy_places(online_values, rows, batch)
    padded = torch.cat([target_values.detach(), target_values.new_zeros(1)])
    return padded.index_select(0, places)


def huber_loss(errors: Tensor, delta: float = 1.0) -> Tensor:
    """Squared near 0, absolute beyond ``delta``, ``[B]``: ``e^2 / 2`` or ``delta (|e| - delta / 2)``.

    Mnih et al., "Human-level control through deep reinforcement learning" (2015), Methods: their clipped error.
    """
    return functional.huber_loss(errors, torch.zeros_like(errors), reduction="none", delta=delta)


def large_margin_loss(action_values: Tensor, rows: Tensor, action_places: Tensor, margin: float = 0.8) -> Tensor:
    """How far demonstrated actions are from leading all others by ``margin``, ``[B]``; at least 0.

        J_E = max_{a legal} [Q(s, a) + l(a_E, a)] - Q(s, a_E),    l = margin for a != a_E, else 0

    Hester et al., "Deep Q-learning from Demonstrations" (2018), equation 2; for decisions of demonstrations only.

    Args:
        action_values: of the legal actions, ``[L]``; differentiated.
        rows: decision of each, int64 ``[L]``, every decision at least once.
        action_places: where each decision's demonstrated action stands among ``L``, int64 ``[B]``.
        margin: the paper's 0.8 is for values of that paper's size; ours lie in [-1, 1].

    Raises:
        ShapeError: a demonstrated action is not among those of its own decision.
    """
    batch = len(action_places)
    if not torch.equal(rows.index_select(0, action_places), torch.arange(batch, device=rows.device)):
        raise ShapeError("action_places point at legal actions of other decisions")
    demonstrated = action_values.index_select(0, action_places)
    margins = torch.full_like(action_values, margin).index_fill(0, action_places, 0.0)
    # A maximum by its place, so that the gradient goes to one action and not to all equal ones.
    best = greedy_places(action_values + margins, rows, batch)
    return (action_values + margins).index_select(0, best) - demonstrated
