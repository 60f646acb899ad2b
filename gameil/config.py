"""Configuration: frozen dataclasses beside the code they configure, read from TOML, unknown keys refused.

Every configuration class sets ``__pydantic_config__ = {"extra": "forbid"}``; a test walks all of them, because pydantic
drops the unknown keys of a standard dataclass silently otherwise.
"""

import dataclasses
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from gameil.errors import ConfigError

Config = TypeVar("Config")

COMMAND_LINE_ONLY = {"command_line_only": True}
"""Metadata of fields that no file may set, since files come from strangers: such as the programs that are run."""


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises ``ConfigError`` naming the file and the line where it is malformed."""
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigError(f"{path}: cannot be read as a TOML file: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # ValueError: no TOML, no UTF-8, or a number of too many digits
        raise ConfigError(f"{path}: not valid TOML: {error}") from error


def parse_config(cls: type[Config], values: Mapping[str, Any], where: str) -> Config:
    """Builds ``cls`` from plain values; unknown keys and wrong types are one line that starts with ``where``."""
    try:
        return TypeAdapter(cls).validate_python(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        message = "unknown key" if first["type"] == "unexpected_keyword_argument" else first["msg"]
        more = f" (and {error.error_count() - 1} more)" if error.error_count() > 1 else ""
        raise ConfigError(f"{where}: {place}: {message}{more}") from error


def refuse_command_line_only(cls: type[Any], values: Mapping[str, Any], where: str) -> None:
    """Raises ``ConfigError`` where ``values``, read from a file, name a field that only the command line may set."""
    for field in dataclasses.fields(cls):
        if field.metadata.get("command_line_only") and field.name in values:
            flag = f"--{field.name.replace('_', '-')}"
            raise ConfigError(f"{where}: {field.name}: set by the command line only ({flag}), not by a file")


def config_values(config: Any) -> dict[str, Any]:
    """The plain JSON values of a configuration dataclass, every default spelled out."""
    values: dict[str, Any] = TypeAdapter(type(config)).dump_python(config, mode="json")
    return values
