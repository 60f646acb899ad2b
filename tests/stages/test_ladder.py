"""The ladder through the real command line: adaptive and fixed, levels of both kinds, ratings, kills, bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from gameil.arena.ladder import checked_levels, place_text, read_ratings, split_levels
from gameil.cli.main import main
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.stages.ladder import AdaptiveConfig

GAME = make_game("tic_tac_toe")
LEVELS = ["--levels", "random", "mcts:3", "mcts:50"]
BASE = ["ladder", "--game", "tic_tac_toe", "--agent", "mcts:10", *LEVELS, "--quiet"]
QUICK = ["--adaptive.most-games", "40", "--adaptive.interval", "10"]


def _ladder(runs: Path, name: str, *more: str) -> dict[str, Any]:
    assert main([*BASE, *more, "--json", "--runs", str(runs), "--name", name]) == 0
    return json.loads((runs / name / "results.json").read_text())


def _without_clock(results: dict[str, Any]) -> dict[str, Any]:
    table = [{key: value for key, value in row.items() if "second" not in key} for row in results["table"]]
    return {**results, "table": table}


def test_an_adaptive_ladder_ends_when_the_place_is_known(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = [*BASE[:-1], "--adaptive.interval", "200", "--runs", str(runs), "--name", "a"]
    assert main(arguments) == 0
    results = json.loads((runs / "a" / "results.json").read_text())
    low, high = results["difference_interval"]
    assert high - low <= 200 or results["beyond"]
    assert 32 <= results["games"] < 400
    assert results["games"] == sum(row["games"] for row in results["table"])
    assert [row["level"] for row in results["levels"]] == LEVELS[1:]
    assert results["anchor"] == results["nearest"]
    text = capsys.readouterr().out
    assert "@ the agent" in text
    assert "Elo" in text
    records = list((runs / "a" / "records").glob("*.jsonl"))
    assert len(records) == len(results["table"])


def test_equal_seeds_choose_equal_levels_however_many_games_run_at_once(runs: Path) -> None:
    first = _ladder(runs, "one", *QUICK, "--concurrency", "1")
    second = _ladder(runs, "many", *QUICK, "--concurrency", "64")
    assert _without_clock(first) == _without_clock(second)
    assert first["games"] == 40


def test_a_killed_ladder_goes_on_with_the_same_games(runs: Path) -> None:
    whole = _ladder(runs, "whole", *QUICK)
    command = [*BASE, *QUICK, "--runs", str(runs), "--name", "killed"]
    process = subprocess.Popen([sys.executable, "-m", "gameil", *command], stdout=subprocess.DEVNULL)
    deadline = time.monotonic() + 60.0
    while time.monotonic() < deadline and process.poll() is None and not [*(runs / "killed").glob("matches-*")]:
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (runs / "killed" / "results.json").exists(), "killed before the end"
    assert _without_clock(_ladder(runs, "killed", *QUICK, "--resume")) == _without_clock(whole)


def test_ratings_of_a_tournament_hold_the_levels(runs: Path) -> None:
    agents = ["--agents", *LEVELS[1:], "--games", "10", "--anchor", "random", "--anchor-elo", "100"]
    arguments = ["tournament", "--game", "tic_tac_toe", *agents, "--json", "--quiet", "--runs", str(runs)]
    assert main([*arguments, "--name", "levels"]) == 0
    table = json.loads((runs / "levels" / "results.json").read_text())["table"]
    rated = {row["agent"]: row["elo"] for row in table}
    results = _ladder(runs, "held", *QUICK, "--ratings", str(runs / "levels"))
    assert {row["level"]: row["elo"] for row in results["levels"]} == pytest.approx(rated)
    assert all(row["held"] for row in results["levels"])
    assert results["anchor"] is None
    assert results["elo"] == pytest.approx(rated[results["nearest"]] + results["difference"])
    again = read_ratings(runs / "held" / "results.json", checked_levels(GAME, ["random", "mcts:50"]))
    assert again == pytest.approx({"random": 100.0, "mcts:50": rated["mcts:50"]})


def test_an_agent_beyond_the_ladder_is_told_so_early(runs: Path) -> None:
    arguments = ["ladder", "--game", "connect_four", "--agent", "mcts:200", "--levels", "random", "mcts:2"]
    assert main([*arguments, "--json", "--quiet", "--runs", str(runs), "--name", "b"]) == 0
    results = json.loads((runs / "b" / "results.json").read_text())
    assert results["beyond"] == "above"
    assert results["games"] < 100
    assert "stronger than every level: at least 2" in place_text(results)


def test_levels_are_names_and_specs() -> None:
    assert split_levels(["easy,medium", "uci:stockfish,skill=3,nodes=10", "random"]) == (
        "easy",
        "medium",
        "uci:stockfish,skill=3,nodes=10",
        "random",
    )
    assert checked_levels(GAME, ["beginner", "mcts:7"]) == {"beginner": "random", "mcts:7": "mcts:7"}
    for levels, complaint in [
        (["easy", "easy"], "is on the ladder twice"),
        (["what"], "has no level 'what' here"),
        (["mcts:x,y=1"], "unknown option 'y=1'"),
        ([], "needs from 1 to 100 levels"),
    ]:
        with pytest.raises(ConfigError, match=complaint):
            checked_levels(GAME, levels)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[]", "not the results of a ladder or tournament"),
        ("{}", "not the results of a ladder or tournament"),
        ("{", "not the results of a ladder or tournament"),
        ('{"table": [{"agent": "mcts:9", "elo": 3}]}', "rates none of the levels random"),
        ('{"table": [{"agent": "random", "elo": NaN}]}', "rates none of the levels random"),
    ],
)
def test_ratings_that_are_none_are_refused(tmp_path: Path, text: str, complaint: str) -> None:
    file = tmp_path / "results.json"
    file.write_text(text)
    with pytest.raises(ConfigError, match=complaint):
        read_ratings(file, {"random": "random"})
    with pytest.raises(ConfigError, match="cannot be read"):
        read_ratings(tmp_path / "nowhere", {"random": "random"})


def test_bad_rules_are_refused() -> None:
    for values, complaint in [({"interval": 0.0}, "interval must be above 0"), ({"least_games": 500}, "least_games")]:
        with pytest.raises(ConfigError, match=complaint):
            AdaptiveConfig(**values)  # type: ignore[arg-type]
