"""Comparisons through the real command line at toy size."""

import json
from pathlib import Path

import numpy as np
import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.experience.demonstrations import DemonstrationConfig, demonstrated_games
from gameil.games.registry import make_game
from gameil.stages.compare_config import CompareConfig, MethodTable
from gameil.stages.compare_table import Cell, comparison_text
from tests.stages.toy_start import write_games

TOY = """
title = "Toy"
game = "tic_tac_toe"
seeds = [0, 1]
yardsticks = ["random"]
games = 20
dataset = "{games}"
positions = 50
demonstrations = [0, 5]
reach = 0.01

[arguments]
games = "dataset"

[common]
iterations = 2
threads = 1
series_games = 2
model = { kind = "mlp", hidden = 8, layers = 1 }

[[method]]
name = "imitation"
stage = "pretrain"
config = { dataset = "{subset}", steps = 3, loader = { batch_size = 8, pool_positions = 8 }, test_positions = 10 }

[[method]]
name = "reinforcement"
stage = "finetune"
config = { game = "tic_tac_toe", self_play = { games = 8 }, yardstick = "random", yardstick_every = 1 }

[[method]]
name = "finetune"
stage = "finetune"
config = { init = "{imitation}", self_play = { games = 8 }, learner = "ppo", guard = { every = 0 } }

[[method]]
name = "q"
stage = "finetune"
config.game = "tic_tac_toe"
config.learner = "q_learning"
config.self_play = { games = 8 }
config.q_learning = { updates = 1, minibatch = 8 }
config.demonstrations = { dataset = "{games}", games = "{demonstrations}" }
"""


@pytest.fixture(scope="module")
def games(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_games(tmp_path_factory.mktemp("games") / "toy.lmdb")


def test_one_table_from_all_methods_and_it_resumes(
    games: Path, runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = tmp_path / "toy.toml"
    config.write_text(TOY)
    command = ["compare", str(config), "--set", f"games={games}", "--runs", str(runs), "--quiet"]
    real = Cell.values
    monkeypatch.setattr(Cell, "values", _fails_at("q"))
    assert main(command) != 0
    monkeypatch.setattr(Cell, "values", real)
    assert not (runs / "toy" / "results.json").exists()
    before = (runs / "toy" / "reinforcement" / "0-seed-0" / "results.json").stat().st_mtime_ns
    assert main([*command, "--resume"]) == 0
    assert (runs / "toy" / "reinforcement" / "0-seed-0" / "results.json").stat().st_mtime_ns == before
    cells = json.loads((runs / "toy" / "results.json").read_text())["cells"]
    places = {(cell["method"], cell["demonstrations"], cell["seed"]) for cell in cells}
    numbers = {"imitation": (5,), "reinforcement": (0,), "finetune": (5,), "q": (0, 5)}
    assert places == {(name, number, seed) for name, own in numbers.items() for number in own for seed in (0, 1)}
    assert all(sum(cell["scores"]["random"]) == 20 and 0.0 <= cell["top1"] <= 1.0 for cell in cells)
    assert all(cell["frames_to_reach"] for cell in cells if cell["method"] == "reinforcement")
    page = (runs / "toy" / "comparison.html").read_text()
    assert "<svg" in page
    assert "finetune" in page
    subset = Dataset(runs / "toy" / "subsets" / "5.lmdb")
    shown = demonstrated_games(DemonstrationConfig(games, games=5), make_game("tic_tac_toe"))
    own = [subset.game(int(game_id)).actions.tolist() for game_id in subset.game_ids("train")]
    assert own == [played.actions.tolist() for played in shown]


def _fails_at(method: str):
    def values(self: Cell) -> dict:
        if self.method == method:
            raise RuntimeError("power cut")
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    return values


def test_table_adds_up_seeds_by_hand() -> None:
    """10 wins of 10 and 5 wins of 10: 75 % of 20, worst 50 %, standard deviation sqrt((.25^2 + .25^2) / 1) = 35.4 %."""
    config = CompareConfig("tic_tac_toe", (MethodTable("a", "finetune"),), seeds=(0, 1))
    cells = [
        Cell("a", 1000, seed, {"random": score}, None, None, 100 * seed, None, 60.0)
        for seed, score in enumerate([(10, 0, 0), (5, 0, 5)])
    ]
    row = comparison_text(config, cells).splitlines()[-1]
    assert "75 % (53-89)" in row
    assert "50%" in row
    assert f"{np.sqrt(2 * 0.25**2):.1%}" in row


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("{imitation}", "{later}"), "{later}"),
        (('stage = "pretrain"', 'stage = "guess"'), "stage"),
        (('name = "q"', 'name = "finetune"'), "a name of its own"),
        (("threads = 1", 'threads = "many"'), "threads"),
        (('learner = "ppo"', 'learner = "magic"'), "learner"),
    ],
)
def test_bad_input_is_one_line(
    games: Path,
    runs: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    change: tuple[str, str],
    message: str,
) -> None:
    config = tmp_path / "bad.toml"
    config.write_text(TOY.replace(*change))
    command = ["compare", str(config), "--set", f"games={games}", "--runs", str(runs), "--quiet"]
    code, error = main(command), capsys.readouterr().err
    assert code == 2
    assert message in error
    assert len(error.strip().splitlines()) == 1
