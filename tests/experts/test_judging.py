"""Engines and perfect play as experts: labels by hand, faults, real engines."""

import math
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.engine_process import find_engine
from gameil.agents.spec import build_agent
from gameil.agents.uci import UciAgent, read_values
from gameil.errors import AgentError, ConfigError, EngineError
from gameil.experts.build import build_expert
from gameil.experts.expert import Expert
from gameil.experts.judging import JudgingExpert
from gameil.games.game import State
from gameil.games.registry import make_game
from gameil.positions.label import Label
from tests.agents.fake_engines import uci_engine


def needs(engine: str) -> None:
    try:
        find_engine(engine, None)
    except EngineError as error:
        pytest.skip(str(error))


def label(expert: Expert, *states: State) -> list[Label]:
    try:
        return expert.label(list(states), [np.random.default_rng(row) for row in range(len(states))], round=2)
    finally:
        expert.close()


class Nobody:
    def close(self) -> None:
        pass


def test_values_become_weights_by_hand() -> None:
    answers = [{5: 0.3, 2: 0.2}, {7: math.nan}, {4: math.nan, 1: -1.0}]
    expert = JudgingExpert("judge", lambda states, rngs: answers, Nobody(), temperature=0.5)
    state = make_game("tic_tac_toe").initial_state()
    soft, hard, unscored = label(expert, state, state, state)
    assert soft.actions.tolist() == [2, 5]
    np.testing.assert_allclose(soft.probs, np.array([math.exp(-2), 1.0]) / (1 + math.exp(-2)), rtol=1e-6)
    assert (soft.value, soft.round, soft.expert) == (pytest.approx(0.3), 2, "judge")
    assert (hard.actions.tolist(), hard.probs.tolist(), hard.value) == ([7], [1.0], None)
    assert (unscored.actions.tolist(), unscored.value) == ([4], None), "the move that it plays counts"


def test_lines_of_uci_are_read() -> None:
    lines = [
        "info depth 1 multipv 1 score cp 10 nodes 5 pv a2a3",
        "info depth 9 seldepth 12 multipv 2 score mate -3 nodes 900 pv e7e5 g1f3",
        "info depth 9 seldepth 12 multipv 1 score cp 0 upperbound nodes 900 pv d2d4 d7d5",
        "info string pv score cp nonsense",
        "info depth 9 currmove e2e4",
        "bestmove d2d4",
    ]
    assert read_values(lines) == {"d2d4": 0.0, "e7e5": -1.0}
    assert read_values(["info score cp 100 pv e2e4"])["e2e4"] == pytest.approx(0.1820, abs=1e-4)
    assert read_values(["info score mate 2 pv e2e4", "info score cp 99999999 pv d2d4"]) == {"d2d4": pytest.approx(1.0)}


def test_perfect_play_labels_all_best_actions() -> None:
    game = make_game("tic_tac_toe")
    state = game.initial_state()
    for action in (0, 4):
        state.apply(action)
    corner = game.initial_state()
    corner.apply(0)
    first, second = label(build_expert("exact", game), state, corner)
    assert (second.actions.tolist(), second.value) == ([4], 0.0)
    assert first.probs.sum() == pytest.approx(1.0)
    assert first.value == 0.0
    game = make_game("pathfinding")
    (way,) = label(build_expert("shortest_path", game), game.initial_state())
    assert (way.actions.tolist(), way.probs.tolist()) == ([2], [1.0])
    assert way.value == pytest.approx(0.9996)


def test_only_experts_are_built() -> None:
    with pytest.raises(ConfigError, match="only searches label positions"):
        build_expert("random", make_game("chess"))
    with pytest.raises(AgentError, match="is not a known engine"):
        build_expert("uci:ls", make_game("chess"))


def test_a_crash_in_the_middle_loses_no_label(tmp_path: Path) -> None:
    agent = build_agent(
        "uci:fake,processes=1", make_game("chess"), engines={"fake": uci_engine(tmp_path, "crash once")}
    )
    assert isinstance(agent, UciAgent)
    states = [make_game("chess").initial_state() for _ in range(6)]
    labels = label(JudgingExpert("x", lambda states, rngs: agent.judge(states), agent), *states)
    assert [states[0].text(int(one.actions[0]), "uci") for one in labels] == ["g1f3"] * 6
    assert len((tmp_path / "started").read_text().split()) == 2


def test_stockfish_labels_softly_and_finds_mate() -> None:
    needs("stockfish")
    game = make_game("chess")
    mate = game.initial_state("6k1/5ppp/8/8/8/8/5PPP/3R2K1 w - - 0 1")
    found, usual = label(
        build_expert("uci:stockfish,nodes=2000,multipv=4", game, processes=2), mate, game.initial_state()
    )
    assert mate.text(int(found.actions[found.probs.argmax()]), "uci") == "d1d8"
    assert found.value == 1.0
    assert len(usual.actions) == 4
    assert 0.0 < usual.value < 0.3
    assert usual.probs.max() < 0.9
    assert label(build_expert("uci:stockfish,nodes=2000,multipv=4", game, processes=1), game.initial_state())[
        0
    ].probs.tolist() == pytest.approx(usual.probs.tolist()), "nodes decide, not time"


def test_fairy_stockfish_labels_shogi() -> None:
    needs("fairy-stockfish")
    game = make_game("shogi")
    # A gold dropped at the head of the king mates.
    state = game.initial_state("4k4/9/4P4/9/9/9/9/9/4K4 b G 1")
    (found,) = label(build_expert("uci:fairy-stockfish,nodes=3000,multipv=3", game, processes=1), state)
    assert state.text(int(found.actions[found.probs.argmax()])) == "G*5b"
    assert found.value == 1.0


def test_gnu_go_captures() -> None:
    needs("gnugo")
    game = make_game("go(board_size=9)")
    state = game.initial_state()
    for move in ("D5", "E5", "F5", "A1", "E6", "J1"):
        state.apply(state.parse(move, "gtp"))
    (found,) = label(build_expert("gtp:gnugo,level=5", game, processes=1), state)
    assert [state.text(int(action), "gtp") for action in found.actions] == ["E4"]
    assert found.value is None


def test_gnu_backgammon_makes_its_point() -> None:
    needs("gnubg")
    game = make_game("backgammon")
    state = game.initial_state()
    state.apply(state.parse("31", "backgammon"))
    (found,) = label(build_expert("external:gnubg", game, processes=1), state)
    best = int(found.actions[found.probs.argmax()])
    assert sorted(state.text(best, "backgammon").split()) == ["6/5", "8/5"]
    assert len(found.actions) > 10
    assert 0.0 < found.value < 0.2
