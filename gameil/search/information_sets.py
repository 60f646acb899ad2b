"""Tree search where players do not see everything: many games at once, one evaluator call a step.

Cowling, Powley and Whitehouse, "Information Set Monte Carlo Tree Search" (2012), in the form with several observers
(MO-ISMCTS): every simulation starts from a state that the mover cannot tell from the real one, and the statistics of a
decision belong to the information state of whoever decides there. What is legal follows from an information state, so
each of its actions could have been chosen at each of its visits.

Two rules. ``puct`` (Silver et al. 2017) goes by a network's policy; ``ucb`` (Kocsis and Szepesvari 2006; equation 1 of
Cowling et al.) tries everything once, and is meant for random rollouts. The trees are dictionaries: an information
state is a text, and its children depend on what was dealt. Letters: ``B`` trees, ``A`` actions, ``P`` players.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError, GameError, ShapeError
from gameil.games.game import CHANCE_PLAYER, State
from gameil.search.lanes import in_lanes
from gameil.search.result import SearchResult
from gameil.search.simulation import StateEvaluator
from gameil.search.tree import per_player, return_scale

JointEvaluator = Callable[[Sequence[State], Sequence[Sequence[int]]], tuple[NDArray[np.float32], NDArray[np.float32]]]
"""Judges decision states given with their legal actions: log-probabilities beside these ``[L]``, and the values of all
players ``[B, P]`` in [-1, 1]."""


@dataclass(frozen=True)
class InformationSetConfig:
    """How such a search explores."""

    __pydantic_config__ = {"extra": "forbid"}

    simulations: int = 64
    """Sampled states a move, each walked to a leaf."""
    rule: Literal["puct", "ucb"] = "puct"
    """See the module."""
    exploration: float = 1.25
    """c, for values in [-1, 1]: of ``puct`` AlphaZero's ``pb_c_init``; of ``ucb`` the factor of the square root."""
    leaves: int = 1
    """Walks of one tree between two calls of the evaluator; more spare calls where few games are searched."""

    def __post_init__(self) -> None:
        if self.simulations < 1 or self.leaves < 1 or self.exploration < 0.0:
            raise ConfigError(
                "an information-set search needs simulations and leaves of at least 1 and no negative exploration, got "
                f"{self.simulations}, {self.leaves} and {self.exploration}"
            )


class InformationSetSearch:
    """Searches many states at once; ``action_weights`` are shares of the visits, the strategy that it mixes."""

    def __init__(self, evaluator: StateEvaluator | Sequence[StateEvaluator], config: InformationSetConfig) -> None:
        """Args as of ``puct.BatchedSearch``; the evaluator sees what the mover sees of a sampled state."""
        evaluators = [evaluator] if callable(evaluator) else list(evaluator)
        self._evaluators = {id(one): joint(one) for one in evaluators}
        self._lanes = evaluators
        self._config = config

    def run(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, keep: bool = False) -> SearchResult:
        """Searches each state.

        Args:
            states: ``[B]`` of one game, none terminal, none a chance node; not mutated.
            rngs: ``[B]``, consumed: what is dealt, and chance.
            keep: has no effect: these trees are not kept.

        Raises:
            GameError: the rules engine cannot sample what is hidden.
        """
        if len(rngs) != len(states) or not states:
            raise ShapeError(f"{len(rngs)} generators for {len(states)} states, at least one state is needed")
        if any(state.current_player() < 0 for state in states):
            raise GameError(f"{states[0].game.id}: a finished game or a chance node has no move to search for")

        def search(evaluator: StateEvaluator, part: slice) -> SearchResult:
            return search_all(states[part], rngs[part], self._evaluators[id(evaluator)], self._config)

        return in_lanes(search, self._lanes, len(states))


def joint(evaluator: StateEvaluator) -> JointEvaluator:
    """The evaluator of all players' values from one of the mover's."""

    def evaluate(
        states: Sequence[State], legal: Sequence[Sequence[int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        evaluation = evaluator(states, legal)
        movers = np.array([state.current_player() for state in states], np.int32)
        return evaluation.log_probs, per_player(evaluation.values, movers, states[0].game.num_players)

    return evaluate


def random_rollouts(rng: np.random.Generator) -> JointEvaluator:
    """Plays each state to its end with uniformly random moves, drawn from ``rng``; knows no policy."""

    def evaluate(
        states: Sequence[State], legal: Sequence[Sequence[int]]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        values = np.empty((len(states), states[0].game.num_players), np.float32)
        for row, state in enumerate(states):
            one = state.clone()
            while not one.is_terminal():
                if one.current_player() == CHANCE_PLAYER:
                    one.apply(_dealt(one, rng))
                else:
                    actions = one.legal_actions()
                    one.apply(actions[int(rng.random() * len(actions))])
            values[row] = one.returns() / return_scale(one.game)
        counts = np.array([len(actions) for actions in legal])
        return np.repeat(-np.log(counts), counts).astype(np.float32), values

    return evaluate


@dataclass(slots=True, eq=False)
class _Node:
    """Statistics of one information state; the actions ascending."""

    actions: list[int]
    priors: list[float]
    visits: list[float] = field(default_factory=list)
    sums: list[float] = field(default_factory=list)
    """Returns of whoever decides here."""
    total: float = 0.0

    def __post_init__(self) -> None:
        self.visits = [0.0] * len(self.actions)
        self.sums = [0.0] * len(self.actions)

    def add(self, place: int, visit: float, value: float) -> None:
        self.visits[place] += visit
        self.sums[place] += value
        self.total += visit


@dataclass(slots=True, eq=False)
class _Walk:
    """One simulation: the decisions taken, and where it stands."""

    tree: int
    state: State
    path: list[tuple[int, _Node, int]] = field(default_factory=list)
    """Player, node, place of the action."""


Tree = dict[str, _Node]


def search_all(
    states: Sequence[State],
    rngs: Sequence[np.random.Generator],
    evaluate: JointEvaluator,
    config: InformationSetConfig,
) -> SearchResult:
    """One search of each state; errors as of ``InformationSetSearch.run``."""
    game = states[0].game
    trees: list[Tree] = [{} for _ in states]
    roots = [state.current_player() for state in states]
    names = [state.information_state(player) for state, player in zip(states, roots, strict=True)]
    log_probs, vectors = evaluate(states, [state.legal_actions() for state in states])
    _add_nodes(trees, range(len(states)), names, states, log_probs)
    totals = vectors[np.arange(len(states)), roots].astype(np.float64)
    left = config.simulations
    while left > 0:
        walks = []
        for _ in range(min(config.leaves, left)):
            for tree, state in enumerate(states):
                walks.append(_walk(tree, state.resample(roots[tree], rngs[tree]), trees[tree], rngs[tree], config))
        left -= config.leaves
        asked = [walk for walk in walks if not walk.state.is_terminal()]
        values = {id(walk): walk.state.returns() / return_scale(game) for walk in walks if walk.state.is_terminal()}
        if asked:
            leaves = [walk.state for walk in asked]
            log_probs, vectors = evaluate(leaves, [leaf.legal_actions() for leaf in leaves])
            names = [leaf.information_state(leaf.current_player()) for leaf in leaves]
            _add_nodes(trees, [walk.tree for walk in asked], names, leaves, log_probs)
            values |= {id(walk): vector for walk, vector in zip(asked, vectors, strict=True)}
        for walk in walks:
            vector = values[id(walk)]
            totals[walk.tree] += vector[roots[walk.tree]]
            for player, node, place in walk.path:
                # The visit was counted as lost when the walk was made.
                node.add(place, 0.0, float(vector[player]) + 1.0)
    return _summary(states, trees, totals / (1.0 + config.simulations))


def visit_counts(
    state: State, *, simulations: int, exploration: float, rng: np.random.Generator
) -> tuple[dict[int, int], float]:
    """How often each legal action was searched with random rollouts, and the mover's mean return.

    Args:
        exploration: of ``ucb``, in the game's own unit.

    Raises ``GameError`` where the rules engine cannot sample what is hidden.
    """
    scale = return_scale(state.game)
    config = InformationSetConfig(simulations=simulations, rule="ucb", exploration=exploration / scale)
    result = search_all([state], [rng], random_rollouts(rng), config)
    counts = {action: int(result.visit_counts[0, action]) for action in state.legal_actions()}
    return counts, float(result.values[0]) * scale


def _walk(tree: int, state: State, nodes: Tree, rng: np.random.Generator, config: InformationSetConfig) -> _Walk:
    """From a sampled state to a decision that was never evaluated, or to the end; counts the visits as lost."""
    walk = _Walk(tree, state)
    while not state.is_terminal():
        player = state.current_player()
        if player == CHANCE_PLAYER:
            state.apply(_dealt(state, rng))
            continue
        node = nodes.get(state.information_state(player))
        if node is None:
            return walk
        place = _puct(node, config.exploration) if config.rule == "puct" else _ucb(node, config.exploration, rng)
        node.add(place, 1.0, -1.0)
        walk.path.append((player, node, place))
        state.apply(node.actions[place])
    return walk


def _puct(node: _Node, exploration: float) -> int:
    """argmax Q + c P sqrt(N) / (1 + n), an action never tried counting as the node's mean; of equal ones the first."""
    weight = exploration * math.sqrt(1.0 + node.total)
    mean = sum(node.sums) / node.total if node.total else 0.0
    best, best_bound = 0, -math.inf
    for place, visits in enumerate(node.visits):
        q = node.sums[place] / visits if visits else mean
        bound = q + weight * node.priors[place] / (1.0 + visits)
        if bound > best_bound:
            best, best_bound = place, bound
    return best


def _ucb(node: _Node, exploration: float, rng: np.random.Generator) -> int:
    """argmax Q + c sqrt(log N / n); what was never tried comes first, in random order."""
    untried = [place for place, visits in enumerate(node.visits) if not visits]
    if untried:
        return untried[int(rng.random() * len(untried))]
    log_total = math.log(node.total)
    bounds = [
        total / visits + exploration * math.sqrt(log_total / visits)
        for total, visits in zip(node.sums, node.visits, strict=True)
    ]
    return max(range(len(bounds)), key=bounds.__getitem__)


def _add_nodes(
    trees: Sequence[Tree],
    owners: Sequence[int],
    names: Sequence[str],
    states: Sequence[State],
    log_probs: NDArray[np.float32],
) -> None:
    """Makes a node of each evaluated state, unless another walk of this step made it."""
    probs = np.exp(log_probs).tolist()
    start = 0
    for owner, name, state in zip(owners, names, states, strict=True):
        actions = list(state.legal_actions())
        trees[owner].setdefault(name, _Node(actions, probs[start : start + len(actions)]))
        start += len(actions)


def _dealt(state: State, rng: np.random.Generator) -> int:
    """A chance outcome, drawn by its probability."""
    outcomes = state.chance_outcomes()
    rest = rng.random()
    for action, probability in outcomes:
        rest -= probability
        if rest < 0.0:
            return action
    return outcomes[-1][0]


def _summary(states: Sequence[State], trees: Sequence[Tree], values: NDArray[np.float64]) -> SearchResult:
    size = (len(states), states[0].game.num_actions)
    weights, q, completed, priors = (np.zeros(size, np.float32) for _ in range(4))
    visits = np.zeros(size, np.int32)
    for row, state in enumerate(states):
        node = trees[row][state.information_state(state.current_player())]
        counts, sums = np.array(node.visits), np.array(node.sums)
        visits[row, node.actions] = counts
        weights[row, node.actions] = counts / counts.sum()
        q[row, node.actions] = sums / np.maximum(counts, 1.0)
        completed[row, node.actions] = np.where(counts > 0, q[row, node.actions], values[row])
        priors[row, node.actions] = node.priors
    return SearchResult(
        action_weights=weights,
        values=values.astype(np.float32),
        visit_counts=visits,
        q=q,
        completed_q=completed,
        priors=priors,
        known=np.zeros(len(states), bool),
        chosen=weights.argmax(axis=1),
    )
