"""Perfect play: against plain minimax, games with known values, and shortest ways counted by hand."""

from functools import cache

import numpy as np
import pytest

from gameil.agents.agent import Request
from gameil.agents.exact import ExactSolver, ShortestPaths
from gameil.agents.spec import build_agent
from gameil.errors import AgentError
from gameil.games.game import State
from gameil.games.registry import make_game


def minimax(state: State) -> list[float]:
    """Return of the mover after each legal action, without any shortcut but a table."""

    @cache
    def values(history: tuple[int, ...]) -> tuple[float, ...]:
        node = state.game.initial_state()
        for action in history:
            node.apply(action)
        if node.is_terminal():
            return tuple(node.returns().tolist())
        mover = node.current_player()
        children = [values((*history, action)) for action in node.legal_actions()]
        return max(children, key=lambda returns: returns[mover])

    mover = state.current_player()
    return [values((*state.history, action))[mover] for action in state.legal_actions()]


@pytest.mark.parametrize("game_id", ["tic_tac_toe", "nim", "hex(board_size=2)", "breakthrough(columns=3,rows=4)"])
def test_the_solver_finds_all_best_actions(game_id: str) -> None:
    game, rng = make_game(game_id), np.random.default_rng(1)
    solver = ExactSolver("exact", game)
    for plies in (2, 3, 4, 5, 6) if game_id != "hex(board_size=2)" else (0, 1):
        state = game.initial_state()
        for _ in range(plies):
            state.apply(int(rng.choice(state.legal_actions())))
            if state.is_terminal():
                break
        if not state.is_terminal() and (game_id != "breakthrough(columns=3,rows=4)" or plies > 3):
            expected = minimax(state)
            best = [
                action for action, value in zip(state.legal_actions(), expected, strict=True) if value == max(expected)
            ]
            assert solver.best(state) == (best, max(expected))


def test_games_of_known_value() -> None:
    for game_id, value in (("tic_tac_toe", 0.0), ("connect_four(columns=4,rows=4)", 0.0), ("nim", -1.0)):
        game = make_game(game_id)
        assert ExactSolver("exact", game).best(game.initial_state())[1] == value


def test_what_cannot_be_solved_is_refused() -> None:
    for game_id in ("backgammon", "kuhn_poker", "go(board_size=3)", "pathfinding"):
        with pytest.raises(AgentError, match="solves games of two players without chance"):
            build_agent("exact", make_game(game_id))
    agent = build_agent("exact,positions=1000", make_game("connect_four"))
    state = make_game("connect_four").initial_state()
    with pytest.raises(AgentError, match="has more than 1,000 others to look at"):
        agent.act([Request(0, 0, state, np.random.default_rng(0))])
    with pytest.raises(AgentError, match="plays games of one player, which tic_tac_toe is not"):
        build_agent("shortest_path", make_game("tic_tac_toe"))


def test_perfect_play_draws_tic_tac_toe_and_varies() -> None:
    game = make_game("tic_tac_toe")
    agent = build_agent("exact", game)
    games = set()
    for seed in range(10):
        state, rng = game.initial_state(), np.random.default_rng(seed)
        while not state.is_terminal():
            state.apply(int(agent.act([Request(0, state.current_player(), state, rng)]).actions[0]))
        assert state.returns().tolist() == [0.0, 0.0]
        games.add(tuple(state.history))
    assert len(games) > 5


def test_shortest_ways_by_hand() -> None:
    # The usual grid: from the lower right to the upper left around two walls, 9 steps, the last one pays 200.
    game = make_game("pathfinding")
    paths = ShortestPaths("shortest_path", game)
    state, total = game.initial_state(), paths.best(game.initial_state())[1]
    steps = 0
    while not state.is_terminal():
        actions, value = paths.best(state)
        assert value == pytest.approx(total), "the expected return does not change along the best way"
        state.apply(actions[-1])
        steps += 1
    assert steps == 9
    assert state.returns()[0] == pytest.approx(total) == pytest.approx(200 - 8 * 0.01)
    # A cliff of 4 rows and 8 columns: up, along the edge, down.
    game = make_game("cliff_walking")
    paths = ShortestPaths("shortest_path", game)
    state = game.initial_state()
    while not state.is_terminal():
        state.apply(paths.best(state)[0][0])
    assert len(state.history) == 9
    assert state.returns()[0] == pytest.approx(paths.best(game.initial_state())[1])
