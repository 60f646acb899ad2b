"""Command-line arguments: typed flags from a configuration dataclass, and the flags that every command shares."""

import contextlib
import dataclasses
import io
import sys
import typing
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import tyro

from gameil.config import parse_config, read_toml, refuse_command_line_only
from gameil.errors import ConfigError

Config = TypeVar("Config")

COMMON_HELP = (
    "Flags of every long command: --name NAME (of the run directory), --runs DIR (where run directories are, "
    "default runs), --resume (go on with an interrupted run), --json (results for machines), "
    "--quiet, --debug (traceback of an error)."
)


@dataclass(frozen=True)
class CommonFlags:
    """Flags that every command understands, apart from its configuration."""

    resume: bool = False
    """Go on with an interrupted run."""
    name: str | None = None
    """Name of the run directory inside ``runs``."""
    runs: Path = Path("runs")
    """Directory that holds the run directories."""
    json: bool = False
    """Print results as one JSON object and nothing else."""
    quiet: bool = False
    """Print no progress."""


def common_flags(argv: Sequence[str]) -> tuple[CommonFlags, list[str]]:
    """Takes the common flags out of ``argv`` wherever they stand; returns them and the rest.

    Raises ``ConfigError`` for ``--name`` or ``--runs`` without a value.
    """
    values: dict[str, Any] = {}
    rest: list[str] = []
    waiting: str | None = None
    for argument in argv:
        flag, equals, value = argument.partition("=")
        if waiting is not None:
            values[waiting] = argument
            waiting = None
        elif flag in ("--resume", "--json", "--quiet") and not equals:
            values[flag[2:]] = True
        elif flag in ("--name", "--runs"):
            if equals:
                values[flag[2:]] = value
            else:
                waiting = flag[2:]
        elif argument != "--debug":  # main() has seen it already
            rest.append(argument)
    if waiting is not None:
        raise ConfigError(f"--{waiting} needs a value")
    name = values.get("name")
    if name is not None and (not name or Path(name).name != name or name in (".", "..")):
        raise ConfigError(f"--name {name!r}: a run's name is one plain directory name, without slashes")
    if "runs" in values:
        values["runs"] = Path(values["runs"])
    return CommonFlags(**values), rest


def parse(cls: type[Config], argv: Sequence[str], *, prog: str, description: str, config_file: bool = False) -> Config:
    """Builds ``cls`` from command-line flags, ``--field.sub value`` for nested fields.

    Args:
        cls: a frozen configuration dataclass; the docstrings of its fields are the help.
        argv: arguments without the common flags.
        prog: what the help calls the command, such as ``gameil pretrain``.
        description: first lines of the help.
        config_file: the first argument may be a TOML file, whose values replace the defaults before the flags do.

    Raises:
        ConfigError: an unknown flag, a wrong value, a missing one, or a bad file; one line.
        SystemExit: with code 0, after ``--help``.
    """
    rest = list(argv)
    extra: dict[str, Any] = {}
    if config_file and rest and not rest[0].startswith("-"):
        path = Path(rest.pop(0))
        extra["default"] = file_defaults(cls, read_toml(path), str(path))
    if config_file:
        prog_usage = f"usage: {prog} [CONFIG.toml] [--field value] [--field.sub value] ..."
        description = f"{description}\n\n{prog_usage}"
    errors = io.StringIO()
    try:
        with contextlib.redirect_stderr(errors):
            parsed: Config = tyro.cli(cls, prog=prog, description=f"{description}\n\n{COMMON_HELP}", args=rest, **extra)
    except SystemExit as stop:
        if stop.code == 0:
            raise
        raise ConfigError(_plain(errors.getvalue(), prog)) from None
    sys.stderr.write(errors.getvalue())
    return parsed


def file_defaults(cls: type[Config], values: dict[str, Any], where: str) -> Config:
    """The configuration in a file, each field of the right type, the whole not checked: flags are still to come, which
    may give a required field, or mend what the class's own checks would refuse. tyro builds, and so checks, the real
    one."""
    assert dataclasses.is_dataclass(cls)
    refuse_command_line_only(cls, values, where)
    types = typing.get_type_hints(cls, include_extras=True)
    instance = object.__new__(cls)
    for field in dataclasses.fields(cls):
        value: Any
        if field.name in values:
            wrapper = dataclasses.make_dataclass("One", [(field.name, types[field.name])], frozen=True)
            value = getattr(parse_config(wrapper, {field.name: values[field.name]}, where), field.name)
        elif field.default is not dataclasses.MISSING:
            value = field.default
        elif field.default_factory is not dataclasses.MISSING:
            value = field.default_factory()
        else:
            value = tyro.MISSING
        object.__setattr__(instance, field.name, value)
    unknown = sorted(set(values) - set(types))
    if unknown:
        raise ConfigError(f"{where}: {unknown[0]}: unknown key")
    return instance


def _plain(box: str, prog: str) -> str:
    """tyro's boxed error (in lines or, on a plain terminal, blanks) as one line, with the nearest flag it knows of."""
    lines = [stripped for line in box.splitlines() if (stripped := line.strip("│╭╮╰╯ "))]
    title = lines[0].strip("─ ") if lines else "bad arguments"
    if len(lines) > 1 and not lines[1].strip("-"):
        del lines[1]
    message: list[str] = []
    near = ""
    hints = False
    for line in lines[1:]:
        if line and not line.strip("─-"):
            hints = True
        elif not hints:
            message.append(line)
        elif line.startswith("--") and not near and "Perhaps" in box:
            near = line.split()[0].rstrip(",")
    text = " ".join(" ".join(message).split()) or title
    if title.startswith("Required"):
        flags = [line.split()[0] if line.startswith("-") else line for line in message if _names_argument(line)]
        text = f"missing {', '.join(flags)}" if flags else text
    text = text[0].lower() + text[1:] if text else "bad arguments"
    return f"{text}; did you mean {near}?" if near else f"{text.rstrip('.')} ({prog} --help)"


def _names_argument(line: str) -> bool:
    return line.startswith("--") or (line.isupper() and not line.startswith("("))
