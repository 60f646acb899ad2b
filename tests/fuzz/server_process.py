"""The real server in a directory of its own, and what can be seen of it from outside."""

import ast
import asyncio
import contextlib
import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import websockets
from websockets.asyncio.client import ClientConnection, connect

from tests.fuzz.server_messages import Page
from tests.stages.toy_start import write_games

ESCAPED = Path("/tmp/gameil-escaped")
"""What several of the messages try to make."""
_START_SECONDS = 60.0
LIMITS = {"pages-per-second": 1_000_000, "pages-burst": 10**6, "messages-per-second": 10**6, "messages-burst": 10**6}
"""Rates that let everything through: the code behind the gate is what is tried."""


class ServerProcess:
    """A running ``gameil serve``."""

    closed = (websockets.ConnectionClosed, ConnectionError)

    def __init__(self, process: subprocess.Popen[bytes], port: int, place: Path, log: Path) -> None:
        self._process, self.port, self._place, self._log = process, port, place, log
        self._files_before = self._files()

    async def check_alive(self) -> None:
        """Asserts that the front page comes within five seconds."""
        assert self._process.poll() is None, f"the server ended: {self._log.read_text()[-2000:]}"
        status, _, _ = await self._get("/")
        assert status == 200, f"the front page answers {status}"

    async def open_page(self, path: str) -> Page | None:
        """A page and the ids in it; None where it is refused."""
        status, cookie, text = await self._get(path)
        if status != 200:
            return None
        found = re.search(r"parseElements\(String\.raw`(.*?)`\)", text, re.S)
        query = re.search(r"query: (\{'[^}]*\})", text)
        if found is None or query is None:
            return None
        told = ast.literal_eval(query.group(1))
        unescaped = found.group(1)
        for sign, escape in (("<", "&lt;"), (">", "&gt;"), ("`", "&#96;"), ("$", "&#36;"), ("&", "&amp;")):
            unescaped = unescaped.replace(escape, sign)
        page = Page(told["client_id"], cookie=cookie, query={name: str(value).lower() for name, value in told.items()})
        page.learn(json.loads(unescaped))
        return page

    async def connect(self, page: Page, rng: random.Random) -> ClientConnection | None:
        """The page's WebSocket, its handshake done; None where it is refused."""
        query = {**page.query, "client_id": page.client_id, "EIO": "4", "transport": "websocket"}
        query |= {"implicit_handshake": "true", "tab_id": f"{rng.getrandbits(64):x}", "document_id": "d"}
        address = f"ws://127.0.0.1:{self.port}/_nicegui_ws/socket.io/?" + "&".join(f"{k}={v}" for k, v in query.items())
        try:
            connection = await connect(
                address,
                additional_headers={"Cookie": page.cookie, "Origin": f"http://127.0.0.1:{self.port}"},
                ping_interval=None,
                compression=None,
                open_timeout=10,
            )
            await asyncio.wait_for(connection.recv(), 10)
            await connection.send("40")
            await asyncio.wait_for(connection.recv(), 10)
        except (websockets.WebSocketException, ConnectionError, TimeoutError):
            return None
        return connection

    async def drain(self, connection: ClientConnection, page: Page, seconds: float = 0.005) -> None:
        """Reads what has come, learns of new elements, and answers pings."""
        with contextlib.suppress(TimeoutError):
            while True:
                text = await asyncio.wait_for(connection.recv(), seconds)
                if text == "2":
                    await connection.send("3")
                elif isinstance(text, str) and text.startswith('42["update"'):
                    page.learn(json.loads(text[2:])[1])

    async def _get(self, path: str) -> tuple[int, str, str]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            head = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nConnection: close\r\n\r\n"
            writer.write(head.encode())
            data = await asyncio.wait_for(reader.read(), 10)
        finally:
            writer.close()
        text = data.decode("utf-8", "replace")
        cookie = re.search(r"set-cookie: ([^;]+)", text, re.I)
        status = int(text.split(" ")[1]) if text.startswith("HTTP/") else 0
        return status, cookie.group(1) if cookie else "", text

    def memory_bytes(self) -> int:
        """Resident memory."""
        status = Path(f"/proc/{self._process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) << 10  # type: ignore[union-attr]

    def open_files(self) -> int:
        """File descriptors that the server has open."""
        return len(os.listdir(f"/proc/{self._process.pid}/fd"))  # noqa: PTH208

    def processes(self) -> int:
        """Processes that the server has started."""
        return len(Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split())

    def check_files(self) -> None:
        """Asserts that nothing was made or changed outside the data directory."""
        assert not ESCAPED.exists(), f"{ESCAPED} was made"
        assert self._files() == self._files_before, "files outside the data directory changed"

    def _files(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file beside the data directory; the labelled dataset is written to by design."""
        found = {}
        for path in self._place.rglob("*"):
            inside = path.relative_to(self._place).parts
            if inside[0] not in ("data", "labels.lmdb", self._log.name) and path.is_file():
                found[str(path)] = (path.stat().st_size, path.stat().st_mtime_ns)
        return found

    def stop(self) -> tuple[int, int]:
        """Ends the server; returns the number of exceptions that it told of: raised in gameil, and elsewhere."""
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        return count_exceptions(self._log.read_text(errors="replace"))


def count_exceptions(log: str) -> tuple[int, int]:
    """Tracebacks in a log whose innermost frame is in gameil, and others."""
    own = others = 0
    for part in log.split("Traceback (most recent call last):")[1:]:
        frames = re.findall(r'^ *File "([^"]+)", line \d+', part, re.M)
        if frames and "/gameil/" in frames[-1] and "/site-packages/" not in frames[-1]:
            own += 1
        else:
            others += 1
    return own, others


@contextlib.contextmanager
def start_server(place: Path, *, more: tuple[str, ...] = ()) -> Iterator[ServerProcess]:
    """Starts the server on a free port: it collects games, has positions to label, and a run to show."""
    labels = write_games(place / "labels.lmdb")
    run = place / "runs" / "a"
    run.mkdir(parents=True)
    (run / "config.json").write_text('{"stage": "pretrain", "config": {}}')
    (run / "log.jsonl").write_text('{"time": 1, "step": 1, "metrics": {"loss/policy": 1.5}}\n')
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    command = [sys.executable, "-m", "gameil"]
    subprocess.run(
        [*command, "label", "--dataset", str(labels), "--positions", "200"],
        check=True,
        capture_output=True,
        env=environment,
    )
    flags = ["serve", "--port", "0", "--data", "data", "--runs", "runs", "--labels", "labels.lmdb"]
    flags += ["--collection.games", "tic_tac_toe", "connect_four"]
    flags += [part for name, value in LIMITS.items() for part in (f"--limits.{name}", str(value))]
    log = place / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *flags, *more], cwd=place, stdout=out, stderr=out, env=environment)
        try:
            yield ServerProcess(process, _wait_for_port(process, log), place, log)
        finally:
            process.kill()
            process.wait()


def _wait_for_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port that the server says it listens on."""
    until = time.monotonic() + _START_SECONDS
    while time.monotonic() < until:
        if found := re.search(r"http://127\.0\.0\.1:(\d+)", log.read_text(errors="replace")):
            port = int(found.group(1))
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=5):
                return port
        assert process.poll() is None, f"the server did not start: {log.read_text()[-2000:]}"
        time.sleep(0.1)
    raise AssertionError(f"no port after {_START_SECONDS:.0f} s: {log.read_text()[-2000:]}")
