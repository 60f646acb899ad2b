"""One score for each action from all features at once."""

from typing import cast

from torch import Tensor, nn

from gameil.losses.masking import flat_log_probs
from gameil.models.heads.scoring import Float32Linear


class DensePolicyHead(nn.Module):
    """One linear layer to logits ``[B, A]``, for games whose actions lie on no board."""

    def __init__(self, inputs: int, num_actions: int) -> None:
        super().__init__()
        self.num_scores = num_actions
        self.logits = Float32Linear(inputs, num_actions)

    def forward(self, features: Tensor) -> Tensor:
        return cast(Tensor, self.logits(features.flatten(1)))

    def log_probs(self, scores: Tensor, legal: Tensor, rows: Tensor) -> Tensor:
        return flat_log_probs(scores, legal, rows)
