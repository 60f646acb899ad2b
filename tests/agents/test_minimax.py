"""Minimax against plain recursion, static values by hand, OpenSpiel's own bots."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.agents.agent import Request
from gameil.agents.minimax import MinimaxAgent
from gameil.agents.spec import build_agent
from gameil.agents.static_values import VALUES, static_value
from gameil.errors import AgentError, ConfigError
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.seeding import generator


def _request(state: State, seed: int = 0) -> Request:
    return Request(0, state.current_player(), state, generator(seed, "request"))


def _reached(game: str, plies: int, seed: int) -> State:
    state = make_game(game).initial_state()
    rng = np.random.default_rng(seed)
    for _ in range(plies):
        if state.is_terminal():
            break
        state.apply(int(rng.choice(state.legal_actions())))
    return state


def _plain(state: State, seat: int, depth: int, later: int = 1) -> float:
    """Minimax without cuts: what alpha-beta must agree with."""
    if state.is_terminal():
        return (1.0 - 1e-4 * later) * float(state.returns()[seat])
    if depth == 0:
        return 0.99 * static_value(state) * (1 if seat == 0 else -1)
    values = []
    for action in state.legal_actions():
        child = state.clone()
        child.apply(action)
        values.append(_plain(child, seat, depth - 1, later + 1))
    return max(values) if state.current_player() == seat else min(values)


@settings(max_examples=15, deadline=None)
@given(
    st.sampled_from([("tic_tac_toe", 4, 5), ("connect_four", 14, 3), ("breakthrough", 10, 2)]), st.integers(0, 2**20)
)
def test_cuts_change_no_value(case: tuple[str, int, int], seed: int) -> None:
    name, plies, depth = case
    state = _reached(name, plies, seed)
    if state.is_terminal():
        return
    agent = MinimaxAgent("m", state.game, depth=depth)
    decisions = agent.act([_request(state, seed)])
    seat = state.current_player()
    child = state.clone()
    child.apply(int(decisions.actions[0]))
    assert decisions.values is not None
    best = _plain(state, seat, depth, 0)
    assert float(decisions.values[0]) == pytest.approx(best, abs=1e-6)
    assert _plain(child, seat, depth - 1) == pytest.approx(best, abs=1e-6)


def test_it_takes_the_nearest_win_and_sees_a_threat() -> None:
    state = make_game("connect_four").initial_state()
    for action in (3, 0, 3, 0, 3):
        state.apply(action)
    agent = build_agent("minimax:2", state.game)
    for seed in range(5):
        assert agent.act([_request(state, seed)]).actions[0] == 3
    state.apply(1)
    assert agent.act([_request(state)]).actions[0] == 3
    assert build_agent("minimax:6", state.game).act([_request(state)]).values == pytest.approx([1.0], abs=1e-3)


def test_equal_moves_are_drawn_and_seeds_repeat() -> None:
    state = make_game("tic_tac_toe").initial_state()
    agent = build_agent("minimax:1", state.game)
    chosen = [int(agent.act([_request(state, seed)]).actions[0]) for seed in range(30)]
    assert len(set(chosen)) > 3
    assert chosen == [int(agent.act([_request(state, seed)]).actions[0]) for seed in range(30)]
    rolling = build_agent("minimax:1,rollouts=20", state.game)
    assert rolling.act([_request(state)]).actions == rolling.act([_request(state)]).actions


@pytest.mark.parametrize("name", sorted(VALUES))
def test_static_values_are_level_at_the_start_and_bounded(name: str) -> None:
    assert static_value(make_game(name).initial_state()) == pytest.approx(0.0)
    values = [static_value(_reached(name, 20, seed)) for seed in range(20)]
    assert all(-1.0 <= value <= 1.0 for value in values)
    assert len(set(values)) > 1


def test_static_values_by_hand() -> None:
    queen_down = make_game("chess").initial_state("rnb1kbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1")
    assert static_value(queen_down) == pytest.approx(np.tanh(0.9))
    state = make_game("connect_four").initial_state()
    state.apply(3)
    # The bottom cell of the middle column lies on seven lines: four across, one up, one each way aslant.
    assert static_value(state) == pytest.approx(np.tanh(7 / 30))


@pytest.mark.parametrize(
    ("spec", "game", "complaint"),
    [
        ("minimax:2", "kuhn_poker", "for two players who see everything"),
        ("openspiel:nobody", "hex", "hex has no bot 'nobody'; there are fixed_action_preference, uniform_random"),
        ("openspiel:gin_rummy_simple", "hex", "hex has no bot"),
        ("openspiel:uniform_restricted_actions", "leduc_poker", "has no bot"),
        ("openspiel:uniform_random", "pettingzoo:connect_four_v3", "plays OpenSpiel's games only"),
    ],
)
def test_games_that_they_cannot_play_are_refused(spec: str, game: str, complaint: str) -> None:
    with pytest.raises(AgentError, match=complaint):
        build_agent(spec, make_game(game))


def test_depths_are_bounded() -> None:
    with pytest.raises(ConfigError, match="depth='0': must be a whole number from 1 to 50"):
        build_agent("minimax:0", make_game("hex"))
