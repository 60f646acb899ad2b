"""The run directory as seen by a process that takes part in the work and leaves all writing to another."""

from collections.abc import Mapping
from pathlib import Path

from gameil.tracking.progress import Progress, Screen


class FollowedRun:
    """Where the first process's run is; says, logs and shows nothing. Stands in for ``tracking.run.Run``."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def say(self, line: str) -> None:
        pass

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        pass

    def progress(self, description: str, total: int | None, unit: str) -> Progress:
        return Progress(Screen(quiet=True), description, total, unit)
