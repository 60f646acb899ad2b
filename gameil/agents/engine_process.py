"""One external engine as a child process: lines in and out, a time limit on every wait, and no orphan left behind."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from gameil.config import parse_config, read_toml
from gameil.errors import ConfigError, EngineError

_GAMES_DIRECTORY = Path("/usr/games")
"""Where Debian puts game engines; not on every user's PATH."""
_LONGEST_LINE = 1 << 16
_MOST_WAITING_LINES = 10_000


@dataclass(frozen=True)
class EngineConfig:
    """An engine of the user's own ``[engines]`` table: the only way to run a program by its path."""

    __pydantic_config__ = {"extra": "forbid"}

    command: tuple[str, ...]
    """Program and arguments; the program may be a name on PATH or a path."""
    options: Mapping[str, str] = field(default_factory=dict)
    """UCI options (``setoption``) set before the first game; unused by GTP engines."""
    timeout_seconds: float = 30.0
    """Longest wait for any one answer, thinking included."""

    def __post_init__(self) -> None:
        if not self.command:
            raise ConfigError("an engine needs a command: its program and arguments")
        if self.timeout_seconds <= 0:
            raise ConfigError(f"timeout_seconds must be above 0, got {self.timeout_seconds}")


def read_engines(path: Path) -> dict[str, EngineConfig]:
    """The ``[engines]`` table of a TOML file of the user's own. Raises ``ConfigError`` in one line."""
    table = read_toml(path).get("engines")
    if not isinstance(table, dict) or not all(isinstance(values, dict) for values in table.values()):
        raise ConfigError(f"{path}: has no [engines.NAME] tables")
    return {name: parse_config(EngineConfig, values, f"{path}: engines.{name}") for name, values in table.items()}


def find_engine(
    name: str, engines: Mapping[str, EngineConfig] | None, default_arguments: Sequence[str] = ()
) -> EngineConfig:
    """The engine called ``name``: from the user's table, else on PATH or in /usr/games with ``default_arguments``.

    Raises ``EngineError`` when it is not found, or when a name outside the table is a path.
    """
    if engines is not None and name in engines:
        config = engines[name]
        program = _which(config.command[0])
        if program is None:
            raise EngineError(f"engine {name!r}: its program {config.command[0]!r} is not found or not executable")
        return EngineConfig((program, *config.command[1:]), config.options, config.timeout_seconds)
    if os.sep in name or "/" in name or "\\" in name or name.startswith((".", "-")):
        raise EngineError(f"engine {name!r}: a path may not stand in a spec; name it in an [engines] table instead")
    program = _which(name)
    if program is None:
        raise EngineError(f"engine {name!r} not found on PATH or in {_GAMES_DIRECTORY}")
    return EngineConfig((program, *default_arguments))


def _which(name: str) -> str | None:
    return shutil.which(name) or shutil.which(name, path=str(_GAMES_DIRECTORY))


class EngineProcess:
    """A running engine. Every failure is an ``EngineError`` in one line that starts with the engine's name."""

    def __init__(self, name: str, command: Sequence[str]) -> None:
        self.name = name
        try:
            self._process = subprocess.Popen(
                list(command),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                # Own process group: Ctrl-C reaches gameil only, and a wrapper script dies together with its engine.
                start_new_session=True,
            )
        except OSError as error:
            raise EngineError(f"engine {name!r} cannot be started: {error.strerror}") from error
        self._lines: queue.Queue[str | None] = queue.Queue(_MOST_WAITING_LINES)
        self._closing = threading.Event()
        # The thread holds the pipe and the queue but not this object, so that the finalizer can run.
        assert self._process.stdout is not None
        reader = threading.Thread(
            target=_read_lines,
            args=(self._process.stdout, self._lines, self._closing),
            name=f"{name} reader",
            daemon=True,
        )
        reader.start()
        self._finalizer = weakref.finalize(self, _stop, self._process, self._closing, reader)

    def send(self, line: str) -> None:
        """Writes one line. Raises ``EngineError`` when the engine is gone."""
        if "\n" in line or "\r" in line:
            raise EngineError(f"engine {self.name!r}: a command may not hold a line break: {line!r}")
        try:
            assert self._process.stdin is not None
            self._process.stdin.write(line.encode() + b"\n")
            self._process.stdin.flush()
        except (OSError, ValueError) as error:
            raise EngineError(f"engine {self.name!r} {self._fate()}") from error

    def read_until(self, wanted: Callable[[str], bool], timeout_seconds: float, waiting_for: str) -> list[str]:
        """Lines up to and including the first that is ``wanted``, within ``timeout_seconds`` in all."""
        deadline = time.monotonic() + timeout_seconds
        lines: list[str] = []
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                raise EngineError(
                    f"engine {self.name!r} gave no {waiting_for} within {timeout_seconds:g} seconds"
                ) from None
            if line is None:
                raise EngineError(f"engine {self.name!r} {self._fate()} while {waiting_for} was awaited")
            lines.append(line)
            if wanted(line):
                return lines
            if time.monotonic() > deadline or len(lines) > _MOST_WAITING_LINES:
                raise EngineError(
                    f"engine {self.name!r} gave no {waiting_for} within {timeout_seconds:g} seconds"
                    f" but {len(lines)} other lines, the last {line[:60]!r}"
                )

    def close(self) -> None:
        """Stops the engine and everything it started. Safe to call twice."""
        self._finalizer()

    def _fate(self) -> str:
        try:
            code = self._process.wait(timeout=0.5)
        except subprocess.TimeoutExpired:
            return "closed its output"
        return f"died of signal {-code}" if code < 0 else f"stopped with exit code {code}"


def _read_lines(stream: IO[bytes], lines: "queue.Queue[str | None]", closing: threading.Event) -> None:
    def put(line: str | None) -> None:
        while not closing.is_set():
            with contextlib.suppress(queue.Full):
                lines.put(line, timeout=0.2)
                return

    with contextlib.suppress(OSError, ValueError):
        while raw := stream.readline(_LONGEST_LINE):
            put(raw.decode("utf-8", "replace").rstrip("\r\n"))
    put(None)


def _stop(process: "subprocess.Popen[bytes]", closing: threading.Event, reader: threading.Thread) -> None:
    closing.set()
    with contextlib.suppress(OSError, ValueError):
        if process.stdin is not None:
            process.stdin.close()
    with contextlib.suppress(OSError):
        if hasattr(os, "killpg"):
            os.killpg(process.pid, signal.SIGKILL)
        else:
            process.kill()
    process.wait()
    reader.join(timeout=2.0)
    if process.stdout is not None and not reader.is_alive():
        process.stdout.close()
