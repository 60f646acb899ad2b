"""Training by several processes: parts of a batch, and the same weights as one process finds."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from gameil.cli.main import main
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.learners.ranks import Ranks
from tests.learners.test_behavioural_cloning import WORLD
from tests.strategies import random_game


def test_parts_share_out_a_batch() -> None:
    parts = [Ranks(rank, 3).part(WORLD) for rank in range(3)]
    assert sorted(len(part) for part in parts) == [66, 67, 67]
    assert np.concatenate([part.game_ids for part in parts]).tolist() == [
        *range(0, 200, 3),
        *range(1, 200, 3),
        *range(2, 200, 3),
    ]
    assert Ranks().part(WORLD) is WORLD


def test_alone_nothing_happens() -> None:
    tensor = torch.ones(3)
    with Ranks() as alone:
        alone.average([tensor])
        assert alone.agree([1.0, 2.0], torch.device("cpu")) == [1.0, 2.0]
    assert tensor.tolist() == [1.0, 1.0, 1.0]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_two_processes_find_the_weights_of_one(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "toy.lmdb", "tic_tac_toe", split=SplitRule(0.1, 0.1)) as writer:
        for seed in range(80):
            writer.add(random_game("tic_tac_toe", seed, match_id=str(seed)))
    flags = {
        "dataset": tmp_path / "toy.lmdb",
        "steps": 12,
        "evaluate-every": 6,
        "model.kind": "mlp",
        "model.hidden": 16,
        "loader.batch-size": 32,
        "loader.pool-positions": 200,
        "learner.warmup-steps": 2,
        "learner.precision": "float32",
        "runs": tmp_path / "runs",
        "threads": 1,
    }
    command = [sys.executable, "-m", "gameil", "pretrain", "--quiet"]
    command += [text for name, value in flags.items() for text in (f"--{name}", str(value))]

    def start(name: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*command, "--name", name],
            env={**os.environ, **environment},
            stderr=subprocess.PIPE,
            text=True,
        )

    group = {"WORLD_SIZE": "2", "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(free_port())}
    processes = [start("two", RANK=str(rank), **group) for rank in range(2)]
    assert main([*command[3:], "--name", "one"]) == 0
    for process in processes:
        _, error = process.communicate(timeout=120)
        assert process.returncode == 0, error
    one, two = (
        load_file(tmp_path / "runs" / name / "snapshots" / "last" / "model.safetensors") for name in ("one", "two")
    )
    for name, expected in one.items():
        torch.testing.assert_close(
            two[name], expected, atol=1e-4, rtol=1e-3, msg=lambda text, name=name: f"{name}: {text}"
        )


def test_processes_of_one_run_need_its_name(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RANK", "1")
    assert main(["pretrain", "--dataset", "nowhere.lmdb", "--steps", "1"]) == 2
    assert "name it with --name" in capsys.readouterr().err
