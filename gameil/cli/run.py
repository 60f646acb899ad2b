"""``gameil run PIPELINE.toml``: all stages of a pipeline in order."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from gameil.cli.arguments import common_flags, parse


@dataclass(frozen=True)
class RunArguments:
    """Arguments of ``gameil run``."""

    __pydantic_config__ = {"extra": "forbid"}

    pipeline: tyro.conf.Positional[Path]
    """The pipeline's TOML file, such as configs/quickstart.toml."""


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
    config = read_pipeline(arguments.pipeline, directory)
    stages = load_stages(config, str(arguments.pipeline))
    quiet = flags.quiet or flags.json
    with Run.open(directory, config, stage="pipeline", resume=flags.resume, track=False, quiet=quiet) as run:
        results = run_pipeline(config, stages, run)
        run.finish(results)
    if flags.json:
        print(json.dumps({"run": str(directory), **results}, default=str))
    return 0
