"""Nothing calls home: records to a rated agent through the command line, in processes that cannot reach any network.

In processes of their own, with the variables of test runners and CI removed: libraries that notice that they are being
tested send nothing anyway.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

BLOCK = """
import os, socket
TRIED = os.environ["GAMEIL_TEST_TRIED"]
def refuse(what):
    with open(TRIED, "a") as file:
        file.write(f"{os.getpid()} {what}\\n")
    raise OSError(f"no network here: {what}")
def guarded(name):
    original = getattr(socket.socket, name)
    def method(self, *arguments):
        # Processes of one machine may talk through AF_UNIX sockets.
        if self.family in (socket.AF_INET, socket.AF_INET6):
            refuse(f"{name} {arguments[-1]}")
        return original(self, *arguments)
    return method
for name in ("connect", "connect_ex", "sendto"):
    setattr(socket.socket, name, guarded(name))
for name in ("getaddrinfo", "gethostbyname"):
    setattr(socket, name, lambda *names, **options: refuse(f"lookup {names[0]}"))
"""
"""Runs at the start of every Python process that sees it on its path, spawned workers included."""

CONFIG = """
dataset = "games.lmdb"
steps = 6
evaluate_every = 3
[model]
kind = "mlp"
hidden = 16
[loader]
batch_size = 16
"""

COMMANDS = """
import sys
from gameil.cli.main import main
for line in sys.stdin.read().splitlines():
    code = main(line.split())
    if code != 0:
        sys.exit(f"{line}: exit code {code}")
"""

LINES = """record --game connect_four --agent random --games 30 --out games.jsonl
ingest games.jsonl --game connect_four --out games.lmdb --split.validation 0.2 --split.test 0.2 --workers 2
pretrain imitate.toml --name imitate
evaluate --game connect_four --agent snapshot:runs/imitate/snapshots/best --against random --games 4 --name evaluate
report runs/imitate"""


def run_blocked(directory: Path, code: str, stdin: str = "") -> tuple[subprocess.CompletedProcess[str], str]:
    """Runs Python code in ``directory`` without a network; returns what it did and the connections it tried."""
    (directory / "sitecustomize.py").write_text(BLOCK)
    tried = directory / "tried.txt"
    signs = ("PYTEST", "MLFLOW", "CI", "GITHUB_ACTIONS", "DO_NOT_TRACK", "PYTHONPATH")
    environment = {key: value for key, value in os.environ.items() if not key.startswith(signs)}
    environment |= {"PYTHONPATH": str(directory), "GAMEIL_TEST_TRIED": str(tried)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=directory,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=280,
    )
    return done, tried.read_text() if tried.exists() else ""


def test_from_records_to_a_rated_agent_without_a_network(tmp_path: Path) -> None:
    (tmp_path / "imitate.toml").write_text(CONFIG)
    done, tried = run_blocked(tmp_path, COMMANDS, LINES)
    assert tried == ""
    assert done.returncode == 0, done.stderr
    assert "warning" not in done.stdout + done.stderr
    results = json.loads((tmp_path / "runs" / "evaluate" / "results.json").read_text())
    assert results["wins"] + results["draws"] + results["losses"] == 4
    assert (tmp_path / "runs" / "imitate" / "report.html").stat().st_size > 1000
    assert (tmp_path / "runs" / "mlflow.db").exists(), "MLflow was not used, so its silence shows nothing"


def test_the_block_blocks(tmp_path: Path) -> None:
    """Also in a spawned process, by name and by address."""
    code = (
        "import subprocess, sys, urllib.request\n"
        "try: urllib.request.urlopen('http://example.org', timeout=1)\n"
        "except OSError: pass\n"
        "child = 'import socket; socket.create_connection((\"127.0.0.1\", 9))'\n"
        "assert subprocess.run([sys.executable, '-c', child], capture_output=True).returncode == 1\n"
    )
    done, tried = run_blocked(tmp_path, code)
    assert done.returncode == 0, done.stderr
    assert "lookup example.org" in tried
    assert "lookup 127.0.0.1" in tried
    assert len({line.split()[0] for line in tried.splitlines()}) == 2
