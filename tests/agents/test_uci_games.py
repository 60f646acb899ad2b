"""Moves as UCI engines write them: every legal move has a text of its own, known lines by hand, games by engine."""

import numpy as np
import pytest

from gameil.agents.agent import Request
from gameil.agents.engine_process import find_engine
from gameil.agents.spec import build_agent
from gameil.agents.uci_games import UCI_GAMES, uci_game
from gameil.errors import EngineError, NotationError
from gameil.games.registry import make_game


@pytest.mark.parametrize("game_id", UCI_GAMES)
def test_every_move_is_read_as_it_is_written(game_id: str) -> None:
    game, rng = make_game(game_id), np.random.default_rng(3)
    played = uci_game(game)
    assert played is not None
    state = game.initial_state()
    for _ in range(90):
        legal = state.legal_actions()
        texts = {action: played.write(state, action) for action in legal}
        assert len(set(texts.values())) == len(legal), sorted(texts.values())
        action = int(rng.choice(legal))
        assert played.read(state, texts[action]) == action
        state.apply(action)
        if state.is_terminal():
            state = game.initial_state()
    with pytest.raises(NotationError, match="illegal"):
        played.read(state, "a1a1")


@pytest.mark.parametrize(
    ("game_id", "line"),
    [
        ("chess", "e2e4 e7e5 g1f3 b8c6 f1c4 f8c5 e1g1"),
        ("shogi", "c3c4 g7g6 b2h8+ g9h8 B@e5"),
        ("xiangqi", "h3e3 h8e8 h1g3 h10g8 e3e7"),
        ("crazyhouse", "e2e4 d7d5 e4d5 d8d5 b1c3 d5d8 P@d5 g8f6 g1f3 g7g6 f1e2 f8g7 e1g1"),
        ("antichess", "e2e3 b7b5 f1b5 d8e7"),
        ("breakthrough", "a2a3 b7a6 b2c3 a6b5 a3a4 b5a4"),
    ],
)
def test_known_lines_by_hand(game_id: str, line: str) -> None:
    game = make_game(game_id)
    played, state = uci_game(game), game.initial_state()
    assert played is not None
    for text in line.split():
        if game_id == "antichess" and text == "d8e7":
            with pytest.raises(NotationError):
                played.read(state, text)
            return
        state.apply(played.read(state, text))
    assert not state.is_terminal()


def test_other_games_have_none() -> None:
    assert uci_game(make_game("breakthrough(columns=6,rows=6)")) is None
    assert uci_game(make_game("othello")) is None


@pytest.mark.parametrize("game_id", UCI_GAMES)
def test_fairy_stockfish_beats_chance(game_id: str) -> None:
    try:
        find_engine("fairy-stockfish", None)
    except EngineError as error:
        pytest.skip(str(error))
    game = make_game(game_id)
    agent = build_agent("uci:fairy-stockfish,nodes=200,processes=1", game)
    try:
        for seat in range(2):
            state, rng = game.initial_state(), np.random.default_rng(seat)
            agent.begin([seat])
            while not state.is_terminal():
                mover = state.current_player()
                action = int(rng.choice(state.legal_actions()))
                if mover == seat:
                    action = int(agent.act([Request(seat, mover, state, rng)]).actions[0])
                state.apply(action)
            # Antichess is an art of its own: 200 nodes lose it now and then.
            assert state.returns()[seat] == 1.0 or game_id == "antichess"
    finally:
        agent.close()
