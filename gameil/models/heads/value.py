"""How the game will end for the mover: as one number, or as chances of win, draw and loss.

Letters: ``B`` batch.
"""

import torch
from torch import Tensor, nn

from gameil.losses.outcome import outcome_value
from gameil.models.heads.scoring import Float32Linear


class ValueHead(nn.Module):
    """One hidden layer, then a tanh of one number, or the logits of win, draw and loss.

    From a board, ``reduce`` makes few planes of the features first.
    """

    def __init__(self, inputs: int, hidden: int, *, outcomes: bool, reduce: nn.Module | None = None) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.reduce: nn.Module = reduce if reduce is not None else nn.Identity()
        self.hidden = nn.Linear(inputs, hidden)
        self.value = Float32Linear(hidden, 3 if outcomes else 1)

    def forward(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """Expected return in [-1, 1] ``[B]``, and the logits ``[B, 3]`` where there are any."""
        scores = self.value(torch.relu(self.hidden(self.reduce(features).flatten(1))))
        return (outcome_value(scores), scores) if self.outcomes else (torch.tanh(scores).squeeze(1), None)
