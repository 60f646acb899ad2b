"""``gameil run PIPELINE.toml``: all stages of a pipeline in order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gameil.cli.arguments import common_flags, parse
from gameil.errors import ConfigError


@dataclass(frozen=True)
class RunArguments:
    """Arguments of ``gameil run``."""

    __pydantic_config__ = {"extra": "forbid"}

    pipeline: tyro.conf.Positional[Path]
    """The pipeline's TOML file, such as configs/quickstart.toml."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=VALUE for a name in the file's [arguments] table; several times for a list."""


def main(argv: Sequence[str]) -> int:
    """Runs the pipeline in ``runs/<name of the file>`` (``--name`` for another)."""
    flags, rest = common_flags(argv)
    arguments = parse(
        RunArguments,
        rest,
        prog="gameil run",
        description="Runs the stages of a pipeline file in order. Interrupted, the same command with --resume goes on.",
    )
    from gameil.stages.pipeline import load_stages, read_pipeline, run_pipeline
    from gameil.tracking.run import Run

    directory = flags.runs / (flags.name or arguments.pipeline.stem)
    config = read_pipeline(arguments.pipeline, directory, assignments(arguments.set))
    stages = load_stages(config, str(arguments.pipeline))
    quiet = flags.quiet or flags.json
    with Run.open(directory, config, stage="pipeline", resume=flags.resume, track=False, quiet=quiet) as run:
        results = run_pipeline(config, stages, run)
        run.finish(results)
    if flags.json:
        print(json.dumps({"run": str(directory), **results}, default=str))
    return 0


def assignments(texts: Sequence[str]) -> dict[str, list[str]]:
    """``NAME=VALUE`` texts by name. Raises ``ConfigError`` for anything else."""
    values: dict[str, list[str]] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not (name and equals and value):
            raise ConfigError(f"--set {text!r}: must be NAME=VALUE")
        values.setdefault(name, []).append(value)
    return values
