"""Hostile and half-right messages, HTTP and WebSocket, for ``gameil serve`` as a user starts it.

    python -m tests.fuzz.fuzz_server --messages 10000 --seed 0

Requests of any method, path, header and body; WebSocket frames of the web framework's own protocol with real ids and
any arguments, cut, damaged, nested and huge ones; names and ids that look like paths, commands and markup. The server
must go on answering, must not keep growing, must write nothing outside its data directory, start no process, and no
exception may come from gameil's own code. Needs Linux: memory is read from /proc.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from tests.fuzz.server_messages import PAGES, filled_in, frame, request
from tests.fuzz.server_process import ServerProcess, start_server

_ALIVE_EVERY = 100
"""Messages between two looks whether the server still answers."""
_CONNECTION_FRAMES = 40
"""WebSocket messages of one page, before the next page is opened."""
_HTTP_SHARE = 0.3


async def fuzz(server: ServerProcess, messages: int, seed: int) -> dict[str, object]:
    """Sends the messages; returns what was seen. Raises ``AssertionError`` as soon as something is wrong."""
    rng = random.Random(seed)
    seen: Counter[str] = Counter()
    memory: list[tuple[int, int]] = []
    sent = checked = 0
    while sent < messages:
        if rng.random() < _HTTP_SHARE * _CONNECTION_FRAMES / (_HTTP_SHARE * _CONNECTION_FRAMES + 1 - _HTTP_SHARE):
            seen[await _send_request(server, rng)] += 1
            sent += 1
        else:
            number = await _send_frames(server, rng, min(_CONNECTION_FRAMES, messages - sent), seen)
            sent += max(1, number)
        if sent - checked >= _ALIVE_EVERY:
            checked = sent
            await server.check_alive()
            memory.append((sent, server.memory_bytes()))
    await server.check_alive()
    server.check_files()
    return {"messages": sent, "seen": dict(seen.most_common()), "memory": memory}


async def _send_request(server: ServerProcess, rng: random.Random) -> str:
    """One request; returns the status line's code, or what became of the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    try:
        writer.write(request(rng, server.port))
        await writer.drain()
        if rng.random() < 0.05:
            return "left"
        line = await asyncio.wait_for(reader.readline(), 10)
        return f"HTTP {line.split(b' ')[1].decode()}" if line.startswith(b"HTTP/") else "HTTP closed"
    except (ConnectionError, TimeoutError):
        return "HTTP closed"
    finally:
        writer.close()


async def _send_frames(server: ServerProcess, rng: random.Random, number: int, seen: Counter[str]) -> int:
    """Opens a page and its WebSocket and sends frames until the server hangs up; returns how many went out."""
    page = await server.open_page(rng.choice(PAGES))
    if page is None:
        seen["page refused"] += 1
        return 0
    socket = await server.connect(page, rng)
    if socket is None:
        seen["socket refused"] += 1
        return 0
    count = 0
    try:
        await server.drain(socket, page, 0.05)
        waiting = filled_in(rng, page) if rng.random() < 0.7 else []
        for _ in range(number):
            data = waiting.pop(0) if waiting and rng.random() < 0.8 else frame(rng, page)
            await socket.send(data)
            count += 1
            seen["frame"] += 1
            if rng.random() < 0.3:
                await server.drain(socket, page, 0.02)
    except server.closed:
        seen["socket closed"] += 1
    finally:
        await socket.close()
    return max(count, 1)


def main() -> int:
    """Prints figures; exit code 1 where something is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--messages", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--wait", type=float, default=75.0, help="seconds for the server to forget what was left")
    parser.add_argument("--growth", type=float, default=40.0, help="MiB that the server may grow by, after a warm-up")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gameil-fuzz-") as place, start_server(Path(place)) as server:
        # The warm-up loads what is loaded once: pages, agents, games.
        asyncio.run(fuzz(server, max(200, arguments.messages // 10), arguments.seed + 1))
        time.sleep(arguments.wait)
        before = server.memory_bytes()
        began = time.monotonic()
        found = asyncio.run(fuzz(server, arguments.messages, arguments.seed))
        seconds = time.monotonic() - began
        memory = found["memory"]
        assert isinstance(memory, list)
        peak = max(size for _, size in memory)
        time.sleep(arguments.wait)
        after = server.memory_bytes()
        files, processes = server.open_files(), server.processes()
        own, others = server.stop()
    figures = {
        "messages": found["messages"],
        "seconds": round(seconds, 1),
        "memory_before_mib": before >> 20,
        "memory_peak_mib": peak >> 20,
        "memory_after_mib": after >> 20,
        "memory_by_tenths_mib": [size >> 20 for _, size in memory[:: max(1, len(memory) // 10)]],
        "open_files": files,
        "processes": processes,
        "exceptions_of_gameil": own,
        "exceptions_of_others": others,
        "seen": found["seen"],
    }
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    wrong = []
    if after - before > arguments.growth * 2**20:
        wrong.append(f"memory grew by {(after - before) >> 20} MiB")
    if own:
        wrong.append(f"{own} exceptions in gameil's own code")
    sys.stderr.write(("; ".join(wrong) or "nothing wrong") + "\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
