"""The worked example of docs/adding-a-format.md, as it stands there: installed, tested, ingested, exported."""

import json
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

EXAMPLE = re.compile(r"```(?:python|toml)\n# file: (\S+)\n(.*?)```", re.DOTALL)
GAMES = re.compile(r"```\n(Ann - Bob\n.*?)```", re.DOTALL)


@pytest.fixture
def package(tmp_path: Path, repository: Path) -> Path:
    """A directory with the example's files, which Python takes for an installed distribution."""
    page = (repository / "docs" / "adding-a-format.md").read_text(encoding="utf-8")
    files = dict(EXAMPLE.findall(page))
    assert set(files) == {"gameil_paragraphs.py", "pyproject.toml", "test_paragraphs.py"}
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (games,) = GAMES.findall(page)
    (tmp_path / "games.paragraphs").write_text(games, encoding="utf-8")
    # What an installer makes of pyproject.toml, without a network to fetch build tools from.
    project = tomllib.loads(files["pyproject.toml"])["project"]
    installed = tmp_path / "gameil_paragraphs-0.1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text(f"Name: {project['name']}\nVersion: {project['version']}\n")
    lines = [
        line
        for group, points in project["entry-points"].items()
        for line in (f"[{group}]", *(f"{name} = {place}" for name, place in points.items()))
    ]
    (installed / "entry_points.txt").write_text("\n".join(lines))
    return tmp_path


def run(package: Path, repository: Path, *arguments: str) -> str:
    path = os.pathsep.join([str(package), str(repository)])
    environment = {**os.environ, "PYTHONPATH": path, "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    done = subprocess.run(command, cwd=package, env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_worked_example_works(package: Path, repository: Path) -> None:
    run(package, repository, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_paragraphs.py")
    command = [
        "-m",
        "gameil",
        "ingest",
        "games.paragraphs",
        "--game",
        "tic_tac_toe",
        "--out",
        "t.lmdb",
        "--json",
    ]
    results = json.loads(run(package, repository, *command))
    assert (results["run"]["read"], results["run"]["stored"], results["run"]["rejected"]) == (2, 2, {})
    run(package, repository, "-m", "gameil", "data", "export", "t.lmdb", "--out", "again.paragraphs")
    again, games = (package / name for name in ("again.paragraphs", "games.paragraphs"))
    assert again.read_text().split() == games.read_text().split()


def test_the_example_is_clean(package: Path, repository: Path) -> None:
    sources = ["gameil_paragraphs.py", "test_paragraphs.py"]
    configured = ["--config", str(repository / "pyproject.toml"), "--no-cache"]
    run(package, repository, "-m", "ruff", "check", *configured, "--ignore", "I001", *sources)
    run(package, repository, "-m", "ruff", "format", "--check", *configured, *sources)
