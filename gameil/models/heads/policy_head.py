"""What a policy head is.

Letters: ``B`` positions, ``S`` scores, ``L`` legal actions of all positions in a row.
"""

from typing import Protocol

from torch import Tensor


class PolicyHead(Protocol):
    """From features to scores, and from scores to a policy. Between the two lies what an inference backend computes."""

    @property
    def num_scores(self) -> int:
        """``S``: numbers a position; the number of actions unless the head says otherwise."""

    def __call__(self, features: Tensor) -> Tensor:
        """Scores ``[B, S]`` float32."""

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        """Log-probabilities of the legal actions ``[L]``, which sum to one in each position.

        Args:
            scores: ``[B, S]``.
            legal: flat legal actions, int64 ``[L]``.
            rows: position of each, int64 ``[L]``.
        """
