"""A network's own search as an expert: labels better than the policy that guides it (Anthony et al. 2017)."""

from collections.abc import Sequence

import numpy as np

from gameil.experts.expert import label_from_visits
from gameil.games.game import State
from gameil.positions.label import Label
from gameil.search.rules import Search

_BATCH = 256
"""Trees that grow together."""


class SearchExpert:
    """Labels with what a batched search finds: shares of its visits, or the moves that it proved."""

    def __init__(self, name: str, search: Search, *, temperature: float = 1.0) -> None:
        self.name = name
        self._search = search
        self._temperature = temperature

    def label(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, round: int = 0) -> list[Label]:
        """See ``Expert``."""
        labels: list[Label] = []
        for start in range(0, len(states), _BATCH):
            result = self._search.run(states[start : start + _BATCH], rngs[start : start + _BATCH])
            for weights, value in zip(result.action_weights, result.values, strict=True):
                tried = np.flatnonzero(weights)
                labels.append(
                    label_from_visits(
                        self.name, round, tried, weights[tried], float(value), temperature=self._temperature
                    )
                )
        return labels

    def close(self) -> None:
        pass
