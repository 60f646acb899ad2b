"""Every configuration class refuses unknown keys: pydantic drops those of a standard dataclass silently otherwise."""

import dataclasses
import importlib
import pkgutil
import typing
from collections.abc import Iterator
from typing import Any

import pytest

import gameil
from gameil.config import parse_config
from gameil.errors import ConfigError


def dataclasses_of_gameil() -> Iterator[type[Any]]:
    for module in pkgutil.walk_packages(gameil.__path__, "gameil."):
        for value in vars(importlib.import_module(module.name)).values():
            if isinstance(value, type) and dataclasses.is_dataclass(value) and value.__module__ == module.name:
                yield value


def parts(annotation: Any) -> Iterator[Any]:
    yield annotation
    for argument in typing.get_args(annotation):
        yield from parts(argument)


def nested(cls: type[Any]) -> Iterator[type[Any]]:
    """``cls`` and every dataclass that its fields hold, inside unions and containers too."""
    yield cls
    for annotation in typing.get_type_hints(cls).values():
        for part in parts(annotation):
            if isinstance(part, type) and dataclasses.is_dataclass(part) and part is not cls:
                yield from nested(part)


def is_config(cls: type[Any]) -> bool:
    return cls.__name__.endswith(("Config", "Arguments")) or hasattr(cls, "__pydantic_config__")


CONFIGS = sorted({part for cls in dataclasses_of_gameil() if is_config(cls) for part in nested(cls)}, key=str)


def test_the_walk_finds_the_stages() -> None:
    names = {cls.__name__ for cls in CONFIGS}
    assert {"PipelineConfig", "StageTable", "ReportConfig", "PretrainConfig", "Schedule"} <= names


@pytest.mark.parametrize("cls", CONFIGS, ids=lambda cls: cls.__name__)
def test_unknown_keys_are_refused(cls: type[Any]) -> None:
    assert cls.__dict__.get("__pydantic_config__") == {"extra": "forbid"}
    assert cls.__dataclass_params__.frozen, f"{cls.__name__} can be changed after it was checked"
    with pytest.raises(ConfigError, match=r"no_such_key: unknown key|and \d+ more|Field required"):
        parse_config(cls, {"no_such_key": 1}, "test")
    required = [
        field
        for field in dataclasses.fields(cls)
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    if not required:
        with pytest.raises(ConfigError, match="test: no_such_key: unknown key"):
            parse_config(cls, {"no_such_key": 1}, "test")


@pytest.mark.parametrize("cls", CONFIGS, ids=lambda cls: cls.__name__)
def test_every_field_is_documented(cls: type[Any]) -> None:
    """A string stands under each field; help texts are made of them. A nested configuration explains itself."""
    import ast
    import inspect
    import textwrap

    tree = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(tree, ast.ClassDef)
    hints = typing.get_type_hints(cls)
    undocumented = []
    for statement, after in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            if not is_text and not dataclasses.is_dataclass(hints[statement.target.id]):
                undocumented.append(statement.target.id)
    assert undocumented == []
