"""The table of several pretraining results, and the pipelines that make it."""

from pathlib import Path

import pytest

from gameil.games.registry import make_game
from gameil.models.policy_value import model_shapes
from gameil.positions.encoder import ObservationEncoder
from gameil.reports.imitation_table import imitation_table
from gameil.stages.pipeline import load_stages, read_pipeline

DONE = {
    "test": {"top1": 0.5349, "nll": 1.2},
    "positions": 1_300_000,
    "positions_per_second": 1281.4,
    "parameters": 500_000,
    "mflops": 57.6,
}


def test_one_line_a_network() -> None:
    text = imitation_table({"a": DONE, "longer name": {**DONE, "test": {}, "validation": {}}})
    assert text.splitlines() == [
        "network      top-1    NLL  positions seen  positions/s  parameters  MFLOP",
        "-----------  -----  -----  --------------  -----------  ----------  -----",
        "a            53.5%  1.200       1,300,000        1,281     500,000     58",
        "longer name                     1,300,000        1,281     500,000     58",
    ]


@pytest.mark.parametrize("game", ["othello", "chess"])
def test_every_network_of_the_pipelines_can_be_built(game: str, tmp_path: Path) -> None:
    path = Path("configs") / "pipelines" / f"trunks-and-heads-{game}.toml"
    config = read_pipeline(path, tmp_path, {"games": ["x.lmdb"]})
    stages = load_stages(config, str(path))
    networks = [stage for stage in stages if stage.table.kind == "pretrain"]
    for stage in networks:
        rules = make_game(game)
        model_shapes(stage.config.model, rules, ObservationEncoder(rules, stage.config.encoder).shape)
    names = [stage.table.name for stage in networks]
    assert len(set(names)) == len(names) > 5
