"""What searches find, whatever the rule.

Letters: ``B`` trees, ``A`` actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import Game
from gameil.search.tree import NO_NODE, Forest, KeptTree, Nodes

_TOLERANCE = 1e-6
LEAST_PRIOR = np.finfo(np.float32).tiny
"""Priors count as at least this, so that logarithms and quotients stay finite."""


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What ``B`` searches found at their roots. Values are those of the player to move there."""

    action_weights: NDArray[np.float32]
    """``[B, A]``: how to play, sums to one. Shares of the visits, or what the rule improves the prior to. Where a value
    is known, all weight is on the actions that reach it; a proven loss has none where there is anything else."""
    values: NDArray[np.float32]
    """``[B]``: mean of all simulations, the root's own evaluation included; the exact value where it is known."""
    visit_counts: NDArray[np.int32]
    """``[B, A]``."""
    q: NDArray[np.float32]
    """``[B, A]``: mean value of each action, or its exact one; 0 where it was never tried."""
    completed_q: NDArray[np.float32]
    """``[B, A]``: the same with an estimate for legal actions never tried (``completed_values``)."""
    priors: NDArray[np.float32]
    """``[B, A]``: the evaluator's, with the root's noise where there was any."""
    known: NDArray[np.bool_]
    """``[B]``: the root's value is exact."""
    chosen: NDArray[np.int64]
    """``[B]``: the action that the search would play."""
    forests: list[tuple[Forest, int]] = field(default_factory=list)
    """``[B]``: each tree's forest and number, where they were to be kept."""

    def kept_below(self, row: int, actions: Sequence[int]) -> KeptTree | None:
        """The tree ``row`` below the node that ``actions`` (chance outcomes included) lead to; None if not there."""
        if not self.forests:
            return None
        forest, node = self.forests[row]
        for action in actions:
            node = child_of(forest, node, action)
            if node == NO_NODE:
                return None
        return forest.keep(node)

    def principal_variation(self, row: int, action: int, *, length: int) -> list[int]:
        """The line that the search expects after ``action`` at the root, most visited move first, from ``action`` on.

        It ends where the tree does, at a chance node, or at ``length`` moves. Only of kept trees.
        """
        if not self.forests:
            return [action]
        forest, node = self.forests[row]
        line = [action]
        node = child_of(forest, node, action)
        while len(line) < length and node != NO_NODE and forest.player[node] >= 0:
            count = int(forest.num_children[node])
            visits = forest.child_visits[node, :count]
            if count == 0 or not visits.any():
                break
            known = forest.child_known[node, :count] & (forest.child_q[node, :count] >= _root_value(forest, node))
            slot = int(np.where(known & forest.known[node], visits + visits.sum(), visits).argmax())
            line.append(int(forest.child_action[node, slot]))
            node = int(forest.child_node[node, slot])
        return line


def kept_after(tree: KeptTree, game: Game, actions: Sequence[int]) -> KeptTree | None:
    """The part of ``tree`` below the node that ``actions`` (chance outcomes included) lead to; None if not there."""
    forest = Forest.plant(tree.states[:1], game, nodes=len(tree.states), kept=[tree])
    node = 0
    for action in actions:
        node = child_of(forest, node, action)
        if node == NO_NODE:
            return None
    return forest.keep(node)


def child_of(forest: Forest, node: int, action: int) -> int:
    """The node behind ``action``, or ``NO_NODE``."""
    count = int(forest.num_children[node])
    slot = int(np.searchsorted(forest.child_action[node, :count], action))
    if slot == count or forest.child_action[node, slot] != action:
        return NO_NODE
    return int(forest.child_node[node, slot])


def summary(
    forest: Forest,
    *,
    weights: NDArray[np.float32] | None = None,
    chosen: NDArray[np.int64] | None = None,
    keep: bool = False,
) -> SearchResult:
    """What the forest's roots say.

    Args:
        forest: after the search.
        weights: by child slot of the roots ``[B, K]``, in place of the shares of the visits.
        chosen: child slots ``[B]`` to play, in place of those of the greatest weights; where a value is known, these.
        keep: hold on to the trees.
    """
    size = (forest.num_trees, forest.game.num_actions)
    trees = np.arange(forest.num_trees)
    visits = forest.child_visits[trees]
    preferred = visits if weights is None else weights
    values = forest.value_sum[trees] / forest.visits[trees]
    known = forest.known[trees]
    values[known] = forest.exact[trees[known], forest.player[trees[known]]]
    dense = {name: np.zeros(size, np.float32) for name in ("weights", "q", "completed", "priors")}
    completed = completed_values(forest, trees)
    visit_counts = np.zeros(size, np.int32)
    played = np.zeros(forest.num_trees, np.int64)
    for row in range(forest.num_trees):
        count = int(forest.num_children[row])
        actions = forest.child_action[row, :count]
        good = ~forest.barred[row, :count]
        if known[row]:
            good = forest.child_known[row, :count] & (forest.child_q[row, :count] >= values[row] - _TOLERANCE)
        shares = np.where(good, preferred[row, :count], 0.0) if good.any() else preferred[row, :count]
        if shares.sum() <= 0.0:
            shares = good.astype(np.float32)
        dense["weights"][row, actions] = shares / shares.sum()
        played[row] = actions[shares.argmax() if chosen is None or known[row] else chosen[row]]
        dense["q"][row, actions] = forest.child_q[row, :count]
        dense["completed"][row, actions] = completed[row, :count]
        dense["priors"][row, actions] = forest.child_prior[row, :count]
        visit_counts[row, actions] = visits[row, :count]
    forests = [(forest, row) for row in range(forest.num_trees)] if keep else []
    return SearchResult(
        action_weights=dense["weights"],
        values=values.astype(np.float32),
        visit_counts=visit_counts,
        q=dense["q"],
        completed_q=dense["completed"],
        priors=dense["priors"],
        known=known,
        chosen=played,
        forests=forests,
    )


def completed_values(forest: Forest, nodes: Nodes) -> NDArray[np.float32]:
    """Q by child slot ``[R, K]``; where never tried, the mixed value: (V + N sum_tried(p Q) / sum_tried(p)) / (1 + N).

    Appendix D of the paper, with p the prior and N the visits of all children.
    """
    visits = forest.child_visits[nodes]
    q = forest.child_q[nodes]
    tried = visits > 0
    prior = np.where(tried, np.maximum(forest.child_prior[nodes], LEAST_PRIOR), np.float32(0.0))
    total = visits.sum(axis=1)
    weighted = (prior * q).sum(axis=1) / np.maximum(prior.sum(axis=1), LEAST_PRIOR)
    mixed = (forest.value[nodes] + total * weighted) / (1.0 + total)
    return np.where(tried | forest.child_known[nodes], q, mixed[:, None]).astype(np.float32)


def join(results: Sequence[SearchResult]) -> SearchResult:
    """Results of parts of a batch, in a row."""
    return SearchResult(
        np.concatenate([result.action_weights for result in results]),
        np.concatenate([result.values for result in results]),
        np.concatenate([result.visit_counts for result in results]),
        np.concatenate([result.q for result in results]),
        np.concatenate([result.completed_q for result in results]),
        np.concatenate([result.priors for result in results]),
        np.concatenate([result.known for result in results]),
        np.concatenate([result.chosen for result in results]),
        [tree for result in results for tree in result.forests],
    )


def _root_value(forest: Forest, node: int) -> float:
    """The exact value of a known node for its mover, less rounding; minus infinity of any other."""
    return float(forest.exact[node, forest.player[node]]) - _TOLERANCE if forest.known[node] else -np.inf
