"""The dashboard's runs: listed by directory, found by listed names only, shown whatever stands in their files."""

import contextlib
import json
import os
import time
from pathlib import Path

import pytest

from gameil.errors import ConfigError
from gameil.serving.dashboard import AT_WORK_SECONDS, Runs


def write_run(path: Path, *, stage: str = "pretrain", results: object = None, steps: int = 5, **config: object) -> Path:
    path.mkdir(parents=True)
    (path / "config.json").write_text(json.dumps({"stage": stage, "gameil": "0", "config": config}))
    lines = [{"time": 1.0, "step": step, "metrics": {"loss/policy": 2.0 / (step + 1)}} for step in range(steps)]
    (path / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    if results is not None:
        (path / "results.json").write_text(json.dumps(results))
    return path


def test_runs_are_listed_with_what_they_are_doing(runs: Path) -> None:
    assert Runs(runs / "nowhere").entries() == []
    old = write_run(runs / "old")
    past = time.time() - 2 * AT_WORK_SECONDS
    for file in old.iterdir():
        os.utime(file, (past, past))
    write_run(runs / "new")
    write_run(runs / "done", results={"steps": 5})
    (runs / "mlflow").mkdir()
    (runs / "torn").mkdir()
    (runs / "torn" / "config.json").write_text("{")
    found = {entry.name: entry for entry in Runs(runs).entries()}
    assert {name: entry.status for name, entry in found.items()} == {
        "old": "stopped",
        "new": "at work",
        "done": "finished",
    }
    assert Runs(runs).entries()[-1].name == "old"
    assert found["new"].headline == "loss/policy 0.4"
    assert found["new"].stage == "pretrain"


def test_a_run_is_shown_with_curve_results_and_configuration(runs: Path) -> None:
    write_run(runs / "a", results={"steps": 5, "test": {"top1": 0.5}}, dataset="x.lmdb")
    shown = Runs(runs).sections("a")
    assert "<svg" in shown
    assert "loss/policy" in shown
    assert "x.lmdb" in shown
    assert "0.5" in shown


def test_a_pipeline_shows_its_stages_and_their_climb(runs: Path) -> None:
    write_run(runs / "p", stage="pipeline")
    write_run(runs / "p" / "first")
    row = {"level": "easy", "games": 4, "wins": 3, "draws": 0, "losses": 1, "score": 0.75, "interval": [0.3, 0.9]}
    write_run(runs / "p" / "after-first", stage="ladder", results={"agent": "x", "table": [row]})
    shown = Runs(runs).sections("p")
    assert "The climb" in shown
    assert "first" in shown
    assert "easy" in shown


@pytest.mark.parametrize("name", ["..", ".", "", "/etc", "../runs/a", "a/", "a/../a", "a\0", "%2e%2e", "b", "A"])
def test_only_listed_names_are_runs(runs: Path, name: str) -> None:
    write_run(runs / "a")
    with pytest.raises(ConfigError, match="no such run"):
        Runs(runs).sections(name)


BAD = '<script>alert(1)</script>"><img src=x onerror=y>'


def test_strangers_runs_are_text(runs: Path) -> None:
    """Names, metrics, results and configurations are shown as text, whatever stands in them."""
    run = write_run(runs / BAD.replace("/", "_"), stage=BAD, results={BAD: BAD, "list": [{BAD: BAD}]}, key=BAD)
    log = [{"time": 0, "step": step, "metrics": {BAD: step, "loss/policy": -step}} for step in range(3)]
    (run / "log.jsonl").write_text("".join(json.dumps(line) + "\n" for line in log))
    shown = Runs(runs).sections(run.name)
    assert "<script" not in shown
    assert "<img" not in shown
    assert "alert(1)" in shown


@pytest.mark.parametrize(
    ("config", "results", "log"),
    [
        ("[]", "{}", ""),
        ('{"stage":"ladder","config":[1]}', '{"table":[1,{"level":2}],"agent":[[]]}', "[]\n{"),
        ('{"stage":"pipeline","config":{"stage":[{"name":"../.."}]}}', '{"a":null}', "null\n"),
        ('{"stage":"ladder","config":{}}', '{"table":{"a":1}}', '{"step":1,"metrics":{"a":1e400}}\n'),
        ('{"stage":"pretrain","config":{"a":{"b":[{}]}}}', "[1]", '{"step":' + "9" * 400 + ',"metrics":{"a":1}}\n'),
    ],
)
def test_odd_files_never_break_the_list(runs: Path, config: str, results: str, log: str) -> None:
    write_run(runs / "good")
    odd = runs / "odd"
    odd.mkdir()
    (odd / "config.json").write_text(config)
    (odd / "results.json").write_text(results)
    (odd / "log.jsonl").write_text(log)
    assert "good" in [entry.name for entry in Runs(runs).entries()]
    with contextlib.suppress(ConfigError):  # one line instead of a page is fine; anything else is not
        Runs(runs).sections("odd")


def test_a_huge_log_is_refused(runs: Path) -> None:
    run = write_run(runs / "a")
    with (run / "log.jsonl").open("ab") as file:
        file.truncate(300 << 20)  # takes no room
    assert Runs(runs).entries()[0].name == "a"
    with pytest.raises(ConfigError, match="too large"):
        Runs(runs).sections("a")
