"""evaluate, ladder and record through the real command line, at toy size."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.errors import ConfigError
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.stages.ladder import LadderConfig
from gameil.stages.record import RecordConfig


def _run(runs: Path, *arguments: str) -> int:
    return main([*arguments, "--runs", str(runs)])


def _played(path: Path) -> list[PlayedGame]:
    games = [transcribe(record) for record in read_records(path)]  # type: ignore[arg-type]
    assert all(isinstance(game, PlayedGame) for game in games)
    return games  # type: ignore[return-value]


def test_evaluate_prints_a_table(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = runs / "games.jsonl"
    arguments = ["--game", "connect_four", "--agent", "mcts:50", "--against", "random", "--games", "11"]
    assert _run(runs, "evaluate", *arguments, "--out", str(out)) == 0
    text = capsys.readouterr().out
    assert "warning: 11 games are no multiple of 2" in text
    assert all(word in text for word in ("wins", "draws", "losses", "95 % interval", "Elo difference", "games/s"))
    assert len(_played(out)) == 11
    assert len(_played(runs / "evaluate-1" / "records" / "games.jsonl")) == 11


def test_evaluate_gives_json_that_adds_up(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--game", "tic_tac_toe", "--agent", "mcts:50", "--against", "builtin:easy", "--games", "20"]
    assert _run(runs, "evaluate", *arguments, "--json", "--seed", "3") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["wins"] + first["draws"] + first["losses"] == first["games"] == 20
    assert first["interval"][0] <= first["score"] <= first["interval"][1]
    assert first["elo_interval"][0] <= first["elo"] <= first["elo_interval"][1]
    assert _run(runs, "evaluate", *arguments, "--json", "--seed", "3") == 0
    again = json.loads(capsys.readouterr().out)
    different = {key for key in first if first[key] != again[key]}
    assert all(key == "run" or "second" in key for key in different), "equal seeds give equal games"


def test_ladder_has_a_row_for_every_level(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--game", "tic_tac_toe", "--agent", "random", "--games", "20"]
    assert _run(runs, "ladder", *arguments, "--levels", "beginner", "medium", "--json") == 0
    results = json.loads(capsys.readouterr().out)
    assert [row["level"] for row in results["table"]] == ["beginner", "medium"]
    assert [row["spec"] for row in results["table"]] == ["random", "mcts:100"]
    assert results["table"][0]["score"] > results["table"][1]["score"]
    assert len(_played(Path(results["run"]) / "records" / "medium.jsonl")) == 20
    assert _run(runs, "ladder", *arguments, "--levels", "beginner,easy") == 0
    text = capsys.readouterr().out
    assert "beginner" in text
    assert "easy" in text


@pytest.mark.parametrize(
    ("game", "name"), [("chess", "g.pgn"), ("go(board_size=5,komi=5.5)", "g.sgf"), ("backgammon", "g.jsonl")]
)
def test_record_writes_what_ingest_reads(runs: Path, game: str, name: str) -> None:
    out = runs / "deep" / name
    limit = ["--max-plies", "20"] if game == "chess" else []
    assert _run(runs, "record", "--game", game, "--agent", "random", "--games", "4", "--out", str(out), *limit) == 0
    games = _played(out)
    assert len(games) == 4
    for played in games:
        assert played.game_id == game
        assert [player.name for player in played.players] == ["random", "random"]
        assert (played.returns is None) == (game == "chess")


def test_a_killed_recording_goes_on_and_writes_the_same_file(runs: Path, tmp_path: Path) -> None:
    arguments = ["record", "--game", "connect_four", "--agent", "mcts:200", "--games", "30", "--concurrency", "3"]
    whole = tmp_path / "whole.jsonl"
    assert _run(runs, *arguments, "--name", "whole", "--out", str(whole)) == 0
    out = tmp_path / "killed.jsonl"
    command = [*arguments, "--name", "killed", "--out", str(out), "--runs", str(runs)]
    process = subprocess.Popen(
        [sys.executable, "-m", "gameil", *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    log = runs / "killed" / "matches.jsonl"
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and process.poll() is None and (not log.exists() or log.stat().st_size == 0):
        time.sleep(0.005)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not out.exists(), "killed before the end"
    assert log.stat().st_size > 0
    assert main([*command, "--resume"]) == 0
    assert out.read_bytes() == whole.read_bytes()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["evaluate", "--agent", "uci:no-such-engine"], "engine 'no-such-engine' is not a known engine"),
        (["evaluate", "--agent", "what"], "unknown kind 'what'; there are random, mcts, "),
        (["evaluate", "--agent", "snapshot:nowhere"], "nowhere: no snapshot directory there"),
        (["evaluate", "--agent", "random", "--games", "0"], "games must be at least 1, got 0"),
        (["evaluate", "--agent", "random", "--out", "x.txt"], "must end in one of .pgn, .sgf, .jsonl"),
        (["evaluate", "--agent", "random", "--openings.plies", "-1"], "openings.plies must be at least 0"),
        (["evaluate", "--agent", "random", "--max-plies", "0"], "max_plies must be at least 1"),
        (["evaluate", "--agent", "random", "--concurrency", "0"], "concurrency must be at least 1"),
    ],
)
def test_bad_input_is_one_line(
    runs: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
) -> None:
    assert _run(runs, *arguments, "--game", "chess", "--against", "random") == 2
    errors = capsys.readouterr().err
    assert errors.startswith("gameil: error: ")
    assert message in errors
    assert errors.count("\n") == 1


def test_unknown_levels_and_bad_configs() -> None:
    assert LadderConfig(game="chess", agent="random", levels=("easy,medium", "hard")).level_names == (
        "easy",
        "medium",
        "hard",
    )
    with pytest.raises(ConfigError, match=r"must end in one of"):
        RecordConfig(game="chess", agent="random", out=Path("games"))


def test_the_engines_table_names_programs(runs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    table = tmp_path / "engines.toml"
    table.write_text('[engines.mine]\ncommand = ["/no/such/program"]\n')
    arguments = ["evaluate", "--game", "chess", "--agent", "uci:mine", "--against", "random", "--engines", str(table)]
    assert _run(runs, *arguments) == 2
    assert "engine 'mine': its program '/no/such/program' is not found" in capsys.readouterr().err
