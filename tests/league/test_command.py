"""``gameil league`` as people run it: a toy league, killed, gone on with, shown."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gameil.cli.main import main

TOY = """
game = "tic_tac_toe"
[model]
kind = "mlp"
size = "tiny"
[population]
league_exploiters = 1
[play]
jobs = 2
games = 8
evaluation_games = 4
opening_plies = 1
[snapshots]
min_steps = 1
max_steps = 2
[[opponents]]
name = "easy"
agent = "builtin:easy"
"""


@pytest.fixture(scope="module")
def leagues(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A league killed with all its processes after some turns, and gone on with up to its ninth."""
    directory = tmp_path_factory.mktemp("leagues")
    (directory / "toy.toml").write_text(TOY)
    command = [sys.executable, "-m", "gameil", "league", "run", "toy", "--leagues", str(directory)]
    command += ["--turns", "9", "--workers", "2", "--resume", "--quiet"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(command, env=environment, start_new_session=True, stdout=subprocess.DEVNULL)
    state = directory / "toy" / "state.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (state.exists() and json.loads(state.read_text())["turn"] >= 3):
        assert process.poll() is None
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    before = (directory / "toy" / "results.jsonl").read_bytes()
    (directory / "before").write_bytes(before[: before.rfind(b"\n") + 1])
    subprocess.run(command, env=environment, check=True, timeout=240, stdout=subprocess.DEVNULL)
    return directory


def test_a_killed_league_goes_on_and_loses_nothing(leagues: Path) -> None:
    written = (leagues / "toy" / "results.jsonl").read_bytes()
    assert written.startswith((leagues / "before").read_bytes())
    jobs = [json.loads(line)["job"] for line in written.splitlines()]
    assert len(set(jobs)) == len(jobs)
    assert {int(job[:6]) for job in jobs} == set(range(9))
    assert len(jobs) == 9 * 3
    records = (leagues / "toy" / "records" / "turns-000000.jsonl").read_text().splitlines()
    assert len(set(records)) == len(records) == 9 * (2 * 8 + 4)


def test_status_and_standings(leagues: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["league", "status", "toy", "--leagues", str(leagues)]) == 0
    assert "9 turns, 180 games" in capsys.readouterr().out
    assert main(["league", "standings", "toy", f"--leagues={leagues}"]) == 0
    shown = capsys.readouterr().out
    assert "most beaten by" in shown
    assert "  main-0.0  (turn 0" in shown
    assert main(["league", "standings", "toy", "--leagues", str(leagues), "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    assert {"easy", "main-0.0", "main-0"} <= {row["player"] for row in values["table"]}


def test_the_main_is_measured_against_everybody(leagues: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["league", "evaluate", "toy", "--leagues", str(leagues), "--games", "4", "--opponents", "random"]
    assert main([*command, "--json"]) == 0
    values = json.loads(capsys.readouterr().out)
    players = [json.loads(line) for line in (leagues / "toy" / "players.jsonl").read_text().splitlines()]
    copies = {each["name"] for each in players if each["role"] == "historical"}
    assert values["series"][0]["against"] == "start"
    assert {row["against"] for row in values["series"]} == copies | {"start", "easy", "random"}
    early = {each["name"] for each in players if each["origin_role"] == "main" and each["turn"] <= 4}
    assert {row["against"] for row in values["series"] if row["group"] == "mains of the first half"} == early
    for group, found in values["groups"].items():
        scores = [row["score"] for row in values["series"] if row["group"] == group]
        assert found["score"] == pytest.approx(sum(scores) / len(scores))
        assert found["lowest"]["score"] == min(scores)
        assert found["interval"][0] <= found["score"] <= found["interval"][1]
    # Measured once: asked again, it reads what is there; another measurement of the same turn is refused.
    assert main(command) == 2
    assert "--resume" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert "mains of the first half" in capsys.readouterr().out


def test_a_league_is_not_begun_twice_by_accident(leagues: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["league", "run", "toy", "--leagues", str(leagues), "--turns", "9"]) == 2
    assert "--resume" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["play", "toy"], "there are run, status, standings and evaluate"),
        (["run"], "which league"),
        (["run", "../x"], "without slashes"),
        (["run", "nothing"], "nothing.toml"),
        (["status", "nothing"], "not a run directory"),
        (["status", "toy", "more"], "unknown argument 'more'"),
        (["run", "toy", "--leagues"], "--leagues needs a value"),
        (["run", "toy", "--turns", "0"], "turns must be above 0"),
        (["evaluate", "toy", "--games", "0"], "games must be at least 1"),
        (["run", "toy", "--turn", "1"], "did you mean --turns"),
    ],
)
def test_bad_arguments_are_one_line(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "toy.toml").write_text(TOY)
    where = [] if "--leagues" in arguments else ["--leagues", str(tmp_path)]
    assert main(["league", *arguments, *where]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("[population]\nmains = 0", "at least 1 main"),
        ("[matchmaking]\npfsp_share = 0.9\nverification_share = 0.2", "more than 1 together"),
        ("[snapshots]\nmin_steps = 9\nmax_steps = 3", "min_steps <= max_steps"),
        ('[[opponents]]\nname = "main-0"\nagent = "random"', "learning players"),
        ('[[opponents]]\nname = "X"\nagent = "random"', "small letter"),
        ('[[opponents]]\nname = "x"\nagent = "rm -rf"', "one word"),
        ('[[opponents]]\nname = "x"\nagent = "builtin:none"', "no such level"),
        ("[play]\nboards = 3", "unknown key"),
    ],
)
def test_bad_definitions_are_one_line(
    change: str, said: str, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text(f'game = "tic_tac_toe"\n{change}\n')
    assert main(["league", "run", "bad", "--leagues", str(tmp_path), "--turns", "1"]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert error.count("\n") == 1
    assert not (tmp_path / "bad").exists()
