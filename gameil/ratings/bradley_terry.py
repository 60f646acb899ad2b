"""Elo ratings of many agents from a table of results: Bradley-Terry with draws, with covariance and intervals.

Davidson (1970), "On Extending the Bradley-Terry Model to Accommodate Ties in Paired Comparison Experiments": with
``d`` the difference of two ratings in natural units,

    P(win), P(draw), P(loss)  proportional to  exp(d / 2), nu, exp(-d / 2)

Draws flatten the expected score, so ratings are shown on the scale on which it rises at equality as logistic Elo's does
(Coulom, "Bayesian Elo rating", 2005, likewise): ``elo = 400 / ln 10 * r / (1 + nu / 2)``.

Letters: ``N`` agents.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.ratings.intervals import Z_95, EloDifference, Interval

ELO = 400.0 / math.log(10.0)
"""Elo points in one natural unit."""
_LARGEST_STEP = 2.0
_CONVERGED = 1e-10
_MOST_STEPS = 200


@dataclass(frozen=True, slots=True, eq=False)
class Ratings:
    """Ratings of ``N`` agents on one scale."""

    elo: NDArray[np.float64]
    """``[N]``: mean 0, or the anchor's rating where it was put."""
    covariance: NDArray[np.float64]
    """``[N, N]`` in Elo points squared, of ``elo``; an anchor's row is 0."""
    draw: float
    """Davidson's nu: two equal agents draw a share ``nu / (2 + nu)`` of their games."""

    def interval(self, agent: int, z: float = Z_95) -> Interval:
        """95 % interval on one agent's rating, against the anchor or the mean."""
        half = z * math.sqrt(max(0.0, float(self.covariance[agent, agent])))
        return Interval(float(self.elo[agent]) - half, float(self.elo[agent]) + half)

    def difference(self, first: int, second: int, z: float = Z_95) -> EloDifference:
        """By how much ``first`` is stronger; its interval takes into account what both ratings share."""
        c = self.covariance
        half = z * math.sqrt(max(0.0, float(c[first, first] + c[second, second] - 2.0 * c[first, second])))
        point = float(self.elo[first] - self.elo[second])
        return EloDifference(point, Interval(point - half, point + half))


def bradley_terry(
    wins: NDArray[np.floating] | Sequence[Sequence[float]],
    draws: NDArray[np.floating] | Sequence[Sequence[float]] | None = None,
    *,
    anchor: int | None = None,
    anchor_elo: float = 0.0,
    prior_games: float = 0.0,
) -> Ratings:
    """The most likely ratings, by Newton's method, and their covariance, the inverse of the observed information.

    Args:
        wins: ``[N, N]``: games that the row's agent won against the column's.
        draws: ``[N, N]``, symmetric: games that the two drew.
        anchor: agent whose rating is ``anchor_elo``; None: the mean of all ratings is 0.
        anchor_elo: see ``anchor``.
        prior_games: so many games, half of them won by each, are added to every pair that has met, so that nobody's
            rating is infinite (Coulom 2005 adds two draws).

    Raises:
        ValueError: wrong tables, or ratings that the results leave open: somebody never scored or never lost a point
            against all others (``is_determined``).
    """
    won = np.asarray(wins, np.float64)
    drawn = np.zeros_like(won) if draws is None else np.asarray(draws, np.float64)
    number = len(won)
    _check(won, drawn)
    if anchor is not None and not 0 <= anchor < number:
        raise ValueError(f"anchor {anchor} is not one of {number} agents")
    won = won + np.where((won + won.T + drawn) > 0, prior_games / 2.0, 0.0)
    if not is_determined(won, drawn):
        raise ValueError("ratings are open: some agents never scored, or never lost a point, against all others")
    games = won + won.T + drawn
    with_draws = bool(drawn.any())
    ratings, log_nu = np.zeros(number), 0.0
    # Free parameters: all ratings but one (the anchor, or the last, which is moved to mean 0 afterwards), then log nu.
    fixed = number - 1 if anchor is None else anchor
    free = np.array([agent for agent in range(number) if agent != fixed] + ([number] if with_draws else []), np.int64)
    for _ in range(_MOST_STEPS):
        gradient, information = _derivatives(won, drawn, games, ratings, log_nu if with_draws else -math.inf)
        step = np.zeros(number + 1)
        step[free] = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
        step *= min(1.0, _LARGEST_STEP / max(_CONVERGED, float(np.abs(step).max())))
        ratings += step[:number]
        log_nu += float(step[number])
        if np.abs(step).max() < _CONVERGED:
            break
    _, information = _derivatives(won, drawn, games, ratings, log_nu if with_draws else -math.inf)
    covariance = np.zeros((number + 1, number + 1))
    covariance[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
    nu = math.exp(log_nu) if with_draws else 0.0
    if anchor is None:
        centre = np.eye(number + 1)
        centre[:number, :number] -= 1.0 / number
        ratings = ratings - ratings.mean()
        covariance = centre @ covariance @ centre.T
    scale = ELO / (1.0 + nu / 2.0)
    # How Elo follows from the ratings and from log nu, which sets the scale.
    jacobian = np.hstack([scale * np.eye(number), -scale * (nu / 2.0) / (1.0 + nu / 2.0) * ratings[:, None]])
    elo = scale * ratings + (anchor_elo if anchor is not None else 0.0)
    return Ratings(elo, jacobian @ covariance @ jacobian.T, nu)


def is_determined(wins: NDArray[np.floating], draws: NDArray[np.floating]) -> bool:
    """Whether finite ratings exist: however agents are parted in two, each part took a point from the other (Ford
    1957); that is, everybody reaches everybody along "scored against"."""
    number = len(wins)
    reached = np.eye(number, dtype=bool) | (wins > 0) | (draws > 0) | (draws.T > 0)
    for middle in range(number):
        reached |= reached[:, middle, None] & reached[None, middle, :]
    return bool(reached.all())


def _derivatives(
    won: NDArray[np.float64],
    drawn: NDArray[np.float64],
    games: NDArray[np.float64],
    ratings: NDArray[np.float64],
    log_nu: float,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gradient ``[N + 1]`` of the log-likelihood by ratings and log nu, and the negative of its Hessian."""
    number = len(ratings)
    d = ratings[:, None] - ratings[None, :]
    up, down, middle = np.exp(d / 2.0), np.exp(-d / 2.0), math.exp(log_nu)
    total = up + down + middle
    win, loss, draw = up / total, down / total, middle / total
    lean = win - loss
    gradient = np.zeros(number + 1)
    gradient[:number] = ((won - won.T) / 2.0 - games * lean / 2.0).sum(axis=1)
    gradient[number] = ((drawn - games * draw).sum()) / 2.0
    weight = games / 4.0 * (win + loss - lean**2)
    information = np.zeros((number + 1, number + 1))
    information[:number, :number] = np.diag(weight.sum(axis=1)) - weight
    information[number, number] = (games * draw * (1.0 - draw)).sum() / 2.0
    across = -(games / 2.0 * lean * draw).sum(axis=1)
    information[:number, number] = information[number, :number] = across
    return gradient, information


def _check(won: NDArray[np.float64], drawn: NDArray[np.float64]) -> None:
    if won.ndim != 2 or won.shape[0] != won.shape[1] or len(won) < 2 or drawn.shape != won.shape:
        raise ValueError(f"tables must be square, of at least 2 agents, got {won.shape} and {drawn.shape}")
    if not (np.isfinite(won).all() and np.isfinite(drawn).all()) or min(won.min(), drawn.min()) < 0:
        raise ValueError("counts of games must be finite and not negative")
    if np.diag(won).any() or np.diag(drawn).any() or not np.array_equal(drawn, drawn.T):
        raise ValueError("nobody plays itself, and draws are the same for both")
