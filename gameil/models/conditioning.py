"""What a network is told of the game around a position: how strong the players are, how long they think, when it was.

Letters: ``B`` batch, ``K`` conditions, ``C`` channels.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import ConfigError
from gameil.models.config import Condition

KNOTS: Mapping[Condition, tuple[float, ...]] = {
    "rating": tuple(range(600, 3001, 200)),
    "opponent_rating": tuple(range(600, 3001, 200)),
    "seconds": (30.0, 60.0, 120.0, 300.0, 600.0, 1200.0, 3600.0, 7200.0, 14400.0),
    "year": tuple(range(1960, 2041, 10)),
}
"""Where each condition's learned vectors stand; between two of them it is mixed in proportion."""

LIMITS: Mapping[Condition, tuple[float, float]] = {
    "rating": (1, 5000),
    "opponent_rating": (1, 5000),
    "seconds": (1, 1_000_000),
    "year": (1, 9999),
}
"""Least and greatest number that can be asked for."""


class Conditioning(nn.Module):
    """Numbers to a shift of the trunk's first features: ``[B, K]`` to ``[B, C]``; 0 means unknown.

    Each condition is a learned curve through its knots, or a learned vector where it is unknown, so that close ratings
    act alike and none of them has to be known. Starts at 0 throughout: the network begins as one without conditions.
    Perez et al., "FiLM" (2018), with the shift alone; McIlroy-Young et al., "Aligning Superhuman AI with Human
    Behavior" (2020), trained one network a rating band instead.
    """

    def __init__(self, conditions: Sequence[Condition], channels: int, *, opening_actions: int = 0) -> None:
        """``opening_actions``: actions of the game where the network may be told an opening, else 0."""
        super().__init__()
        self.conditions = tuple(conditions)
        self.channels = channels
        self.curves = nn.ParameterList(nn.Parameter(torch.zeros(len(KNOTS[name]) + 1, channels)) for name in conditions)
        self.knots = [torch.tensor(KNOTS[name], dtype=torch.float32) for name in conditions]
        self.opening = nn.Parameter(torch.zeros(opening_actions, channels)) if opening_actions else None

    def forward(self, values: Tensor) -> Tensor:
        """Shifts ``[B, C]`` from ``[B, K]``, or from ``[B, K + A]`` with how often each action is part of the opening
        (AlphaStar's z: Vinyals et al. 2019, Methods); without, it is unknown."""
        shifts = []
        for number, curve in enumerate(self.curves):
            weights = knot_weights(values[:, number].float(), self.knots[number].to(values.device))
            shifts.append(weights.to(curve.dtype) @ curve)
        if self.opening is not None and values.shape[1] > len(self.conditions):
            shifts.append(values[:, len(self.conditions) :].to(self.opening.dtype) @ self.opening)
        if not shifts:  # nothing is known: zeros, from a sum over no columns
            return values.sum(dim=1, keepdim=True).expand(-1, self.channels)
        return torch.stack(shifts).sum(dim=0)


def knot_weights(values: Tensor, knots: Tensor) -> Tensor:
    """Share of each knot in each value, ``[B, knots + 1]``: linear between neighbours, all on the last when unknown.

    Values outside the knots are taken as the nearest one. 0 is unknown.
    """
    inside = values.clamp(float(knots[0]), float(knots[-1]))
    # A hat over each knot: 1 there, falling to 0 at its neighbours.
    gaps = knots[1:] - knots[:-1]
    left = torch.cat([gaps[:1], gaps])
    right = torch.cat([gaps, gaps[-1:]])
    distance = inside[:, None] - knots[None, :]
    hats = torch.minimum(1.0 + distance / left, 1.0 - distance / right).clamp(0.0, 1.0)
    unknown = (values == 0.0).to(hats.dtype)[:, None]
    return torch.cat([hats * (1.0 - unknown), unknown], dim=1)


def condition_row(conditions: Sequence[Condition], wanted: Mapping[str, float]) -> NDArray[np.float32]:
    """The numbers to give the network, ``[K]``, 0 for those not in ``wanted``.

    Raises ``ConfigError`` for one that the network was not trained with, or that is out of bounds.
    """
    for name, value in wanted.items():
        if name not in conditions:
            known = ", ".join(conditions) or "none"
            raise ConfigError(f"the network was not trained with {name!r}; its conditions: {known}")
        low, high = LIMITS[cast(Condition, name)]
        if not low <= value <= high:
            raise ConfigError(f"{name} must be {low:g} to {high:g}, got {value:g}")
    return np.asarray([wanted.get(name, 0.0) for name in conditions], np.float32)
