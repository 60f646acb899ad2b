"""GNU Backgammon as an agent: boards against the rules engine's, plays by hand, faults, real games."""

import sys
from pathlib import Path

import numpy as np
import pytest

from gameil.agents.agent import Agent, Request
from gameil.agents.engine_process import EngineConfig, find_engine
from gameil.agents.external import after, read_board
from gameil.agents.spec import build_agent
from gameil.errors import AgentError, EngineError
from gameil.games.game import State
from gameil.games.registry import make_game

_FAKE = """
import sys, time
mode, note = sys.argv[1], sys.argv[2]
with open(note, "a") as file:
    file.write("started\\n")
for line in sys.stdin:
    words = line.split()
    if words[:1] == ["hint"]:
        with open(note) as file:
            starts = len(file.readlines())
        if mode == "hang":
            time.sleep(60)
        if mode == "crash" or (mode == "crash once" and starts == 1):
            sys.exit(3)
        play = {"illegal": "24/1", "nonsense": "into the woods"}.get(mode, "8/5 6/5")
        print(f"    1. Cubeful 0-ply    {play}                      Eq.: +0.102")
        print("       0.551 0.174 0.013 - 0.449 0.124 0.005")
        print("    2. Cubeful 0-ply    24/23 13/10                  Eq.: -0.006 (-0.108)", flush=True)
    elif words == ["show", "turn"]:
        print("gnubg in on move.", flush=True)
"""


def fake(directory: Path, mode: str) -> Agent:
    script = directory / "gnubg.py"
    script.write_text(_FAKE)
    command = (sys.executable, "-I", str(script), mode, str(directory / "starts"))
    config = EngineConfig(command, timeout_seconds=1.5 if mode == "hang" else 5.0)
    return build_agent("external:mine,processes=1", make_game("backgammon"), engines={"mine": config})


def opening(dice: str = "31") -> State:
    state = make_game("backgammon").initial_state()
    state.apply(state.parse(dice, "backgammon"))
    return state


def act(agent: Agent, state: State) -> int:
    return int(agent.act([Request(0, state.current_player(), state, np.random.default_rng(0))]).actions[0])


def test_the_best_play_is_played(tmp_path: Path) -> None:
    for mode, starts in (("sound", 1), ("crash once", 2)):
        (tmp_path / mode).mkdir()
        agent = fake(tmp_path / mode, mode)
        for dice in ("31", "second 31"):
            assert sorted(opening(dice).text(act(agent, opening(dice)), "backgammon").split()) == ["6/5", "8/5"]
        agent.close()
        assert len((tmp_path / mode / "starts").read_text().split()) == starts


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("crash", r"stopped with exit code 3 while answer to 'hint 500' was awaited \(after 2 restarts\)"),
        ("hang", "gave no answer to 'hint 500' within 1.5 seconds"),
        ("nonsense", "answered 'into the woods', which is no play"),
    ],
)
def test_faults_are_one_line(tmp_path: Path, mode: str, message: str) -> None:
    agent = fake(tmp_path, mode)
    with pytest.raises(EngineError, match=message):
        act(agent, opening())
    agent.close()


def test_an_illegal_play_gives_way_to_the_next_and_is_an_error_without_one(tmp_path: Path) -> None:
    agent = fake(tmp_path, "illegal")
    assert sorted(opening().text(act(agent, opening()), "backgammon").split()) == ["13/10", "24/23"]
    with pytest.raises(EngineError, match="knows 2 plays here, none of which the rules allow; its best is 24/1"):
        act(agent, opening("65"))
    agent.close()


def test_boards_are_those_of_the_rules_engine() -> None:
    rng, state = np.random.default_rng(0), make_game("backgammon").initial_state()
    hits = 0
    while not state.is_terminal():
        mover = state.current_player()
        if mover >= 0:
            own, opponent = read_board(state, mover)
            for point in range(1, 25):
                place = 24 - point if mover == 0 else point - 1
                assert own[point] == state.raw.board(mover, place)
                assert opponent[point] == state.raw.board(1 - mover, place)
            hits += opponent[0]
            assert sum(own) <= 15
            assert sum(opponent) <= 15
        state.apply(int(rng.choice(state.legal_actions())))
    assert hits > 0


def test_plays_move_hit_and_bear_off() -> None:
    own, opponent = [0] * 26, [0] * 26
    own[25], own[6], own[2] = 1, 2, 1
    opponent[22], opponent[4] = 1, 1
    found = after((tuple(own), tuple(opponent)), ((25, 22), (6, 4), (2, 0)))
    assert (found[0][25], found[0][22], found[0][6], found[0][4], found[0][2]) == (0, 1, 1, 1, 0)
    assert (found[1][0], found[1][22], found[1][4]) == (2, 0, 0)


def test_other_games_are_refused() -> None:
    with pytest.raises(AgentError, match="plays backgammon only, not chess"):
        build_agent("external:mine", make_game("chess"), engines={"mine": EngineConfig((sys.executable,))})
    with pytest.raises(EngineError, match="engine 'stockfish' speaks uci, not gnubg"):
        build_agent("external:stockfish", make_game("backgammon"))


def test_gnu_backgammon_plays_whole_games() -> None:
    """Doubles too, and second turns of doubles whose first turn somebody else played."""
    try:
        find_engine("gnubg", None)
    except EngineError as error:
        pytest.skip(str(error))
    agent = build_agent("external:gnubg,plies=0,processes=1", make_game("backgammon"))
    rng, won, seconds = np.random.default_rng(5), 0, 0
    try:
        for game in range(4):
            state = make_game("backgammon").initial_state()
            while not state.is_terminal():
                mover = state.current_player()
                action = int(rng.choice(state.legal_actions()))
                second = mover >= 0 and bool(state.recent) and state.recent[0][0] == mover
                if mover >= 0 and (mover == game % 2 or second):
                    action = act(agent, state)
                    seconds += second
                state.apply(action)
            won += state.returns()[game % 2] > 0
    finally:
        agent.close()
    assert won == 4
    assert seconds > 5
