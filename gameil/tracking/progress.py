"""What a person sees while a stage works: a bar on a terminal, a line now and then anywhere else."""

import threading
import time
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as RichProgress

PLAIN_SECONDS = 15.0
"""Seconds between two progress lines where the output is no terminal."""


class Screen:
    """The console of one run, shared by its lines and its bars so that they do not overwrite each other."""

    def __init__(self, *, quiet: bool = False, console: Console | None = None) -> None:
        self.quiet = quiet
        self.console = console or Console(highlight=False, soft_wrap=True, emoji=False)
        self._bars: RichProgress | None = None
        self._open = 0
        self._lock = threading.Lock()

    def say(self, line: str) -> None:
        if not self.quiet:
            self.console.print(line, markup=False, emoji=False, highlight=False, soft_wrap=True)

    def add_bar(self, description: str, total: int | None) -> tuple[RichProgress, TaskID]:
        """Opens a bar on the shared display (started with the first one)."""
        with self._lock:
            if self._bars is None:
                self._bars = RichProgress(
                    TextColumn("{task.description}", markup=False),
                    BarColumn(bar_width=24),
                    MofNCompleteColumn(),
                    TextColumn("{task.fields[rate]}", markup=False),
                    TimeElapsedColumn(),
                    TimeRemainingColumn(compact=True),
                    TextColumn("{task.fields[shown]}", markup=False),
                    console=self.console,
                    transient=True,
                )
                self._bars.start()
            self._open += 1
            return self._bars, self._bars.add_task(description, total=total, rate="", shown="")

    def remove_bar(self, task: TaskID) -> None:
        with self._lock:
            assert self._bars is not None
            self._bars.remove_task(task)
            self._open -= 1
            if self._open == 0:
                self._bars.stop()
                self._bars = None


class Progress:
    """One counted piece of work. A context manager; ends with one line that says how much was done, how fast."""

    def __init__(self, screen: Screen, description: str, total: int | None, unit: str) -> None:
        self.description = description
        self.total = total
        self.unit = unit
        self.count = 0
        """Units done, those of an earlier run that this one resumes included."""
        self._screen = screen
        self._first = 0
        self._about = ""
        self._fields: dict[str, object] = {}
        self._bar: tuple[RichProgress, TaskID] | None = None
        self._started = time.monotonic()
        self._said = self._started

    def __enter__(self) -> Self:
        self._started = self._said = time.monotonic()
        if not self._screen.quiet and self._screen.console.is_terminal:
            self._bar = self._screen.add_bar(self.description, self.total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._screen.remove_bar(self._bar[1])
            self._bar = None
        if kind is None or self.count > self._first:
            self._screen.say(self._line(final=True) + ("" if kind is None else ", stopped"))

    def advance(self, n: int = 1) -> None:
        """Counts ``n`` more units."""
        self.count += n
        self._show()

    def start_at(self, count: int) -> None:
        """Says how much an earlier run did, so that the rate counts this run's work only."""
        self.count = self._first = count
        self._show()

    def estimate(self, total: int) -> None:
        """Says about how many units there will be, where that is not known beforehand."""
        self.total = max(total, self.count)
        self._about = "about "

    def update(self, **fields: object) -> None:
        """Numbers or words shown beside the count, such as ``loss=1.23``; each replaces the one of its name."""
        self._fields.update(fields)
        self._show()

    def rate(self) -> float:
        """Units a second since the start."""
        return (self.count - self._first) / max(1e-9, time.monotonic() - self._started)

    def _show(self) -> None:
        if self._bar is not None:
            bars, task = self._bar
            bars.update(task, completed=self.count, total=self.total, rate=f"{self._units()}", shown=self._shown())
        elif not self._screen.quiet and time.monotonic() - self._said >= PLAIN_SECONDS:
            self._said = time.monotonic()
            self._screen.say(self._line(final=False))

    def _units(self) -> str:
        return f"{self.unit} {format_rate(self.rate())}"

    def _shown(self) -> str:
        return " ".join(
            f"{name} {value:.4g}" if isinstance(value, float) else f"{name} {value}"
            for name, value in self._fields.items()
        )

    def _line(self, *, final: bool) -> str:
        elapsed = time.monotonic() - self._started
        done = f"{self.count:,}" if self.total is None or final else f"{self.count:,} of {self._about}{self.total:,}"
        parts = [f"{self.description}: {done} {self.unit}", format_rate(self.rate())]
        if final:
            parts.append(f"in {format_seconds(elapsed)}")
        elif self.total is not None and self.rate() > 0:
            parts.append(f"{format_seconds(max(0, self.total - self.count) / self.rate())} left")
        if self._fields:
            parts.append(self._shown())
        return ", ".join(parts)


def format_rate(rate: float) -> str:
    """``1,234/s``, or ``3.2/min`` where a second is too short."""
    if rate >= 10:
        return f"{rate:,.0f}/s"
    return f"{rate:.1f}/s" if rate >= 1 else f"{rate * 60:.1f}/min"


def format_seconds(seconds: float) -> str:
    """``0:07``, ``12:30``, ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
