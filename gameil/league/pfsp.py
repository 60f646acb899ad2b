"""Prioritised fictitious self-play: how often each opponent is met, from how often one wins against it.

Vinyals et al., "Grandmaster level in StarCraft II using multi-agent reinforcement learning" (2019), Methods:

    P(opponent i)  proportional to  f(x_i),    x_i = my win rate against i

Letters: ``N`` opponents.
"""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Weighting = Literal["squared", "variance", "linear", "linear_capped"]
"""``squared`` (1 - x)^2: the hardest; ``variance`` x (1 - x): the most even; ``linear`` 1 - x; ``linear_capped``
min(1/2, 1 - x): everybody who is not beaten more often than not alike."""
_NOTHING = 1e-10
"""A sum of weights below this is nothing to divide by: everybody is beaten always, and all are drawn alike."""


def pfsp_probs(win_rates: NDArray[np.floating], weighting: Weighting) -> NDArray[np.float64]:
    """Probabilities ``[N]`` of opponents from win rates ``[N]`` in [0, 1]; uniform where no weight is left.

    It is the sum of the *weights* that may be nothing (all x = 1, and for ``variance`` also all x = 0), not that of the
    win rates. Raises ``ValueError`` for no opponents or rates out of bounds, NaN among them.
    """
    x = np.asarray(win_rates, np.float64)
    if x.ndim != 1 or len(x) == 0:
        raise ValueError(f"opponents must be a vector of at least 1, got shape {x.shape}")
    if not (x.min() >= 0.0 and x.max() <= 1.0):  # NaN fails it too
        raise ValueError("win rates must be within 0 and 1")
    lost = 1.0 - x
    if weighting == "squared":
        weights = lost * lost
    elif weighting == "variance":
        weights = x * lost
    elif weighting == "linear":
        weights = lost
    else:
        weights = np.minimum(0.5, lost)
    total = float(weights.sum())
    if total < _NOTHING:
        return np.full(len(x), 1.0 / len(x))
    return weights / total


def draw(probs: NDArray[np.float64], rng: np.random.Generator) -> int:
    """An index drawn by ``probs`` ``[N]``; never one of probability 0."""
    cumulative = np.cumsum(probs)
    place = int(np.searchsorted(cumulative, rng.random() * cumulative[-1], side="right"))
    return min(place, int(np.flatnonzero(probs)[-1])) if place >= len(probs) else place


def without_monotone_suffix(win_rates: NDArray[np.floating]) -> int:
    """How many of a player's past selves, oldest first, are left when the newest ones are taken away, as long as each
    is beaten no more often than the one before it: what is left ends with one that was passed and may be forgotten.

    0 where all of them stand in falling order, as they do while nothing is forgotten.
    """
    for place in range(len(win_rates) - 1, 0, -1):
        if win_rates[place - 1] < win_rates[place]:
            return place + 1
    return 0
