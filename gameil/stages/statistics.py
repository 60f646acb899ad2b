"""The statistics stage: what is in a dataset, on the console and in the report."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.stages.dataset_stats import dataset_stats, stats_lines
from gameil.tracking.run import Run


@dataclass(frozen=True)
class StatisticsConfig:
    """Which dataset to look into."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: Path
    """A dataset that ``ingest`` made."""


def statistics(config: StatisticsConfig, run: Run, *, resume: bool = False) -> dict[str, Any]:
    """Says and returns what ``dataset_stats`` counts: games, splits, lengths, outcomes, ratings."""
    stats = dataset_stats(config.dataset)
    for line in stats_lines(stats):
        run.say(f"    {line}" if line else "")
    return {name: value for name, value in stats.items() if name != "bytes_by_table"}
