"""Nash averaging: agents rated against the opponents that matter, so that copies of one agent change nothing.

Balduzzi et al. (2018), "Re-evaluating Evaluation": the equilibrium of greatest entropy of the antisymmetric game whose
payoffs are log-odds of winning, and every agent's mean payoff against it. Letters: ``N`` agents.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SLACK = 1e-5
"""By how much a reply may gain against the equilibrium, so that the multipliers are bounded."""
_LEAST_BARRIER = 1e-7
_NEWTON_STEPS = 60
"""Most Newton steps for one weight of the barrier; few are needed."""
_SUFFICIENT = 0.1
"""Share of the promised decrease that a step must bring (Armijo)."""


@dataclass(frozen=True, slots=True, eq=False)
class NashAverage:
    """What Nash averaging says."""

    shares: NDArray[np.float64]
    """``[N]``: the equilibrium of greatest entropy."""
    skill: NDArray[np.float64]
    """``[N]``: log-odds of winning against it; 0 for those in it, below 0 for all others."""


def nash_average(payoffs: NDArray[np.floating], *, bound: float = 0.01) -> NashAverage:
    """The equilibrium of greatest entropy and each agent's mean log-odds against it.

    Args:
        payoffs: ``[N, N]`` win rates in [0, 1] of row against column; ``[i, j] + [j, i] = 1``, and 1/2 on the diagonal.
        bound: win rates are held that far from 0 and 1, where log-odds are infinite.
    """
    table = np.asarray(payoffs, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.allclose(table + table.T, 1.0):
        raise ValueError("payoffs must be a square table of win rates with [i, j] + [j, i] = 1")
    rates = np.clip(table, bound, 1.0 - bound)
    odds = np.log(rates) - np.log1p(-rates)
    odds = (odds - odds.T) / 2.0
    shares = max_entropy_equilibrium(odds)
    return NashAverage(shares, odds @ shares)


def max_entropy_equilibrium(game: NDArray[np.float64]) -> NDArray[np.float64]:
    """The equilibrium of greatest entropy ``[N]`` of a symmetric zero-sum game, antisymmetric ``[N, N]``.

        maximise -sum p log p    where  game p <= slack,  sum p = 1

    by its dual, ``minimise log sum exp(-game' m) + slack sum m`` over multipliers ``m >= 0`` with ``p`` the softmax of
    ``-game' m``, with Newton's method and a logarithmic barrier (Boyd and Vandenberghe, "Convex Optimization", 11.3).
    """
    number = len(game)
    a = game / max(np.finfo(np.float64).tiny, float(np.abs(game).max()))
    multipliers = np.ones(number)
    barrier = 1.0
    while barrier > _LEAST_BARRIER:
        barrier *= 0.2
        value, shares = _dual(a, multipliers, barrier)
        for _ in range(_NEWTON_STEPS):
            gain = a @ shares
            gradient = _SLACK - gain - barrier / multipliers
            hessian = (a * shares) @ a.T - np.outer(gain, gain) + np.diag(barrier / multipliers**2)
            direction = -np.linalg.solve(hessian, gradient)
            promised = float(gradient @ direction)
            if promised > -1e-12:
                break
            length = 0.95 / max(0.95, float((-direction / multipliers).max()))  # no multiplier may become 0
            trial, trial_shares = _dual(a, multipliers + length * direction, barrier)
            while trial > value + _SUFFICIENT * length * promised and length > 1e-12:
                length /= 2.0
                trial, trial_shares = _dual(a, multipliers + length * direction, barrier)
            multipliers = multipliers + length * direction
            value, shares = trial, trial_shares
    return shares


def _dual(
    a: NDArray[np.float64], multipliers: NDArray[np.float64], barrier: float
) -> tuple[float, NDArray[np.float64]]:
    """The dual with its barrier, and the shares ``[N]`` that belong to the multipliers."""
    logits = -(a.T @ multipliers)
    top = float(logits.max())
    weights = np.exp(logits - top)
    total = float(weights.sum())
    value = top + np.log(total) + _SLACK * float(multipliers.sum()) - barrier * float(np.log(multipliers).sum())
    return value, weights / total
