"""Search that stays near a policy: strong where it matters, like the policy (of people) where it does not.

Every node plays the policy that is best for its values less the cost of leaving the prior,

    p*(a|s) = argmax_p E_p Q(s, a) - eta KL(p, prior) = prior(a|s) exp(Q(s, a) / eta) / Z

and the search takes the action whose share of the visits lags most behind p*. Jacob et al., "Modeling strong and
human-like gameplay with KL-regularized search" (2022, piKL), with the visits following p* as in Grill et al.,
"Monte-Carlo tree search as regularized policy optimization" (2020), there with the reverse KL. Great eta: the prior;
small eta: the best move. A node with few visits explores with the greater eta of Grill et al., c sqrt(N) / (actions +
N), or a first bad look at an action's siblings could keep it from ever being tried. Values never tried are completed
with the mixed value (``result.completed_values``). Nothing is proven: a move that wins for certain is not therefore the
move of a person.

Letters as in ``tree``: ``B`` trees, ``R`` nodes, ``K`` child slots.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.search.lanes import in_lanes
from gameil.search.result import SearchResult, completed_values, summary
from gameil.search.simulation import StateEvaluator, check_searchable, expand, grow
from gameil.search.tree import Forest, Nodes, check_memory


@dataclass(frozen=True)
class RegularisedConfig:
    """How far a search may leave the policy."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int = 64
    """Walks to a leaf a move, the root's own evaluation not counted."""
    eta: float = 0.1
    """Value, in units of half the way from loss to win, that one nat of KL from the policy must bring (lambda in the
    piKL paper)."""
    exploration: float = 1.25
    """c above; 0 trusts completed values from the first visit on."""
    leaves: int = 1
    """As of ``puct.SearchConfig``."""

    def __post_init__(self) -> None:
        if self.simulations < 1 or self.leaves < 1 or self.eta <= 0.0 or self.exploration < 0.0:
            raise ConfigError(
                "a regularised search needs simulations and leaves of at least 1, a positive eta and no negative "
                f"exploration, got {self.simulations}, {self.leaves}, {self.eta} and {self.exploration}"
            )


class RegularisedSearch:
    """Searches many states at once; ``action_weights`` are p* at the roots."""

    def __init__(self, evaluator: StateEvaluator | Sequence[StateEvaluator], config: RegularisedConfig) -> None:
        """Args as of ``puct.BatchedSearch``."""
        self._evaluators = [evaluator] if callable(evaluator) else list(evaluator)
        self._config = config

    def run(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, keep: bool = False) -> SearchResult:
        """Args and errors as of ``gumbel.GumbelSearch.run``; the generators serve chance outcomes only."""
        check_searchable(states, rngs)
        config = self._config

        def select(forest: Forest, nodes: Nodes, at_root: bool) -> NDArray[np.int64]:
            visits = forest.child_visits[nodes]
            number = forest.visits[nodes]
            eta = config.exploration * np.sqrt(number) / (forest.num_children[nodes] + number)
            lag = regularised_policy(forest, nodes, np.maximum(eta, config.eta)[:, None]) - visits / (
                1.0 + visits.sum(axis=1, keepdims=True)
            )
            lag[np.arange(lag.shape[1]) >= forest.num_children[nodes][:, None]] = -np.inf
            slots: NDArray[np.int64] = lag.argmax(axis=1)
            return slots

        def search(evaluator: StateEvaluator, part: slice) -> SearchResult:
            roots = np.arange(len(states[part]))
            nodes = len(roots) * (config.simulations + 1)
            forest = Forest.plant(states[part], states[0].game, nodes=min(nodes, 256 * len(roots)))
            expand(forest, roots, evaluator)
            check_memory(nodes, forest.child_action.shape[1])
            grow(
                forest,
                evaluator,
                select,
                rngs[part],
                simulations=config.simulations,
                leaves=config.leaves,
                prove=False,
            )
            return summary(forest, weights=regularised_policy(forest, roots, config.eta), keep=keep)

        return in_lanes(search, self._evaluators, len(states))


def regularised_policy(forest: Forest, nodes: Nodes, eta: float | NDArray[np.float32]) -> NDArray[np.float32]:
    """p* of nodes ``[R]``, by child slot ``[R, K]``; 0 where there is no child."""
    q = completed_values(forest, nodes).astype(np.float64)
    with np.errstate(divide="ignore"):
        scores = np.log(forest.child_prior[nodes].astype(np.float64)) + q / eta
    scores -= scores.max(axis=1, keepdims=True)
    weights = np.exp(scores)
    policy: NDArray[np.float32] = (weights / weights.sum(axis=1, keepdims=True)).astype(np.float32)
    return policy
