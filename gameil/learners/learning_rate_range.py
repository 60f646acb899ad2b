"""A learning rate to start from: raise it from nothing until the loss flies off, and see where it fell best."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from gameil.errors import ConfigError
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.positions.position_batch import PositionBatch

SMOOTHING = 0.9
"""Share that the running loss keeps at each update."""
FLOWN_OFF = 1.5
"""The search ends when the running loss is so many times the lowest."""
CAUTION = 10.0
"""The suggestion is the rate of the lowest loss over this: fastai's ``minimum`` (Howard and Gugger, 2020)."""


@dataclass(frozen=True, slots=True)
class LearningRateRange:
    """What a search saw."""

    rates: list[float]
    """Learning rate of each update."""
    losses: list[float]
    """Running policy loss after each."""

    @property
    def suggestion(self) -> float:
        """A highest learning rate that this data and network stand."""
        best = min(range(len(self.losses)), key=self.losses.__getitem__)
        return self.rates[best] / CAUTION


def search_learning_rate(
    learner: BehaviouralCloning,
    batches: Iterator[PositionBatch],
    *,
    low: float = 1e-5,
    high: float = 1.0,
    steps: int = 100,
) -> LearningRateRange:
    """Trains with a rate that rises by a constant factor an update; the learner's weights are worthless after it.

    Smith, "Cyclical Learning Rates for Training Neural Networks" (2017), section 3.3.

    Args:
        learner: with fresh weights, without a warm-up.
        batches: at least ``steps`` of them.
        low: first rate.
        high: last rate.
        steps: updates, if the loss does not fly off before.

    Raises:
        ConfigError: the range is empty.
    """
    if not 0 < low < high or steps < 2:
        raise ConfigError(f"a search needs 0 < low < high and two steps, got {low}, {high} and {steps}")
    rates: list[float] = []
    losses: list[float] = []
    running = 0.0
    for number in range(steps):
        rate = low * (high / low) ** (number / (steps - 1))
        try:
            loss = learner.step(next(batches), learning_rate=rate).metrics["loss/policy"]
        except ConfigError:  # diverged
            break
        running = SMOOTHING * running + (1.0 - SMOOTHING) * loss
        # Without the division the first losses would count as nearly 0.
        rates.append(rate)
        losses.append(running / (1.0 - SMOOTHING ** (number + 1)))
        if not math.isfinite(losses[-1]) or losses[-1] > FLOWN_OFF * min(losses):
            break
    if not rates:
        raise ConfigError(f"training diverges at the lowest learning rate {low:g}")
    return LearningRateRange(rates, losses)
