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
    "overcooked": ("pettingzoo:overcooked", "cramped_room"),
    "overcooked-pixels": ("pettingzoo:overcooked(frames=4,view=pixels)", "cramped_room-pixels"),
    "pistonball": ("pettingzoo:pistonball_v6(bins=41,n_pistons=10,size=48)", "pistons"),
    "tree": ("pettingzoo:tree", "tree"),
}
"""Game and dataset of the configurations that are not called by their game."""


def test_there_are_configurations() -> None:
    assert {path.stem for path in CONFIGS} >= {"chess", "go", "othello", "connect_four"}


@pytest.mark.parametrize("path", CONFIGS, ids=lambda path: path.stem)
def test_configurations_are_read_and_fit_their_games(path: Path) -> None:
    config = parse_config(PretrainConfig, read_toml(path), str(path))
    name = path.stem.partition("-")[0]
    game_id, dataset = ENVIRONMENTS.get(path.stem, (name, name))
    assert config.dataset == Path("data") / f"{dataset}.lmdb"
    game = make_game(game_id)
    assert model_shapes(config.model, game, ObservationEncoder(game, config.encoder).shape)
