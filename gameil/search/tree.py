"""The search trees of many games at once: one pool of nodes, as a struct of arrays.

Letters: ``B`` trees, ``M`` nodes of all trees together, ``K`` child slots a node, ``P`` players, ``R`` some of the
nodes. The root of tree ``b`` is node ``b``. A node's children stand in the slots 0 .. ``num_children - 1``, in
ascending order of their actions; slots take the place of a dense action axis, since chess has 4,674 actions and about
35 legal ones. ``M`` and ``K`` grow when they must.

Values inside a tree are seen by the player to move at the node (the one who chooses among its children). Exactly two
functions convert: ``per_player`` (mover's value to a vector) and ``for_movers`` (vector to mover's values).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import CHANCE_PLAYER, TERMINAL_PLAYER, Game, State

Nodes = NDArray[np.int64]
"""Nodes ``[R]``."""

NO_NODE = -1
"""``child_node`` of a slot whose child was never visited."""
MOST_TREE_BYTES = 8 << 30
"""A pool of nodes never takes more memory than this."""
_FIELDS: dict[str, tuple[type[np.generic], int | bool, str]] = {
    "player": (np.int32, TERMINAL_PLAYER, "M"),
    "num_children": (np.int32, 0, "M"),
    "known_children": (np.int32, 0, "M"),
    "known": (np.bool_, False, "M"),
    "value": (np.float32, 0, "M"),
    "visits": (np.float32, 0, "M"),
    "value_sum": (np.float64, 0, "M"),
    "tried_prior": (np.float32, 0, "M"),
    "exact": (np.float32, 0, "MP"),
    "child_action": (np.int32, 0, "MK"),
    "child_prior": (np.float32, 0, "MK"),
    "child_visits": (np.float32, 0, "MK"),
    "child_value_sum": (np.float64, 0, "MK"),
    "child_q": (np.float32, 0, "MK"),
    "child_node": (np.int32, NO_NODE, "MK"),
    "child_known": (np.bool_, False, "MK"),
    "barred": (np.bool_, True, "MK"),
}
"""Array of a forest -> element type, value of what is not there yet, axes."""


def per_player(values: NDArray[np.float32], players: NDArray[np.int32], num_players: int) -> NDArray[np.float32]:
    """Vectors of all players' values from the movers' own, ``[B, P]``.

    The mover gets the value, the others share its negative equally: exact for two-player zero-sum games, and the least
    that a one-value network says about the others where there are more players.

    Args:
        values: value for the player to move, ``[B]``.
        players: that player, ``[B]``, each in 0 .. P-1.
    """
    others = -values / max(1, num_players - 1)
    vectors = np.repeat(others[:, None], num_players, axis=1)
    vectors[np.arange(len(values)), players] = values
    return vectors.astype(np.float32, copy=False)


def for_movers(vectors: NDArray[np.float32], players: NDArray[np.int32]) -> NDArray[np.float32]:
    """The values ``[B]`` that the players ``[B]`` find in the vectors ``[B, P]``; 0 where nature moves."""
    values: NDArray[np.float32] = vectors[np.arange(len(vectors)), np.maximum(players, 0)]
    return np.where(players >= 0, values, np.float32(0.0))


def return_scale(game: Game) -> float:
    """What final returns are divided by, so that values lie in [-1, 1]."""
    return max(1e-9, *(abs(bound) for bound in game.reward_range))


@dataclass(frozen=True, slots=True, eq=False)
class KeptTree:
    """One tree taken out of a forest, to be planted in another: node 0 is its root."""

    states: list[State]
    arrays: dict[str, NDArray[np.generic]]
    """By field of ``Forest``; ``child_node`` counts within this tree."""


@dataclass(eq=False)
class Forest:
    """``B`` trees that grow a leaf a simulation each. Counts are whole numbers in float32: exact up to 16 million."""

    game: Game
    states: list[State]
    """``[M]``, owned by the forest."""
    num_trees: int
    scale: float = field(init=False)
    """Final returns are divided by it."""
    player: NDArray[np.int32] = field(init=False)  # [M] to move; CHANCE_PLAYER, TERMINAL_PLAYER
    num_children: NDArray[np.int32] = field(init=False)  # [M]; 0 until the evaluator was asked
    known_children: NDArray[np.int32] = field(init=False)  # [M] children whose exact value is known
    known: NDArray[np.bool_] = field(init=False)  # [M] exact value known: terminal, or proven
    value: NDArray[np.float32] = field(init=False)  # [M] the evaluator's, for the mover
    visits: NDArray[np.float32] = field(init=False)  # [M] 1 for the evaluation + those of the children
    value_sum: NDArray[np.float64] = field(init=False)  # [M] of these visits, for the mover
    tried_prior: NDArray[np.float32] = field(init=False)  # [M] prior of all children tried
    exact: NDArray[np.float32] = field(init=False)  # [M, P] where known
    child_action: NDArray[np.int32] = field(init=False)  # [M, K]
    child_prior: NDArray[np.float32] = field(init=False)  # [M, K]
    child_visits: NDArray[np.float32] = field(init=False)  # [M, K]
    child_value_sum: NDArray[np.float64] = field(init=False)  # [M, K] for the mover of the parent
    child_q: NDArray[np.float32] = field(init=False)  # [M, K] mean of these, or the exact value; 0 if untried
    child_node: NDArray[np.int32] = field(init=False)  # [M, K] or NO_NODE
    child_known: NDArray[np.bool_] = field(init=False)  # [M, K]
    barred: NDArray[np.bool_] = field(init=False)  # [M, K] never to be tried: no child there, or a proven loss

    @staticmethod
    def plant(roots: Sequence[State], game: Game, *, nodes: int, kept: Sequence[KeptTree | None] = ()) -> "Forest":
        """Trees of one root each, or grown ones where ``kept[b]`` is one, with room for ``nodes`` nodes or more."""
        forest = Forest(game, [root.clone() for root in roots], len(roots))
        forest.scale = return_scale(game)
        slots = max([8, *(tree.arrays["child_node"].shape[1] for tree in kept if tree is not None)])
        for name, (kind, fill, axes) in _FIELDS.items():
            setattr(forest, name, np.full(_shape(axes, max(nodes, len(roots)), slots, game.num_players), fill, kind))
        forest.player[: len(roots)] = [root.current_player() for root in roots]
        for row, tree in enumerate(kept):
            if tree is not None:
                forest._put(row, tree)
        return forest

    def add_nodes(self, parents: Nodes, slots: NDArray[np.int64]) -> Nodes:
        """Makes the children behind ``slots [R]`` of ``parents [R]``; their own children come with ``add_children``.

        A chance node gets its outcomes at once, with their probabilities as priors.
        """
        first = len(self.states)
        self._reserve(first + len(parents))
        actions = self.child_action[parents, slots].tolist()
        for parent, action in zip(parents.tolist(), actions, strict=True):
            state = self.states[parent].clone()
            state.apply(action)
            self.states.append(state)
        nodes = np.arange(first, len(self.states))
        self.child_node[parents, slots] = nodes
        players = np.fromiter((state.current_player() for state in self.states[first:]), np.int32, len(nodes))
        self.player[first : len(self.states)] = players
        for node in nodes[players < 0]:
            state = self.states[node]
            if state.is_terminal():
                self.known[node] = True
                self.exact[node] = state.returns() / self.scale
            elif players[node - first] == CHANCE_PLAYER:
                actions, chances = zip(*sorted(state.chance_outcomes()), strict=True)
                self.add_children(nodes[node - first : node - first + 1], [actions], np.array(chances, np.float32))
        return nodes

    def add_end(self, parent: int, slot: int, state: State) -> int:
        """Makes the child behind ``slot`` of ``parent``, a finished game: ``state``, the forest's from now on."""
        node = len(self.states)
        self._reserve(node + 1)
        self.states.append(state)
        self.child_node[parent, slot] = node
        self.player[node] = state.current_player()
        self.known[node] = True
        self.exact[node] = state.returns() / self.scale
        return node

    def add_children(self, nodes: Nodes, actions: Sequence[Sequence[int]], priors: NDArray[np.float32]) -> None:
        """Gives each of ``nodes [R]`` its child slots, one for each of its ``actions [R][*]``; ``priors`` in a row."""
        counts = np.fromiter(map(len, actions), np.int64, len(actions))
        flat = np.fromiter(chain.from_iterable(actions), np.int32, len(priors))
        width = int(counts.max())
        if width > self.child_action.shape[1]:
            self._grow(nodes=len(self.player), slots=width + width // 4)
        self.num_children[nodes] = counts
        starts = nodes * self.child_action.shape[1] - (np.cumsum(counts) - counts)
        places = np.repeat(starts, counts) + np.arange(len(flat))
        self.child_action.reshape(-1)[places] = flat
        self.child_prior.reshape(-1)[places] = priors
        self.barred.reshape(-1)[places] = False

    def keep(self, node: int) -> KeptTree | None:
        """A copy of the tree below ``node``; None where the evaluator was never asked about it."""
        if self.num_children[node] == 0:
            return None
        levels = [np.array([node])]
        while levels[-1].size:
            children = self.child_node[levels[-1]]
            levels.append(children[children != NO_NODE].astype(np.int64))
        nodes = np.concatenate(levels)
        arrays = {name: getattr(self, name)[nodes] for name in _FIELDS}
        names = np.full(len(self.player) + 1, NO_NODE, np.int32)
        names[nodes] = np.arange(len(nodes))
        arrays["child_node"] = names[arrays["child_node"]]  # NO_NODE finds the last place, which holds it
        return KeptTree([self.states[index] for index in nodes], arrays)

    def _put(self, row: int, tree: KeptTree) -> None:
        """Plants ``tree`` as tree ``row``."""
        first = len(self.states)
        self._reserve(first + len(tree.states) - 1)
        self.states += tree.states[1:]
        nodes = np.concatenate([[row], np.arange(first, len(self.states))])
        width = tree.arrays["child_node"].shape[1]
        for name, (_, _, axes) in _FIELDS.items():
            if "K" in axes:
                getattr(self, name)[nodes, :width] = tree.arrays[name]
            else:
                getattr(self, name)[nodes] = tree.arrays[name]
        inner = tree.arrays["child_node"]
        self.child_node[nodes, :width] = np.where(inner == NO_NODE, NO_NODE, nodes[inner])

    def _reserve(self, nodes: int) -> None:
        if nodes > len(self.player):
            self._grow(nodes=max(nodes, len(self.player) * 3 // 2), slots=self.child_action.shape[1])

    def _grow(self, *, nodes: int, slots: int) -> None:
        check_memory(nodes, slots)
        for name, (kind, fill, axes) in _FIELDS.items():
            old = getattr(self, name)
            new = np.full(_shape(axes, nodes, slots, self.game.num_players), fill, kind)
            new[tuple(slice(length) for length in old.shape)] = old
            setattr(self, name, new)


def check_memory(nodes: int, slots: int) -> None:
    """Raises ``ConfigError`` where so many nodes with so many child slots would not fit into memory."""
    need = nodes * slots * sum(np.dtype(kind).itemsize for kind, _, axes in _FIELDS.values() if "K" in axes)
    if need > MOST_TREE_BYTES:
        raise ConfigError(
            f"search trees of {nodes} nodes need {need / 2**30:.0f} GiB, more than the {MOST_TREE_BYTES >> 30} "
            "allowed: search fewer games at once, or less"
        )


def _shape(axes: str, nodes: int, slots: int, players: int) -> tuple[int, ...]:
    return tuple({"M": nodes, "K": slots, "P": players}[axis] for axis in axes)
