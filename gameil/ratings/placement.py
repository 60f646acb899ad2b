"""An agent's place on a ladder of levels: the most likely ratings of a few games, and whom to play next.

Scores follow logistic Elo whatever the share of draws is: with ``x`` ratings in natural units and ``d = x_i - x_j``

    E[score of i against j] = p(d) = 1 / (1 + exp(-d))

and the ratings maximise the quasi-likelihood (Wedderburn 1974, "Quasi-likelihood functions, generalized linear models,
and the Gauss-Newton method") with a weak normal prior

    sum_u g_u (s_u log p(d_u) + (1 - s_u) log(1 - p(d_u))) / phi  -  sum_k (a_k' x - m_k)^2 / (2 sigma_k^2)

over trials ``u``: the games of one opening, ``g_u`` of them with mean score ``s_u``. The dispersion ``phi`` says by how
much draws and shared openings make the scores of trials vary less (or more) than coins do (McCullagh and Nelder,
"Generalized Linear Models", 2nd ed., section 4.5).

Letters: ``L`` levels, weakest first; the agent is number ``L``.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.ratings.bradley_terry import ELO
from gameil.ratings.intervals import Z_95, EloDifference, Interval

GAP_ELO, GAP_SPREAD = 200.0, 400.0
"""Prior of the gap between neighbouring levels, Elo points: mean and standard deviation."""
AGENT_SPREAD = 1000.0
"""Prior of the agent around the middle of the ladder, Elo points: standard deviation."""
_DISPERSION_TRIALS = 12.0
"""Trials of dispersion 1 that are added to those seen: few trials alone would say little of it."""
_LEAST_DISPERSION = 0.2
_STEPS = 50
_CONVERGED = 1e-9
_LARGEST_STEP = 2.0
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(11)


@dataclass(frozen=True, slots=True)
class Trial:
    """The games of one opening between two: their mean score for ``first``."""

    first: int
    second: int
    score: float
    games: int


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """Where everybody stands."""

    elo: NDArray[np.float64]
    """``[L + 1]``."""
    covariance: NDArray[np.float64]
    """``[L + 1, L + 1]``, Elo points squared; rows of levels whose rating is held are 0."""
    dispersion: float

    @property
    def agent(self) -> int:
        return len(self.elo) - 1

    @property
    def nearest(self) -> int:
        """The level whose rating is next to the agent's."""
        return int(np.argmin(np.abs(self.elo[:-1] - self.elo[-1])))

    def interval(self, number: int) -> Interval:
        """95 % interval on one rating on the ladder's scale."""
        half = Z_95 * math.sqrt(max(0.0, float(self.covariance[number, number])))
        return Interval(float(self.elo[number]) - half, float(self.elo[number]) + half)

    def above(self, level: int) -> EloDifference:
        """By how much the agent is stronger than a level."""
        towards = np.zeros(len(self.elo))
        towards[[self.agent, level]] = 1.0, -1.0
        half = Z_95 * math.sqrt(max(0.0, float(towards @ self.covariance @ towards)))
        point = float(self.elo[self.agent] - self.elo[level])
        return EloDifference(point, Interval(point - half, point + half))


def place(levels: int, trials: Sequence[Trial], *, held: Mapping[int, float]) -> Placement:
    """The ratings after these trials.

    Args:
        levels: ``L``.
        trials: of anybody against anybody; any order.
        held: level -> its Elo, for those whose rating is known; at least one, which is the scale's anchor.
    """
    if levels < 1 or not held or not all(0 <= level < levels for level in held):
        raise ValueError(f"a ladder of {levels} levels needs the rating of one of them, got {dict(held)}")
    number = levels + 1
    first = np.array([trial.first for trial in trials], np.int64)
    second = np.array([trial.second for trial in trials], np.int64)
    scores = np.array([trial.score for trial in trials], np.float64)
    games = np.array([trial.games for trial in trials], np.float64)
    rows, means, precisions = _prior(levels)
    x = np.zeros(number)
    known = sorted(held)
    x[:levels] = np.interp(np.arange(levels), known, [held[level] / ELO for level in known])
    x[levels] = x[:levels].mean()
    free = np.array([index for index in range(number) if index not in held], np.int64)
    dispersion = 1.0
    for _ in range(2):  # the ratings hardly depend on the dispersion: once for it, once with it
        for _ in range(_STEPS):
            p = 1.0 / (1.0 + np.exp(-(x[first] - x[second])))
            pull = games * (scores - p) / dispersion
            gradient = rows.T @ (precisions * (means - rows @ x))
            np.add.at(gradient, first, pull)
            np.add.at(gradient, second, -pull)
            information = _information(number, first, second, games * p * (1.0 - p) / dispersion)
            information += rows.T @ (precisions[:, None] * rows)
            step = np.linalg.solve(information[np.ix_(free, free)], gradient[free])
            step *= min(1.0, _LARGEST_STEP / max(_CONVERGED, float(np.abs(step).max())))
            x[free] += step
            if float(np.abs(step).max()) < _CONVERGED:
                break
        p = 1.0 / (1.0 + np.exp(-(x[first] - x[second])))
        spread = games * (scores - p) ** 2 / np.maximum(p * (1.0 - p), 1e-3)
        counted = len(trials) + _DISPERSION_TRIALS
        dispersion = max(_LEAST_DISPERSION, float(spread.sum() + _DISPERSION_TRIALS) / counted)
    covariance = np.zeros((number, number))
    information = _information(number, first, second, games * p * (1.0 - p) / dispersion)
    information += rows.T @ (precisions[:, None] * rows)
    covariance[np.ix_(free, free)] = np.linalg.inv(information[np.ix_(free, free)])
    return Placement(x * ELO, covariance * ELO**2, dispersion)


def next_level(placement: Placement, games: int) -> int:
    """The level against which so many more games tell most of the agent's place: those that take most off the variance
    of its distance to the nearest level, ``c' C c``, by

        n w (c' C a)^2 / (1 + n w a' C a),    w = E[p (1 - p)] / phi

    ``a`` the difference of agent and level, the expectation over what is known of it. (c-optimal design; Fedorov,
    "Theory of Optimal Experiments", 1972.)
    """
    covariance = placement.covariance / ELO**2
    number = len(placement.elo)
    target = np.zeros(number)
    target[[placement.agent, placement.nearest]] = 1.0, -1.0
    best = (-1.0, 0)
    for level in range(number - 1):
        towards = np.zeros(number)
        towards[[placement.agent, level]] = 1.0, -1.0
        spread = float(towards @ covariance @ towards)
        away = (placement.elo[placement.agent] - placement.elo[level]) / ELO
        p = 1.0 / (1.0 + np.exp(-(away + math.sqrt(max(0.0, spread)) * _NODES)))
        weight = float(_NODE_WEIGHTS @ (p * (1.0 - p))) / float(_NODE_WEIGHTS.sum()) / placement.dispersion
        gained = games * weight * float(target @ covariance @ towards) ** 2 / (1.0 + games * weight * spread)
        best = max(best, (gained, -level))
    return -best[1]


def _prior(levels: int) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Rows ``a_k`` ``[L, L + 1]``, means and precisions ``[L]``: the gaps, then the agent."""
    rows = np.zeros((levels, levels + 1))
    for gap in range(levels - 1):
        rows[gap, [gap + 1, gap]] = 1.0, -1.0
    rows[levels - 1, :levels], rows[levels - 1, levels] = -1.0 / levels, 1.0
    means = np.array([GAP_ELO / ELO] * (levels - 1) + [0.0])
    spreads = np.array([GAP_SPREAD / ELO] * (levels - 1) + [AGENT_SPREAD / ELO])
    return rows, means, 1.0 / spreads**2


def _information(
    number: int, first: NDArray[np.int64], second: NDArray[np.int64], weights: NDArray[np.float64]
) -> NDArray[np.float64]:
    information = np.zeros((number, number))
    np.add.at(information, (first, first), weights)
    np.add.at(information, (second, second), weights)
    np.add.at(information, (first, second), -weights)
    np.add.at(information, (second, first), -weights)
    return information
