"""An endless random game, the same in NumPy and in JAX: node ``n`` has the children ``4 n + 1 ... 4 n + 4``.

Priors, values and which nodes are ends are tables by node, so that two searches can be compared step by step.
"""

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

from gameil.games.game import State
from gameil.search.evaluators import ArrayEvaluation
from tests.search.tree_game import Decision, End, Node, TreeGame

ACTIONS = 4
DEPTH = 6
GAMES = 12
SIMULATIONS = 40
CASES: list[dict[str, Any]] = [
    {"rule": "puct"},
    {"rule": "gumbel", "considered": 2, "rescale": True},
    {"rule": "gumbel", "considered": 4, "rescale": True},
    {"rule": "gumbel", "considered": 4, "rescale": False},
]
"""Searches whose trees are compared."""


class Tables:
    """Of one random game."""

    def __init__(self, seed: int) -> None:
        rng = np.random.default_rng(seed)
        self.nodes = (ACTIONS ** (DEPTH + 1) - 1) // (ACTIONS - 1)
        self.logits = rng.normal(size=(self.nodes, ACTIONS)).astype(np.float32)
        self.values = rng.uniform(-0.8, 0.8, self.nodes).astype(np.float32)
        self.ends = rng.random(self.nodes) < 0.15
        self.ends[: ACTIONS + 1] = False
        self.ends[self.nodes - ACTIONS**DEPTH :] = True  # the last level
        self.returns = rng.choice([-1.0, 0.0, 1.0], self.nodes).astype(np.float32)
        """For the player who moved there."""

    def state(self) -> State:
        return TreeGame(self._node(0, 0), num_actions=ACTIONS).initial_state()

    def _node(self, number: int, player: int) -> Node:
        if self.ends[number]:
            mine = float(self.returns[number])
            return End((mine, -mine) if player == 1 else (-mine, mine), str(number))
        children = {action: self._node(ACTIONS * number + 1 + action, 1 - player) for action in range(ACTIONS)}
        return Decision(player, children, str(number))

    def evaluate(self, states: Sequence[State], legal: Sequence[Sequence[int]]) -> ArrayEvaluation:
        numbers = [int(state.node.name) for state in states]
        logits = self.logits[numbers]
        log_probs = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
        return ArrayEvaluation(log_probs.ravel(), self.values[numbers])


@functools.cache
def tables() -> list[Tables]:
    """The games that are searched."""
    return [Tables(seed) for seed in range(GAMES)]
