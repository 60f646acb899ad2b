"""How trees grow, whatever rule chooses the way down: walk to a leaf, evaluate it, back up, prove what is proven.

The way of expressing it follows ``mctx``: the rule is a function passed in. Letters as in ``tree``; ``S`` steps of all
walks together.

Several leaves a tree: walks of one step see each other's virtual loss (Chaslot, Winands and van den Herik, "Parallel
Monte-Carlo Tree Search", 2008), a visit that counts as lost until its leaf has been evaluated.

Exact values: a finished game, and every node whose value follows from its children's, is *known* (Winands, Björnsson
and Saito, "Monte-Carlo Tree Search Solver", 2008, here with draws, chance and any number of players). A mover who can
reach the best return there is has it; who knows all children takes the best. What is known to give the least return is
never tried again, and a walk that meets a known node ends there.
"""

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, ShapeError
from gameil.games.game import CHANCE_PLAYER, Game, State
from gameil.search.tree import NO_NODE, Forest, Nodes, for_movers, per_player


class LeafEvaluation(Protocol):
    """What an evaluator says about ``B`` states with ``L`` legal actions in all."""

    @property
    def log_probs(self) -> NDArray[np.float32]:
        """``[L]``, beside the legal actions of all states in a row; normalised within each state.

        Flat, because a row of all of a game's actions is mostly illegal ones: chess has 4,674, about 35 of them legal.
        """

    @property
    def values(self) -> NDArray[np.float32]:
        """``[B]`` for the player to move, in [-1, 1]."""


StateEvaluator = Callable[[Sequence[State], Sequence[Sequence[int]]], LeafEvaluation]
"""Judges states that are neither terminal nor chance nodes, given with their legal actions; never mutates them."""

Select = Callable[[Forest, Nodes, bool], NDArray[np.int64]]
"""``(forest, nodes [R], at the roots) -> slots [R]``: where to go on from decision nodes."""

_TOLERANCE = 1e-6
"""Exact values nearer to each other than this are equal."""


@dataclass(slots=True, eq=False)
class Walk:
    """One walk in each of some trees: its steps, level after level, and its leaves."""

    levels: list[tuple[NDArray[np.int64], Nodes, NDArray[np.int64]]]
    """Trees (ascending), the node each stands at, the slot it takes."""
    leaves: Nodes
    """``[B]`` by tree; meaningless where no walk was made."""

    def steps(self) -> tuple[NDArray[np.int64], Nodes, NDArray[np.int64]]:
        """All levels in a row, ``[S]`` each. No node of a tree stands there twice."""
        trees, nodes, slots = zip(*self.levels, strict=True)
        return np.concatenate(trees), np.concatenate(nodes), np.concatenate(slots)


def check_searchable(states: Sequence[State], rngs: Sequence[np.random.Generator]) -> Game:
    """The states' game. Raises ``GameError`` and ``ShapeError`` for what no search of this package can take."""
    if len(rngs) != len(states):
        raise ShapeError(f"{len(rngs)} generators for {len(states)} states")
    if not states:
        raise ShapeError("a search needs at least one state")
    game = states[0].game
    if not game.capabilities.perfect_information:
        raise GameError(f"{game.id}: this search would see hidden information; only games without it can be searched")
    if not game.capabilities.clonable:
        raise GameError(f"{game.id}: states cannot be copied, so the game cannot be searched")
    if any(state.current_player() < 0 for state in states):
        raise GameError(f"{game.id}: a finished game or a chance node has no move to search for")
    return game


def expand(forest: Forest, nodes: Nodes, evaluator: StateEvaluator) -> None:
    """Asks the evaluator about new decision nodes ``[R]``, once, and gives them values and children."""
    if not nodes.size:
        return
    states = [forest.states[node] for node in nodes.tolist()]
    actions = [state.legal_actions() for state in states]
    evaluation = evaluator(states, actions)
    total = sum(map(len, actions))
    if evaluation.values.shape != (len(states),) or evaluation.log_probs.shape != (total,):
        raise ShapeError(
            f"an evaluator gave log_probs {evaluation.log_probs.shape} and values {evaluation.values.shape} "
            f"for {len(states)} states with {total} legal actions"
        )
    forest.value[nodes] = evaluation.values
    forest.visits[nodes] = 1.0
    forest.value_sum[nodes] = evaluation.values
    forest.add_children(nodes, actions, np.exp(evaluation.log_probs))


def grow(
    forest: Forest,
    evaluator: StateEvaluator,
    select: Select,
    rngs: Sequence[np.random.Generator],
    *,
    simulations: int,
    leaves: int = 1,
    prove: bool = True,
    look_ahead: bool = False,
) -> None:
    """Makes ``simulations`` simulations in every tree, fewer where the root's value is known before.

    Args:
        forest: with expanded roots.
        evaluator: called once a step, with at most one state a tree and leaf.
        select: the rule.
        rngs: ``[B]``, for chance nodes.
        simulations: walks to a leaf a tree.
        leaves: walks a step in each tree; more than 1 spares calls where there are few trees.
        prove: deduce exact values; else only finished games have them.
        look_ahead: look for finished games one move below every new node (with ``prove`` only).
    """
    left = np.full(forest.num_trees, simulations)
    best = forest.game.reward_range[1] / forest.scale
    look_ahead = look_ahead and prove
    if look_ahead:
        _look_ahead(forest, np.flatnonzero(forest.known_children[: forest.num_trees] == 0), best)
    while True:
        left[forest.known[: forest.num_trees]] = 0
        walks: list[Walk] = []
        for number in range(leaves):
            trees = np.flatnonzero(left > number)
            if trees.size:
                walks.append(_walk(forest, trees, select, rngs))
                if leaves > 1:
                    _record(forest, *walks[-1].steps(), visit=1, values=np.full(forest.num_trees, -1.0, np.float32))
        if not walks:
            return
        new = [walk.leaves[walk.levels[0][0]] for walk in walks]
        asked = np.unique(np.concatenate(new)) if leaves > 1 else new[0]
        asked = asked[(forest.num_children[asked] == 0) & ~forest.known[asked]]
        expand(forest, asked, evaluator)
        if look_ahead:
            _look_ahead(forest, asked, best)
        for walk in walks:
            trees = walk.levels[0][0]
            left[trees] -= 1
            _back_up(forest, walk, prove=prove, best=best, virtual=leaves > 1)


def _walk(forest: Forest, trees: NDArray[np.int64], select: Select, rngs: Sequence[np.random.Generator]) -> Walk:
    """Walks from roots to leaves: a decision that was never evaluated, or a node whose value is known."""
    walk = Walk([], np.zeros(forest.num_trees, np.int64))
    nodes = trees
    while trees.size:
        slots = select(forest, nodes, not walk.levels)
        if forest.game.capabilities.stochastic:
            for index in np.flatnonzero(forest.player[nodes] == CHANCE_PLAYER):
                slots[index] = _sampled_slot(forest, nodes[index], rngs[trees[index]])
        walk.levels.append((trees, nodes, slots))
        children = forest.child_node[nodes, slots].astype(np.int64)
        unmade = np.flatnonzero(children == NO_NODE)
        if unmade.size:
            children[unmade] = forest.add_nodes(nodes[unmade], slots[unmade])
        # A chance node has its children from the start, so it is walked through even when it is new.
        arrived = (forest.num_children[children] == 0) | forest.known[children]
        walk.leaves[trees[arrived]] = children[arrived]
        if arrived.any():
            trees, children = trees[~arrived], children[~arrived]
        nodes = children
    return walk


def _back_up(forest: Forest, walk: Walk, *, prove: bool, best: float, virtual: bool) -> None:
    """Adds each tree's leaf value to all edges of its path, each seen by the player who chose there."""
    trees = walk.levels[0][0]
    leaves = walk.leaves[trees]
    vectors = np.zeros((forest.num_trees, forest.game.num_players), np.float32)
    vectors[trees] = per_player(forest.value[leaves], np.maximum(forest.player[leaves], 0), forest.game.num_players)
    known = forest.known[leaves]
    if known.any():
        vectors[trees[known]] = forest.exact[leaves[known]]
        if prove:
            for tree in trees[known].tolist():
                vectors[tree] = forest.exact[_prove(forest, walk, tree, best)]
    step_trees, nodes, slots = walk.steps()
    values = for_movers(vectors[step_trees], forest.player[nodes])
    if virtual:
        values += forest.player[nodes] >= 0
    _add(forest, nodes, slots, 0 if virtual else 1, values)


def _record(
    forest: Forest,
    trees: NDArray[np.int64],
    nodes: Nodes,
    slots: NDArray[np.int64],
    *,
    visit: int,
    values: NDArray[np.float32],
) -> None:
    """Virtual loss: a visit whose value is ``values [B]`` for whoever moves."""
    _add(forest, nodes, slots, visit, np.where(forest.player[nodes] >= 0, values[trees], np.float32(0.0)))


def _add(forest: Forest, nodes: Nodes, slots: NDArray[np.int64], visit: int, values: NDArray[np.float32]) -> None:
    """Adds ``visit`` visits (0 or 1) and ``values [S]`` to the edges ``[S]`` and their nodes."""
    edges = nodes * forest.child_action.shape[1] + slots
    child_visits, child_sums = forest.child_visits.reshape(-1), forest.child_value_sum.reshape(-1)
    visits = child_visits[edges]
    if visit:
        first = visits == 0
        forest.tried_prior[nodes] += forest.child_prior.reshape(-1)[edges] * first
        visits += 1
        child_visits[edges] = visits
        forest.visits[nodes] += 1
    sums = child_sums[edges] + values
    child_sums[edges] = sums
    forest.value_sum[nodes] += values
    known = forest.child_known.reshape(-1)[edges]
    if known.any():
        unknown = ~known
        forest.child_q.reshape(-1)[edges[unknown]] = sums[unknown] / visits[unknown]
    else:
        forest.child_q.reshape(-1)[edges] = sums / visits


def _prove(forest: Forest, walk: Walk, tree: int, best: float) -> int:
    """Carries a known leaf's value up its walk as far as it decides; returns the highest node known now."""
    child = int(walk.leaves[tree])
    for trees, nodes, slots in reversed(walk.levels):
        place = int(np.searchsorted(trees, tree))
        if place == len(trees) or trees[place] != tree:
            continue
        node, slot = int(nodes[place]), int(slots[place])
        if forest.child_known[node, slot]:
            break
        if not _learn(forest, node, slot, child, best):
            break
        child = node
    return child


def _learn(forest: Forest, node: int, slot: int, child: int, best: float) -> bool:
    """Notes that the exact value of ``child``, behind ``slot`` of ``node``, is known; whether ``node``'s is too now."""
    forest.child_known[node, slot] = True
    forest.known_children[node] += 1
    mover, count = int(forest.player[node]), int(forest.num_children[node])
    if mover >= 0:
        value = float(forest.exact[child, mover])
        forest.child_q[node, slot] = value
        forest.barred[node, slot] = value <= forest.game.reward_range[0] / forest.scale + _TOLERANCE
        if value >= best - _TOLERANCE:
            forest.exact[node] = forest.exact[child]
            forest.known[node] = True
            return True
    if int(forest.known_children[node]) < count:
        return False
    if mover >= 0:
        slot = int(forest.child_q[node, :count].argmax())
        forest.exact[node] = forest.exact[forest.child_node[node, slot]]
    else:
        chances = forest.child_prior[node, :count] / forest.child_prior[node, :count].sum()
        forest.exact[node] = chances @ forest.exact[forest.child_node[node, :count]]
    forest.known[node] = True
    return True


def _look_ahead(forest: Forest, nodes: Nodes, best: float) -> None:
    """Finds the finished games one move below new nodes."""
    for node in nodes.tolist():
        state = forest.states[node]
        # The adapter of the C++ engine finds them faster than by a clone for each.
        ends = getattr(state, "ending_actions", partial(_ending_actions, state))()
        legal = state.legal_actions() if ends else []
        for action in ends:
            after = state.clone()
            after.apply(action)
            slot = bisect_left(legal, action)
            if _learn(forest, node, slot, forest.add_end(node, slot, after), best):
                break


def _ending_actions(state: State) -> list[int]:
    """The legal actions of any state that end the game, ascending."""
    ends = []
    for action in state.legal_actions():
        after = state.clone()
        after.apply(action)
        if after.is_terminal():
            ends.append(action)
    return ends


def _sampled_slot(forest: Forest, node: int, rng: np.random.Generator) -> int:
    probabilities = forest.child_prior[node, : forest.num_children[node]].astype(np.float64)
    return int(rng.choice(len(probabilities), p=probabilities / probabilities.sum()))
