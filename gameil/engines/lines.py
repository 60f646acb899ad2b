"""The outside of an engine: lines from standard input, lines to standard output, whatever they hold."""

import sys
import threading
from typing import BinaryIO, Protocol

_LONGEST = 1 << 20
"""Bytes of one line that are read; longer ones are cut, and their rest is another line."""


class Engine(Protocol):
    """An engine as its lines see it."""

    def handle(self, line: str) -> bool:
        """Obeys one line; False once it should end."""

    def close(self) -> None:
        """Stops thinking and frees everything."""


class LineWriter:
    """Writes whole lines at once, from any thread. A reader that has gone is not an error."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def __call__(self, text: str) -> None:
        with self._lock:
            try:
                self._stream.write(text.encode("utf-8", "replace") + b"\n")
                self._stream.flush()
            except (BrokenPipeError, ValueError):
                return


def serve(engine: Engine, stream: BinaryIO | None = None) -> None:
    """Hands every line to the engine until it ends, or until there are no more."""
    source = sys.stdin.buffer if stream is None else stream
    try:
        while raw := source.readline(_LONGEST):
            if not engine.handle(raw.decode("utf-8", "replace").rstrip("\r\n")):
                return
    finally:
        engine.close()
