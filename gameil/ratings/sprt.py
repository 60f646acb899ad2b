"""Sequential tests: whether an agent is stronger than a bound, decided after as few games as the answer takes.

Wald's test (1945, "Sequential Tests of Statistical Hypotheses") between two Elo differences, generalised to
distributions of which only the mean is stated: the likelihoods are those of the most likely distributions with the two
means. M. Van den Bergh, "The generalized maximum likelihood ratio for the expectation value of a distribution" (2017,
support_MLE_multinomial.pdf, Proposition 1.1); as in fishtest's ``stat_util/LLRcalc.py`` (``LLR_logistic``).

Letters: ``K`` possible unit scores of one trial, ``i / (K - 1)``: 3 of a game, 5 of a pair of games.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.ratings.intervals import score_of_elo

Decision = Literal["H0", "H1", "undecided"]

_NEVER_SEEN = 1e-3
"""Count of an outcome that was not seen (fishtest's ``regularize``), so that no likelihood is zero."""
_HALVINGS = 60
"""Bisections of the root's interval: down to rounding."""


@dataclass(frozen=True)
class SprtConfig:
    """A sequential test of the agent against its opponent; off unless both bounds are given."""

    __pydantic_config__ = {"extra": "forbid"}

    elo0: float | None = None
    """Elo difference of the hypothesis H0 (logistic Elo): the agent is no stronger than that."""
    elo1: float | None = None
    """Elo difference of the hypothesis H1, above ``elo0``: the agent is at least that much stronger."""
    alpha: float = 0.05
    """Greatest probability of accepting H1 where H0 is true."""
    beta: float = 0.05
    """Greatest probability of accepting H0 where H1 is true."""
    model: Literal["pentanomial", "trinomial"] = "pentanomial"
    """``pentanomial``: pairs of games of one opening are the trials, as they must be with paired openings;
    ``trinomial``: single games are."""

    def __post_init__(self) -> None:
        if (self.elo0 is None) != (self.elo1 is None):
            raise ConfigError("a sequential test needs both elo0 and elo1")
        if self.elo0 is not None and self.elo1 is not None:
            if not (math.isfinite(self.elo0) and math.isfinite(self.elo1) and self.elo0 < self.elo1):
                raise ConfigError(f"elo0 must be below elo1, got {self.elo0:g} and {self.elo1:g}")
            if max(abs(self.elo0), abs(self.elo1)) > 2000:
                raise ConfigError(f"elo0 and elo1 must lie within 2000 of 0, got {self.elo0:g} and {self.elo1:g}")
        for name, value in (("alpha", self.alpha), ("beta", self.beta)):
            if not 0.0 < value < 0.5:
                raise ConfigError(f"{name} must be above 0 and below 0.5, got {value:g}")

    @property
    def is_on(self) -> bool:
        return self.elo0 is not None

    @property
    def bounds(self) -> tuple[float, float]:
        """Log-likelihood ratios at which H0 and H1 are accepted (Wald)."""
        return math.log(self.beta / (1.0 - self.alpha)), math.log((1.0 - self.beta) / self.alpha)

    @property
    def games_per_trial(self) -> int:
        return 2 if self.model == "pentanomial" else 1


@dataclass(frozen=True, slots=True)
class SprtResult:
    """Where a sequential test stands."""

    decision: Decision
    log_likelihood_ratio: float
    lower: float
    """H0 is accepted at or below it."""
    upper: float
    """H1 is accepted at or above it."""
    counts: tuple[int, ...]
    """``[K]``: trials by score, ascending."""

    @property
    def trials(self) -> int:
        return sum(self.counts)


def sprt(config: SprtConfig, scores: Sequence[float]) -> SprtResult:
    """Runs the test over trials in order and stops where it decides; later scores do not count.

    Args:
        config: with both bounds.
        scores: unit score of every game (trinomial) or mean of every pair (pentanomial).
    """
    test = SequentialTest(config)
    for score in scores:
        if test.add(score).decision != "undecided":
            break
    return test.result


class SequentialTest:
    """A test that is told one trial after the other."""

    def __init__(self, config: SprtConfig) -> None:
        if config.elo0 is None or config.elo1 is None:
            raise ConfigError("a sequential test needs elo0 and elo1")
        self._config = config
        self._elos = (config.elo0, config.elo1)
        self._counts = [0] * (5 if config.model == "pentanomial" else 3)
        self.result = self._state(0.0)

    def add(self, score: float) -> SprtResult:
        """Counts one trial's unit score; nothing changes once the test has decided."""
        if self.result.decision != "undecided":
            return self.result
        steps = len(self._counts) - 1
        place = round(score * steps)
        if not 0 <= place <= steps or abs(place - score * steps) > 1e-6:
            raise ValueError(f"a {self._config.model} trial scores a multiple of {1 / steps:g} in [0, 1], got {score}")
        self._counts[place] += 1
        self.result = self._state(float(log_likelihood_ratio(np.array(self._counts), *self._elos)))
        return self.result

    def _state(self, ratio: float) -> SprtResult:
        lower, upper = self._config.bounds
        decision: Decision = "H1" if ratio >= upper else "H0" if ratio <= lower else "undecided"
        return SprtResult(decision, ratio, lower, upper, tuple(self._counts))


def log_likelihood_ratio(counts: NDArray[np.integer], elo0: float, elo1: float) -> NDArray[np.float64]:
    """Log of the likelihood of ``counts`` with mean score s(elo1) over that with mean score s(elo0).

        LLR = N sum_i p_i log(p1_i / p0_i),    pj = most likely distribution with mean s_j

    Args:
        counts: ``[..., K]`` trials by score, ascending.
        elo0: logistic Elo difference of H0.
        elo1: that of H1.

    Returns:
        ``[...]``; 0 without any trial.
    """
    seen = np.asarray(counts, np.float64)
    total = seen.sum(axis=-1)
    weights = np.where(seen > 0, seen, _NEVER_SEEN)
    probs = weights / weights.sum(axis=-1, keepdims=True)
    ratio = np.log(_with_mean(probs, score_of_elo(elo1))) - np.log(_with_mean(probs, score_of_elo(elo0)))
    found: NDArray[np.float64] = np.where(total > 0, (weights * ratio).sum(axis=-1), 0.0)
    return found


def _with_mean(probs: NDArray[np.float64], mean: float) -> NDArray[np.float64]:
    """The most likely distribution with that mean, given observed shares ``[..., K]``.

    p_i / (1 + x (a_i - mean)),    x the root of sum_i p_i (a_i - mean) / (1 + x (a_i - mean)) = 0
    """
    scores = np.linspace(0.0, 1.0, probs.shape[-1]) - mean
    # The sum falls in x between the poles of the greatest and the least score.
    low = np.full(probs.shape[:-1], -1.0 / scores[-1])
    high = np.full(probs.shape[:-1], -1.0 / scores[0])
    for _ in range(_HALVINGS):
        middle = (low + high) / 2.0
        above = (probs * scores / (1.0 + middle[..., None] * scores)).sum(axis=-1) > 0.0
        low, high = np.where(above, middle, low), np.where(above, high, middle)
    root: NDArray[np.float64] = probs / (1.0 + ((low + high) / 2.0)[..., None] * scores)
    return root
