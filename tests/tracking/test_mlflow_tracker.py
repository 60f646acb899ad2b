"""MLflow: batches in the background, nothing sent anywhere, and a broken store is one warning line."""

import os
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

from gameil.tracking.mlflow_tracker import MlflowTracker, flat

BLOCKED = """
import socket, sys
attempts = []
def refuse(self, address, *rest):
    attempts.append(address)
    raise OSError(f"blocked: {address}")
socket.socket.connect = refuse
socket.socket.connect_ex = refuse
socket.getaddrinfo = lambda *name, **rest: refuse(None, name)
from pathlib import Path
from gameil.tracking.run import Run
for resume in (False, True):
    with Run.open(Path(sys.argv[1]), {"seed": 1, "optimiser": {"lr": 0.1}}, stage="pretrain", resume=resume) as run:
        for step in range(300):
            run.log(step + 300 * resume, {"loss/policy": 1.0 / (step + 1)})
    assert "mlflow" in sys.modules
print("attempts:", attempts)
"""
"""Runs with tracking on in a process of its own, where no connection can be made and every try is counted.

Not inside pytest: mlflow finds out that it is being tested, and sends nothing then anyway.
"""


def test_a_tracked_run_works_without_a_network_and_does_not_try_one(tmp_path: Path) -> None:
    signs = ("PYTEST", "MLFLOW", "CI", "GITHUB_ACTIONS")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(signs)}
    environment.pop("DO_NOT_TRACK", None)
    done = subprocess.run(
        [sys.executable, "-c", BLOCKED, "runs/a"],
        capture_output=True,
        text=True,
        env=environment,
        cwd=tmp_path,
        timeout=250,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "attempts: []\n"
    assert sorted(path.name for path in (tmp_path / "runs").iterdir()) == ["a", "mlflow.db"]
    with sqlite3.connect(tmp_path / "runs" / "mlflow.db") as base:
        runs = base.execute("select name, status from runs").fetchall()
        assert runs == [("a", "FINISHED")]
        assert base.execute("select count(*) from metrics").fetchone() == (600,)
        assert dict(base.execute("select key, value from params").fetchall()) == {"seed": "1", "optimiser.lr": "0.1"}


def test_a_store_that_fails_is_one_warning_and_never_blocks(tmp_path: Path, monkeypatch: object) -> None:
    (tmp_path / "mlflow.db").mkdir()
    os.environ.pop("MLFLOW_TRACKING_URI", None)
    tracker = MlflowTracker(tmp_path, tmp_path, "pretrain", {})
    started = time.monotonic()
    for step in range(50_000):
        tracker.log(step, {"loss/policy": 1.0})
    assert time.monotonic() - started < 5.0
    warning = tracker.close("FINISHED")
    assert warning is not None
    assert warning.startswith("warning: MLflow")
    assert "\n" not in warning


def test_a_run_without_metrics_starts_no_thread(tmp_path: Path) -> None:
    tracker = MlflowTracker(tmp_path, tmp_path, "ladder", {})
    assert tracker.close("FINISHED") is None
    assert list(tmp_path.iterdir()) == []


def test_parameters_are_flat() -> None:
    assert flat({"a": {"b": 1, "c": {"d": None}}, "e": [1]}) == {"a.b": "1", "a.c.d": "None", "e": "[1]"}
