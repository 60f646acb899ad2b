"""What is known of every position on which a prediction was measured, and means over any part of them.

Letters: ``B`` positions of one batch, ``P`` all positions.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, fields

import numpy as np
from numpy.typing import NDArray

from gameil.learners.calibration import calibration_error
from gameil.learners.held_out import MoveScores

LEAST_PROBABILITY = 1e-6
"""Floor of the probability of a played move in the NLL: one move thought impossible does not make the mean infinite."""
PLY_BANDS = (0, 10, 20, 40, 80)
"""First ply of each band."""
LEGAL_BANDS = (2, 5, 10, 20, 40)
"""Least number of legal actions of each band."""
RATING_BAND = 200
"""Width of a rating band."""
PHASES = ("first third", "middle third", "last third")
"""Of the game's plies."""

Means = dict[str, float | int | None]


@dataclass(frozen=True, slots=True, eq=False)
class ScoredBatch:
    """One batch of positions with two or more legal actions, and what an agent thought of them."""

    scores: MoveScores
    """How the agent ranked the moves played."""
    confidence: NDArray[np.float32]
    """``[B]``: probability of the agent's likeliest action."""
    values: NDArray[np.float32]
    """``[B]``: what the agent expects the mover to get, in [-1, 1]; NaN where it says nothing."""
    outcomes: NDArray[np.float32]
    """``[B]``: what the mover got, in [-1, 1]; NaN where unknown."""
    games: NDArray[np.uint64]
    """``[B]``: id of each position's game in the dataset."""
    plies: NDArray[np.int64]
    """``[B]``."""
    moves_left: NDArray[np.int64]
    """``[B]``: plies to the end of the record."""
    ratings: NDArray[np.int64]
    """``[B]``: the mover's, 0 where unknown."""
    num_legal: NDArray[np.int64]
    """``[B]``."""
    keys: NDArray[np.uint64]
    """``[B]``: what tells equal positions (``known_positions``); 0 where it was not asked for."""


@dataclass(slots=True)
class ScoredPositions:
    """All batches of a measurement."""

    parts: list[ScoredBatch] = field(default_factory=list)
    without_distribution: int = 0
    """Positions decided without saying how likely each action was."""
    undecided: int = 0
    """Positions in which two or more actions had a chance."""

    @property
    def has_policy(self) -> bool:
        """Whether there is a distribution to measure; otherwise only the chosen moves can be compared.

        All positions together say so: a sure choice in every one of a few positions is no sign of an agent without a
        policy, and one that never had a doubt has no ranking beyond its first choice.
        """
        return self.without_distribution == 0 and self.undecided > 0

    def add(self, scored: ScoredBatch, *, without_distribution: int = 0, undecided: int = 0) -> None:
        """One more batch."""
        self.parts.append(scored)
        self.without_distribution += without_distribution
        self.undecided += undecided

    def __len__(self) -> int:
        return sum(len(part.plies) for part in self.parts)

    def joined(self) -> ScoredBatch:
        """All positions as one batch."""
        columns = {
            each.name: np.concatenate([getattr(part, each.name) for part in self.parts])
            for each in fields(ScoredBatch)
            if each.name != "scores"
        }
        scores = MoveScores(
            *(np.concatenate([getattr(part.scores, name) for part in self.parts]) for name in MoveScores.__slots__)
        )
        return ScoredBatch(scores=scores, **columns)


def means(batch: ScoredBatch, chosen: NDArray[np.bool_], *, has_policy: bool = True) -> Means:
    """Shares and losses over the chosen positions.

    Returns:
        ``positions``, ``top1``, ``top3``, ``top5``, ``nll`` (nats), ``ece`` (expected calibration error of the first
        choice), and where values and outcomes are known ``value_brier`` and ``value_log_loss`` (of the expected
        score, a draw being one half). None for what cannot be known without a distribution.
    """
    result: Means = {"positions": int(chosen.sum())}
    for name, k in (("top1", 1), ("top3", 3), ("top5", 5)):
        result[name] = float(batch.scores.top(k)[chosen].mean()) if k == 1 or has_policy else None
    result["nll"] = -float(floored_log_probs(batch)[chosen].mean()) if has_policy else None
    right = batch.scores.top(1)
    result["ece"] = calibration_error(batch.confidence[chosen], right[chosen]) if has_policy else None
    known = chosen & ~np.isnan(batch.values) & ~np.isnan(batch.outcomes)
    if known.any():
        expected = np.clip((batch.values[known].astype(np.float64) + 1) / 2, 1e-6, 1 - 1e-6)
        score = (batch.outcomes[known].astype(np.float64) + 1) / 2
        result["value_brier"] = float(np.square(expected - score).mean())
        result["value_log_loss"] = -float((score * np.log(expected) + (1 - score) * np.log(1 - expected)).mean())
    return result


def floored_log_probs(batch: ScoredBatch) -> NDArray[np.float64]:
    """Log-probabilities of the moves played, not below that of ``LEAST_PROBABILITY``, ``[B]``."""
    floored: NDArray[np.float64] = np.maximum(batch.scores.log_probs.astype(np.float64), np.log(LEAST_PROBABILITY))
    return floored


Band = Callable[[ScoredBatch], list[tuple[int, str]]]
"""Sort key and name of each position's band."""


def by_band(batch: ScoredBatch, band: Band, *, has_policy: bool) -> dict[str, Means]:
    """Means by band, lowest first."""
    bands = band(batch)
    keys = np.asarray([key for key, _ in bands])
    return {name: means(batch, keys == key, has_policy=has_policy) for key, name in sorted(set(bands))}


def rating_bands(batch: ScoredBatch) -> list[tuple[int, str]]:
    """By the mover's rating."""
    return [rating_band(rating) for rating in batch.ratings.tolist()]


def ply_bands(batch: ScoredBatch) -> list[tuple[int, str]]:
    """By the number of plies played."""
    return [_band(ply, PLY_BANDS) for ply in batch.plies.tolist()]


def legal_bands(batch: ScoredBatch) -> list[tuple[int, str]]:
    """By the number of legal actions."""
    return [_band(number, LEGAL_BANDS) for number in batch.num_legal.tolist()]


def phase_bands(batch: ScoredBatch) -> list[tuple[int, str]]:
    """By thirds of the game."""
    thirds = 3 * batch.plies // np.maximum(1, batch.plies + batch.moves_left)
    return [(third, PHASES[third]) for third in np.clip(thirds, 0, 2).tolist()]


def rating_band(rating: int) -> tuple[int, str]:
    """Sort key and name of a rating's band."""
    if rating == 0:
        return (-1, "unknown")
    low = rating // RATING_BAND * RATING_BAND
    return (low, f"{low}-{low + RATING_BAND - 1}")


def _band(number: int, firsts: tuple[int, ...]) -> tuple[int, str]:
    place = max(0, int(np.searchsorted(firsts, number, side="right")) - 1)
    low = firsts[place]
    return (low, f"{low}-{firsts[place + 1] - 1}" if place + 1 < len(firsts) else f"{low}+")
