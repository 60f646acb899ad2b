"""How far a policy's probabilities can be trusted, and the temperature and top-p that play like the people it imitates.

Letters: ``P`` positions, ``L`` all their legal actions in a row.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.learners.held_out import BatchEvaluator, whole_games
from gameil.positions.position_batch import PositionBatch

BINS = 15
"""Bins of confidence: Guo et al., "On Calibration of Modern Neural Networks" (2017)."""
TEMPERATURES = (0.2, 5.0)
"""Least and greatest temperature looked at."""
KEPT = 0.95
"""Share of people's moves that the calibrated top-p keeps."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """What was measured on held-out positions with two or more legal actions."""

    positions: int
    temperature: float
    """The one with the lowest NLL: above 1, the policy is too sure of itself."""
    nll: float
    """Nats a move at temperature 1."""
    nll_calibrated: float
    """At ``temperature``."""
    ece: float
    """Expected calibration error of the first choice at temperature 1, in [0, 1]."""
    ece_calibrated: float
    """At ``temperature``."""
    top_p: float
    """The least nucleus, at ``temperature``, that keeps ``KEPT`` of the moves that people played."""


def calibration_error(confidence: NDArray[np.floating], right: NDArray[np.floating]) -> float:
    """Expected calibration error, in [0, 1]: ``sum_b n_b / n |accuracy_b - confidence_b|`` over bins of confidence.

    Args:
        confidence: probability of the first choice, ``[P]``, at least one position.
        right: 1 where the first choice was played, ``[P]``; a share where first choices tie.
    """
    bins = np.minimum((confidence * BINS).astype(np.int64), BINS - 1)
    gaps = np.bincount(bins, weights=right.astype(np.float64) - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(confidence))


def measure_calibration(
    evaluator: BatchEvaluator, batches: Iterable[PositionBatch], *, max_positions: int
) -> Calibration | None:
    """Fits a network's temperature and top-p to held-out positions; None where none has a choice."""
    log_probs, played, counts = [], [], []
    positions = 0
    for batch in whole_games(batches) if evaluator.whole_games else batches:
        if positions >= max_positions:
            break
        choice = (batch.num_legal() > 1) & (batch.weights > 0)
        if not choice.any():
            continue
        positions += int(choice.sum())
        found, _ = evaluator.evaluate_batch(batch)
        rows = np.repeat(np.arange(len(batch)), batch.num_legal())
        kept = choice[rows]
        log_probs.append(found[kept].astype(np.float64))
        played.append((batch.legal == batch.actions[rows])[kept])
        counts.append(batch.num_legal()[choice])
    if not positions:
        return None
    return calibrate(np.concatenate(log_probs), np.concatenate(played), np.concatenate(counts))


def calibrate(log_probs: NDArray[np.float64], played: NDArray[np.bool_], counts: NDArray[np.int64]) -> Calibration:
    """The same from log-probabilities of legal actions.

        T* = argmin_T mean_p -log softmax(log p / T)[played],    convex in 1 / T

    Guo et al. (2017), section 4.2, "temperature scaling".

    Args:
        log_probs: ``[L]``.
        played: True at the one action of each position that was played, ``[L]``.
        counts: number of legal actions of each position, ``[P]``.
    """
    starts = np.cumsum(counts) - counts

    def at(temperature: float) -> NDArray[np.float64]:
        scaled = log_probs / temperature
        normalised: NDArray[np.float64] = scaled - np.repeat(np.logaddexp.reduceat(scaled, starts), counts)
        return normalised

    def nll(temperature: float) -> float:
        return -float(at(temperature)[played].mean())

    temperature = _minimum(nll)
    sharpened = at(temperature)
    # A move is kept when less than top-p of the probability lies on likelier ones.
    own = np.repeat(sharpened[played], counts)
    likelier = np.add.reduceat(np.where(sharpened > own, np.exp(sharpened), 0.0), starts)
    return Calibration(
        positions=len(counts),
        temperature=temperature,
        nll=nll(1.0),
        nll_calibrated=nll(temperature),
        ece=_first_choice_error(log_probs, played, starts),
        ece_calibrated=_first_choice_error(sharpened, played, starts),
        top_p=float(np.quantile(likelier, KEPT)),
    )


def _first_choice_error(log_probs: NDArray[np.float64], played: NDArray[np.bool_], starts: NDArray[np.int64]) -> float:
    best = np.maximum.reduceat(log_probs, starts)
    counts = np.diff(np.append(starts, len(log_probs)))
    first = log_probs == np.repeat(best, counts)
    tied = np.add.reduceat(first.astype(np.float64), starts)
    right = np.add.reduceat((first & played).astype(np.float64), starts) / tied
    return calibration_error(np.exp(best), right)


def _minimum(loss: Callable[[float], float], steps: int = 30) -> float:
    """The temperature of the least loss, by golden sections of the logarithm: to a thousandth of it."""
    low, high = np.log(TEMPERATURES[0]), np.log(TEMPERATURES[1])
    section = (np.sqrt(5.0) - 1.0) / 2.0
    inner = [high - section * (high - low), low + section * (high - low)]
    losses = [loss(float(np.exp(place))) for place in inner]
    for _ in range(steps):
        if losses[0] < losses[1]:
            high, inner[1], losses[1] = inner[1], inner[0], losses[0]
            inner[0] = high - section * (high - low)
            losses[0] = loss(float(np.exp(inner[0])))
        else:
            low, inner[0], losses[0] = inner[0], inner[1], losses[1]
            inner[1] = low + section * (high - low)
            losses[1] = loss(float(np.exp(inner[1])))
    return float(np.exp((low + high) / 2))
