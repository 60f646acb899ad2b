"""The table and the picture of a comparison."""

import json
import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gameil.errors import ConfigError
from gameil.ratings.intervals import score_interval
from gameil.reports.charts import climb_chart
from gameil.reports.ladder_table import LadderRow
from gameil.reports.page import page, table
from gameil.reports.svg import escape
from gameil.stages.compare_config import CompareConfig
from gameil.tracking.log import read_log
from gameil.tracking.run import LOG_FILE


@dataclass(frozen=True)
class Cell:
    """What one run came to."""

    method: str
    demonstrations: int
    seed: int
    scores: dict[str, tuple[int, int, int]]
    """Wins, draws and losses by yardstick."""
    top1: float | None
    nll: float | None
    frames: int | None
    """Actions in games that it played, where it played any."""
    frames_to_reach: int | None
    """The same until the score was first reached; None where it never was."""
    seconds: float

    def score(self, yardstick: str) -> float:
        """Share of points, a draw counting half."""
        wins, draws, losses = self.scores[yardstick]
        return (wins + draws / 2) / (wins + draws + losses)

    def summary(self) -> str:
        """One line."""
        parts = [f"{self.score(spec):.1%} against {spec}" for spec in self.scores]
        if self.top1 is not None:
            parts.append(f"human top-1 {self.top1:.1%}")
        return f"{self.method}: " + ", ".join(parts)

    def values(self) -> dict[str, Any]:
        """Plain JSON values."""
        return asdict(self)

    @staticmethod
    def read(path: Path) -> "Cell":
        """From a file of ``values``. Raises ``ConfigError`` where it is none."""
        try:
            values = json.loads(path.read_text(encoding="utf-8"))
            values["scores"] = {name: tuple(score) for name, score in values["scores"].items()}
            return Cell(**values)
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            raise ConfigError(f"{path}: cannot be read: {error}") from error


def frames_to_reach(directory: Path, score: float) -> int | None:
    """Environment frames at the first measurement on the way that was at least ``score``."""
    for _, metrics in read_log(directory / LOG_FILE).metrics:
        if metrics.get("arena/score_against_yardstick", -1.0) >= score and "self_play/frames" in metrics:
            return int(metrics["self_play/frames"])
    return None


def comparison_text(config: CompareConfig, cells: Sequence[Cell]) -> str:
    """The table as text."""
    header, rows = _rows(config, cells)
    lines = [header, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(header))]
    shown = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in lines]
    return "\n".join(([config.title, ""] if config.title else []) + [shown[0], "-" * len(shown[0]), *shown[1:]])


def comparison_page(config: CompareConfig, cells: Sequence[Cell]) -> str:
    """The table and the picture as one self-contained HTML page."""
    header, rows = _rows(config, cells)
    several = len(config.demonstrations) > 1
    charts = [_scaling_chart(config, cells, spec) for spec in config.yardsticks] if several else [_chart(config, cells)]
    note = (
        f"{len(config.seeds)} seeds; {config.games} games a run against each yardstick, in pairs with seats swapped; "
        "95 % intervals of the games of all seeds together; spread: standard deviation between seeds."
    )
    figures = "".join(f"<figure>{chart}</figure>" for chart in charts)
    return page(
        config.title or "Methods side by side",
        config.game,
        [f'<p class="quiet">{escape(note)}</p>{figures}{table(header, rows)}'],
    )


def _groups(config: CompareConfig, cells: Sequence[Cell]) -> list[tuple[str, int, list[Cell]]]:
    """The runs of each method and number, in the order of the configuration."""
    groups = [
        (method.name, number, [c for c in cells if (c.method, c.demonstrations) == (method.name, number)])
        for method in config.method
        for number in config.demonstrations
    ]
    return [group for group in groups if group[2]]


def _rows(config: CompareConfig, cells: Sequence[Cell]) -> tuple[list[str], list[list[str]]]:
    header = ["method", "games shown"]
    for spec in config.yardsticks:
        header += [f"against {spec}", "worst", "spread"]
    header += ["human top-1", "NLL", "frames", "minutes"]
    if config.reach:
        header.append(f"frames to {config.reach:.0%}")
    rows = []
    for name, number, group in _groups(config, cells):
        row = [name, f"{number:,}" if config.depends(name) else "-"]
        for spec in config.yardsticks:
            own = [cell.score(spec) for cell in group]
            row += [_ladder_row(name, spec, group).text, f"{min(own):.0%}"]
            row.append(f"{statistics.stdev(own):.1%}" if len(own) > 1 else "-")
        row += [_mean([cell.top1 for cell in group], "{:.1%}"), _mean([cell.nll for cell in group], "{:.3f}")]
        row += [_mean([cell.frames for cell in group], "{:,.0f}"), f"{_mean_of(group):.1f}"]
        if config.reach:
            reached = [cell.frames_to_reach for cell in group if cell.frames_to_reach is not None]
            row.append(f"{statistics.median(reached):,.0f} ({len(reached)} of {len(group)})" if reached else "never")
        rows.append(row)
    return header, rows


def _mean(values: Sequence[float | None], form: str) -> str:
    known = [value for value in values if value is not None]
    return form.format(math.fsum(known) / len(known)) if known else "-"


def _mean_of(group: Sequence[Cell]) -> float:
    return math.fsum(cell.seconds for cell in group) / len(group) / 60.0


def _ladder_row(level: str, spec: str, group: Sequence[Cell]) -> LadderRow:
    """The games of all seeds together."""
    wins, draws, losses = (sum(cell.scores[spec][place] for cell in group) for place in range(3))
    games = wins + draws + losses
    interval = score_interval(wins, draws, losses)
    return LadderRow(level, games, wins, draws, losses, (wins + draws / 2) / games, interval.low, interval.high)


def _chart(config: CompareConfig, cells: Sequence[Cell]) -> str:
    """Every method's score against each yardstick."""
    return climb_chart(
        [
            (name, [_ladder_row(spec, spec, group) for spec in config.yardsticks])
            for name, _, group in _groups(config, cells)
        ]
    )


def _scaling_chart(config: CompareConfig, cells: Sequence[Cell], spec: str) -> str:
    """Every method's score by the number of games shown; one that does not depend on it stands at each."""
    steps = []
    for number in config.demonstrations:
        rows = [
            _ladder_row(name, spec, group)
            for name, own, group in _groups(config, cells)
            if own == number or not config.depends(name)
        ]
        steps.append((f"{number:,} games", rows))
    return climb_chart(steps)
