"""Pretraining through the real command line at toy size: it learns, survives kills bit for bit, refuses bad input."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

from gameil.checkpoints.snapshot import load_snapshot
from gameil.cli.main import main
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.games.registry import make_game
from gameil.learners.behavioural_cloning import BehaviouralCloning
from gameil.learners.learner import StepResult
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch
from gameil.records.record import Provenance
from gameil.tracking.log import read_log


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tic-tac-toe by players who take the lowest free cell four times out of five."""
    path = tmp_path_factory.mktemp("data") / "toy.lmdb"
    game, rng = make_game("tic_tac_toe"), np.random.default_rng(0)
    with DatasetWriter(path, game.family, split=SplitRule(validation=0.2, test=0.2)) as writer:
        for number in range(300):
            state, actions = game.initial_state(), []
            while not state.is_terminal():
                legal = state.legal_actions()
                actions.append(legal[0] if rng.random() < 0.8 else int(rng.choice(legal)))
                state.apply(actions[-1])
            returns = tuple(float(value) for value in state.returns())
            writer.add(
                PlayedGame(
                    game.id,
                    np.asarray(actions, np.uint32),
                    Provenance("toy", number),
                    returns=returns,
                    match_id=str(number),
                )
            )
    return path


def arguments(path: Path, runs: Path, name: str, **changes: object) -> list[str]:
    flags: dict[str, object] = {
        "dataset": path,
        "steps": 40,
        "model.kind": "residual",
        "model.channels": 8,
        "model.blocks": 1,
        "model.policy-channels": 0,
        "loader.batch-size": 64,
        "loader.pool-positions": 600,
        "learner.warmup-steps": 5,
        "learner.learning-rate": 0.01,
        "learner.ema-decay": 0.9,
        "evaluate-every": 16,
        "log-every": 5,
        "seed": 3,
    } | {key.replace("__", ".").replace("_", "-"): value for key, value in changes.items()}
    pairs = [part for flag, value in flags.items() if value is not None for part in (f"--{flag}", str(value))]
    return ["pretrain", *pairs, "--runs", str(runs), "--name", name, "--quiet"]


@pytest.fixture(scope="module")
def finished(dataset: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The run directory of an uninterrupted run."""
    runs = tmp_path_factory.mktemp("runs")
    assert main(arguments(dataset, runs, "straight")) == 0
    return runs / "straight"


def weights(run: Path) -> bytes:
    return (run / "checkpoints" / "step-000000040" / "tensors.safetensors").read_bytes()


def test_it_learns_the_rule_of_the_games(dataset: Path, runs: Path) -> None:
    mlp = {"model.kind": "mlp", "model.hidden": 64, "steps": 80}
    # The rule knows a lowest cell, which no symmetry keeps.
    assert main([*arguments(dataset, runs, "mlp", **mlp), "--no-augment"]) == 0
    results = json.loads((runs / "mlp" / "results.json").read_text())
    assert results["test"]["top1"] > 0.75  # the rule's own moves are four fifths of all, chance is a fifth


def test_it_leaves_a_snapshot_results_and_a_log(finished: Path) -> None:
    results = json.loads((finished / "results.json").read_text())
    assert results["steps"] == 40
    assert results["positions"] == 40 * 64
    assert results["test"]["positions"] > 0
    assert 0.0 <= results["data_wait_share"] <= 1.0
    snapshot = load_snapshot(finished / "snapshots" / "best", game="tic_tac_toe")
    assert snapshot.card.learner_step == results["validation"]["step"]
    assert snapshot.card.metrics["validation/nll"] == results["validation"]["nll"]
    assert snapshot.card.dataset_digest
    lines = [json.loads(line) for line in (finished / "log.jsonl").read_text().splitlines()]
    logged = {name for line in lines for name in line.get("metrics", {})}
    assert {"loss/policy", "loss/value", "time/positions_per_second", "time/data_wait_share"} <= logged
    assert {"validation/top1", "validation/top5", "validation/nll", "validation/value_mse", "test/top1"} <= logged


def test_kill_9_and_resume_give_the_same_weights(dataset: Path, finished: Path, runs: Path) -> None:
    killed = arguments(dataset, runs, "killed", checkpoint_seconds=0)
    code = "import sys; from gameil.cli.main import main; sys.exit(main(sys.argv[1:]))"
    command = [sys.executable, "-c", code, *killed]
    process = subprocess.Popen(command, env={**os.environ, "OMP_NUM_THREADS": "1"})
    checkpoints = runs / "killed" / "checkpoints"
    deadline = time.monotonic() + 60
    while not (checkpoints / "step-000000007").exists() and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    saved = max(int(path.name[5:14]) for path in checkpoints.iterdir())
    assert 7 <= saved < 40
    assert main([*killed, "--resume"]) == 0
    assert weights(runs / "killed") == weights(finished)
    for name in ("best", "last"):
        one, other = (run / "snapshots" / name / "model.safetensors" for run in (finished, runs / "killed"))
        assert one.read_bytes() == other.read_bytes()


def test_ctrl_c_saves_a_checkpoint_and_resumes_alike(
    dataset: Path, finished: Path, runs: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    step = BehaviouralCloning.step

    def interrupted_inside(self: BehaviouralCloning, batch: PositionBatch, *, share: float | None = None) -> StepResult:
        if self.steps_done == 22:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, share=share)

    command = arguments(dataset, runs, "stopped")
    with monkeypatch.context() as patch:
        patch.setattr(BehaviouralCloning, "step", interrupted_inside)
        assert main(command) == 130
    assert "--resume" in capsys.readouterr().err
    assert [path.name for path in (runs / "stopped" / "checkpoints").iterdir()] == ["step-000000023"]
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    assert main([*command, "--resume"]) == 0
    assert weights(runs / "stopped") == weights(finished)


def test_another_seed_gives_other_weights(dataset: Path, finished: Path, runs: Path) -> None:
    assert main(arguments(dataset, runs, "other", seed=4)) == 0
    assert weights(runs / "other") != weights(finished)


def test_minutes_and_patience_end_a_run(dataset: Path, runs: Path) -> None:
    assert main(arguments(dataset, runs, "clock", steps=None, minutes=0.02, evaluate_every=1000)) == 0
    results = json.loads((runs / "clock" / "results.json").read_text())
    assert results["steps"] > 0
    assert results["seconds"] >= 1.2
    # Weights that hardly move, and no running statistics: after the first evaluation hardly any is better.
    patient = {"steps": 100000, "evaluate_every": 1, "patience": 2, "learner__learning_rate": 1e-12}
    assert main(arguments(dataset, runs, "patient", model__kind="mlp", **patient)) == 0
    assert json.loads((runs / "patient" / "results.json").read_text())["steps"] < 1000


def test_the_learning_rate_comes_down_by_whichever_budget_ends_first(dataset: Path, runs: Path) -> None:
    """Twelve steps end long before an hour does; the last updates must still have a small learning rate."""
    changes = {"steps": 12, "minutes": 60, "learner__warmup_steps": 2, "log_every": 1, "evaluate_every": 12}
    assert main(arguments(dataset, runs, "both", **changes)) == 0
    rates = [value for _, value in read_log(runs / "both" / "log.jsonl").curve("optimizer/learning_rate")]
    assert len(rates) == 12
    assert rates[-1] < 0.2 * max(rates)


def test_it_starts_from_a_snapshot(dataset: Path, finished: Path, runs: Path) -> None:
    best = finished / "snapshots" / "best"
    frozen = arguments(dataset, runs, "more", steps=1, init=best, learner__learning_rate=1e-12, learner__ema_decay=0.0)
    assert main(frozen) == 0
    before, after = load_snapshot(best), load_snapshot(runs / "more" / "snapshots" / "best")
    assert after.card.parent == str(best)
    old, new = before.model.trunk.stem.conv.weight, after.model.trunk.stem.conv.weight
    np.testing.assert_allclose(new.detach().numpy(), old.detach().numpy(), atol=1e-6)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"steps": None}, "a budget is needed"),
        ({"steps": 0}, "steps must be above 0"),
        ({"dataset": "nowhere.lmdb"}, "nowhere.lmdb"),
        ({"init": "nowhere"}, "no snapshot directory"),
        ({"device": "cuda:99"}, "cuda:99"),
        ({"model__channels": 10**9}, "model.channels must be 1 to 2048"),
        ({"model__chanels": 8}, "--model.chanels"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    dataset: Path, runs: Path, changes: dict[str, object], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(arguments(dataset, runs, "bad", **changes)) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.startswith("gameil: error: ")
    assert error.count("\n") == 1


def test_an_init_of_another_shape_is_refused(
    dataset: Path, finished: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    init = finished / "snapshots" / "best"
    assert main(arguments(dataset, runs, "wide", init=init, model__channels=16)) == 2
    assert "the configuration says" in capsys.readouterr().err
