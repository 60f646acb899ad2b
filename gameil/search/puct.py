"""Batched Monte Carlo tree search with the PUCT rule: many games at once, one evaluator call a simulation step.

Silver et al., "Mastering Chess and Shogi by Self-Play with a General Reinforcement Learning Algorithm" (2017), and its
longer form in Science (2018) with the pseudocode.

Letters as in ``tree``: ``B`` trees, ``R`` nodes, ``K`` child slots, ``A`` actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.search.lanes import in_lanes
from gameil.search.result import SearchResult, summary
from gameil.search.simulation import Select, StateEvaluator, check_searchable, expand, grow
from gameil.search.tree import Forest, KeptTree, Nodes, check_memory

_FIRST_NODES = 256
"""Nodes a tree has room for at first; the pool grows."""


@dataclass(frozen=True)
class SearchConfig:
    """How a search explores. Defaults: AlphaZero's pseudocode, unless a field says otherwise."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int = 64
    """Walks to a leaf a move, the root's own evaluation not counted."""
    leaves: int = 1
    """Leaves of one tree that the evaluator is asked about at once. More spare calls where few games are searched, and
    cost some strength, since their walks do not know each other's values (``simulation``)."""
    prove: bool = True
    """Deduce exact values from finished games; a search whose root's value is known ends (``simulation``)."""
    look_ahead: bool = False
    """With ``prove``: look at every move of every new leaf for one that ends the game. Finds tactics with far fewer
    simulations, at the cost of the rules for all these moves; worth it where the network is slow or knows little."""
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
        if self.simulations < 1 or self.leaves < 1:
            raise ConfigError(
                f"a search needs at least 1 simulation and 1 leaf a step, got {self.simulations} and {self.leaves}"
            )
        if not 0.0 <= self.noise_fraction <= 1.0:
            raise ConfigError(f"noise_fraction must be within 0 and 1, got {self.noise_fraction}")
        if self.c_base <= 0.0 or self.noise_total <= 0.0:
            raise ConfigError(f"c_base and noise_total must be positive, got {self.c_base} and {self.noise_total}")


class BatchedSearch:
    """Searches many states at once; holds no memory between calls but what callers keep."""

    def __init__(self, evaluator: StateEvaluator | Sequence[StateEvaluator], config: SearchConfig) -> None:
        """
        Args:
            evaluator: one, or several that search a part of the states each at the same time (``lanes``).
            config: of the search.
        """
        self._evaluators = [evaluator] if callable(evaluator) else list(evaluator)
        self._config = config

    def run(
        self,
        states: Sequence[State],
        rngs: Sequence[np.random.Generator],
        *,
        root_noise: bool = False,
        kept: Sequence[KeptTree | None] = (),
        keep: bool = False,
    ) -> SearchResult:
        """Searches each state; a result depends on its own state and generator only, never on the batch.

        Args:
            states: ``[B]`` of one game, none terminal, none a chance node; not mutated.
            rngs: ``[B]``, consumed: root noise and chance outcomes.
            root_noise: mix Dirichlet noise into the root's prior (self-play).
            kept: ``[B]`` trees of earlier searches whose roots are these states; simulations are made on top.
            keep: give the trees back in the result, for ``result.kept_below``.

        Raises:
            GameError: the game hides information or cannot be cloned, or a state has no move to choose.
            ShapeError: other numbers of states and generators, or an evaluator with wrong shapes.
            ConfigError: so many trees of so many nodes would not fit into memory.
        """
        check_searchable(states, rngs)

        def search(evaluator: StateEvaluator, part: slice) -> SearchResult:
            return self._search(evaluator, states[part], rngs[part], root_noise, kept[part], keep)

        return in_lanes(search, self._evaluators, len(states))

    def _search(
        self,
        evaluator: StateEvaluator,
        states: Sequence[State],
        rngs: Sequence[np.random.Generator],
        root_noise: bool,
        kept: Sequence[KeptTree | None],
        keep: bool,
    ) -> SearchResult:
        config, trees = self._config, len(states)
        room = trees * min(config.simulations + 1, _FIRST_NODES)
        forest = Forest.plant(states, states[0].game, nodes=room, kept=kept)
        roots = np.arange(trees)
        expand(forest, roots[forest.num_children[:trees] == 0], evaluator)
        check_memory(trees * (config.simulations + 1), forest.child_action.shape[1])
        if root_noise:
            add_root_noise(forest, rngs, fraction=config.noise_fraction, total=config.noise_total)
        grow(
            forest,
            evaluator,
            puct_rule(config, root_noise=root_noise),
            rngs,
            simulations=config.simulations,
            leaves=config.leaves,
            prove=config.prove,
            look_ahead=config.look_ahead,
        )
        return summary(forest, keep=keep)


def puct_rule(config: SearchConfig, *, root_noise: bool = False) -> Select:
    """Goes where the upper bound is greatest; of equal ones to the lowest action.

        argmax_a Q(s, a) + C(s) P(s, a) sqrt(N(s)) / (1 + N(s, a)),    C(s) = log((1 + N(s) + c_base) / c_base) + c_init

    with ``N(s) = 1 + sum_a N(s, a)``: the node's own evaluation counts as a visit. For an action never tried, Q is the
    node's mean value less ``reduction * sqrt(sum of the tried actions' priors)``.
    """

    def select(forest: Forest, nodes: Nodes, at_root: bool) -> NDArray[np.int64]:
        reduction = 0.0 if root_noise and at_root else config.first_play_reduction
        child_visits = forest.child_visits[nodes]  # [R, K]
        visits = forest.visits[nodes]  # [R]
        q = forest.child_q[nodes]  # [R, K]
        mean_value = forest.value_sum[nodes] / np.maximum(visits, 1.0)
        first_play = (mean_value - reduction * np.sqrt(forest.tried_prior[nodes])).astype(np.float32)
        np.copyto(q, first_play[:, None], where=child_visits == 0)
        exploration = (np.log((1.0 + config.c_base + visits) / config.c_base) + config.c_init) * np.sqrt(visits)
        bound = forest.child_prior[nodes]
        bound *= exploration.astype(np.float32)[:, None]
        child_visits += 1.0
        bound /= child_visits
        bound += q
        np.putmask(bound, forest.barred[nodes], -np.inf)
        slots: NDArray[np.int64] = bound.argmax(axis=1)
        return slots

    return select


def add_root_noise(forest: Forest, rngs: Sequence[np.random.Generator], *, fraction: float, total: float) -> None:
    """Mixes ``Dirichlet(total / number of legal actions)`` into the roots' priors."""
    for row, rng in enumerate(rngs):
        count = int(forest.num_children[row])
        noise = rng.dirichlet(np.full(count, total / count))
        prior = forest.child_prior[row, :count]
        forest.child_prior[row, :count] = (1.0 - fraction) * prior + fraction * noise
        forest.tried_prior[row] = forest.child_prior[row, :count][forest.child_visits[row, :count] > 0].sum()
