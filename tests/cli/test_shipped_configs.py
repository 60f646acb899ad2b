"""Every configuration file in the repository is one that its command accepts."""

import re
from pathlib import Path

import pytest

from gameil.config import read_toml
from gameil.stages.pipeline import STAGES, load_stages, read_pipeline

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
PIPELINES = [CONFIGS / "quickstart.toml", *sorted((CONFIGS / "pipelines").glob("*.toml"))]
STAGE_FILES = sorted(path for kind in STAGES for path in (CONFIGS / kind).glob("*.toml"))


@pytest.mark.parametrize("path", PIPELINES, ids=lambda path: path.stem)
def test_pipelines_are_accepted(path: Path, tmp_path: Path) -> None:
    asked = read_toml(path).get("arguments", {})
    config = read_pipeline(path, tmp_path / "run", {name: ["x"] for name in asked})
    stages = load_stages(config, str(path))
    assert [stage.table.kind for stage in stages][-1] == "report"
    for stage in stages:
        if stage.table.kind == "ingest" and not asked:
            assert all(source.exists() or str(tmp_path) in str(source) for source in stage.config.sources)
    # What the last line tells a person to play is what one of the stages makes.
    match = re.fullmatch(r"snapshot:(.*)/([^/]+)/snapshots/best(,search=\d+)?", config.agent)
    assert match is not None
    assert match[1] == str(tmp_path / "run")
    assert match[2] in {stage.table.name for stage in stages}


@pytest.mark.parametrize("path", STAGE_FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_stage_files_are_accepted(path: Path) -> None:
    import importlib

    from gameil.cli.arguments import file_defaults

    module, class_name, _ = STAGES[path.parent.name]
    file_defaults(getattr(importlib.import_module(module), class_name), read_toml(path), str(path))
