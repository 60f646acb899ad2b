"""What the dashboard shows of a directory of runs: which there are, how far they are, their curves and tables. No web.

Runs are found by listing the directory; a name that a browser sends is only ever compared with those of the list.
"""

import html
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError, GameilError
from gameil.reports.charts import climb_chart
from gameil.reports.ladder_table import ladder_rows, measured_after
from gameil.reports.sections import StageRun, stage_section
from gameil.tracking.log import read_log
from gameil.tracking.run import CONFIG_FILE, LOG_FILE, RESULTS_FILE, read_results, read_run_config

MOST_RUNS = 1000
"""Runs listed; the latest ones where there are more."""
_MOST_LOG_BYTES = 256 << 20
_MOST_STANDINGS_BYTES = 16 << 20
STANDINGS_FILE = "standings.json"
"""What a league writes turn by turn (``Standings.values``)."""
_TAIL_BYTES = 65_536
AT_WORK_SECONDS = 300.0
"""A run without results that wrote something so recently is taken to be at work."""
HEADLINES = ("arena/score", "league/score", "validation/top1", "validation/nll", "human/top1", "loss/policy")
"""Metrics of which the list shows the first that a run has."""


@dataclass(frozen=True, slots=True)
class RunEntry:
    """One line of the list."""

    name: str
    stage: str
    status: str
    """``finished``, ``at work`` or ``stopped``."""
    written: float
    """When it last wrote something, seconds since 1970."""
    headline: str
    """Its latest value of the most telling metric, as text; empty where it has none."""


class Runs:
    """A directory of run directories, read anew at each call."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def entries(self) -> list[RunEntry]:
        """All runs, those that wrote last first; directories that are no runs are left out."""
        try:
            found = [path for path in self.directory.iterdir() if (path / CONFIG_FILE).is_file()]
        except OSError:
            return []
        entries = [entry for path in found if (entry := _entry(path)) is not None]
        return sorted(entries, key=lambda entry: (-entry.written, entry.name))[:MOST_RUNS]

    def find(self, name: str) -> Path:
        """The directory of a listed run. Raises ``ConfigError`` for any other name."""
        for entry in self.entries():
            if entry.name == name:
                return self.directory / entry.name
        raise ConfigError("there is no such run")

    def version(self, name: str) -> float:
        """A number that changes when the run writes something."""
        return _written(self.find(name))

    def sections(self, name: str) -> str:
        """HTML of a run: the ladder's climb, then each stage's curves, results and configuration, all escaped.

        Raises:
            ConfigError: there is no such run, or nothing of it can be read.
        """
        stages = _stages(self.find(name))
        parts = [_climb(stages)]
        for stage in stages:
            try:
                parts.append(stage_section(stage))
            except (GameilError, KeyError, TypeError, ValueError, AttributeError) as error:
                # Files of another version, or a stranger's: what else there is must still be shown.
                parts.append(
                    f"<h2>{html.escape(stage.name)}</h2><p>cannot be shown: {html.escape(str(error)[:200])}</p>"
                )
        return "".join(parts)


def _entry(path: Path) -> RunEntry | None:
    try:
        stage = str(read_run_config(path).get("stage", ""))[:40]
    except ConfigError:
        return None
    written = _written(path)
    if (path / RESULTS_FILE).exists():
        status = "finished"
    else:
        status = "at work" if time.time() - written < AT_WORK_SECONDS else "stopped"
    return RunEntry(path.name, stage, status, written, _headline(path))


def _parts(path: Path) -> list[Path]:
    """The run and the runs inside it (a pipeline's stages, in the order in which they began)."""
    inside = [child for child in path.iterdir() if child.is_dir() and (child / CONFIG_FILE).is_file()]
    return [path, *sorted(inside, key=lambda child: (child / CONFIG_FILE).stat().st_mtime)[:100]]


def _written(path: Path) -> float:
    files = [part / name for part in _parts(path) for name in (LOG_FILE, RESULTS_FILE, CONFIG_FILE)]
    return max((file.stat().st_mtime for file in files if file.exists()), default=0.0)


def _headline(path: Path) -> str:
    """From the end of the latest log: lists must not read whole logs."""
    for part in reversed(_parts(path)):
        latest: dict[str, Any] = {}
        for line in _tail(part / LOG_FILE):
            try:
                metrics = json.loads(line).get("metrics")
            except (ValueError, RecursionError, AttributeError):
                continue
            if isinstance(metrics, Mapping):
                latest |= metrics
        for name in HEADLINES:
            value = latest.get(name)
            if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e9:
                return f"{name} {value:.4g}"
    return ""


def _tail(path: Path) -> list[bytes]:
    """The last whole lines of a log; none where there is none."""
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _TAIL_BYTES))
            lines = file.read().split(b"\n")
    except OSError:
        return []
    return lines[1:] if size > _TAIL_BYTES else lines


def _stages(directory: Path) -> list[StageRun]:
    """The run, or the stages of a pipeline."""
    parts = _parts(directory)
    if len(parts) > 1 and read_run_config(directory).get("stage") == "pipeline":
        parts = parts[1:]
    return [_read(part) for part in parts]


def _read(directory: Path) -> StageRun:
    written = read_run_config(directory)
    config = written.get("config")
    log = directory / LOG_FILE
    if log.exists() and log.stat().st_size > _MOST_LOG_BYTES:
        raise ConfigError(f"{directory.name}: its log of {log.stat().st_size >> 20:,} MiB is too large to be shown")
    results = read_results(directory) if (directory / RESULTS_FILE).exists() else _standings(directory)
    values = config if isinstance(config, dict) else {}
    return StageRun(directory, str(written.get("stage", "")), values, read_log(log), results)


def _standings(directory: Path) -> dict[str, Any] | None:
    """How a league that goes on stands, as it wrote it last; None for other runs."""
    path = directory / STANDINGS_FILE
    try:
        if path.stat().st_size > _MOST_STANDINGS_BYTES:
            return None
        return {"standings": json.loads(path.read_text(encoding="utf-8"))}
    except (OSError, ValueError, RecursionError):
        return None


def _climb(stages: list[StageRun]) -> str:
    climb = []
    for stage in stages:
        if stage.stage == "ladder" and stage.results is not None:
            try:
                climb.append((measured_after(stage.name), ladder_rows(stage.results)))
            except ConfigError:
                continue
    chart = climb_chart(climb) if climb else ""
    return f"<h2>The climb</h2><figure>{chart}</figure>" if chart else ""
