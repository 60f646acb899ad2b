"""Hostile and half-right messages for ``gameil uci`` and ``gameil gtp`` as a user starts them.

    python -m tests.fuzz.fuzz_engines --messages 10000 --seed 0

Words of the protocol in any order, numbers of any size, well-formed commands, cut and damaged ones, bytes that are no
text. The process must go on answering, must end by itself with exit code 0 and nothing on stderr when it is told to,
and must not keep growing. Needs Linux: memory is read from /proc.
"""

import argparse
import contextlib
import random
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.engines.engine_lines import GTP_TEXT, UCI_TEXT, tiny_snapshot

_SYNC_EVERY = 25
"""Messages between two questions that must be answered."""
_ANSWER_SECONDS = 60.0
_UCI_WHOLE = [
    "uci",
    "isready",
    "ucinewgame",
    "position startpos moves e2e4 e7e5",
    "position fen rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1 moves d2d4",
    "position fen 8/8/8/8/8/8/8/8 w - - 0 1",
    "position fen 7k/5Q2/6K1/8/8/8/8/8 b - - 0 1",
    "position fen 4k3/8/8/8/8/8/8/4K2R w K - 98 80 moves h1h2",
    "go nodes 12",
    "go infinite",
    "go ponder movetime 20",
    "go wtime 300 btime 300 winc 10 binc 10 movestogo 3",
    "go depth 2 searchmoves e2e4 d2d4",
    "go movetime 30",
    "stop",
    "ponderhit",
    "setoption name MultiPV value 4",
    "setoption name Search value 16",
    "setoption name Search value 0",
    "setoption name Temperature value 0.5",
    "setoption name Move Overhead value 10",
    "debug on",
]
_GTP_WHOLE = [
    "boardsize 5",
    "boardsize 9",
    "boardsize 19",
    "boardsize 2",
    "clear_board",
    "komi 6.5",
    "komi -3",
    "play b C3",
    "play w D4",
    "play b pass",
    "genmove b",
    "genmove w",
    "reg_genmove b",
    "undo",
    "fixed_handicap 3",
    "set_free_handicap A1 B2",
    "place_free_handicap 2",
    "time_settings 1 0 0",
    "time_left b 1 1",
    "kgs-time_settings byoyomi 1 1 3",
    "final_score",
    "final_status_list alive",
    "showboard",
    "lz-analyze b 5",
    "kata-analyze 1",
    "lz-genmove_analyze b 5",
    "kata-genmove_analyze w 1",
    "set_random_seed 5",
    "list_commands",
]
_THINKS_LONG = ("time_settings", "time_left", "kgs-time_settings")


@dataclass(frozen=True)
class Report:
    """What happened."""

    protocol: str
    messages: int
    answers: int
    """Lines that the engine wrote."""
    seconds: float
    slowest: float
    """Longest wait for an answer to a question, in seconds."""
    start_mb: float
    """Resident memory after a fifth of the messages."""
    end_mb: float
    new_files: int
    """Files open at the end that were not after a fifth of the messages."""
    threads: int
    """Threads at the end, while nothing is thought of."""

    def __str__(self) -> str:
        return (
            f"{self.protocol}: {self.messages:,} messages, {self.answers:,} lines back in {self.seconds:.0f} s; "
            f"slowest answer {self.slowest:.2f} s; "
            f"memory {self.start_mb:.0f} MB after a fifth, {self.end_mb:.0f} MB at the end; "
            f"{self.new_files} more files open, {self.threads} threads"
        )


def messages(protocol: str, seed: int) -> Iterator[bytes]:
    """Endless lines without their ends, never one that ends the session."""
    rng = random.Random(f"{protocol} {seed}")
    words, whole = (UCI_TEXT.split(), _UCI_WHOLE) if protocol == "uci" else (GTP_TEXT.split(), _GTP_WHOLE)
    while True:
        kind = rng.random()
        if kind < 0.45:
            text = rng.choice(whole)
        elif kind < 0.75:
            text = " ".join(_word(rng, words) for _ in range(rng.randrange(9)))
        else:
            text = _damaged(rng, rng.choice(whole))
        raw = text.encode("utf-8", "surrogateescape")
        if kind > 0.93:
            raw = bytes(rng.randrange(256) for _ in range(rng.randrange(200))) if kind > 0.96 else raw * 400
        raw = raw.replace(b"\n", b" ")
        if b"quit" not in raw:
            yield raw


def _word(rng: random.Random, words: list[str]) -> str:
    if rng.random() < 0.7:
        return rng.choice(words)
    return rng.choice(
        ["nan", "inf", "-1", "1e9", "²", "\x00", "#", "\t", str(rng.randrange(20)), str(10 ** rng.randrange(25))]
    )


def _damaged(rng: random.Random, text: str) -> str:
    letters = list(text)
    for _ in range(1 + rng.randrange(3)):
        place = rng.randrange(len(letters) + 1)
        if rng.random() < 0.5:
            letters[place:place] = rng.choice(["\x00", "é", "9", " ", "-", "\u202e", "\udcff", "a"])
        else:
            letters[place : place + 1 + rng.randrange(4)] = []
    return "".join(letters)


class Session:
    """One running engine, its output read by a thread."""

    def __init__(self, command: list[str]) -> None:
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.lines = 0
        self._last = ""
        self._heard = threading.Condition()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for raw in self.process.stdout:
            with self._heard:
                self.lines += 1
                self._last = raw.decode("utf-8", "replace").strip() or self._last
                self._heard.notify_all()

    def send(self, raw: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(raw + b"\n")
        self.process.stdin.flush()

    def wait_for(self, wanted: str) -> float:
        """Seconds until that line came."""
        before = time.monotonic()
        with self._heard:
            if not self._heard.wait_for(lambda: self._last == wanted, _ANSWER_SECONDS):
                raise AssertionError(f"no {wanted!r} within {_ANSWER_SECONDS:g} s; last heard {self._last[:100]!r}")
            self._last = ""
        return time.monotonic() - before

    def megabytes(self) -> float:
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]) / 1024

    def open_files(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/fd").iterdir()))

    def threads(self) -> int:
        return len(list(Path(f"/proc/{self.process.pid}/task").iterdir()))

    def end(self) -> None:
        """Lets it quit; it must do so in time, with exit code 0 and in silence."""
        self.send(b"quit")
        assert self.process.wait(30) == 0, f"exit code {self.process.returncode}"
        self._reader.join(10)
        assert self.process.stderr is not None
        complaint = self.process.stderr.read().decode("utf-8", "replace")
        assert not complaint, complaint[-2000:]

    def close(self) -> None:
        """Kills what is still running, and lets go of its pipes."""
        self.process.kill()
        self.process.wait()
        self._reader.join(10)
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            if pipe is not None:
                with contextlib.suppress(OSError):  # a line that nobody read any more
                    pipe.close()


def fuzz(protocol: str, number: int, seed: int, agent: str) -> Report:
    """Sends so many messages to one process. Raises ``AssertionError`` or ``OSError`` for whatever goes wrong."""
    game = [] if protocol == "uci" else ["--game", "go(board_size=5)"]
    session = Session([sys.executable, "-m", "gameil", protocol, "--agent", agent, *game])
    began, slowest, start_mb, start_files = time.monotonic(), 0.0, 0.0, 0
    try:
        for count, raw in enumerate(messages(protocol, seed), start=1):
            session.send(raw)
            if protocol == "gtp" and any(word.encode() in raw for word in _THINKS_LONG):
                session.send(b"time_settings 0 0 0")  # or an hour for a move might be taken at its word
            if count % _SYNC_EVERY == 0 or count == number:
                mark = f"{count}"
                if protocol == "uci":
                    session.send(b"stop")
                    session.send(b"isready")
                    slowest = max(slowest, session.wait_for("readyok"))
                else:
                    session.send(f"{mark} known_command name".encode())
                    slowest = max(slowest, session.wait_for(f"={mark} true"))
            if count == max(1, number // 5):
                start_mb, start_files = session.megabytes(), session.open_files()
            if count == number:
                break
        end_mb, new_files, threads = session.megabytes(), session.open_files() - start_files, session.threads()
        session.end()
    finally:
        session.close()
    return Report(
        protocol, number, session.lines, time.monotonic() - began, slowest, start_mb, end_mb, new_files, threads
    )


def main() -> int:
    """Fuzzes both, an agent that searches and one that does not, and says what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        for protocol, game in (("uci", "chess"), ("gtp", "go(board_size=5)")):
            agent = tiny_snapshot(Path(directory) / protocol, game)
            sys.stdout.write(f"{fuzz(protocol, arguments.messages, arguments.seed, agent)}\n")
            sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main())
