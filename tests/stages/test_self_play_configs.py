"""The configurations of learning from self-play that come with the project are read, and fit their games."""

from pathlib import Path

import pytest

from gameil.config import parse_config, read_toml
from gameil.games.registry import make_game
from gameil.models.policy_value import model_shapes
from gameil.positions.encoder import ObservationEncoder
from gameil.stages.compare import Place, _later, queue
from gameil.stages.compare_config import read_comparison, stage_config
from gameil.stages.finetune import FinetuneConfig
from gameil.stages.imitate import ImitateConfig

CONFIGS = Path(__file__).parents[2] / "configs"


@pytest.mark.parametrize(
    "path",
    sorted([*(CONFIGS / "finetune").glob("*.toml"), *(CONFIGS / "imitate").glob("*.toml")]),
    ids=lambda path: path.stem,
)
def test_stages(path: Path) -> None:
    values = {"init": "runs/start", **read_toml(path)}
    parse_config(FinetuneConfig if path.parent.name == "finetune" else ImitateConfig, values, str(path))


@pytest.mark.parametrize("path", sorted((CONFIGS / "compare").glob("*.toml")), ids=lambda p: p.stem)
def test_comparisons(path: Path, tmp_path: Path) -> None:
    from types import SimpleNamespace

    config = read_comparison(path, tmp_path, {"games": ["games.lmdb"]})
    run = SimpleNamespace(directory=tmp_path)
    places: list[Place] = queue(config)
    assert len(places) >= len(config.seeds) * len(config.method)
    for place in places:
        own = stage_config(config, place.table, _later(config, run, place), place.seed, place.number)  # type: ignore[arg-type]
        assert own.seed == place.seed
        if getattr(own, "init", None) is None:
            game = make_game(config.game)
            assert model_shapes(own.model, game, ObservationEncoder(game, own.encoder).shape)
