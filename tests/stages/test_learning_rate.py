"""``gameil learning-rate`` through the command line."""

import json
from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from tests.strategies import random_game

FLAGS = ("--model.kind", "mlp", "--model.hidden", "16", "--loader.batch-size", "32", "--loader.pool-positions", "200")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "toy.lmdb"
    with DatasetWriter(path, "tic_tac_toe", split=SplitRule(0.0, 0.0)) as writer:
        for seed in range(60):
            writer.add(random_game("tic_tac_toe", seed, match_id=str(seed)))
    return path


def test_it_suggests_a_rate(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["learning-rate", "--dataset", str(dataset), "--steps", "1", *FLAGS]
    assert main([*command, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert len(results["rates"]) == len(results["losses"]) > 10
    assert 1e-6 <= results["suggestion"] <= 0.1
    assert results["configured"] == 2e-3
    assert main(command) == 0
    assert "suggested learner.learning_rate" in capsys.readouterr().out


def test_a_memory_is_refused(dataset: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["learning-rate", "--dataset", str(dataset), "--steps", "1", "--model.memory", "lstm"]
    assert main(command) == 2
    assert "networks without a memory" in capsys.readouterr().err
