"""Exact values, several leaves a step, kept trees and lanes, against worlds whose answer is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.search.evaluators import ArrayEvaluation, uniform_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.result import SearchResult
from tests.search.tree_game import Chance, Decision, End, Node, TreeGame

WIN, LOSS, DRAW = End((1.0, -1.0)), End((-1.0, 1.0)), End((0.0, 0.0))


def search(states: list[State], *, simulations: int = 200, leaves: int = 1, **run: object) -> SearchResult:
    rngs = [np.random.default_rng(row) for row in range(len(states))]
    config = SearchConfig(simulations=simulations, leaves=leaves)
    return BatchedSearch(uniform_evaluator, config).run(states, rngs, **run)


def root(node: Node, **game: int) -> State:
    return TreeGame(node, **game).initial_state()


def after(game_id: str, actions: str) -> State:
    state = make_game(game_id).initial_state()
    for action in actions:
        state.apply(int(action))
    return state


def test_a_win_in_one_ends_the_search() -> None:
    result = search([root(Decision(0, {0: DRAW, 1: Decision(1, {0: WIN}), 2: WIN}))])
    assert result.known.tolist() == [True]
    assert result.values.tolist() == [1.0]
    # Action 1 wins too, but action 2 was found first or at least suffices: all weight is on proven wins.
    assert result.action_weights[0, [0, 3]].tolist() == [0.0, 0.0]
    assert result.visit_counts.sum() < 10


def test_every_reply_must_be_refuted_before_a_move_wins() -> None:
    """Action 0 wins against one reply of two; action 1 against both."""
    half = Decision(1, {0: WIN, 1: DRAW})
    whole = Decision(1, {0: WIN, 1: Decision(0, {0: LOSS, 1: WIN})})
    result = search([root(Decision(0, {0: half, 1: whole}))])
    assert result.known[0]
    assert result.action_weights[0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert result.q[0, 1] == 1.0


def test_a_proven_loss_is_not_played_and_a_proven_draw_is_exact() -> None:
    result = search([root(Decision(0, {0: Decision(1, {0: LOSS, 1: WIN}), 1: Decision(1, {0: DRAW, 1: WIN})}))])
    assert result.known[0]
    assert result.values[0] == 0.0
    assert result.action_weights[0].tolist() == [0.0, 1.0, 0.0, 0.0]
    assert result.q[0, :2].tolist() == [-1.0, 0.0]


def test_when_all_moves_lose_the_search_still_answers() -> None:
    result = search([root(Decision(0, {0: LOSS, 1: LOSS}))])
    assert (result.known[0], result.values[0]) == (True, -1.0)
    assert result.action_weights[0, :2].sum() == 1.0


def test_chance_is_known_as_its_expectation() -> None:
    gamble = Chance({0: (0.75, WIN), 1: (0.25, LOSS)})
    result = search([root(Decision(0, {0: gamble, 1: DRAW}))], simulations=60)
    assert result.known[0]
    np.testing.assert_allclose(result.values, [0.5])
    assert result.action_weights[0].argmax() == 0


def test_known_values_with_three_players() -> None:
    """Player 1 takes what is best for itself, whatever it does to player 0."""
    selfish = Decision(1, {0: End((-1.0, 0.5, 0.5)), 1: End((1.0, 0.0, -1.0))})
    result = search([root(Decision(0, {0: selfish, 1: End((0.2, -0.1, -0.1))}), num_players=3)])
    assert result.known[0]
    np.testing.assert_allclose(result.q[0, :2], [-1.0, 0.2])
    assert result.action_weights[0].argmax() == 1


trees = st.recursive(
    st.sampled_from([WIN, LOSS, DRAW, End((0.5, -0.5))]),
    lambda inner: st.builds(
        lambda player, children: Decision(player, dict(enumerate(children))),
        st.integers(0, 1),
        st.lists(inner, min_size=1, max_size=3),
    ),
    max_leaves=20,
)


def exact(node: Node) -> float:
    """Minimax value for player 0."""
    if isinstance(node, End):
        return node.returns[0]
    assert isinstance(node, Decision)
    return (max if node.player == 0 else min)(exact(child) for child in node.children.values())


@settings(max_examples=40, deadline=None)
@given(trees.filter(lambda node: isinstance(node, Decision)), st.sampled_from([1, 3]))
def test_a_search_that_is_long_enough_knows_the_minimax_value(node: Decision, leaves: int) -> None:
    result = search([root(node)], simulations=400, leaves=leaves)
    sign = 1.0 if node.player == 0 else -1.0
    assert result.known[0]
    assert result.values[0] == pytest.approx(sign * exact(node))
    played = node.children[int(result.action_weights[0].argmax())]
    assert exact(played) == pytest.approx(exact(node))


def test_several_leaves_ask_fewer_times_and_count_the_same() -> None:
    sizes: list[int] = []

    def counting(states: list[State], legal: list[list[int]]) -> ArrayEvaluation:
        sizes.append(len(states))
        return uniform_evaluator(states, legal)

    state = after("connect_four", "33")
    config = SearchConfig(simulations=96, leaves=8, prove=False)
    result = BatchedSearch(counting, config).run([state], [np.random.default_rng(0)])
    assert len(sizes) == 1 + 96 // 8
    assert max(sizes) <= 8
    assert sum(sizes) > 60  # few walks meet at one leaf
    assert result.visit_counts.sum() == 96


def test_virtual_loss_leaves_no_trace() -> None:
    """Of a bandit whose arms are known at once, many leaves a step find the same mean values."""
    arms = Decision(0, {arm: End((0.1 * arm, -0.1 * arm)) for arm in range(4)})
    config = SearchConfig(simulations=80, leaves=4, prove=False)
    result = BatchedSearch(uniform_evaluator, config).run([root(arms)], [np.random.default_rng(0)])
    np.testing.assert_allclose(result.q[0], [0.0, 0.1, 0.2, 0.3], atol=1e-6)
    assert result.visit_counts.sum() == 80
    mean = (result.visit_counts[0] * result.q[0]).sum() / 81
    np.testing.assert_allclose(result.values, [mean], atol=1e-6)


def test_a_kept_tree_goes_on_where_it_was() -> None:
    """Searching on in the kept tree ends where one longer search below that move would: same statistics, no new calls
    for what was evaluated."""
    state = after("connect_four", "3")
    first = search([state], simulations=200, keep=True)
    reply = int(first.action_weights[0].argmax())
    kept = first.kept_below(0, [reply])
    assert kept is not None
    child = after("connect_four", f"3{reply}")
    visits = int(first.visit_counts[0, reply])
    calls: list[int] = []

    def counting(states: list[State], legal: list[list[int]]) -> ArrayEvaluation:
        calls.append(len(states))
        return uniform_evaluator(states, legal)

    more = BatchedSearch(counting, SearchConfig(simulations=50)).run([child], [np.random.default_rng(0)], kept=[kept])
    anew = search([child], simulations=visits - 1 + 50)
    assert len(calls) == 50  # the root is not asked about again
    np.testing.assert_array_equal(more.visit_counts, anew.visit_counts)
    np.testing.assert_allclose(more.q, anew.q, atol=1e-5)


def test_trees_never_met_are_not_kept() -> None:
    result = search([after("connect_four", "")], simulations=3, keep=True)
    assert result.kept_below(0, [6, 6, 6]) is None
    assert search([after("connect_four", "")], simulations=3).kept_below(0, [0]) is None


def test_lanes_give_the_same_results() -> None:
    states = [after("connect_four", "0123456"[: row % 7]) for row in range(9)]
    rngs = [[np.random.default_rng(row) for row in range(9)] for _ in range(2)]
    config = SearchConfig(simulations=40)
    one = BatchedSearch(uniform_evaluator, config).run(states, rngs[0], root_noise=True)
    three = BatchedSearch([uniform_evaluator] * 3, config).run(states, rngs[1], root_noise=True, keep=True)
    np.testing.assert_array_equal(one.visit_counts, three.visit_counts)
    np.testing.assert_array_equal(one.values, three.values)
    assert three.kept_below(8, [int(three.visit_counts[8].argmax())]) is not None


def test_an_error_in_a_lane_rises() -> None:
    def broken(states: list[State], legal: list[list[int]]) -> ArrayEvaluation:
        raise ZeroDivisionError

    states = [after("connect_four", "")] * 2
    with pytest.raises(ZeroDivisionError):
        BatchedSearch([broken, broken], SearchConfig()).run(states, [np.random.default_rng(0)] * 2)


def test_principal_variation_of_a_forced_line() -> None:
    line = Decision(0, {0: LOSS, 1: Decision(1, {0: WIN, 1: Decision(0, {2: DRAW, 3: LOSS})})})
    result = search([root(line)], keep=True)
    assert result.principal_variation(0, 1, length=9) == [1, 1, 2]
    assert result.principal_variation(0, 1, length=2) == [1, 1]
