"""Agents against positions whose answer is known, and draws against their probabilities."""

import math

import numpy as np
import pytest

from gameil.agents.agent import Request
from gameil.agents.built_in import mcts_visits
from gameil.agents.network import decide, nucleus
from gameil.agents.random import RandomAgent
from gameil.agents.spec import build_agent
from gameil.errors import AgentError
from gameil.games.game import State
from gameil.games.registry import make_game


def _position(game_id: str, actions: list[int]) -> State:
    state = make_game(game_id).initial_state()
    for action in actions:
        state.apply(action)
    return state


def _request(state: State, seed: int = 0) -> Request:
    return Request(0, state.current_player(), state, np.random.default_rng(seed))


# Tic-tac-toe cells are numbered 0 1 2 / 3 4 5 / 6 7 8.
WIN_IN_ONE = [0, 3, 1, 4]  # x on 0 and 1, o on 3 and 4, x to move: 2 wins
MUST_BLOCK = [0, 4, 1]  # x on 0 and 1, o to move: only 2 does not lose


@pytest.mark.parametrize("seed", range(5))
def test_mcts_finds_the_win_and_the_block(seed: int) -> None:
    agent = build_agent("mcts:500", make_game("tic_tac_toe"))
    for actions in (WIN_IN_ONE, MUST_BLOCK):
        assert agent.act([_request(_position("tic_tac_toe", actions), seed)]).actions.tolist() == [2]


def test_mcts_visits_of_a_proven_win_go_to_it() -> None:
    actions, visits, value = mcts_visits(_position("tic_tac_toe", WIN_IN_ONE), 200, 1)
    assert actions.tolist() == [2, 5, 6, 7, 8]
    # 5 blocks and makes no line, 2 wins at once.
    assert visits[0] == visits.sum() > 0
    assert value == 1.0


def test_mcts_visits_share_between_equal_wins() -> None:
    # x on 0, 1, 3 and o on 4, 8: 2 completes the row and 6 the column; o on 4 and 8 threatens 0, which is taken.
    actions, visits, value = mcts_visits(_position("tic_tac_toe", [0, 4, 1, 8, 3, 5]), 500, 1)
    won = dict(zip(actions.tolist(), visits.tolist(), strict=True))
    assert set(won) == {2, 6, 7}
    assert value == 1.0
    assert won[7] == 0
    assert won[2] + won[6] > 0


def test_mcts_visits_value_is_the_movers() -> None:
    # o to move after WIN_IN_ONE's x has played 8 instead: o completes 3 4 5.
    _, _, value = mcts_visits(_position("tic_tac_toe", [0, 3, 1, 4, 8]), 300, 1)
    assert value == 1.0
    # x to move, o threatens nothing, a drawn start: the rollouts favour the first player a little.
    _, visits, start = mcts_visits(_position("tic_tac_toe", []), 300, 1)
    assert visits.sum() >= 299
    assert 0.0 < start < 1.0


def test_mcts_visits_are_reproducible_and_in_the_movers_frame() -> None:
    state = _position("chess", [])
    state.apply(state.parse("e2e4", "uci"))
    first, second = (mcts_visits(state, 40, 7) for _ in range(2))
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert first[0].tolist() == state.legal_actions()


def test_mcts_visits_need_perfect_information() -> None:
    state = _position("kuhn_poker", [0, 1])
    with pytest.raises(AgentError, match="need perfect information"):
        mcts_visits(state, 10, 0)


def test_mcts_bets_the_king_and_never_calls_with_the_jack() -> None:
    # Kuhn poker: cards 0 (jack) 1 2 (king); actions 0 pass, 1 bet. Dealt: player 0 first.
    agent = build_agent("mcts:300", make_game("kuhn_poker"))
    called_with_jack = _position("kuhn_poker", [0, 1, 0, 1])  # pass, bet: the jack must fold
    called_with_king = _position("kuhn_poker", [2, 1, 0, 1])  # pass, bet: the king must call
    assert agent.act([_request(called_with_jack)]).actions.tolist() == [0]
    assert agent.act([_request(called_with_king)]).actions.tolist() == [1]


def test_mcts_says_when_hidden_information_cannot_be_resampled(capfd: pytest.CaptureFixture[str]) -> None:
    agent = build_agent("mcts:10", make_game("phantom_ttt"))
    with pytest.raises(AgentError, match="agent 'mcts:10' cannot search phantom_ttt"):
        agent.act([_request(make_game("phantom_ttt").initial_state())])
    capfd.readouterr()  # the rules engine writes its own line to stderr


def test_random_is_uniform() -> None:
    state = _position("tic_tac_toe", [0, 1, 2, 3])  # 5 cells left
    requests = [_request(state, seed) for seed in range(3000)]
    decisions = RandomAgent().act(requests)
    counts = np.bincount(decisions.actions, minlength=9)[4:]
    # 600 expected a cell, standard deviation 22: six of them.
    assert np.all(np.abs(counts - 600) < 132)
    np.testing.assert_allclose(decisions.behaviour_log_probs, -math.log(5), rtol=1e-6)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 2.0])
def test_draws_follow_the_temperature(temperature: float) -> None:
    state = _position("tic_tac_toe", [0, 1, 2, 3, 4, 6])  # 5, 7, 8 are left
    log_probs = np.full((1, 9), np.finfo(np.float32).min, np.float32)
    log_probs[0, [5, 7, 8]] = np.log([0.2, 0.3, 0.5])
    requests = [_request(state, seed) for seed in range(4000)]
    decisions = decide(
        np.repeat(log_probs, 4000, axis=0), requests, temperature=temperature, values=np.zeros(4000, np.float32)
    )
    expected = np.array([0.2, 0.3, 0.5]) ** (1 / temperature)
    expected /= expected.sum()
    seen = np.bincount(decisions.actions, minlength=9)[[5, 7, 8]] / 4000
    np.testing.assert_allclose(seen, expected, atol=6 * 0.5 / math.sqrt(4000))
    assert decisions.action_probs is not None
    np.testing.assert_allclose(decisions.action_probs[0, [5, 7, 8]], expected, rtol=1e-5)


def test_temperature_zero_takes_the_best_and_draws_among_equals() -> None:
    state = _position("tic_tac_toe", [0, 1, 2, 3, 4, 6])
    weights = np.full((200, 9), -np.inf, np.float32)
    weights[:, 5], weights[:, 7], weights[:, 8] = np.log(0.4), np.log(0.4), np.log(0.2)
    requests = [_request(state, seed) for seed in range(200)]
    decisions = decide(weights, requests, temperature=0.0, values=np.zeros(200, np.float32))
    assert set(decisions.actions.tolist()) == {5, 7}
    np.testing.assert_allclose(decisions.behaviour_log_probs, math.log(0.5), rtol=1e-6)


def test_top_p_keeps_the_fewest_likely_actions_that_suffice() -> None:
    chances = np.array([0.5, 0.3, 0.15, 0.05])
    np.testing.assert_allclose(nucleus(chances, 0.4), [1, 0, 0, 0])
    np.testing.assert_allclose(nucleus(chances, 0.75), [0.625, 0.375, 0, 0])
    np.testing.assert_allclose(nucleus(chances, 0.9), chances * [1, 1, 1, 0] / 0.95)
    np.testing.assert_allclose(nucleus(chances, 1.0), chances)
    # The last place is shared: no order of ids decides.
    np.testing.assert_allclose(nucleus(np.array([0.4, 0.3, 0.3]), 0.5), [0.4, 0.3, 0.3])


def test_top_p_after_the_temperature() -> None:
    state = _position("tic_tac_toe", [0, 1, 2, 3, 4, 6])
    weights = np.full((100, 9), -np.inf, np.float32)
    weights[:, [5, 7, 8]] = np.log([0.5, 0.3, 0.2])
    requests = [_request(state, seed) for seed in range(100)]
    decisions = decide(weights, requests, temperature=1.0, top_p=0.7, values=np.zeros(100, np.float32))
    assert set(decisions.actions.tolist()) == {5, 7}
    assert decisions.action_probs is not None
    np.testing.assert_allclose(decisions.action_probs[0, [5, 7, 8]], [0.625, 0.375, 0.0], rtol=1e-6)
