"""What training logs: means over some updates, and how fast they went."""

from collections.abc import Mapping
from typing import Protocol


class Training(Protocol):
    """What is needed of a training run."""

    @property
    def positions_a_batch(self) -> int: ...

    def elapsed(self) -> float:
        """Seconds trained."""

    def waited(self) -> float:
        """Seconds of them spent waiting for batches."""


class TrainingWindow:
    """Means of the metrics since the last log entry, with the speed in that time."""

    def __init__(self, training: Training) -> None:
        self._open(training)

    def add(self, metrics: Mapping[str, float]) -> None:
        for name, value in metrics.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._steps += 1

    def close(self, training: Training) -> dict[str, float]:
        """The means, ``time/positions_per_second`` and ``time/data_wait_share``; a new window begins."""
        seconds = max(1e-9, training.elapsed() - self._elapsed)
        means = {name: value / self._steps for name, value in self._sums.items()}
        means["time/positions_per_second"] = self._steps * training.positions_a_batch / seconds
        means["time/data_wait_share"] = (training.waited() - self._waited) / seconds
        self._open(training)
        return means

    def _open(self, training: Training) -> None:
        self._sums: dict[str, float] = {}
        self._steps = 0
        self._elapsed = training.elapsed()
        self._waited = training.waited()
