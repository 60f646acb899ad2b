"""What the commands of all long stages share: configuration, run directory, stage, results."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from gameil.cli.arguments import CommonFlags, common_flags, parse
from gameil.tracking.run import Run

Config = TypeVar("Config")
Stage = Callable[..., dict[str, Any]]


def run_stage(
    name: str,
    cls: type[Config],
    stage: Callable[..., dict[str, Any]],
    argv: Sequence[str],
    *,
    description: str,
    track: bool = False,
    summary: Callable[[Mapping[str, Any]], str] | None = None,
) -> int:
    """Parses ``[CONFIG.toml] --flags``, opens the run directory, runs ``stage(config, run, resume=...)`` to its end.

    Args:
        name: the command's name, which also starts the default name of the run directory.
        cls: the stage's configuration class.
        stage: the stage; returns its results as plain JSON values.
        argv: the command's arguments.
        description: first lines of the help.
        track: log metrics to MLflow (training stages).
        summary: what to print of the results at the end, where the stage itself said nothing.

    Returns:
        Exit code 0. Errors rise to ``cli.main``.
    """
    flags, rest = common_flags(argv)
    config = parse(cls, rest, prog=f"gameil {name}", description=description, config_file=True)
    stem = Path(rest[0]).stem if rest and not rest[0].startswith("-") else None
    directory = run_directory(flags, f"{name}-{stem}" if stem else name)
    quiet = flags.quiet or flags.json
    with Run.open(directory, config, stage=name, resume=flags.resume, track=track, quiet=quiet) as run:
        if run.finished:
            run.say(f"{directory} is finished already")
            results = run.results()
        else:
            results = stage(config, run, resume=flags.resume)
            run.finish(results)
        if summary is not None and not flags.json:
            print(summary(results))
        if not flags.json:
            run.say(f"run directory: {directory}")
    if flags.json:
        print(json.dumps({"run": str(directory), **results}, default=str))
    return 0


def run_directory(flags: CommonFlags, stem: str) -> Path:
    """``runs/NAME`` for ``--name NAME``; else ``runs/<stem>-<number>``, the next free one, or the last to resume."""
    if flags.name is not None:
        return flags.runs / flags.name
    numbers = [
        int(path.name[len(stem) + 1 :])
        for path in flags.runs.glob(f"{stem}-*")
        if path.name[len(stem) + 1 :].isdecimal()
    ]
    last = max(numbers, default=0)
    return flags.runs / f"{stem}-{last if flags.resume and last else last + 1}"
