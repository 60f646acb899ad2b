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
from typing import IO, Literal

from gameil.config import parse_config, read_toml
from gameil.errors import ConfigError, EngineError, EngineTimeoutError

Protocol = Literal["uci", "gtp", "gnubg"]

_GAMES_DIRECTORY = Path("/usr/games")
"""Where Debian puts game engines; not on every user's PATH."""
KNOWN_ENGINES: dict[str, tuple[Protocol, tuple[str, ...]]] = {
    "stockfish": ("uci", ()),
    "fairy-stockfish": ("uci", ()),
    "lc0": ("uci", ()),
    "ethereal-chess": ("uci", ()),
    "fruit": ("uci", ()),
    "toga2": ("uci", ()),
    "gnuchess": ("uci", ("--uci",)),
    # The rules of OpenSpiel's Go: stones left on the board count as alive, so dead ones must be captured first.
    "gnugo": ("gtp", ("--mode", "gtp", "--chinese-rules", "--capture-all-dead", "--never-resign")),
    "pachi": ("gtp", ()),
    "katago": ("gtp", ("gtp",)),
    # On its command line, without sounds and without the user's settings, in the language that its answers are read in.
    "gnubg": ("gnubg", ("-t", "-q", "-r", "-l", "en_US")),
}
"""Programs that a spec may start by their bare name -> protocol and arguments. No other program on PATH is started: a
spec may come from a stranger's file. Engines that need other arguments stand in the user's ``[engines]`` table."""
_LONGEST_LINE = 1 << 16
_MOST_WAITING_LINES = 10_000


@dataclass(frozen=True)
class EngineConfig:
    """An engine of the user's own ``[engines]`` table: the only way to run a program that is not a known engine."""

    __pydantic_config__ = {"extra": "forbid"}

    command: tuple[str, ...]
    """Program and arguments; the program may be a name on PATH or a path."""
    options: Mapping[str, str] = field(default_factory=dict)
    """UCI options (``setoption``) set before the first game; unused by other engines."""
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


def own_engines_file() -> Path:
    """The user's own table: ``gameil/engines.toml`` in ``$XDG_CONFIG_HOME``, else in ``~/.config``."""
    home = Path(os.environ.get("XDG_CONFIG_HOME", ""))
    # The standard says that a relative path there counts as unset: it would be the working directory's file.
    return (home if home.is_absolute() else Path.home() / ".config") / "gameil" / "engines.toml"


def known_to_user(path: Path | None = None) -> dict[str, EngineConfig]:
    """The engines of ``own_engines_file``, where it exists, and of ``path``, whose entries come first."""
    own = own_engines_file()
    engines = read_engines(own) if own.is_file() else {}
    return engines if path is None else {**engines, **read_engines(path)}


def find_engine(
    name: str, engines: Mapping[str, EngineConfig] | None, protocol: Protocol | None = None
) -> EngineConfig:
    """The engine called ``name``: from ``engines``, else one of ``KNOWN_ENGINES`` on PATH or in /usr/games.

    Args:
        engines: the user's table; None for ``known_to_user()``.
        protocol: what the engine must speak; None for either.

    Raises:
        EngineError: the name is in neither table, its program is not found, or it speaks another protocol.
    """
    table = known_to_user() if engines is None else engines
    if name in table:
        config = table[name]
        program = _which(config.command[0])
        if program is None:
            raise EngineError(f"engine {name!r}: its program {config.command[0]!r} is not found or not executable")
        return EngineConfig((program, *config.command[1:]), config.options, config.timeout_seconds)
    if os.sep in name or "/" in name or "\\" in name or name.startswith((".", "-")):
        raise EngineError(f"engine {name!r}: a path may not stand in a spec; name it in an [engines] table instead")
    if name not in KNOWN_ENGINES:
        raise EngineError(
            f"engine {name!r} is not a known engine: name it in an [engines] table (--engines FILE or "
            f"{own_engines_file()}); known are {', '.join(KNOWN_ENGINES)}"
        )
    spoken, arguments = KNOWN_ENGINES[name]
    if protocol not in (None, spoken):
        raise EngineError(f"engine {name!r} speaks {spoken}, not {protocol}")
    program = _which(name)
    if program is None:
        raise EngineError(f"engine {name!r} not found on PATH or in {_GAMES_DIRECTORY}")
    return EngineConfig((program, *arguments))


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
                raise EngineTimeoutError(
                    f"engine {self.name!r} gave no {waiting_for} within {timeout_seconds:g} seconds"
                ) from None
            if line is None:
                raise EngineError(f"engine {self.name!r} {self._fate()} while {waiting_for} was awaited")
            lines.append(line)
            if wanted(line):
                return lines
            if time.monotonic() > deadline or len(lines) > _MOST_WAITING_LINES:
                raise EngineTimeoutError(
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
