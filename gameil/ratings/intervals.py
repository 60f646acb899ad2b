"""How sure a score is: 95 % intervals on scores and Elo differences, also for few games, draws and one-sided results.

Unit scores are in [0, 1]: 1 a win, ½ a draw, 0 a loss of one game, or the mean of the games of one pair.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

Z_95 = 1.959963984540054
"""Two-sided 95 % quantile of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class Interval:
    """A range that covers the true value in 95 % of experiments."""

    low: float
    high: float

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


@dataclass(frozen=True, slots=True)
class EloDifference:
    """By how many Elo points the first agent is stronger; always finite."""

    difference: float
    interval: Interval


def mean_interval(unit_scores: Sequence[float], z: float = Z_95) -> Interval:
    """Interval on the mean of independent scores in [0, 1]: Wilson's score interval with the spread that was seen.

        (m - p)² = z²/n · (p (1 - p) - q),    q = Σ x (1 - x) / (n + z²)

    solved for ``p``, where ``m`` is the mean. A score between 0 and 1 (a draw, a split pair) lowers the variance below
    the ``p (1 - p)`` of wins and losses by ``x (1 - x)``; the ``z²`` pseudo-games in ``q`` are decided ones, so that
    ``n`` draws leave a range as wide as ``n`` wins do. Without such scores this is Wilson (1927), "Probable Inference,
    the Law of Succession, and Statistical Inference". Without any score the answer is [0, 1].
    """
    n = len(unit_scores)
    if n == 0:
        return Interval(0.0, 1.0)
    if not all(0.0 <= score <= 1.0 for score in unit_scores):
        raise ValueError(f"unit scores must lie in [0, 1], got {min(unit_scores)} to {max(unit_scores)}")
    mean = math.fsum(unit_scores) / n
    q = math.fsum(score * (1.0 - score) for score in unit_scores) / (n + z * z)
    c = z * z / n
    centre = (mean + c / 2.0) / (1.0 + c)
    half_squared = c * (mean * (1.0 - mean) - q) + c * c * (0.25 - q)
    half = math.sqrt(max(0.0, half_squared)) / (1.0 + c)
    return Interval(max(0.0, centre - half), min(1.0, centre + half))


def score_interval(wins: int, draws: int, losses: int, z: float = Z_95) -> Interval:
    """Interval on the score ``(wins + draws / 2) / games``, games taken as independent (trinomial variance)."""
    if min(wins, draws, losses) < 0:
        raise ValueError(f"counts must not be negative, got {wins} wins, {draws} draws, {losses} losses")
    return mean_interval([1.0] * wins + [0.5] * draws + [0.0] * losses, z)


def pair_interval(pair_scores: Iterable[Sequence[float]], z: float = Z_95) -> Interval:
    """Interval on the score with a pair of games as the unit: the two games of one opening are not independent.

    For two-player games this is the pentanomial variance (scores 0, ¼, ½, ¾, 1 of a pair) of engine testing.
    """
    return mean_interval([math.fsum(scores) / len(scores) for scores in pair_scores], z)


def elo_of_score(score: float) -> float:
    """Elo difference that predicts ``score``: ``400 log10(s / (1 - s))`` (Elo 1978, logistic form). 0 < score < 1."""
    return 400.0 * math.log10(score / (1.0 - score))


def score_of_elo(difference: float) -> float:
    """Expected score of the side that is ``difference`` Elo points stronger; the inverse of ``elo_of_score``."""
    return 1.0 / (1.0 + math.pow(10.0, -difference / 400.0))


def elo_difference(score: float, interval: Interval, games: int) -> EloDifference:
    """Elo difference of a score and its interval.

    One-sided results would be infinite: the score is taken as at most half a point short of all of ``games + 1`` games
    (at most a quarter for the interval's ends), and likewise at least half a point above none.
    """
    if games < 0:
        raise ValueError(f"games must not be negative, got {games}")

    def bounded(value: float, margin: float) -> float:
        return elo_of_score(min(max(value, margin), 1.0 - margin))

    point, end = 0.5 / (games + 1), 0.25 / (games + 1)
    return EloDifference(bounded(score, point), Interval(bounded(interval.low, end), bounded(interval.high, end)))
