"""``gameil report RUN``: a run's HTML page."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from gameil.cli.arguments import common_flags, parse


@dataclass(frozen=True)
class ReportArguments:
    """Arguments of ``gameil report``."""

    __pydantic_config__ = {"extra": "forbid"}

    run: tyro.conf.Positional[Path]
    """Run directory of a stage or a pipeline, such as runs/quickstart."""
    out: Path | None = None
    """Where the page goes, a name that ends in .html; default report.html in the run directory."""


def main(argv: Sequence[str]) -> int:
    """Writes the page and prints where it is."""
    flags, rest = common_flags(argv)
    arguments = parse(
        ReportArguments,
        rest,
        prog="gameil report",
        description="Writes a self-contained HTML page about a run: curves, results, ladder, a game.",
    )
    from gameil.reports.report import write_report
    from gameil.stages.report import check_page

    check_page(arguments.out)
    path = write_report(arguments.run, arguments.out)
    print(json.dumps({"report": str(path)}) if flags.json else str(path))
    return 0
