"""``log.jsonl``: what a run measured and said, one JSON object a line, only ever appended to.

A metrics line is ``{"time": seconds since 1970, "step": int, "metrics": {name: number}}``, a text line is
``{"time": ..., "text": ...}``. A resumed run measures some steps again; the later line counts (``LogEntries.curve``).
"""

import json
import math
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import UnionType

_TOO_LARGE = 1 << 63


@dataclass(frozen=True)
class LogEntries:
    """What was read from one log."""

    metrics: tuple[tuple[int, dict[str, float]], ...]
    """``(step, metrics)`` in the order written."""
    lines: tuple[str, ...]
    """What the run said."""

    def names(self) -> list[str]:
        """Every metric's name, in the order first seen."""
        return list(dict.fromkeys(name for _, metrics in self.metrics for name in metrics))

    def curve(self, name: str) -> list[tuple[int, float]]:
        """``(step, value)`` of one metric with rising steps: what a resumed run measured again replaces the older."""
        points: list[tuple[int, float]] = []
        for step, metrics in self.metrics:
            if name in metrics:
                while points and points[-1][0] >= step:
                    points.pop()
                points.append((step, metrics[name]))
        return points


class LogWriter:
    """Appends to a log. Every line reaches the operating system before the call returns."""

    def __init__(self, path: Path) -> None:
        cut_torn_line(path)
        self._file = path.open("a", encoding="utf-8")

    def metrics(self, step: int, metrics: Mapping[str, float]) -> None:
        # JSON knows no NaN; a diverged loss must still leave a readable log.
        plain = {name: float(value) if math.isfinite(value) else None for name, value in metrics.items()}
        self._write({"time": round(time.time(), 3), "step": int(step), "metrics": plain})

    def text(self, line: str) -> None:
        self._write({"time": round(time.time(), 3), "text": line})

    def close(self) -> None:
        self._file.close()

    def _write(self, entry: dict[str, object]) -> None:
        self._file.write(json.dumps(entry, ensure_ascii=False) + "\n")
        self._file.flush()


def read_log(path: Path) -> LogEntries:
    """Reads a log; a missing file is an empty log.

    What no log writer writes is left out: a torn last line (the run was killed), other JSON, numbers without bound.
    """
    metrics: list[tuple[int, dict[str, float]]] = []
    lines: list[str] = []
    if not path.exists():
        return LogEntries((), ())
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            try:
                entry = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if not isinstance(entry, dict):
                continue
            if isinstance(entry.get("metrics"), dict) and _is_number(entry.get("step"), int):
                numbers = {
                    str(name): math.nan if value is None else float(value)
                    for name, value in entry["metrics"].items()
                    if value is None or _is_number(value, int | float)
                }
                metrics.append((entry["step"], numbers))
            elif isinstance(entry.get("text"), str):
                lines.append(entry["text"])
    return LogEntries(tuple(metrics), tuple(lines))


def _is_number(value: object, kind: type | UnionType) -> bool:
    """Whether a value from a file is of this kind and can be drawn; JSON's whole numbers have no bound."""
    return isinstance(value, kind) and not (isinstance(value, int) and abs(value) >= _TOO_LARGE)


def cut_torn_line(path: Path) -> None:
    """Removes an unfinished last line, as a killed process leaves it, so that the next line starts a new one."""
    if not path.exists():
        return
    with path.open("rb+") as file:
        size = file.seek(0, 2)
        end = size
        while end > 0:
            start = max(0, end - 65536)
            file.seek(start)
            newline = file.read(end - start).rfind(b"\n")
            if newline >= 0:
                end = start + newline + 1
                break
            end = start
        if end != size:
            file.truncate(end)
