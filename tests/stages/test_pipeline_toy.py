"""The whole way at toy size through the real command line, killed in the middle and resumed."""

import signal
import subprocess
import sys
import time
from pathlib import Path

from gameil.cli.main import main
from gameil.tracking.run import read_results

TOML = """
title = "tic-tac-toe from searching experts"
game = "tic_tac_toe"
agent = "snapshot:{run}/dagger/snapshots/best"
seed = 3

[[stage]]
kind = "record"
game = "tic_tac_toe"
agent = "mcts:50"
games = 40
out = "{run}/games.jsonl"

[[stage]]
kind = "ingest"
sources = ["{run}/games.jsonl"]
game = "tic_tac_toe"
out = "{run}/games.lmdb"
workers = 1
split = { validation = 0.2, test = 0.2 }

[[stage]]
kind = "statistics"
dataset = "{run}/games.lmdb"

[[stage]]
kind = "pretrain"
dataset = "{run}/games.lmdb"
steps = 30
evaluate_every = 10
model.kind = "mlp"
model.hidden = 32
loader.batch_size = 32
loader.pool_positions = 64
learner.warmup_steps = 5

[[stage]]
kind = "ladder"
name = "after-imitation"
game = "tic_tac_toe"
agent = "snapshot:{run}/pretrain/snapshots/best"
levels = ["beginner", "easy"]
games = 6

[[stage]]
kind = "dagger"
init = "{run}/pretrain/snapshots/best"
dataset = "{run}/games.lmdb"
expert = "mcts:20"
expert_games = 0
rounds = 1
games_per_round = 6
labels_per_round = 20
steps_per_round = 4
batch_size = 16
series_games = 4
processes = 1

[[stage]]
kind = "ladder"
name = "after-labels"
game = "tic_tac_toe"
agent = "snapshot:{run}/dagger/snapshots/best"
levels = ["beginner", "easy"]
games = 6

[[stage]]
kind = "report"
run = "{run}"
"""


def test_killed_and_resumed_it_reaches_the_end(tmp_path: Path, runs: Path) -> None:
    file = tmp_path / "toy.toml"
    file.write_text(TOML)
    command = [sys.executable, "-m", "gameil", "run", str(file), "--runs", str(runs)]
    killed_in = runs / "toy" / "pretrain" / "log.jsonl"
    with (tmp_path / "first.txt").open("w") as output:
        process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT, cwd=tmp_path)
        deadline = time.monotonic() + 120
        while not killed_in.exists() and process.poll() is None and time.monotonic() < deadline:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.wait(timeout=30)
    text = (tmp_path / "first.txt").read_text()
    assert killed_in.exists(), text
    assert not (runs / "toy" / "results.json").exists(), text
    stored = read_results(runs / "toy" / "record")

    done = subprocess.run([*command, "--resume"], capture_output=True, text=True, cwd=tmp_path, timeout=250)
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert "[1/8] record: finished already" in lines
    assert "[4/8] pretrain, resumed" in lines
    assert read_results(runs / "toy" / "record") == stored
    assert any(line.split()[:1] == ["imitation"] for line in lines)
    assert any(line.split()[:1] == ["labels"] for line in lines)
    assert lines[-1].startswith("play it: gameil play --game tic_tac_toe --agent snapshot:")
    html = (runs / "toy" / "report.html").read_text(encoding="utf-8")
    assert "The climb" in html
    assert '<h2 id="games">Games</h2>' in html
    assert not (tmp_path / "mlruns").exists()

    # The last line is true: the agent plays.
    agent = lines[-1].split("--agent ")[1]
    assert main(["play", "--game", "tic_tac_toe", "--agent", agent, "--seat", "1", "--moves", "quit"]) == 0
