"""The GTP engine: answers by the specification, analysis, handicap and undo, garbage, games against GNU Go."""

import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.agents.engine_process import find_engine
from gameil.cli.main import main
from gameil.engines.go_points import area_score, fixed_handicap
from gameil.engines.gtp_engine import GtpEngine
from gameil.engines.gtp_words import GtpTime
from gameil.errors import ConfigError, EngineError
from tests.engines.engine_lines import GTP_WORDS, Heard, session, tiny_snapshot

GAME = "go(board_size=5)"
COMMAND = [sys.executable, "-m", "gameil", "gtp"]


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def engine(heard: Heard) -> Iterator[GtpEngine]:
    engine = GtpEngine("random", GAME, heard)
    yield engine
    engine.close()


def ask(engine: GtpEngine, heard: Heard, *lines: str) -> list[str]:
    """The answers, without their last line break."""
    before = len(heard.lines)
    for line in lines:
        assert engine.handle(line)
    assert all(answer.endswith("\n") for answer in heard.lines[before:])
    return [answer[:-1] for answer in heard.lines[before:]]


def test_administration(engine: GtpEngine, heard: Heard) -> None:
    assert ask(engine, heard, "protocol_version", "7 name", "known_command genmove", "12 known_command nonsense") == [
        "= 2",
        "=7 gameil",
        "= true",
        "=12 false",
    ]
    (commands,) = ask(engine, heard, "list_commands")
    assert {"play", "genmove", "undo", "kata-analyze", "quit"} <= set(commands.removeprefix("= ").split("\n"))
    assert ask(engine, heard, "", "# only a comment", "3 nonsense # and a comment") == ["?3 unknown command"]
    assert ask(engine, heard, "boardsize 99", "boardsize", "komi x") == [
        "? unacceptable size",
        "? board size not an integer",
        "? komi not a float",
    ]
    assert not engine.handle("quit")
    assert heard.lines[-1] == "=\n"


def test_moves_undo_and_score(engine: GtpEngine, heard: Heard) -> None:
    assert ask(engine, heard, "komi 0.5", "play b C3", "play w c3", "play B j9", "play x A1") == [
        "=",
        "=",
        "? illegal move",
        "? invalid color or coordinate",
        "? invalid color or coordinate",
    ]
    assert ask(engine, heard, "final_score", "undo", "final_score", "undo") == [
        "= B+24.5",
        "=",
        "= W+0.5",
        "? cannot undo",
    ]
    # Twice in a row: a pass of the other side is put in between, and undone with the move.
    ask(engine, heard, "play b A1", "play b B2")
    assert ask(engine, heard, "undo", "play w E5", "komi 3", "showboard")[-1].count("X") >= 1
    assert ask(engine, heard, "undo", "undo", "undo")[-1] == "? cannot undo"


def test_generated_moves_are_legal_until_both_pass(engine: GtpEngine, heard: Heard) -> None:
    for ply in range(60):
        (answer,) = ask(engine, heard, f"genmove {'bw'[ply % 2]}")
        assert re.fullmatch(r"= ([A-HJ][1-5]|[Pp][Aa][Ss][Ss])", answer)
    ask(engine, heard, "clear_board", "play b pass", "play w pass")
    assert ask(engine, heard, "genmove b", "play b A1", "undo", "undo", "play w A1")[0].lower() == "= pass"
    ask(engine, heard, "clear_board")
    (first,) = ask(engine, heard, "reg_genmove b")
    assert ask(engine, heard, "undo") == ["? cannot undo"], "reg_genmove plays nothing"
    assert ask(engine, heard, "genmove b") == [first]


def test_handicap(heard: Heard) -> None:
    engine = GtpEngine("random", "go(board_size=9)", heard)
    assert ask(engine, heard, "fixed_handicap 5", "fixed_handicap 2") == ["= C3 G7 G3 C7 E5", "? board not empty"]
    assert ask(engine, heard, "clear_board", "set_free_handicap A1 B2 A1") == ["=", "? bad vertex list"]
    assert ask(engine, heard, "set_free_handicap A1 B2 C3", "showboard")[1].count("X") == 3
    assert ask(engine, heard, "genmove w")[0].startswith("= ")
    engine.close()
    # The table of the specification, section 4.1.1.
    assert fixed_handicap(19, 9) == ["D4", "Q16", "Q4", "D16", "D10", "Q10", "K4", "K16", "K10"]
    assert fixed_handicap(13, 7) == ["D4", "K10", "K4", "D10", "D7", "K7", "G7"]
    for size, stones in ((5, 2), (9, 1), (9, 10), (8, 5)):
        with pytest.raises(ConfigError, match="invalid number of stones"):
            fixed_handicap(size, stones)


def test_area_by_hand() -> None:
    assert area_score([".X.", "XX.", "OOO"], 0.0) == 4 - 3, "one empty point is Black's, two touch both"
    assert area_score(["...", "...", "..."], 7.5) == -7.5


@pytest.mark.parametrize("command", ["lz-analyze", "kata-analyze"])
def test_analysis_goes_on_until_the_next_line(command: str, heard: Heard, tmp_path: Path) -> None:
    engine = GtpEngine(tiny_snapshot(tmp_path / "best", GAME), GAME, heard)
    assert engine.handle(f"5 {command} b 5")
    heard.wait_for(lambda line: line.startswith("info move"))
    time.sleep(0.3)
    assert engine.handle("name")
    assert heard.lines[0] == "=5"
    assert heard.lines[-2:] == ["", "= gameil\n"]
    reports = [line for line in heard.lines if line.startswith("info move")]
    assert len(reports) >= 2
    number = r"\d+" if command == "lz-analyze" else r"-?[\d.]+"
    one = rf"info move \w+ visits \d+( utility {number})? winrate {number} prior {number} order \d+ pv( \w+)+"
    assert all(re.fullmatch(rf"{one}( {one})*", line) for line in reports)
    engine.close()


def test_boards_of_other_sizes_where_the_network_plays_them(heard: Heard, tmp_path: Path) -> None:
    """Also: what a snapshot learned is the size that it begins with."""
    pooled = GtpEngine(tiny_snapshot(tmp_path / "pooled", GAME), "", heard)
    assert ask(pooled, heard, "boardsize 9", "genmove b")[0] == "="
    assert ask(pooled, heard, "showboard")[0].count("\n") >= 9
    pooled.close()
    bound = GtpEngine(tiny_snapshot(tmp_path / "bound", GAME, value_pool=False), "", heard)
    assert ask(bound, heard, "boardsize 9", "boardsize 5", "genmove b")[:2] == ["? unacceptable size", "="]
    bound.close()


def test_moves_with_analysis(heard: Heard, tmp_path: Path) -> None:
    engine = GtpEngine(tiny_snapshot(tmp_path / "best", GAME), GAME, heard)
    for number, command in enumerate(("lz-genmove_analyze", "kata-genmove_analyze")):
        heard.lines.clear()
        assert engine.handle(f"{number} {command} {'bw'[number]} 1")
        assert heard.lines[0] == f"={number}"
        assert re.fullmatch(r"play ([A-HJ][1-5]|pass)", heard.lines[-2])
        assert heard.lines[-1] == ""
    assert ask(engine, heard, "undo", "undo", "undo")[-1] == "? cannot undo"
    assert ask(engine, heard, "kata-genmove_analyze green") == ["? invalid color or coordinate"]
    engine.close()


def test_final_status(engine: GtpEngine, heard: Heard) -> None:
    ask(engine, heard, "play b C3", "play w A5")
    assert ask(engine, heard, "final_status_list alive", "final_status_list dead", "final_status_list odd") == [
        "= A5\nC3",
        "=",
        "? invalid status",
    ]


def test_times_by_hand() -> None:
    times = GtpTime()
    assert times.seconds(0) is None
    times.settings(["400", "0", "0"])
    assert times.seconds(0) == 10.0
    times.left(["w", "30", "10"])
    assert (times.seconds(0), times.seconds(1)) == (10.0, pytest.approx(2.7))
    times.kgs_settings(["byoyomi", "0", "10", "5"])
    assert times.seconds(1) == 9.0
    times.kgs_settings(["canadian", "0", "60", "20"])
    assert times.seconds(0) == pytest.approx(2.7)
    times.kgs_settings(["none"])
    assert times.seconds(0) is None
    for words in (["sundial"], ["absolute"], ["byoyomi", "1"]):
        with pytest.raises(ConfigError):
            times.kgs_settings(words)


def test_time_and_resignation(heard: Heard, tmp_path: Path) -> None:
    engine = GtpEngine(tiny_snapshot(tmp_path / "best", GAME, value_pool=False), GAME, heard, resign_value=1e-9)
    answers = ask(engine, heard, "time_settings 4 0 0", "time_left b 2 0", "genmove b", "genmove w")
    assert all(answer.startswith("=") for answer in answers)
    assert "= resign" in answers, "one of the two is not exactly even"
    assert ask(engine, heard, "time_left b x 0") == ["? time not an integer"]
    engine.close()


@settings(max_examples=60, deadline=None)
@given(session(GTP_WORDS | st.sampled_from(["5", "9"])))
def test_garbage_is_survived(lines: list[str]) -> None:
    heard = Heard()
    engine = GtpEngine("random", GAME, heard)
    for line in lines:
        if "quit" not in line:
            assert engine.handle(line)
    engine.handle("boardsize 5")
    before = len(heard.lines)
    assert engine.handle("17 genmove b")
    engine.close()
    assert re.fullmatch(r"=17 \w+\n", heard.lines[before])
    assert not any(line.startswith("# ") for line in heard.lines), "analysis failed"


def test_the_process_ends_with_its_input() -> None:
    for text in (b"name\nquit\n", b"name\n", b"name\nlz-analyze b\n", b"\xff\x00name\nname"):
        done = subprocess.run(
            [*COMMAND, "--agent", "random", "--game", GAME], input=text, capture_output=True, timeout=60, check=False
        )
        assert (done.returncode, done.stderr) == (0, b"")
        assert b"= gameil\n\n" in done.stdout


def test_gnu_go_plays_against_it(tmp_path: Path) -> None:
    try:
        find_engine("gnugo", None)
    except EngineError as error:
        pytest.skip(str(error))
    engines = tmp_path / "engines.toml"
    command = [*COMMAND, "--agent", "random", "--game", GAME]
    engines.write_text(f"[engines.mine]\ncommand = {command!r}\n".replace("'", '"'))
    players = ["--agent", "gtp:mine,processes=1", "--against", "gtp:gnugo,level=1,processes=1"]
    arguments = ["--game", GAME, *players, "--games", "2", "--max-plies", "40", "--engines", str(engines)]
    assert main(["evaluate", *arguments, "--runs", str(tmp_path), "--quiet"]) == 0
