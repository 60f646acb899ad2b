"""A run directory ``runs/<name>/``: what a stage was asked to do, what it measured, and what it left behind."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any, Self

from gameil import __version__
from gameil.config import config_values
from gameil.errors import ConfigError, GameilError
from gameil.tracking.lock import LOCK_FILE, lock_directory
from gameil.tracking.log import LogWriter
from gameil.tracking.progress import Progress, Screen

if TYPE_CHECKING:
    from gameil.tracking.mlflow_tracker import MlflowTracker

CONFIG_FILE = "config.json"
LOG_FILE = "log.jsonl"
RESULTS_FILE = "results.json"


class Run:
    """One stage's run directory: ``config.json``, ``log.jsonl``, ``results.json``, ``checkpoints/``, ``snapshots/``,
    ``records/``, ``report.html``. Made by ``Run.open``; a context manager. Used by one thread."""

    def __init__(
        self,
        directory: Path,
        *,
        stage: str,
        seed: int,
        resumed: bool,
        screen: Screen,
        tracker: "MlflowTracker | None",
        lock: IO[bytes] | None = None,
    ) -> None:
        self.directory = directory
        self.stage = stage
        self.seed = seed
        self.resumed = resumed
        """The directory was there before and work goes on."""
        self.screen = screen
        self._log = LogWriter(directory / LOG_FILE)
        self._tracker = tracker
        self._lock = lock
        self._measured = False

    @staticmethod
    def open(
        directory: Path,
        config: Any,
        *,
        stage: str,
        resume: bool,
        track: bool = True,
        quiet: bool = False,
        tracking_directory: Path | None = None,
        screen: Screen | None = None,
    ) -> "Run":
        """Makes the directory, or goes on in it.

        Args:
            directory: the run directory; its parents are made.
            config: the stage's configuration (dataclass or plain values), written to ``config.json`` fully resolved.
            stage: name of the stage.
            resume: go on in an existing directory of the same stage and configuration; a new one is made where there
                is none.
            track: send metrics to MLflow too.
            quiet: print nothing.
            tracking_directory: where MLflow's SQLite file is; default the directory's parent.
            screen: console to share with an outer run (a pipeline's).

        Raises:
            ConfigError: the directory exists and ``resume`` is not set, it belongs to another configuration, or another
            process works in it.
        """
        values = config_values(config) if dataclasses.is_dataclass(config) else config
        written = {"stage": stage, "gameil": __version__, "config": values}
        written = json.loads(json.dumps(written))
        config_path = directory / CONFIG_FILE
        # A directory without a configuration was cut off before anything was done in it, or is empty: not a run.
        existed = config_path.exists()
        if existed and not resume:
            raise ConfigError(
                f"{directory}: a run is there already: go on with it with --resume, or choose another with --name"
            )
        if directory.exists() and not existed and any(not path.name.startswith(".") for path in directory.iterdir()):
            raise ConfigError(f"{directory}: not empty and not a run directory; choose another with --name")
        if existed:
            _refuse_other(_read_json(config_path), written, directory)
        try:
            directory.mkdir(parents=True, exist_ok=True)
            lock = lock_directory(directory)
            if not existed:
                write_json(config_path, written)
        except OSError as error:
            raise ConfigError(f"{directory}: cannot be made: {error.strerror}") from error
        tracker = None
        if track:
            from gameil.tracking.mlflow_tracker import MlflowTracker

            tracker = MlflowTracker(directory, tracking_directory or directory.parent, stage, values)
        seed = values.get("seed", 0) if isinstance(values, dict) else 0
        return Run(
            directory,
            stage=stage,
            seed=int(seed),
            resumed=existed,
            screen=screen or Screen(quiet=quiet),
            tracker=tracker,
            lock=lock,
        )

    @property
    def quiet(self) -> bool:
        return self.screen.quiet

    @property
    def finished(self) -> bool:
        """The stage has done all its work and its results are written."""
        return (self.directory / RESULTS_FILE).exists()

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Writes metrics, named like ``loss/policy``, at ``step`` to ``log.jsonl`` and, in the background, MLflow."""
        self._measured = True
        numbers = {name: float(value) for name, value in metrics.items()}
        self._log.metrics(step, numbers)
        if self._tracker is not None:
            self._tracker.log(step, numbers)

    def say(self, line: str) -> None:
        """Prints one line (unless quiet) and keeps it in the log."""
        self.screen.say(line)
        self._log.text(line)

    def progress(self, description: str, total: int | None, unit: str) -> Progress:
        """A progress bar: ``with run.progress("pretraining", 1000, "steps") as bar: bar.advance()``."""
        return Progress(self.screen, description, total, unit)

    def finish(self, results: Mapping[str, Any]) -> None:
        """Writes ``results.json`` (plain JSON values), which marks the run complete."""
        write_json(self.directory / RESULTS_FILE, dict(results))

    def results(self) -> dict[str, Any]:
        """The results of a finished run. Raises ``ConfigError`` when it is not finished."""
        return read_results(self.directory)

    def close(self, status: str = "FINISHED") -> None:
        """Ends the log and waits until MLflow has everything. Safe to call twice."""
        self._log.close()
        if self._tracker is not None:
            warning = self._tracker.close(status)
            self._tracker = None
            if warning:
                self.screen.say(warning)
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        status = "FINISHED" if kind is None else "KILLED" if kind is KeyboardInterrupt else "FAILED"
        self.close(status)
        if isinstance(error, GameilError) and not self.resumed and not self._measured:
            self._remove_refused()

    def _remove_refused(self) -> None:
        """Removes the directory of a run that was refused before it did anything, so that nothing is left half made."""
        own = {CONFIG_FILE, LOG_FILE, LOCK_FILE}
        if any(path.name not in own for path in self.directory.iterdir()):
            return
        for name in own:
            (self.directory / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # the directory of all runs stays where others are in it
            self.directory.rmdir()
            self.directory.parent.rmdir()


def read_results(directory: Path) -> dict[str, Any]:
    """``results.json`` of a run directory. Raises ``ConfigError`` where the run is not finished."""
    path = directory / RESULTS_FILE
    if not path.exists():
        raise ConfigError(f"{directory}: not a finished run (no {RESULTS_FILE})")
    return _read_json(path)


def read_run_config(directory: Path) -> dict[str, Any]:
    """``config.json`` of a run directory: ``stage``, ``gameil`` (version), ``config``. Raises ``ConfigError``."""
    path = directory / CONFIG_FILE
    if not path.exists():
        raise ConfigError(f"{directory}: not a run directory (no {CONFIG_FILE})")
    return _read_json(path)


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes a JSON file whole or not at all: temporary name, flush, rename."""
    temporary = path.with_name(f".{path.name}.tmp")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(values, file, indent=2, ensure_ascii=False, default=_plain)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _plain(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    raise TypeError(f"{type(value).__name__} has no plain JSON value")


def _read_json(path: Path) -> dict[str, Any]:
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"{path}: not a JSON object")
    return values


def _refuse_other(old: dict[str, Any], new: dict[str, Any], directory: Path) -> None:
    if old.get("stage") != new["stage"]:
        raise ConfigError(
            f"{directory}: holds a {old.get('stage')} run, not {new['stage']}; choose another with --name"
        )
    difference = _first_difference(old.get("config"), new["config"], "")
    if difference is not None:
        field, before, now = difference
        raise ConfigError(
            f"{directory}: cannot be resumed with another configuration: {field or 'config'} was {before!r} "
            f"and is now {now!r}; choose another run with --name"
        )


def _first_difference(old: Any, new: Any, where: str) -> tuple[str, Any, Any] | None:
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*new, *(key for key in old if key not in new)]:
            found = _first_difference(old.get(key), new.get(key), f"{where}.{key}" if where else key)
            if found is not None:
                return found
        return None
    return None if old == new else (where, old, new)
