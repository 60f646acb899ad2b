"""What is imported is declared, what is declared is imported, and every dependency is explained and pinned."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

DISTRIBUTIONS = {
    "pyspiel": "open_spiel",
    "mlflow": "mlflow-skinny",
    "rust_pgn_reader_python_binding": "rust-pgn-reader-python-binding",
}
"""Top-level module -> distribution, where the names differ."""

NOT_IMPORTED_HERE = {
    "sqlalchemy": "mlflow-skinny imports it for its SQLite store without declaring it",
    "alembic": "likewise",
}
"""Declared, but in no import statement -> why."""


def imported_distributions(texts: list[str]) -> set[str]:
    """Third-party distributions that the sources import, lazily or not."""
    names = {name.split(".")[0] for text in texts for name in _imports(text)}
    return {DISTRIBUTIONS.get(name, name) for name in names - set(sys.stdlib_module_names) - {"gameil"}}


def _imports(text: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def declared(requirements: list[str]) -> set[str]:
    return {re.split(r"[<>=!~\[; ]", requirement)[0] for requirement in requirements}


OPTIONAL = {
    "rust-pgn-reader-python-binding": "pgn",
    "openvino": "fast",
    "onnx": "onnx",
    "onnxruntime": "onnx",
    "nicegui": "web",
    "fastapi": "web",
    "uvicorn": "web",
    "ray": "ray",
}
"""Imported where it is installed -> the extra that brings it."""


@pytest.fixture(scope="module")
def project(repository: Path) -> dict:
    return tomllib.loads((repository / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_imports_and_dependencies_are_equal(project: dict, repository: Path) -> None:
    texts = [file.read_text(encoding="utf-8") for file in (repository / "gameil").rglob("*.py")]
    imported = imported_distributions(texts)
    assert imported - set(OPTIONAL) == declared(project["dependencies"]) - set(NOT_IMPORTED_HERE)
    for name, extra in OPTIONAL.items():
        assert name in imported & declared(project["optional-dependencies"][extra])


def test_imports_are_found_everywhere() -> None:
    text = (
        "import os\nfrom gameil.errors import GameError\ndef f():\n    import pyspiel\n    from torch.nn import Linear"
    )
    assert imported_distributions([text]) == {"open_spiel", "torch"}


def test_every_dependency_is_pinned_and_explained(project: dict, repository: Path) -> None:
    pins = (repository / "constraints.txt").read_text(encoding="utf-8")
    names = {name.lower().replace("_", "-") for name in re.findall(r"^([\w.-]+)==", pins, re.M)}
    page = (repository / "docs" / "dependencies.md").read_text(encoding="utf-8")
    groups = [project["dependencies"], *project["optional-dependencies"].values()]
    for name in set().union(*(declared(group) for group in groups)):
        assert name.lower().replace("_", "-") in names, f"{name} is not in constraints.txt"
        assert re.search(rf"\b{re.escape(name)}\b", page), f"{name} is not in docs/dependencies.md"


def test_pins_are_plain(repository: Path) -> None:
    """No local builds, files or editable installs, which nobody else could install."""
    lines = (repository / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line for line in lines if not line.startswith("#")]
    assert all(re.fullmatch(r"[\w.-]+==[\w.!]+", line) for line in pins)
    assert len({line.split("==")[0].lower() for line in pins}) == len(pins) > 50
