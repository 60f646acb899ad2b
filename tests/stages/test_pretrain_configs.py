"""The pretraining configurations that come with the project are read, and fit their games."""

from pathlib import Path

import pytest

from gameil.config import parse_config, read_toml
from gameil.games.registry import make_game
from gameil.models.policy_value import model_shapes
from gameil.positions.encoder import ObservationEncoder
from gameil.stages.pretrain import PretrainConfig

CONFIGS = sorted((Path(__file__).parents[2] / "configs" / "pretrain").glob("*.toml"))
ENVIRONMENTS = {
    "overcooked": "pettingzoo:overcooked",
    "overcooked-pixels": "pettingzoo:overcooked(frames=4,view=pixels)",
    "pistonball": "pettingzoo:pistonball_v6(bins=41,n_pistons=10,size=48)",
    "tree": "pettingzoo:tree",
}
"""Games of the configurations that are called otherwise; there is a dataset for each of their views."""


def test_there_are_configurations() -> None:
    assert {path.stem for path in CONFIGS} >= {"chess", "go", "othello", "connect_four"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_are_read_and_fit_their_games(path: Path) -> None:
    config = parse_config(PretrainConfig, read_toml(path), str(path))
    name = path.stem.partition("-")[0]
    if path.stem not in ENVIRONMENTS:
        assert config.dataset == Path("data") / f"{name}.lmdb"
    game = make_game(ENVIRONMENTS.get(path.stem, name))
    assert model_shapes(config.model, game, ObservationEncoder(game, config.encoder).shape)
