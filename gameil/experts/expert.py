"""What an expert is: it says how a position should be played, slowly and well."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import State
from gameil.positions.label import Label


class Expert(Protocol):
    """Labels positions. Used by one thread at a time; may use many cores itself."""

    @property
    def name(self) -> str:
        """Spec it was built from: what the labels carry."""

    def label(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, round: int = 0) -> list[Label]:
        """One label for each state, in order.

        Args:
            states: neither terminal nor chance nodes; not mutated.
            rngs: one a state, consumed: a label does not depend on its batch.
            round: round of DAgger that the labels belong to.
        """

    def close(self) -> None:
        """Ends processes and threads. Safe to call twice."""


def label_from_visits(
    expert: str,
    round: int,
    actions: NDArray[np.int64],
    visits: NDArray[np.int64] | NDArray[np.float32],
    value: float,
    *,
    temperature: float,
) -> Label:
    """A label with probabilities in proportion to ``visits ** (1 / temperature)``; actions never visited are left out.

    Args:
        actions: legal actions, ``[k]``.
        visits: how often a search tried each, or its share, ``[k]``, at least one of them positive.
        value: the mover's expected return in [-1, 1].
        temperature: below 1 sharpens, towards all on the most visited action.
    """
    tried = visits > 0
    log_weights = np.log(visits[tried]) / temperature
    weights = np.exp(log_weights - log_weights.max())
    probs = (weights / weights.sum()).astype(np.float32)
    return Label(expert, round, actions[tried].astype(np.int32), probs, float(np.clip(value, -1.0, 1.0)))
