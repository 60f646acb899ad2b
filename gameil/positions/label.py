"""What an expert says about one position of a played game (DAgger: Ross, Gordon and Bagnell 2011)."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ShapeError


@dataclass(frozen=True, slots=True, eq=False)
class Label:
    """A sparse policy over legal actions, and perhaps a value, by a named expert in a numbered round."""

    expert: str
    """Spec of the expert, such as ``mcts:1000``."""
    round: int
    """Round of collecting and labelling, from 0."""
    actions: NDArray[np.int32]
    """``[k]``: actions with a probability, legal in the labelled position."""
    probs: NDArray[np.float32]
    """``[k]``: their probabilities; they sum to one."""
    value: float | None = None
    """Expected return of the mover in [-1, 1], where the expert gives one."""

    def __post_init__(self) -> None:
        if self.actions.shape != self.probs.shape or self.actions.ndim != 1 or not len(self.actions):
            raise ShapeError(f"a label needs as many probs as actions, got {self.probs.shape} and {self.actions.shape}")
        if not (np.all(self.probs >= 0) and abs(float(self.probs.sum()) - 1.0) < 1e-3):
            raise ShapeError(f"label probs must be at least 0 and sum to one, got sum {float(self.probs.sum()):.4f}")
