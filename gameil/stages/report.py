"""The report stage: one HTML page about a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError
from gameil.reports.report import write_report
from gameil.tracking.run import Run


@dataclass(frozen=True)
class ReportConfig:
    """What to report on."""

    __pydantic_config__ = {"extra": "forbid"}

    run: Path
    """Run directory of a stage or of a pipeline."""
    out: Path | None = None
    """Where the page goes, a name that ends in .html; default ``report.html`` in the run directory."""

    def __post_init__(self) -> None:
        check_page(self.out)


def report(config: ReportConfig, run: Run, *, resume: bool = False) -> dict[str, Any]:
    """Writes the page; results: ``report`` (its path)."""
    path = write_report(config.run, config.out)
    run.say(f"report written: {path}")
    return {"report": str(path)}


def check_page(out: Path | None) -> None:
    """Raises ``ConfigError`` for a file whose name is no page's: a slip would replace something else."""
    if out is not None and out.suffix != ".html":
        raise ConfigError(f"out {str(out)!r}: must end in .html")
