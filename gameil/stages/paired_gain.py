"""How much better one agent predicts people's moves than another on the same positions, and how sure that is.

Letters: ``B`` positions, ``G`` games, ``R`` resamples.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError
from gameil.seeding import generator
from gameil.stages.scored_positions import ScoredBatch, floored_log_probs

RESAMPLES = 10_000
"""Ends of an interval so drawn vary by a hundredth of its width."""
_DRAWN_AT_ONCE = 2_000_000
"""Games drawn together, of one resample or of many: some 60 MB, however many games there are."""


def paired_gain(scored: ScoredBatch, against: ScoredBatch, *, seed: int, has_policy: bool) -> dict[str, Any]:
    """Gains of ``scored`` over ``against``, above 0 where it is better, with 95 % intervals over games.

    The bootstrap draws whole games with replacement, with both agents' scores of their positions: moves of one game
    are not independent, and what is hard for one agent mostly is for the other (Efron and Tibshirani, "An Introduction
    to the Bootstrap" (1993), chapters 8 and 13: the percentile interval).

    Args:
        scored: all positions of an agent.
        against: the same positions, in the same order, of another.
        seed: of the resamples.
        has_policy: whether both say how likely each action is: without, only first choices are compared.

    Returns:
        ``games``, ``positions``; ``top1`` (a share) and with ``has_policy`` ``nll`` (nats a move saved), and for each
        ``..._interval`` as ``[low, high]``.

    Raises:
        ShapeError: the positions are not the same.
    """
    if not (np.array_equal(scored.games, against.games) and np.array_equal(scored.plies, against.plies)):
        raise ShapeError("a paired gain needs both agents' scores of the same positions in the same order")
    gains = {"top1": scored.scores.top(1) - against.scores.top(1)}
    if has_policy:
        gains["nll"] = floored_log_probs(scored) - floored_log_probs(against)
    _, owners = np.unique(scored.games, return_inverse=True)
    sizes = np.bincount(owners)
    sums = np.stack([np.bincount(owners, weights=gain) for gain in gains.values()]).astype(np.float64)
    result: dict[str, Any] = {"games": len(sizes), "positions": len(owners)}
    intervals = np.quantile(_resampled_means(sums, sizes, seed), (0.025, 0.975), axis=1)
    for row, name in enumerate(gains):
        result[name] = float(sums[row].sum() / len(owners))
        result[f"{name}_interval"] = intervals[:, row].tolist()
    return result


def _resampled_means(sums: NDArray[np.float64], sizes: NDArray[np.int64], seed: int) -> NDArray[np.float64]:
    """Mean gain a position in each resample of the games, ``[K, R]``, from sums ``[K, G]`` and positions ``[G]``."""
    rng = generator(seed, "accuracy", "resamples")
    at_once = max(1, _DRAWN_AT_ONCE // len(sizes))
    means = []
    for first in range(0, RESAMPLES, at_once):
        drawn = rng.integers(len(sizes), size=(min(at_once, RESAMPLES - first), len(sizes)))
        means.append(sums[:, drawn].sum(axis=2) / sizes[drawn].sum(axis=1))
    return np.concatenate(means, axis=1)
