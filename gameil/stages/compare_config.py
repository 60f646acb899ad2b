"""What `gameil compare` compares: methods side by side, each a stage with its own configuration.

    title = "Connect four: imitation, reinforcement, and what lies between"
    game = "connect_four"
    seeds = [0, 1, 2]
    yardsticks = ["mcts:100"]                # whom every result plays
    dataset = "data/connect_four.lmdb"       # people's games: human accuracy is measured on its ``split``
    demonstrations = [100]                   # numbers of games shown, each a column of runs

    [common]                                 # fields that every stage gets which has them
    minutes = 5

    [[method]]
    name = "imitation"
    stage = "pretrain"                       # pretrain, dagger, finetune or imitate
    config = { dataset = "{subset}" }

    [[method]]
    name = "finetune"
    stage = "finetune"
    config = { init = "{imitation}", learner = "ppo" }

In the texts of a ``config``: ``{imitation}`` is the snapshot that the method of that name left with the same seed and
number of games; ``{subset}`` a dataset of that number of train games, with the held-out ones; ``{demonstrations}`` the
number; ``{run}`` the comparison's run directory and ``{here}`` that of the file. ``[arguments]`` are as in a pipeline.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from gameil.config import parse_config, read_toml, refuse_command_line_only
from gameil.dataset.schema import Split
from gameil.errors import ConfigError, GameilError
from gameil.stages.pipeline import STAGES, fill_places, merged_tables

Places = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class MethodTable:
    """One ``[[method]]``."""

    __pydantic_config__ = {"extra": "forbid"}

    name: str
    """Row of the table, and placeholder of what it left."""
    stage: Literal["pretrain", "dagger", "finetune", "imitate"]
    """What trains."""
    config: dict[str, Any] = field(default_factory=dict)
    """Fields of the stage's configuration."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.name):
            raise ConfigError(f"method name {self.name!r}: letters, digits, '_' and '-' only")
        if self.name in ("run", "here", "subset", "demonstrations"):
            raise ConfigError(f"method name {self.name!r} is a placeholder's")

    def uses(self, place: str) -> bool:
        """Whether its configuration names a placeholder."""
        return "{" + place + "}" in repr(self.config)


@dataclass(frozen=True)
class CompareConfig:
    """A comparison: every method with every seed and number of demonstrations, in that order."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game that results play."""
    method: tuple[MethodTable, ...]
    """The ``[[method]]`` tables; one comes after those whose results it uses."""
    title: str = ""
    """Heading of the table."""
    seeds: tuple[int, ...] = (0, 1, 2)
    """Each run is repeated with each."""
    yardsticks: tuple[str, ...] = ("random",)
    """Specs of the agents that every result plays."""
    games: int = 200
    """Games against each."""
    dataset: Path | None = None
    """People's games: ``{subset}`` is made of it, and human accuracy measured on it."""
    split: Split = "validation"
    """Split that human accuracy is measured on."""
    positions: int = 4096
    """Positions of it."""
    demonstrations: tuple[int, ...] = (1000,)
    """Numbers of games shown. A method that does not depend on it runs once."""
    reach: float = 0.0
    """Score against the first yardstick whose number of environment frames is reported, for runs that measure it on
    their way (``yardstick_every``); 0 for none."""
    common: dict[str, Any] = field(default_factory=dict)
    """Fields for all stages that have them."""
    device: str = "cpu"
    """Of the measurements."""

    def __post_init__(self) -> None:
        names = [table.name for table in self.method]
        if not names or len(set(names)) < len(names):
            raise ConfigError("a comparison needs [[method]] tables, each with a name of its own")
        if not self.seeds or not self.yardsticks or not self.demonstrations:
            raise ConfigError("seeds, yardsticks and demonstrations must not be empty")
        if self.games < 2 or self.positions < 1 or min(self.demonstrations) < 0:
            raise ConfigError("games must be at least 2, positions at least 1, demonstrations at least 0")
        for place, table in enumerate(self.method):
            for later in names[place:]:
                if table.uses(later):
                    raise ConfigError(f"method {table.name!r} uses {later!r}, which does not come before it")

    def depends(self, name: str) -> bool:
        """Whether a method's result depends on the number of demonstrations, by itself or by one that it uses."""
        table = next(table for table in self.method if table.name == name)
        if table.uses("demonstrations") or table.uses("subset"):
            return True
        return any(self.depends(other.name) for other in self.method if table.uses(other.name))

    def needs_games(self, name: str) -> bool:
        """Whether a method, or one that it uses, can do nothing without any game shown."""
        table = next(table for table in self.method if table.name == name)
        if table.uses("subset") or table.stage in ("pretrain", "imitate"):
            return True
        return any(self.needs_games(other.name) for other in self.method if table.uses(other.name))


def read_comparison(path: Path, run: Path, arguments: Places | None = None) -> CompareConfig:
    """Reads a comparison file; placeholders of the runs themselves are left for ``stage_config``.

    Raises ``ConfigError`` for a malformed file, an unknown key, an argument that is missing or not asked for.
    """
    values = read_toml(path)
    given = dict(arguments or {})
    asked = values.pop("arguments", {})
    for name, description in dict(asked).items():
        if name not in given:
            raise ConfigError(f"{path}: needs --set {name}=VALUE: {description}")
    for name in given:
        if name not in asked:
            raise ConfigError(f"{path}: --set {name}: it asks for {', '.join(asked) or 'no arguments'}")
    filled = fill_places(values, {"run": [str(run)], "here": [str(path.parent)], **given}, str(path))
    try:
        return parse_config(CompareConfig, filled, str(path))
    except GameilError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(str(path)) else f"{path}: {text}") from error


def stage_config(config: CompareConfig, table: MethodTable, places: Places, seed: int, number: int) -> Any:
    """The stage configuration of one run. Raises ``ConfigError`` where it is none."""
    module_name, class_name, _ = STAGES[table.stage]
    cls = getattr(importlib.import_module(module_name), class_name)
    where = f"method {table.name!r}"
    common = {key: value for key, value in config.common.items() if key in cls.__dataclass_fields__}
    fields = _numbers(merged_tables(common, table.config), number)
    fields = fill_places(fields, {**places, "demonstrations": [str(number)]}, where)
    refuse_command_line_only(cls, fields, where)
    try:
        return parse_config(cls, {**fields, "seed": seed}, where)
    except GameilError as error:
        text = str(error)
        raise ConfigError(text if text.startswith(where) else f"{where}: {text}") from error


def _numbers(value: Any, number: int) -> Any:
    """A text that is nothing but ``{demonstrations}`` becomes a number, not its digits."""
    if value == "{demonstrations}":
        return number
    if isinstance(value, dict):
        return {key: _numbers(item, number) for key, item in value.items()}
    return [_numbers(item, number) for item in value] if isinstance(value, list) else value
