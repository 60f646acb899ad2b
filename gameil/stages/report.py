"""The report stage: one HTML page about a run."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.reports.report import write_report
from gameil.tracking.run import Run


@dataclass(frozen=True)
class ReportConfig:
    """What to report on."""

    __pydantic_config__ = {"extra": "forbid"}

    run: Path
    """Run directory of a stage or of a pipeline."""
    out: Path | None = None
    """Where the page goes; default ``report.html`` in the run directory."""


def report(config: ReportConfig, run: Run, *, resume: bool = False) -> dict[str, Any]:
    """Writes the page; results: ``report`` (its path)."""
    path = write_report(config.run, config.out)
    run.say(f"report written: {path}")
    return {"report": str(path)}
