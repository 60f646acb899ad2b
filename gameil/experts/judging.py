"""Experts that say what actions are worth: engines with several lines, perfect play, and engines that only move."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from gameil.agents.exact import Planner
from gameil.games.game import State
from gameil.positions.label import Label

_SPREAD = 0.1
"""Difference of the expected return in [-1, 1] at which an action gets 1/e of the best one's weight at temperature 1:
5 % of won games."""

Judge = Callable[[Sequence[State], Sequence[np.random.Generator]], list[dict[int, float]]]
"""What is thought of states: action -> expected return of the mover in [-1, 1], the chosen action first; NaN where
nothing is said of it."""


class Closable(Protocol):
    """Who judges."""

    def close(self) -> None: ...


class JudgingExpert:
    """Labels by what a judge says of actions:

        p(a) ~ exp((v(a) - v(best)) / (spread * temperature))

    where the judge gives values; else all on the action that it chooses. Slow judges parallelise in their own way, wait
    for no answer longer than their limit and start a crashed engine again (``agents.engine_pool``).
    """

    def __init__(self, name: str, judge: Judge, owner: Closable, *, temperature: float = 1.0) -> None:
        """
        Args:
            name: spec of the expert.
            judge: asked for all states at once.
            owner: closed with the expert.
            temperature: of the labels; towards 0 all on the best action.
        """
        self.name = name
        self._judge = judge
        self._owner = owner
        self._temperature = temperature

    def label(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, round: int = 0) -> list[Label]:
        """See ``Expert``."""
        return [self._label(values, round) for values in self._judge(states, rngs)]

    def _label(self, values: dict[int, float], round: int) -> Label:
        actions = np.fromiter(values, np.int32, len(values))
        returns = np.fromiter(values.values(), np.float64, len(values))
        if np.isnan(returns[0]):
            return Label(self.name, round, actions[:1], np.ones(1, np.float32))
        actions, returns = actions[~np.isnan(returns)], returns[~np.isnan(returns)]
        weights = np.exp((returns - returns.max()) / (_SPREAD * self._temperature))
        order = np.argsort(actions)
        probs = (weights / weights.sum()).astype(np.float32)
        return Label(self.name, round, actions[order], probs[order], float(np.clip(returns.max(), -1.0, 1.0)))

    def close(self) -> None:
        self._owner.close()


class PerfectExpert:
    """Labels with all best actions alike, and with the value of the game."""

    def __init__(self, name: str, planner: Planner, *, scale: float) -> None:
        """``scale``: return that counts as 1 (``search.tree.return_scale``)."""
        self.name = name
        self._planner = planner
        self._scale = scale

    def label(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, round: int = 0) -> list[Label]:
        """See ``Expert``."""
        labels = []
        for state in states:
            actions, value = self._planner.best(state)
            probs = np.full(len(actions), 1.0 / len(actions), np.float32)
            labels.append(
                Label(self.name, round, np.array(actions, np.int32), probs, float(np.clip(value / self._scale, -1, 1)))
            )
        return labels

    def close(self) -> None:
        pass
