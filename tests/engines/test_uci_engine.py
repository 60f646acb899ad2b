"""The UCI engine: python-chess as its client, every command, clocks, garbage, the whole process."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings

from gameil.agents.engine_process import find_engine
from gameil.cli.main import main
from gameil.engines.uci_engine import UciEngine, centipawns
from gameil.engines.uci_go import read_go
from gameil.errors import CheckpointError, ConfigError, EngineError
from tests.engines.engine_lines import UCI_WORDS, Heard, session, tiny_snapshot

COMMAND = [sys.executable, "-m", "gameil", "uci", "--agent"]
INFO = re.compile(
    r"info depth \d+ multipv \d+( score cp -?\d+)? nodes \d+ nps \d+ time \d+ pv( [a-h][1-8][a-h][1-8][qrbn]?)+"
)


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tiny_snapshot(tmp_path_factory.mktemp("engine") / "best", "chess")


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def engine(spec: str, heard: Heard) -> Iterator[UciEngine]:
    engine = UciEngine(spec, heard)
    yield engine
    engine.close()


def ask(engine: UciEngine, *lines: str) -> None:
    for line in lines:
        assert engine.handle(line)


def best(heard: Heard) -> str:
    return heard.wait_for(lambda line: line.startswith("bestmove"))


def test_greeting(engine: UciEngine, heard: Heard) -> None:
    ask(engine, "uci")
    assert heard.lines[0].startswith("id name gameil ")
    assert heard.lines[-1] == "uciok"
    assert any(line.startswith("option name MultiPV type spin default 1") for line in heard.lines)
    ask(engine, "isready")
    assert heard.lines[-1] == "readyok"
    assert not engine.handle("quit")


def test_a_search_tells_its_lines_and_its_move(engine: UciEngine, heard: Heard) -> None:
    ask(engine, "setoption name MultiPV value 3", "position startpos moves e2e4 e7e5", "go nodes 40")
    answer = best(heard)
    assert re.fullmatch(r"bestmove [a-h][1-8][a-h][1-8]( ponder \w+)?", answer)
    infos = [line for line in heard.lines if line.startswith("info depth")]
    assert all(INFO.fullmatch(line) for line in infos)
    assert [line.split()[4] for line in infos[-3:]] == ["1", "2", "3"]
    assert infos[-3].split(" pv ")[1].split()[0] == answer.split()[1]
    assert "nodes 40 " in infos[-1]


def test_searchmoves_and_finished_games(engine: UciEngine, heard: Heard) -> None:
    ask(engine, "position startpos", "go nodes 20 searchmoves a2a3")
    assert best(heard).startswith("bestmove a2a3")
    heard.lines.clear()
    ask(engine, "position startpos moves f2f3 e7e5 g2g4 d8h4", "go nodes 5")
    assert best(heard) == "bestmove 0000"
    heard.lines.clear()
    ask(engine, "position startpos", "go searchmoves a2a5")
    assert heard.lines[0].startswith("info string error")
    assert heard.lines[1:] == ["bestmove 0000"]


def test_infinite_and_ponder_speak_when_they_are_told(engine: UciEngine, heard: Heard) -> None:
    for go, release in (("go infinite", "stop"), ("go ponder movetime 60", "ponderhit"), ("go ponder nodes 4", "stop")):
        heard.lines.clear()
        ask(engine, "position startpos moves e2e4", "isready", go)
        time.sleep(0.3)
        ask(engine, "isready")
        assert heard.lines[-1] == "readyok"
        assert not any(line.startswith("bestmove") for line in heard.lines)
        ask(engine, release)
        best(heard)


def test_bare_agents_play_too(heard: Heard) -> None:
    engine = UciEngine("random", heard)
    ask(engine, "go wtime 1000 btime 1000")
    best(heard)
    heard.lines.clear()
    ask(engine, "setoption name Search value 5", "setoption name MultiPV value many", "position startpos moves e2e5")
    assert [line.split(":")[0] for line in heard.lines] == ["info string error"] * 3
    ask(engine, "go nodes 1")
    assert not best(heard).startswith("bestmove 0000"), "a bad position leaves the old one"
    engine.close()
    with pytest.raises(CheckpointError, match="there is no such snapshot"):
        UciEngine("snapshot:nowhere", heard)


def test_time_is_shared_out() -> None:
    go = read_go(["wtime", "60000", "btime", "30000", "winc", "1000", "binc", "0", "movestogo", "20"])
    assert go.seconds(0, 0.05) == pytest.approx(3.0 + 0.8 - 0.05)
    assert go.seconds(1, 0.05) == pytest.approx(1.5 - 0.05)
    assert read_go(["wtime", "100", "winc", "5000"]).seconds(0, 0.0) == pytest.approx(0.05), "never more than half"
    assert read_go(["wtime", "-50"]).seconds(0, 0.05) == pytest.approx(0.01)
    assert read_go(["movetime", "500"]).seconds(1, 0.1) == pytest.approx(0.4)
    assert read_go(["infinite", "wtime", "9"]).seconds(0, 0.0) is None
    assert read_go(["depth", "3", "searchmoves", "e2e4", "d2d4", "nodes", "7"]).searchmoves == ("e2e4", "d2d4")
    with pytest.raises(ConfigError, match="go wtime needs a whole number"):
        read_go(["wtime"])


def test_scores_are_those_of_leela() -> None:
    assert [centipawns(value) for value in (0.0, 0.5, -0.5)] == [0, 89, -89]
    assert centipawns(1.0) == -centipawns(-7.0) > 10_000


@settings(max_examples=60, deadline=None)
@given(session(UCI_WORDS))
def test_garbage_is_survived(lines: list[str]) -> None:
    heard = Heard()
    engine = UciEngine("random", heard)
    for line in lines:
        if not line.startswith("quit"):
            engine.handle(line)
    before = len(heard.lines)
    engine.handle("stop")
    engine.handle("position startpos moves e2e4")
    engine.handle("go nodes 1")
    engine.close()
    assert any(line.startswith("bestmove ") and "0000" not in line for line in heard.lines[before:])
    assert not any("internal error" in line for line in heard.lines)
    assert not any("\n" in line for line in heard.lines)


def test_python_chess_plays_with_it(spec: str) -> None:
    chess = pytest.importorskip("chess", reason="python-chess (GPL) is not installed: pip install gameil[bench]")
    client = pytest.importorskip("chess.engine")
    with client.SimpleEngine.popen_uci([*COMMAND, spec], timeout=60) as engine:
        engine.configure({"Search": 4, "Move Overhead": 10})
        board = chess.Board()
        for _ in range(6):
            board.push(engine.play(board, client.Limit(nodes=6)).move)
        found = engine.analyse(board, client.Limit(time=0.3), multipv=2)
        assert [line["multipv"] for line in found] == [1, 2]
        assert all(line["pv"][0] in board.legal_moves and "score" in line for line in found)
        board = chess.Board("4k3/P7/8/8/8/8/8/4K3 w - - 0 1")
        assert engine.play(board, client.Limit(white_clock=1.0, black_clock=1.0)).move in board.legal_moves
        board = chess.Board()
        for _ in range(3):  # the move that it expects is pondered on; python-chess stops or hits
            played = engine.play(board, client.Limit(white_clock=2.0, black_clock=2.0), ponder=True)
            board.push(played.move)
            board.push(played.ponder or next(iter(board.legal_moves)))
        with engine.analysis(board, root_moves=list(board.legal_moves)[:2]) as endless:
            seen = [next(endless) for _ in range(3)]
        assert all(line["pv"][0] in list(board.legal_moves)[:2] for line in seen if "pv" in line)


def test_a_rating_is_offered_where_the_network_was_told_ratings(heard: Heard, tmp_path: Path) -> None:
    engine = UciEngine(tiny_snapshot(tmp_path / "told", "chess", conditions=("rating",)), heard)
    ask(engine, "uci")
    assert "option name Rating type spin default 0 min 0 max 5000" in heard.lines
    moves = []
    for rating in ("1500", "0"):  # 0: not told
        heard.lines.clear()
        ask(engine, f"setoption name Rating value {rating}", "position startpos", "go nodes 4")
        moves.append(best(heard))
        assert not any(line.startswith("info string") for line in heard.lines)
    assert all(re.fullmatch(r"bestmove [a-h][1-8][a-h][1-8].*", move) for move in moves)
    engine.close()


def test_the_process_ends_with_its_input() -> None:
    for text in ("uci\nquit\n", "uci\n", "uci\ngo infinite\n"):
        done = subprocess.run([*COMMAND, "random"], input=text.encode(), capture_output=True, timeout=60, check=False)
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"uciok\n" in done.stdout


def test_stockfish_plays_against_it(tmp_path: Path) -> None:
    try:
        find_engine("stockfish", None)
    except EngineError as error:
        pytest.skip(str(error))
    engines = tmp_path / "engines.toml"
    engines.write_text(f"[engines.mine]\ncommand = {[*COMMAND, 'random']!r}\n".replace("'", '"'))
    players = ["--agent", "uci:mine,nodes=1,processes=1", "--against", "uci:stockfish,nodes=1,processes=1"]
    arguments = ["--game", "chess", *players, "--games", "2", "--max-plies", "24", "--engines", str(engines)]
    assert main(["evaluate", *arguments, "--runs", str(tmp_path), "--quiet"]) == 0
