"""Gumbel AlphaZero search: improves the policy even with few simulations, where visit counts would not.

Danihelka, Guez, Schrittwieser and Silver, "Policy improvement by planning with Gumbel" (2022). At the root, as many
actions as ``considered`` are drawn without replacement by the Gumbel-top-k trick, and sequential halving spends the
simulations on the best of them. Below, the action is taken whose share of the visits lags most behind the improved
policy. The target to learn is that policy, not the visits:

    pi' = softmax(logits + sigma(completed Q)),    sigma(q) = (maxvisit_init + max_b N(b)) value_scale q

where an action never tried is completed with a value mixed from the network's own and those tried (appendix D). Written
after ``mctx``, whose golden trees it reproduces.

Letters as in ``tree``: ``B`` trees, ``R`` nodes, ``K`` child slots.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.search.lanes import in_lanes
from gameil.search.result import LEAST_PRIOR, SearchResult, completed_values, summary
from gameil.search.simulation import Select, StateEvaluator, check_searchable, expand, grow
from gameil.search.tree import Forest, Nodes, check_memory

_LEAST_LOGIT = np.float32(-1e9)


@dataclass(frozen=True)
class GumbelConfig:
    """How a Gumbel search explores. Defaults: ``mctx.gumbel_muzero_policy``."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int = 32
    """Walks to a leaf a move, the root's own evaluation not counted."""
    considered: int = 16
    """Actions at the root among which the simulations are spent (m in the paper)."""
    gumbel_scale: float = 1.0
    """Of the noise that draws them; 0 takes those of the greatest logits, for evaluation games."""
    value_scale: float = 0.1
    """Weight of values against logits (c_scale in the paper, there 1.0 for values that are not rescaled)."""
    maxvisit_init: float = 50.0
    """Visits that this weight starts with (c_visit)."""
    rescale: bool = True
    """Stretch the completed values of a node to [0, 1] before they are weighted."""
    prove: bool = True
    """Deduce exact values from finished games (``simulation``)."""
    look_ahead: bool = False
    """With ``prove``: look at every move of every new leaf for one that ends the game (``puct.SearchConfig``)."""

    def __post_init__(self) -> None:
        if self.simulations < 1 or self.considered < 1:
            raise ConfigError(
                f"a Gumbel search needs at least 1 simulation and 1 considered action, got {self.simulations} and "
                f"{self.considered}"
            )
        if min(self.gumbel_scale, self.value_scale, self.maxvisit_init) < 0.0:
            raise ConfigError(
                f"gumbel_scale, value_scale and maxvisit_init must not be negative, got {self.gumbel_scale}, "
                f"{self.value_scale} and {self.maxvisit_init}"
            )


class GumbelSearch:
    """Searches many states at once; holds no memory between calls."""

    def __init__(self, evaluator: StateEvaluator | Sequence[StateEvaluator], config: GumbelConfig) -> None:
        """Args as of ``puct.BatchedSearch``."""
        self._evaluators = [evaluator] if callable(evaluator) else list(evaluator)
        self._config = config

    def run(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, keep: bool = False) -> SearchResult:
        """Searches each state; ``action_weights`` are the improved policy, ``chosen`` what the search would play.

        Args:
            states: ``[B]`` of one game, none terminal, none a chance node; not mutated.
            rngs: ``[B]``, consumed: the Gumbel noise and chance outcomes.
            keep: give the trees back in the result.

        Raises:
            GameError: the game hides information or cannot be cloned, or a state has no move to choose.
            ShapeError: other numbers of states and generators, or an evaluator with wrong shapes.
            ConfigError: so many trees of so many nodes would not fit into memory.
        """
        check_searchable(states, rngs)

        def search(evaluator: StateEvaluator, part: slice) -> SearchResult:
            return self._search(evaluator, states[part], rngs[part], keep)

        return in_lanes(search, self._evaluators, len(states))

    def _search(
        self, evaluator: StateEvaluator, states: Sequence[State], rngs: Sequence[np.random.Generator], keep: bool
    ) -> SearchResult:
        config, roots = self._config, np.arange(len(states))
        nodes = len(states) * (config.simulations + 1)
        forest = Forest.plant(states, states[0].game, nodes=min(nodes, 256 * len(states)))
        expand(forest, roots, evaluator)
        check_memory(nodes, forest.child_action.shape[1])
        gumbel = np.zeros(forest.child_prior[roots].shape, np.float32)
        for row, rng in enumerate(rngs):
            count = int(forest.num_children[row])
            gumbel[row, :count] = config.gumbel_scale * rng.gumbel(size=count)
        rule = gumbel_rule(config, gumbel)
        grow(
            forest,
            evaluator,
            rule,
            rngs,
            simulations=config.simulations,
            prove=config.prove,
            look_ahead=config.look_ahead,
        )
        most = forest.child_visits[roots].max(axis=1)
        chosen = _root_scores(forest, roots, gumbel, most, config).argmax(axis=1)
        return summary(forest, weights=improved_policy(forest, roots, config), chosen=chosen, keep=keep)


def gumbel_rule(config: GumbelConfig, gumbel: NDArray[np.float32]) -> Select:
    """Sequential halving among the considered actions at the roots, whose noise is ``gumbel [B, K]``; below them

    argmax_a pi'(a) - N(a) / (1 + sum_b N(b)).
    """

    def select(forest: Forest, nodes: Nodes, at_root: bool) -> NDArray[np.int64]:
        visits = forest.child_visits[nodes]
        if at_root:
            made = visits.sum(axis=1).astype(int).tolist()
            considered = np.minimum(forest.num_children[nodes], config.considered).tolist()
            wanted = [
                visit_sequence(number, config.simulations)[done] for number, done in zip(considered, made, strict=True)
            ]
            scores = _root_scores(forest, nodes, gumbel[nodes], np.array(wanted, np.float32), config)
        else:
            scores = improved_policy(forest, nodes, config) - visits / (1.0 + visits.sum(axis=1, keepdims=True))
            np.putmask(scores, forest.barred[nodes], -np.inf)
        slots: NDArray[np.int64] = scores.argmax(axis=1)
        return slots

    return select


@cache
def visit_sequence(considered: int, simulations: int) -> tuple[int, ...]:
    """How often the action tried by each simulation of a sequential halving has been tried before it.

    Karnin, Koren and Somekh, "Almost Optimal Exploration in Multi-Armed Bandits" (2013): each of log2(considered)
    phases spends an equal share of the simulations on the better half of the actions before it.
    """
    if considered <= 1:
        return tuple(range(simulations))
    phases = math.ceil(math.log2(considered))
    sequence: list[int] = []
    visits = [0] * considered
    left = considered
    while len(sequence) < simulations:
        for _ in range(max(1, simulations // (phases * left))):
            sequence += visits[:left]
            visits[:left] = [count + 1 for count in visits[:left]]
        left = max(2, left // 2)
    return tuple(sequence[:simulations])


def improved_policy(forest: Forest, nodes: Nodes, config: GumbelConfig) -> NDArray[np.float32]:
    """``pi'`` of nodes ``[R]``, by child slot ``[R, K]``."""
    scores: NDArray[np.float32] = _logits(forest, nodes) + _weighted_values(forest, nodes, config)
    np.putmask(scores, _absent(forest, nodes), -np.inf)
    scores -= scores.max(axis=1, keepdims=True)
    np.exp(scores, out=scores)
    scores /= scores.sum(axis=1, keepdims=True)
    return scores


def _weighted_values(forest: Forest, nodes: Nodes, config: GumbelConfig) -> NDArray[np.float32]:
    """sigma(completed Q), ``[R, K]``."""
    values = completed_values(forest, nodes)
    if config.rescale:
        absent = _absent(forest, nodes)
        least = np.where(absent, np.inf, values).min(axis=1, keepdims=True)
        most = np.where(absent, -np.inf, values).max(axis=1, keepdims=True)
        values = (values - least) / np.maximum(most - least, 1e-8)
    weight = (config.maxvisit_init + forest.child_visits[nodes].max(axis=1)) * config.value_scale
    weighted: NDArray[np.float32] = (weight[:, None] * values).astype(np.float32)
    return weighted


def _root_scores(
    forest: Forest, nodes: Nodes, gumbel: NDArray[np.float32], wanted: NDArray[np.float32], config: GumbelConfig
) -> NDArray[np.float32]:
    """g + logits + sigma(completed Q) of the actions tried as often as ``wanted [R]``, others minus infinity.

    Proven losses rank below all others but can still be chosen where the sequence has nothing else.
    """
    logits = _logits(forest, nodes)
    logits -= logits.max(axis=1, keepdims=True)
    # Nodes met since the noise was drawn may have more children than any root.
    gumbel = np.pad(gumbel, ((0, 0), (0, logits.shape[1] - gumbel.shape[1])))
    scores: NDArray[np.float32] = np.maximum(_LEAST_LOGIT, gumbel + logits + _weighted_values(forest, nodes, config))
    scores += np.where(forest.barred[nodes], np.float32(2.0) * _LEAST_LOGIT, np.float32(0.0))
    np.putmask(scores, (forest.child_visits[nodes] != wanted[:, None]) | _absent(forest, nodes), -np.inf)
    return scores


def _logits(forest: Forest, nodes: Nodes) -> NDArray[np.float32]:
    logits: NDArray[np.float32] = np.log(np.maximum(forest.child_prior[nodes], LEAST_PRIOR))
    return logits


def _absent(forest: Forest, nodes: Nodes) -> NDArray[np.bool_]:
    """Slots without a child, ``[R, K]``."""
    absent: NDArray[np.bool_] = np.arange(forest.child_action.shape[1]) >= forest.num_children[nodes][:, None]
    return absent
