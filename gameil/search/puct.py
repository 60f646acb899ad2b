"""Batched Monte Carlo tree search with the PUCT rule: many games at once, one evaluator call a simulation step.

Silver et al., "Mastering Chess and Shogi by Self-Play with a General Reinforcement Learning Algorithm" (2017), and its
longer form in Science (2018) with the pseudocode; the way of expressing it follows ``mctx``: simulate, expand, back up.

Letters as in ``tree``: ``B`` trees, ``K`` child slots, ``P`` players, ``A`` actions; ``R`` rows (trees) still walking.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError, GameError, ShapeError
from gameil.games.game import CHANCE_PLAYER, TERMINAL_PLAYER, Game, State
from gameil.search.tree import NO_NODE, Tree, for_movers, per_player


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

_FIRST_NODES = 256
"""Nodes a tree has room for at first; it grows."""
_MOST_TREE_BYTES = 8 << 30
_CHILD_BYTES = 24
"""Of one child slot, all its arrays together."""


@dataclass(frozen=True)
class SearchConfig:
    """How a search explores. Defaults: AlphaZero's pseudocode, unless a field says otherwise."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int = 64
    """Leaf evaluations a move, the root's own not counted."""
    c_init: float = 1.25
    """Weight of the prior against the values found (Silver et al. 2018, pseudocode ``pb_c_init``)."""
    c_base: float = 19652.0
    """Visits at which that weight has grown by log 2 (``pb_c_base``)."""
    first_play_reduction: float = 0.2
    """An action never tried counts as the node's value less this times the root of the prior already tried (Wu 2019,
    "Accelerating Self-Play Learning in Go", C_FPU); 0 at a root with noise, as there."""
    noise_fraction: float = 0.25
    """Share of Dirichlet noise in the root's prior, where noise is asked for."""
    noise_total: float = 10.0
    """Dirichlet concentration summed over the legal actions: AlphaZero's 0.3, 0.15 and 0.03 are about 10 divided by the
    usual number of moves in chess, shogi and Go."""

    def __post_init__(self) -> None:
        if self.simulations < 1:
            raise ConfigError(f"a search needs at least 1 simulation, got {self.simulations}")
        if not 0.0 <= self.noise_fraction <= 1.0:
            raise ConfigError(f"noise_fraction must be within 0 and 1, got {self.noise_fraction}")
        if self.c_base <= 0.0 or self.noise_total <= 0.0:
            raise ConfigError(f"c_base and noise_total must be positive, got {self.c_base} and {self.noise_total}")


@dataclass(frozen=True, slots=True, eq=False)
class SearchResult:
    """What ``B`` searches found at their roots."""

    action_weights: NDArray[np.float32]
    """``[B, A]``: share of the visits, sums to one."""
    values: NDArray[np.float32]
    """``[B]``: mean value for the player to move, the root's own evaluation included."""
    visit_counts: NDArray[np.int32]
    """``[B, A]``."""
    q: NDArray[np.float32]
    """``[B, A]``: mean value of each action for the player to move; 0 where it was never tried."""


class BatchedSearch:
    """Searches many states at once; holds no memory between calls."""

    def __init__(self, evaluator: StateEvaluator, config: SearchConfig) -> None:
        self._evaluator = evaluator
        self._config = config

    def run(
        self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, root_noise: bool = False
    ) -> SearchResult:
        """Searches each state; a result depends on its own state and generator only, never on the batch.

        Args:
            states: ``[B]`` of one game, none terminal, none a chance node; not mutated.
            rngs: ``[B]``, consumed: root noise and chance outcomes.
            root_noise: mix Dirichlet noise into the root's prior (self-play).

        Raises:
            GameError: the game hides information or cannot be cloned, or a state has no move to choose.
            ShapeError: other numbers of states and generators, or an evaluator with wrong shapes.
            ConfigError: so many trees of so many nodes would not fit into memory.
        """
        if len(rngs) != len(states):
            raise ShapeError(f"{len(rngs)} generators for {len(states)} states")
        if not states:
            raise ShapeError("a search needs at least one state")
        game = states[0].game
        _check_searchable(game, states)
        tree = Tree.plant(states, game, nodes=min(self._config.simulations + 1, _FIRST_NODES), slots=8)
        rows = np.arange(len(states))
        self._expand(tree, rows, np.zeros(len(states), np.int64))
        _check_memory(tree, self._config.simulations)
        if root_noise:
            add_root_noise(tree, rngs, fraction=self._config.noise_fraction, total=self._config.noise_total)
        for _ in range(self._config.simulations):
            path, leaves = self._simulate(tree, rngs, root_noise=root_noise)
            at_decision = tree.player[rows, leaves] >= 0
            self._expand(tree, rows[at_decision], leaves[at_decision])
            back_up(tree, path, leaves)
        return _summary(tree, game.num_actions)

    def _simulate(
        self, tree: Tree, rngs: Sequence[np.random.Generator], *, root_noise: bool
    ) -> tuple[list["Step"], NDArray[np.int64]]:
        """Walks each tree from its root to a leaf: a new decision node, or a terminal one. Returns path and leaves."""
        leaves = np.zeros(len(tree), np.int64)
        rows = np.arange(len(tree))
        nodes = np.zeros(len(tree), np.int64)
        path: list[Step] = []
        while rows.size:
            reduction = 0.0 if root_noise and not path else self._config.first_play_reduction
            slots = puct_slots(tree, rows, nodes, self._config, reduction)
            players = tree.player[rows, nodes]
            for index in np.flatnonzero(players == CHANCE_PLAYER):
                slots[index] = _sampled_slot(tree, rows[index], nodes[index], rngs[rows[index]])
            path.append((rows, nodes, slots))
            children = tree.child_node[rows, nodes, slots].astype(np.int64)
            is_new = children == NO_NODE
            for index in np.flatnonzero(is_new):
                children[index] = tree.add_node(int(rows[index]), int(nodes[index]), int(slots[index]))
            players = tree.player[rows, children]
            # A chance node is walked through even when it is new: only decisions are evaluated.
            arrived = (players == TERMINAL_PLAYER) | (is_new & (players != CHANCE_PLAYER))
            leaves[rows[arrived]] = children[arrived]
            rows, nodes = rows[~arrived], children[~arrived]
        return path, leaves

    def _expand(self, tree: Tree, rows: NDArray[np.int64], nodes: NDArray[np.int64]) -> None:
        """Asks the evaluator about these leaves, once, and gives them values and children."""
        if not rows.size:
            return
        states = [tree.states[row][node] for row, node in zip(rows, nodes, strict=True)]
        actions = [state.legal_actions() for state in states]
        ends = np.cumsum([len(legal) for legal in actions])
        evaluation = self._evaluator(states, actions)
        if evaluation.values.shape != (len(states),) or evaluation.log_probs.shape != (ends[-1],):
            raise ShapeError(
                f"an evaluator gave log_probs {evaluation.log_probs.shape} and values {evaluation.values.shape} "
                f"for {len(states)} states with {ends[-1]} legal actions"
            )
        tree.value[rows, nodes] = evaluation.values
        priors = np.split(np.exp(evaluation.log_probs), ends[:-1])
        tree.add_children(rows, nodes, actions, priors)


Step = tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
"""One level of the paths: rows ``[R]``, the node each stands at ``[R]``, the slot it takes ``[R]``."""


def puct_slots(
    tree: Tree, rows: NDArray[np.int64], nodes: NDArray[np.int64], config: SearchConfig, reduction: float
) -> NDArray[np.int64]:
    """The child slot ``[R]`` with the greatest upper bound; of equal ones the lowest action.

        argmax_a Q(s, a) + C(s) P(s, a) sqrt(N(s)) / (1 + N(s, a)),    C(s) = log((1 + N(s) + c_base) / c_base) + c_init

    with ``N(s) = 1 + sum_a N(s, a)``: the node's own evaluation counts as a visit. For an action never tried, Q is the
    node's mean value less ``reduction * sqrt(sum of the tried actions' priors)``.
    """
    prior = tree.child_prior[rows, nodes]  # [R, K]
    visits = tree.child_visits[rows, nodes]  # [R, K]
    value_sum = tree.child_value_sum[rows, nodes]  # [R, K]
    node_visits = 1.0 + visits.sum(axis=1)  # [R]
    tried = visits > 0
    mean_value = (tree.value[rows, nodes] + value_sum.sum(axis=1)) / node_visits
    first_play = mean_value - reduction * np.sqrt((prior * tried).sum(axis=1))
    q = np.where(tried, value_sum / np.maximum(visits, 1), first_play[:, None])
    exploration = (np.log((1.0 + node_visits + config.c_base) / config.c_base) + config.c_init) * np.sqrt(node_visits)
    bound = q + exploration[:, None] * prior / (1.0 + visits)
    bound[np.arange(bound.shape[1]) >= tree.num_children[rows, nodes][:, None]] = -np.inf
    slots: NDArray[np.int64] = bound.argmax(axis=1)
    return slots


def back_up(tree: Tree, path: Sequence[Step], leaves: NDArray[np.int64]) -> None:
    """Adds each tree's leaf value to all edges of its path, each seen by the player who chose there."""
    rows = np.arange(len(tree))
    players = tree.player[rows, leaves]
    ended = players == TERMINAL_PLAYER
    vectors = per_player(tree.value[rows, leaves], np.maximum(players, 0), tree.num_players)  # [B, P]
    vectors[ended] = tree.final_returns[rows[ended], leaves[ended]]
    for step_rows, nodes, slots in path:
        tree.child_visits[step_rows, nodes, slots] += 1
        tree.child_value_sum[step_rows, nodes, slots] += for_movers(vectors[step_rows], tree.player[step_rows, nodes])


def add_root_noise(tree: Tree, rngs: Sequence[np.random.Generator], *, fraction: float, total: float) -> None:
    """Mixes ``Dirichlet(total / number of legal actions)`` into the roots' priors."""
    for row, rng in enumerate(rngs):
        count = int(tree.num_children[row, 0])
        noise = rng.dirichlet(np.full(count, total / count))
        prior = tree.child_prior[row, 0, :count]
        tree.child_prior[row, 0, :count] = (1.0 - fraction) * prior + fraction * noise


def _sampled_slot(tree: Tree, row: int, node: int, rng: np.random.Generator) -> int:
    probabilities = tree.child_prior[row, node, : tree.num_children[row, node]].astype(np.float64)
    return int(rng.choice(len(probabilities), p=probabilities / probabilities.sum()))


def _summary(tree: Tree, num_actions: int) -> SearchResult:
    size = (len(tree), num_actions)
    visit_counts = np.zeros(size, np.int32)
    q = np.zeros(size, np.float32)
    for row in range(len(tree)):
        count = tree.num_children[row, 0]
        actions = tree.child_action[row, 0, :count]
        visits = tree.child_visits[row, 0, :count]
        visit_counts[row, actions] = visits
        q[row, actions] = tree.child_value_sum[row, 0, :count] / np.maximum(visits, 1)
    total = visit_counts.sum(axis=1)
    values = (tree.value[:, 0] + tree.child_value_sum[:, 0].sum(axis=1)) / (1.0 + total)
    weights = (visit_counts / total[:, None]).astype(np.float32)
    return SearchResult(weights, values.astype(np.float32), visit_counts, q)


def _check_memory(tree: Tree, simulations: int) -> None:
    """Raises ``ConfigError`` where trees as wide as their roots would not fit, before a long search finds out."""
    need = len(tree) * (simulations + 1) * tree.child_action.shape[2] * _CHILD_BYTES
    if need > _MOST_TREE_BYTES:
        raise ConfigError(
            f"a search of {len(tree)} games at once with {simulations} simulations needs {need / 2**30:.0f} GiB, more "
            f"than the {_MOST_TREE_BYTES >> 30} allowed: play fewer games at once or search less"
        )


def _check_searchable(game: Game, states: Sequence[State]) -> None:
    if not game.capabilities.perfect_information:
        raise GameError(f"{game.id}: this search would see hidden information; only games without it can be searched")
    if not game.capabilities.clonable:
        raise GameError(f"{game.id}: states cannot be copied, so the game cannot be searched")
    for state in states:
        if state.current_player() < 0:
            raise GameError(f"{game.id}: a finished game or a chance node has no move to search for")
