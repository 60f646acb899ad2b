"""Engines that hang, crash, talk nonsense or cheat: one clear error each, in bounded time, and no process left."""

import os
import time
from pathlib import Path

import numpy as np
import pytest

from gameil.agents import engine_process
from gameil.agents.agent import Agent, Request
from gameil.agents.engine_process import EngineConfig, EngineProcess, find_engine, known_to_user, read_engines
from gameil.agents.spec import build_agent
from gameil.errors import AgentError, ConfigError, EngineError
from gameil.games.registry import make_game
from tests.agents.fake_engines import gtp_engine, uci_engine


def _ask(agent: Agent, *, game_id: str = "chess", games: int = 1, moves: tuple[str, ...] = ()) -> list[int]:
    state = make_game(game_id).initial_state()
    for move in moves:
        state.apply(state.parse(move, "uci"))
    requests = [Request(game, state.current_player(), state, np.random.default_rng(game)) for game in range(games)]
    agent.begin(range(games))
    return agent.act(requests).actions.tolist()


def _alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    status = Path(f"/proc/{pid}/stat")
    return not (status.exists() and status.read_text().rpartition(")")[2].split()[0] == "Z")


def _pids(directory: Path) -> list[int]:
    return [int(line) for line in (directory / "started").read_text().split()]


def _build(engine: EngineConfig, *, spec: str = "uci:fake,processes=1", game_id: str = "chess") -> Agent:
    return build_agent(spec, make_game(game_id), engines={"fake": engine})


def test_a_sound_engine_plays_and_sees_the_moves(tmp_path: Path) -> None:
    agent = _build(uci_engine(tmp_path, "sound"), spec="uci:fake,skill=3,nodes=7,processes=2")
    state = make_game("chess").initial_state()
    knight = state.parse("g1f3", "uci")
    assert _ask(agent, games=5) == [knight] * 5
    agent.close()
    agent.close()
    assert not any(_alive(pid) for pid in _pids(tmp_path))


def test_memory_follows_each_game(tmp_path: Path) -> None:
    # The fake engine answers f3g1 two plies after g1f3: only right when the whole line was sent.
    agent = _build(uci_engine(tmp_path, "sound"))
    try:
        _ask(agent, games=2)
        (action,) = _ask(agent, moves=("g1f3", "a7a6"))
        state = make_game("chess").initial_state()
        for move in ("g1f3", "a7a6"):
            state.apply(state.parse(move, "uci"))
        assert action == state.parse("f3g1", "uci")
    finally:
        agent.close()


def test_an_engine_that_crashed_once_is_started_again(tmp_path: Path) -> None:
    agent = _build(uci_engine(tmp_path, "crash once"))
    try:
        assert len(_ask(agent)) == 1
        assert len(_pids(tmp_path)) == 2
    finally:
        agent.close()


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("crash", r"engine 'fake' stopped with exit code 3 while 'bestmove' was awaited \(after 2 restarts\)"),
        ("hang", r"engine 'fake' gave no 'bestmove' within 1.5 seconds"),
        ("garbage", r"engine 'fake' gave no 'bestmove' within 1.5 seconds"),
        ("illegal", r"engine 'fake' answered the illegal move 'e2e5'"),
        ("empty", r"engine 'fake' answered 'bestmove' without a move"),
        ("mute", r"engine 'fake' gave no 'uciok' within 1.5 seconds"),
        ("noise", r"engine 'fake' gave no 'uciok' within .* but \d+ other lines, the last 'info string noise'"),
    ],
)
def test_faults_are_one_line_and_bounded(tmp_path: Path, mode: str, message: str) -> None:
    agent = _build(
        uci_engine(tmp_path, mode, timeout_seconds=1.5 if mode not in ("crash", "illegal", "empty") else 5.0)
    )
    began = time.monotonic()
    try:
        with pytest.raises(EngineError, match=message) as caught:
            _ask(agent)
        assert "\n" not in str(caught.value)
        assert time.monotonic() - began < 30.0
    finally:
        agent.close()
    assert not any(_alive(pid) for pid in _pids(tmp_path))


def test_what_an_engine_started_dies_with_it(tmp_path: Path) -> None:
    agent = _build(uci_engine(tmp_path, "child"))
    _ask(agent)
    engine, child = _pids(tmp_path)
    assert _alive(engine)
    assert _alive(child)
    agent.close()
    deadline = time.monotonic() + 5.0
    while _alive(child) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not _alive(engine)
    assert not _alive(child)


def test_a_forgotten_engine_is_stopped(tmp_path: Path) -> None:
    config = uci_engine(tmp_path, "sound")
    process = EngineProcess("fake", config.command)
    process.send("uci")
    process.read_until(lambda line: line == "uciok", 5.0, "'uciok'")
    del process
    assert not any(_alive(pid) for pid in _pids(tmp_path))


def test_an_unknown_uci_option_is_refused(tmp_path: Path) -> None:
    agent = _build(uci_engine(tmp_path, "sound"), spec="uci:fake,elo=1500,processes=1")
    try:
        with pytest.raises(EngineError, match="has no UCI option 'UCI_LimitStrength'"):
            _ask(agent)
    finally:
        agent.close()


@pytest.mark.parametrize("spec", ["uci:no-such-engine", "gtp:no-such-engine"])
def test_a_missing_engine_is_one_clear_line(spec: str) -> None:
    game = make_game("chess" if spec.startswith("uci") else "go(board_size=9)")
    with pytest.raises(EngineError, match=r"engine 'no-such-engine' is not a known engine: name it in an \[engines\]"):
        build_agent(spec, game)


def test_only_known_engines_are_started_by_a_bare_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    proof = tmp_path / "proof"
    for name in ("ls", "stockfish", "gnugo"):
        (tmp_path / name).write_text(f"#!/bin/sh\ntouch {proof}\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    for spec, game_id in (("uci:ls", "chess"), ("gtp:ls", "go")):
        with pytest.raises(EngineError, match=r"engine 'ls' is not a known engine"):
            build_agent(spec, make_game(game_id))
    assert not proof.exists()
    assert find_engine("stockfish", None, "uci").command == (str(tmp_path / "stockfish"),)
    assert find_engine("gnugo", None).command[:3] == (str(tmp_path / "gnugo"), "--mode", "gtp")
    with pytest.raises(EngineError, match="engine 'gnugo' speaks gtp, not uci"):
        build_agent("uci:gnugo", make_game("chess"))


def test_a_known_engine_that_is_not_installed_is_missed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(engine_process, "_GAMES_DIRECTORY", tmp_path)
    with pytest.raises(EngineError, match=r"engine 'stockfish' not found on PATH or in "):
        build_agent("uci:stockfish", make_game("chess"))


def test_the_users_own_table_is_always_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    (tmp_path / "config" / "gameil").mkdir(parents=True)
    (tmp_path / "config" / "gameil" / "engines.toml").write_text('[engines.mine]\ncommand = ["/bin/sh", "-x"]\n')
    assert find_engine("mine", None).command == ("/bin/sh", "-x")
    more = tmp_path / "more.toml"
    more.write_text('[engines.other]\ncommand = ["/bin/sh"]\n')
    assert set(known_to_user(more)) == {"mine", "other"}
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", "config")  # relative: a stranger's directory must not become the user's table
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    assert known_to_user() == {}


def test_a_path_in_a_spec_is_refused(tmp_path: Path) -> None:
    script = tmp_path / "engine"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    with pytest.raises(EngineError, match="a path may not stand in a spec"):
        build_agent(f"uci:{script}", make_game("chess"))
    build_agent("uci:mine", make_game("chess"), engines={"mine": EngineConfig((str(script),))}).close()


def test_a_missing_program_of_the_table_is_named() -> None:
    with pytest.raises(EngineError, match="its program '/no/such' is not found"):
        find_engine("mine", {"mine": EngineConfig(("/no/such",))})


def test_engines_play_their_own_game_only(tmp_path: Path) -> None:
    with pytest.raises(AgentError, match=r"plays chess, shogi, .*, not connect_four"):
        _build(uci_engine(tmp_path, "sound"), game_id="connect_four")
    with pytest.raises(AgentError, match="plays go only, not chess"):
        _build(gtp_engine(tmp_path, "sound"), spec="gtp:fake")


def test_the_engines_table_is_read_and_checked(tmp_path: Path) -> None:
    table = tmp_path / "engines.toml"
    table.write_text(
        '[engines.mine]\ncommand = ["prog", "-x"]\ntimeout_seconds = 3\n[engines.mine.options]\nHash = "8"\n'
    )
    assert read_engines(table) == {"mine": EngineConfig(("prog", "-x"), {"Hash": "8"}, 3.0)}
    for text, message in [
        ("x = 1\n", r"has no \[engines.NAME\] tables"),
        ('[engines.mine]\ncommand = ["a"]\nspeed = 3\n', "engines.mine: speed: unknown key"),
        ("[engines.mine]\ncommand = []\n", "an engine needs a command"),
        ('[engines.mine]\ncommand = ["a"]\ntimeout_seconds = 0\n', "timeout_seconds must be above 0"),
    ]:
        table.write_text(text)
        with pytest.raises(ConfigError, match=message):
            read_engines(table)


@pytest.mark.parametrize(
    ("mode", "message"),
    [
        ("illegal", "engine 'fake' answered the illegal move 'Z99'"),
        ("garbage", "engine 'fake' answered the illegal move '%%%'"),
        ("refuse", r"engine 'fake' refused 'komi 7.5': no komi here"),
        ("hang", "engine 'fake' gave no answer to 'genmove b' within 1.5 seconds"),
    ],
)
def test_gtp_faults(tmp_path: Path, mode: str, message: str) -> None:
    agent = _build(
        gtp_engine(tmp_path, mode, 1.5 if mode == "hang" else 5.0),
        spec="gtp:fake,processes=1",
        game_id="go(board_size=9)",
    )
    try:
        with pytest.raises(EngineError, match=message):
            _ask(agent, game_id="go(board_size=9)")
    finally:
        agent.close()


@pytest.mark.parametrize("mode", ["pass", "resign"])
def test_gtp_pass_and_resignation_both_pass(tmp_path: Path, mode: str) -> None:
    agent = _build(gtp_engine(tmp_path, mode), spec="gtp:fake", game_id="go(board_size=9)")
    try:
        state = make_game("go(board_size=9)").initial_state()
        assert _ask(agent, game_id="go(board_size=9)") == [state.parse("pass", "gtp")]
    finally:
        agent.close()
