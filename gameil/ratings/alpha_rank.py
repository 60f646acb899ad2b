"""Alpha-rank: how much of the time evolution spends with each agent; also where results go in circles.

Omidshafiei et al. (2019), "alpha-Rank: Multi-Agent Evaluation by Evolution", one population of a symmetric game.
"""

import numpy as np
from numpy.typing import NDArray

SELECTION = 100.0
"""Strength of selection (alpha) for payoffs in [0, 1]; the ranking of the paper is its limit for large values."""
POPULATION = 50
"""Size of the population (m)."""


def alpha_rank(
    payoffs: NDArray[np.floating], *, selection: float = SELECTION, population: int = POPULATION
) -> NDArray[np.float64]:
    """Shares of time ``[N]``, summing to one, that a population of one agent each spends in the ``N`` agents.

    A single mutant of ``s`` takes over a population of ``r`` with the probability

        rho = (1 - exp(-a u)) / (1 - exp(-m a u)),    u = payoff(s against r) - payoff(r against s);  1 / m where u = 0

    Args:
        payoffs: ``[N, N]``: mean result of the row's agent against the column's, as win rates in [0, 1].
        selection: ``a``.
        population: ``m``.
    """
    table = np.asarray(payoffs, np.float64)
    if table.ndim != 2 or table.shape[0] != table.shape[1] or not np.isfinite(table).all():
        raise ValueError(f"payoffs must be a finite square table, got shape {table.shape}")
    number = len(table)
    if number == 1:
        return np.ones(1)
    # [r, s]: from a population of r to one of s.
    gain = selection * (table.T - table)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        rising = -np.expm1(-np.abs(gain)) / -np.expm1(-population * np.abs(gain))
        # The same ratio for a mutant that is worse, written so that nothing overflows.
        falling = rising * np.exp(-(population - 1) * np.abs(gain))
    fixation = np.where(gain == 0.0, 1.0 / population, np.where(gain > 0.0, rising, falling))
    chain = np.maximum(fixation, np.finfo(np.float64).tiny) / (number - 1)
    np.fill_diagonal(chain, 0.0)
    return stationary(chain)


def stationary(rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Stationary distribution ``[N]`` of a chain with transitions ``[N, N]`` from row to column, all positive.

    Grassmann, Taksar and Heyman (1985), "Regenerative Analysis and Steady State Distributions for Markov Chains":
    states are taken out one by one without any subtraction, so that rates may differ by hundreds of orders.
    """
    chain = np.array(rates, np.float64)
    number = len(chain)
    for last in range(number - 1, 0, -1):
        chain[:last, last] /= chain[last, :last].sum()
        chain[:last, :last] += chain[:last, last, None] * chain[None, last, :last]
    shares = np.ones(number)
    for state in range(1, number):
        shares[state] = shares[:state] @ chain[:state, state]
        shares[: state + 1] /= shares[: state + 1].sum()
    return shares
