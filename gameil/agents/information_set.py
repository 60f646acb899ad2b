"""Monte Carlo tree search for games that hide information, with random rollouts.

Cowling, Powley and Whitehouse, "Information Set Monte Carlo Tree Search" (2012): every simulation starts from a state
that the mover cannot tell from the real one, and statistics belong to information states. Here each decision uses the
information state of whoever decides there (the paper's multiple-observer form, MO-ISMCTS). OpenSpiel's ``ISMCTSBot`` is
not used: the order of its hash maps makes it answer differently for one seed.
"""

import math

import numpy as np

from gameil.games.game import CHANCE_PLAYER, State

Statistics = dict[int, list[float]]
"""Action -> [visits, sum of its chooser's returns, times it was legal]."""


def visit_counts(
    state: State, *, simulations: int, exploration: float, rng: np.random.Generator
) -> tuple[dict[int, int], float]:
    """How often each legal action was searched, and the mover's mean return.

    Raises ``GameError`` where the rules engine cannot resample hidden information.
    """
    player = state.current_player()
    tree: dict[str, Statistics] = {}
    total = 0.0
    for _ in range(simulations):
        total += _simulate(state.resample(player, rng), tree, exploration, rng)[player]
    root = tree[state.information_state(player)]
    return {action: int(root[action][0]) for action in sorted(root)}, total / simulations


def most_visited(state: State, *, simulations: int, exploration: float, rng: np.random.Generator) -> tuple[int, float]:
    """The action searched most (of equal ones the lowest) and the mover's mean return; errors as ``visit_counts``."""
    counts, value = visit_counts(state, simulations=simulations, exploration=exploration, rng=rng)
    return min(counts, key=lambda action: (-counts[action], action)), value


def _simulate(state: State, tree: dict[str, Statistics], exploration: float, rng: np.random.Generator) -> list[float]:
    """Plays one sampled state to its end, through the tree and then at random; returns the returns per player."""
    path: list[tuple[int, list[float]]] = []
    in_tree = True
    while not state.is_terminal():
        player = state.current_player()
        if player == CHANCE_PLAYER:
            state.apply(_sampled(state, rng))
            continue
        legal = state.legal_actions()
        if not in_tree:
            state.apply(legal[int(rng.random() * len(legal))])
            continue
        node = tree.setdefault(state.information_state(player), {})
        for action in legal:
            node.setdefault(action, [0.0, 0.0, 0.0])[2] += 1.0
        untried = [action for action in legal if not node[action][0]]
        if untried:
            action = untried[int(rng.random() * len(untried))]
            in_tree = False
        else:
            action = max(legal, key=lambda choice: _bound(node[choice], exploration))
        path.append((player, node[action]))
        state.apply(action)
    returns: list[float] = state.returns().tolist()
    for player, edge in path:
        edge[0] += 1.0
        edge[1] += returns[player]
    return returns


def _bound(edge: list[float], exploration: float) -> float:
    """UCB1 with the number of times the action could have been chosen (Cowling et al. 2012, equation 1)."""
    visits, total, available = edge
    return total / visits + exploration * math.sqrt(math.log(available) / visits)


def _sampled(state: State, rng: np.random.Generator) -> int:
    """A chance outcome, drawn by its probability."""
    outcomes = state.chance_outcomes()
    rest = rng.random()
    for action, probability in outcomes:
        rest -= probability
        if rest < 0.0:
            return action
    return outcomes[-1][0]
