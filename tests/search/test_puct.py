"""PUCT against worlds whose answer is known: trees by hand, bandits, exhaustive minimax, tactics."""

import math

import numpy as np
import pytest

from gameil.errors import ConfigError, GameError, ShapeError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, network_evaluator, uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.result import SearchResult
from gameil.search.tree import Forest
from tests.search.tree_game import Chance, Decision, End, TreeGame


def _run(
    states: list[State], *, evaluator=uniform_evaluator, root_noise: bool = False, prove: bool = False, **config: float
) -> SearchResult:
    """Without proofs unless asked for, so that every simulation counts."""
    rngs = [np.random.default_rng(row) for row in range(len(states))]
    return BatchedSearch(evaluator, SearchConfig(prove=prove, **config)).run(states, rngs, root_noise=root_noise)


class TableEvaluator:
    """Priors and values by the node's name; counts its calls and refuses terminal states."""

    def __init__(self, table: dict[str, tuple[dict[int, float], float]]) -> None:
        self.table = table
        self.calls: list[list[str]] = []

    def __call__(self, states, legal) -> ArrayEvaluation:
        assert not any(state.is_terminal() or state.current_player() < 0 for state in states)
        self.calls.append([state.node.name for state in states])
        log_probs = []
        values = np.zeros(len(states), np.float32)
        for row, (state, actions) in enumerate(zip(states, legal, strict=True)):
            priors, values[row] = self.table[state.node.name]
            log_probs += [math.log(priors[action]) for action in actions]
        return ArrayEvaluation(np.asarray(log_probs, np.float32), values)


def test_four_simulations_by_hand() -> None:
    """Root: player 0 with actions 0 (prior 0.6) and 1 (0.4), value 0.1; c = c_init = 1, reduction 0.

    C is log((1 + N + c_base) / c_base) + 1, about 1 with a huge c_base. N(root) starts at 1.
      1. Q = 0.1 for both; bounds 0.1 + 0.6, 0.1 + 0.4: action 0 -> a, value for player 1 +0.5, for player 0 -0.5.
      2. N = 2. Mean value of the root (0.1 - 0.5) / 2 = -0.2.  0: -0.5 + 0.6 sqrt(2) / 2 = -0.0757;
         1: -0.2 + 0.4 sqrt(2) = 0.3657. Action 1 -> b, terminal: +1 for player 0.
      3. N = 3.  0: -0.5 + 0.6 sqrt(3) / 2 = 0.0196; 1: 1 + 0.4 sqrt(3) / 2 = 1.3464. Action 1 again: +1, no call.
      4. N = 4.  0: -0.5 + 0.6 * 2 / 2 = 0.1; 1: 1 + 0.4 * 2 / 3 = 1.2667. Action 1: +1.
    Visits 1 and 3; values -0.5 and 1; root (0.1 - 0.5 + 3) / 5 = 0.52.
    """
    tree = Decision(0, {0: Decision(1, {0: End((0.0, 0.0)), 1: End((1.0, -1.0))}, "a"), 1: End((1.0, -1.0))}, "root")
    evaluator = TableEvaluator({"root": ({0: 0.6, 1: 0.4}, 0.1), "a": ({0: 0.5, 1: 0.5}, 0.5)})
    states = [TreeGame(tree).initial_state()]
    result = _run(states, evaluator=evaluator, simulations=4, c_init=1.0, c_base=1e12, first_play_reduction=0.0)
    np.testing.assert_array_equal(result.visit_counts, [[1, 3, 0, 0]])
    np.testing.assert_allclose(result.q, [[-0.5, 1.0, 0.0, 0.0]])
    np.testing.assert_allclose(result.values, [0.52], rtol=1e-6)
    np.testing.assert_allclose(result.action_weights, [[0.25, 0.75, 0, 0]])
    assert evaluator.calls == [["root"], ["a"]]


def test_first_play_reduction_by_hand() -> None:
    """Two simulations. The second would go to action 1 (0.3657 against -0.0757, see above) but for the reduction:
    0.8 * sqrt(0.6) = 0.6197 makes it -0.2540. So action 0 is deepened: there, both bounds are equal, and action 0 of
    node a (+1 for player 0) gives Q(root, 0) = (-0.5 + 1) / 2.
    """
    tree = Decision(0, {0: Decision(1, {0: End((1.0, -1.0)), 1: End((0.0, 0.0))}, "a"), 1: End((1.0, -1.0))}, "root")
    evaluator = TableEvaluator({"root": ({0: 0.6, 1: 0.4}, 0.1), "a": ({0: 0.5, 1: 0.5}, 0.5)})
    states = [TreeGame(tree).initial_state()]
    result = _run(states, evaluator=evaluator, simulations=2, c_init=1.0, c_base=1e12, first_play_reduction=0.8)
    np.testing.assert_array_equal(result.visit_counts, [[2, 0, 0, 0]])
    np.testing.assert_allclose(result.q[0, 0], 0.25)


def test_exploration_grows_with_c_base() -> None:
    """At N = 1 and c_base = 1, C = log 3 + c_init: the prior's weight is in the bound from the start."""
    tree = Decision(0, {0: End((0.9, -0.9)), 1: End((0.0, 0.0))}, "root")
    evaluator = TableEvaluator({"root": ({0: 0.5, 1: 0.5}, 0.0)})
    states = [TreeGame(tree).initial_state()]
    small = _run(states, evaluator=evaluator, simulations=200, c_init=0.1, c_base=1e9)
    large = _run(states, evaluator=evaluator, simulations=200, c_init=0.1, c_base=1.0)
    assert large.visit_counts[0, 1] > small.visit_counts[0, 1]


@pytest.mark.parametrize("best", [0, 2, 3])
def test_bandit_finds_the_best_arm(best: int) -> None:
    arms = {arm: End((0.8, -0.8) if arm == best else (0.1, -0.1)) for arm in range(4)}
    result = _run([TreeGame(Decision(0, arms)).initial_state()], simulations=100)
    assert result.visit_counts[0].argmax() == best
    np.testing.assert_allclose(result.q[0], [0.8 if arm == best else 0.1 for arm in range(4)], rtol=1e-6)
    assert result.visit_counts.sum() == 100


def test_second_player_maximises_its_own_value() -> None:
    """At player 1's node the arm that is good for player 1 is taken, and player 0 sees it as bad."""
    tree = Decision(0, {0: Decision(1, {0: End((1.0, -1.0)), 1: End((-1.0, 1.0))}), 1: End((-0.2, 0.2))})
    result = _run([TreeGame(tree).initial_state()], simulations=300)
    assert result.visit_counts[0].argmax() == 1
    assert result.q[0, 0] < -0.7


def test_three_players_each_look_after_themselves() -> None:
    """Player 1 prefers 0.5 for itself, which costs player 0 most; player 0 must see that and go elsewhere."""
    selfish = Decision(1, {0: End((-1.0, 0.5, 0.5)), 1: End((1.0, 0.0, -1.0))})
    tree = Decision(0, {0: selfish, 1: End((0.2, -0.1, -0.1))})
    result = _run([TreeGame(tree, num_players=3).initial_state()], simulations=300)
    assert result.visit_counts[0].argmax() == 1
    assert result.q[0, 0] < -0.4  # the first visit, before the end was seen, counted 0


def test_same_player_twice_in_a_row_keeps_its_sign() -> None:
    tree = Decision(0, {0: Decision(0, {0: End((1.0, -1.0)), 1: End((-1.0, 1.0))}), 1: End((0.0, 0.0))})
    result = _run([TreeGame(tree).initial_state()], simulations=200)
    assert result.visit_counts[0].argmax() == 0
    assert result.q[0, 0] > 0.7


def test_chance_is_averaged_by_its_probabilities() -> None:
    gamble = Chance({0: (0.75, End((1.0, -1.0))), 1: (0.25, End((-1.0, 1.0)))})
    result = _run([TreeGame(Decision(0, {0: gamble})).initial_state()], simulations=2000)
    assert result.q[0, 0] == pytest.approx(0.5, abs=0.05)  # standard error 0.87 / sqrt(2000) = 0.02


def test_chance_before_a_decision_costs_no_evaluation_of_its_own() -> None:
    after = Decision(1, {0: End((0.0, 0.0)), 1: End((0.0, 0.0))}, "after")
    tree = Decision(0, {0: Chance({0: (1.0, Chance({3: (1.0, after)}))})}, "root")
    evaluator = TableEvaluator({"root": ({0: 1.0}, 0.0), "after": ({0: 0.5, 1: 0.5}, -0.6)})
    result = _run([TreeGame(tree).initial_state()], evaluator=evaluator, simulations=1)
    assert evaluator.calls == [["root"], ["after"]]
    np.testing.assert_allclose(result.q[0, 0], 0.6, rtol=1e-6)


def test_root_noise_moves_the_prior_and_only_then() -> None:
    state = make_game("connect_four").initial_state()
    quiet = _run([state, state], simulations=30)
    noisy = _run([state, state], simulations=30, root_noise=True)
    np.testing.assert_array_equal(quiet.visit_counts[0], quiet.visit_counts[1])
    assert (noisy.visit_counts[0] != noisy.visit_counts[1]).any()


def _play(game_id: str, actions: str) -> State:
    state = make_game(game_id).initial_state()
    for action in actions:
        state.apply(int(action))
    return state


def _minimax(state: State, depth: int) -> float:
    """Exact value for the player to move, as far as ``depth`` plies see; 0 beyond."""
    if depth == 0:
        return 0.0
    return max(_action_value(state, action, depth) for action in state.legal_actions())


def _action_value(state: State, action: int, depth: int) -> float:
    mover, after = state.current_player(), state.clone()
    after.apply(action)
    return float(after.returns()[mover]) if after.is_terminal() else -_minimax(after, depth - 1)


def _best_actions(state: State, depth: int) -> set[int]:
    values = {action: _action_value(state, action, depth) for action in state.legal_actions()}
    return {action for action, value in values.items() if value == max(values.values())}


@pytest.mark.parametrize(
    ("moves", "best", "plies"),
    [
        ("010203", {0}, 1),  # x has three in column 0: it wins at once
        ("3323", {1, 4}, 3),  # x has two on the floor, open at both ends: three cannot be stopped
        ("01020", {0}, 2),  # o must stop three in column 0
        ("334353", {2, 6}, 1),  # x has three on the floor, open at both ends
    ],
)
def test_connect_four_tactics_by_the_rules_alone(moves: str, best: set[int], plies: int) -> None:
    state = _play("connect_four", moves)
    assert _best_actions(state, plies) == best  # the table above is right
    result = _run([state], simulations=400)
    assert int(result.visit_counts[0].argmax()) in best


def test_tic_tac_toe_agrees_with_exhaustive_minimax() -> None:
    rng = np.random.default_rng(0)
    states: list[State] = []
    while len(states) < 20:
        state = make_game("tic_tac_toe").initial_state()
        for _ in range(int(rng.integers(2, 7))):
            if not state.is_terminal():
                state.apply(int(rng.choice(state.legal_actions())))
        if not state.is_terminal() and len(_best_actions(state, 9)) < len(state.legal_actions()):
            states.append(state)
    result = _run(states, simulations=800)
    wrong = [
        str(state)
        for state, weights in zip(states, result.action_weights, strict=True)
        if int(weights.argmax()) not in _best_actions(state, 9)
    ]
    assert not wrong


def test_a_row_does_not_depend_on_its_batch() -> None:
    rng = np.random.default_rng(1)
    states = []
    for row in range(16):
        state = make_game("connect_four").initial_state()
        for _ in range(row // 3):
            state.apply(int(rng.choice(state.legal_actions())))
        states.append(state)
    together = BatchedSearch(uniform_evaluator, SearchConfig(simulations=40)).run(
        states, [np.random.default_rng(row) for row in range(16)], root_noise=True
    )
    for row, state in enumerate(states):
        alone = BatchedSearch(uniform_evaluator, SearchConfig(simulations=40)).run(
            [state], [np.random.default_rng(row)], root_noise=True
        )
        np.testing.assert_array_equal(alone.visit_counts[0], together.visit_counts[row])
        np.testing.assert_array_equal(alone.values[0], together.values[row])


def test_chance_game_from_the_registry() -> None:
    """Backgammon: chance nodes between moves, many actions; a row does not depend on its batch there either."""
    state = make_game("backgammon").initial_state()
    rng = np.random.default_rng(0)
    while state.current_player() < 0:
        outcomes = state.chance_outcomes()
        state.apply(outcomes[int(rng.integers(len(outcomes)))][0])
    two = _run([state, state], simulations=12)
    one = _run([state], simulations=12)
    assert two.visit_counts[0].sum() == 12
    np.testing.assert_array_equal(one.visit_counts[0], two.visit_counts[0])


def test_states_are_not_mutated() -> None:
    state = _play("connect_four", "33")
    before = str(state)
    _run([state], simulations=20)
    assert str(state) == before


def test_memory_grows_with_the_tree_not_with_the_simulations_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """A game that ends at once needs two nodes, whatever is asked for; the room for 100,001 is never taken."""
    planted: list[Forest] = []
    plant = Forest.plant

    def remember(*args, **kwargs) -> Forest:
        planted.append(plant(*args, **kwargs))
        return planted[-1]

    monkeypatch.setattr(Forest, "plant", staticmethod(remember))
    state = TreeGame(Decision(0, {0: End((0.0, 0.0))})).initial_state()
    _run([state], simulations=300)
    assert len(planted[0].player) <= 256
    deep = _run([make_game("connect_four").initial_state()], simulations=600)  # more than the first room: it grows
    assert deep.visit_counts.sum() == 600
    assert len(planted[1].player) > 256


def test_a_search_that_memory_cannot_hold_is_refused() -> None:
    state = make_game("tic_tac_toe").initial_state()
    with pytest.raises(ConfigError, match=r"640000064 nodes need \d+ GiB") as caught:
        _run([state] * 64, simulations=10_000_000)
    assert "\n" not in str(caught.value)


def test_a_network_is_asked_for_legal_actions_only() -> None:
    """The evaluator of a search never fills a row of all actions."""

    class Network:
        def evaluate_legal(self, observations, legal, rows):
            assert observations.shape == (2, 1)
            assert legal.tolist() == [0, 1, 2, 3, 4, 5, 6] * 2
            assert rows.tolist() == [0] * 7 + [1] * 7
            return np.full(14, -math.log(7), np.float32), np.zeros(2, np.float32)

    class Encoder:
        def encode(self, states):
            return np.zeros((len(states), 1), np.float32)

    state = make_game("connect_four").initial_state()
    _run([state, state], evaluator=network_evaluator(Network(), Encoder()), simulations=1, c_init=0.0)


def test_refuses_what_cannot_be_searched() -> None:
    ended = _play("tic_tac_toe", "03142")
    assert ended.is_terminal()
    with pytest.raises(GameError, match="no move"):
        _run([ended], simulations=1)
    hidden = TreeGame(Decision(0, {0: End((0.0, 0.0))}), perfect_information=False).initial_state()
    with pytest.raises(GameError, match="hidden"):
        _run([hidden], simulations=1)
    with pytest.raises(ShapeError, match="0 generators for 1"):
        BatchedSearch(uniform_evaluator, SearchConfig()).run([_play("tic_tac_toe", "")], [])


@pytest.mark.parametrize("bad", [{"simulations": 0}, {"leaves": 0}, {"noise_fraction": 1.5}, {"c_base": 0.0}])
def test_config_refuses_the_impossible(bad: dict[str, float]) -> None:
    with pytest.raises(ConfigError):
        SearchConfig(**bad)
