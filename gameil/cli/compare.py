"""``gameil compare CONFIG.toml``: methods side by side."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from gameil.cli.arguments import common_flags, parse
from gameil.cli.run import assignments


@dataclass(frozen=True)
class CompareArguments:
    """Arguments of ``gameil compare``."""

    __pydantic_config__ = {"extra": "forbid"}

    comparison: tyro.conf.Positional[Path]
    """The comparison's TOML file, such as configs/compare/connect_four.toml."""
    set: Annotated[tuple[str, ...], tyro.conf.UseAppendAction] = ()
    """NAME=VALUE for a name in the file's [arguments] table; several times for a list."""


def main(argv: Sequence[str]) -> int:
    """Runs the comparison in ``runs/<name of the file>`` (``--name`` for another)."""
    flags, rest = common_flags(argv)
    arguments = parse(
        CompareArguments,
        rest,
        prog="gameil compare",
        description="Trains by several methods with several seeds and compares what comes out: one table, one picture."
        " Interrupted, the same command with --resume goes on.",
    )
    from gameil.stages.compare import compare
    from gameil.stages.compare_config import read_comparison
    from gameil.tracking.run import Run

    directory = flags.runs / (flags.name or arguments.comparison.stem)
    config = read_comparison(arguments.comparison, directory, assignments(arguments.set))
    quiet = flags.quiet or flags.json
    with Run.open(directory, config, stage="compare", resume=flags.resume, track=False, quiet=quiet) as run:
        results = run.results() if run.finished else compare(config, run)
        if not run.finished:
            run.finish(results)
    if flags.json:
        print(json.dumps({"run": str(directory), **results}, default=str))
    return 0
