"""The search trees of many games at once, as a struct of arrays.

Letters: ``B`` trees, ``N`` nodes a tree, ``K`` child slots a node, ``P`` players, ``A`` actions. Node 0 is the root. A
node's children stand in the slots 0 .. ``num_children - 1``, in ascending order of their actions; slots take the place
of a dense action axis, since chess has 4,674 actions and about 35 legal ones. ``N`` and ``K`` grow when they must.

Values inside a tree are seen by the player to move at the node (the one who chooses among its children). Exactly two
functions convert: ``per_player`` (mover's value to a vector) and ``for_movers`` (vector to mover's values).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import CHANCE_PLAYER, TERMINAL_PLAYER, Game, State

NO_NODE = -1
"""``child_node`` of a slot whose child was never visited."""


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


@dataclass(eq=False)
class Tree:
    """``B`` trees that grow one leaf a simulation each."""

    states: list[list[State]]
    """``[B][N]``: the state of every node, owned by the tree."""
    num_players: int
    scale: float
    """Final returns are divided by it."""
    player: NDArray[np.int32] = field(init=False)  # [B, N] to move; CHANCE_PLAYER, TERMINAL_PLAYER
    num_children: NDArray[np.int32] = field(init=False)  # [B, N]
    value: NDArray[np.float32] = field(init=False)  # [B, N] the evaluator's, for the mover
    final_returns: NDArray[np.float32] = field(init=False)  # [B, N, P] of terminal nodes
    child_action: NDArray[np.int32] = field(init=False)  # [B, N, K]
    child_prior: NDArray[np.float32] = field(init=False)  # [B, N, K]
    child_visits: NDArray[np.int32] = field(init=False)  # [B, N, K]
    child_value_sum: NDArray[np.float64] = field(init=False)  # [B, N, K] for the mover of the parent
    child_node: NDArray[np.int32] = field(init=False)  # [B, N, K] or NO_NODE

    @staticmethod
    def plant(roots: Sequence[State], game: Game, *, nodes: int, slots: int) -> "Tree":
        """Trees of one root each, with room for ``nodes`` nodes of ``slots`` children."""
        tree = Tree([[root.clone()] for root in roots], game.num_players, return_scale(game))
        size = (len(roots), nodes)
        tree.player = np.full(size, TERMINAL_PLAYER, np.int32)
        tree.player[:, 0] = [root.current_player() for root in roots]
        tree.num_children = np.zeros(size, np.int32)
        tree.value = np.zeros(size, np.float32)
        tree.final_returns = np.zeros((*size, game.num_players), np.float32)
        tree.child_action = np.zeros((*size, slots), np.int32)
        tree.child_prior = np.zeros((*size, slots), np.float32)
        tree.child_visits = np.zeros((*size, slots), np.int32)
        tree.child_value_sum = np.zeros((*size, slots), np.float64)
        tree.child_node = np.full((*size, slots), NO_NODE, np.int32)
        return tree

    def __len__(self) -> int:
        return len(self.states)

    def add_node(self, row: int, parent: int, slot: int) -> int:
        """Makes the child behind ``slot`` of ``parent`` in tree ``row``; its children come with ``add_children``.

        A chance node gets its outcomes at once, with their probabilities as priors.
        """
        state = self.states[row][parent].clone()
        state.apply(int(self.child_action[row, parent, slot]))
        node = len(self.states[row])
        if node >= self.player.shape[1]:
            self._grow(nodes=2 * node, slots=self.child_action.shape[2])
        self.states[row].append(state)
        self.child_node[row, parent, slot] = node
        player = state.current_player()
        self.player[row, node] = player
        if player == TERMINAL_PLAYER:
            self.final_returns[row, node] = state.returns() / self.scale
        elif player == CHANCE_PLAYER:
            outcomes = sorted(state.chance_outcomes())
            self.add_children(
                np.array([row]),
                np.array([node]),
                [[action for action, _ in outcomes]],
                [np.array([probability for _, probability in outcomes], np.float32)],
            )
        return node

    def add_children(
        self,
        rows: NDArray[np.int64],
        nodes: NDArray[np.int64],
        actions: Sequence[Sequence[int]],
        priors: Sequence[NDArray[np.float32]],
    ) -> None:
        """Gives each node ``(rows[i], nodes[i])`` its child slots, one for each of its ``actions``."""
        width = max(map(len, actions))
        if width > self.child_action.shape[2]:
            self._grow(nodes=self.player.shape[1], slots=width + width // 4)
        for row, node, row_actions, row_priors in zip(rows, nodes, actions, priors, strict=True):
            count = len(row_actions)
            self.child_action[row, node, :count] = row_actions
            self.child_prior[row, node, :count] = row_priors
            self.num_children[row, node] = count

    def _grow(self, *, nodes: int, slots: int) -> None:
        more_nodes = nodes - self.player.shape[1]
        more_slots = slots - self.child_action.shape[2]

        def padded(array: NDArray[np.generic], fill: int, *axes: int) -> NDArray[np.generic]:
            return np.pad(array, [(0, 0), *((0, more) for more in axes)], constant_values=fill)

        self.player = padded(self.player, TERMINAL_PLAYER, more_nodes)  # type: ignore[assignment]
        self.num_children = padded(self.num_children, 0, more_nodes)  # type: ignore[assignment]
        self.value = padded(self.value, 0, more_nodes)  # type: ignore[assignment]
        self.final_returns = padded(self.final_returns, 0, more_nodes, 0)  # type: ignore[assignment]
        self.child_action = padded(self.child_action, 0, more_nodes, more_slots)  # type: ignore[assignment]
        self.child_prior = padded(self.child_prior, 0, more_nodes, more_slots)  # type: ignore[assignment]
        self.child_visits = padded(self.child_visits, 0, more_nodes, more_slots)  # type: ignore[assignment]
        self.child_value_sum = padded(self.child_value_sum, 0, more_nodes, more_slots)  # type: ignore[assignment]
        self.child_node = padded(self.child_node, NO_NODE, more_nodes, more_slots)  # type: ignore[assignment]
