"""How Q-learning tries: the likeliest action, and now and then any legal one.

Letters: ``B`` states, ``L`` their legal actions in a row.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.positions.position_batch import row_starts
from gameil.rollout.self_play import LegalEvaluator


class EpsilonGreedy:
    """A network that takes its likeliest action, and with a probability any legal one."""

    def __init__(self, evaluator: LegalEvaluator, epsilon: float) -> None:
        self._evaluator = evaluator
        self._epsilon = epsilon

    def evaluate_legal(
        self,
        observations: NDArray[np.float32],
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
        conditions: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities of what it plays beside ``legal [L]``, and the network's values ``[B]``."""
        log_probs, values = self._evaluator.evaluate_legal(observations, legal, rows, conditions)
        counts = np.bincount(rows, minlength=len(values))
        best = np.maximum.reduceat(log_probs, row_starts(rows))
        greedy = (log_probs == best[rows]).astype(np.float32)
        ties = np.bincount(rows, greedy, minlength=len(values))
        probs = self._epsilon / counts[rows] + (1.0 - self._epsilon) * greedy / ties[rows]
        return np.log(np.maximum(probs, 1e-30)).astype(np.float32), values
