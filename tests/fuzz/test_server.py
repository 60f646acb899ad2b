"""A little of ``fuzz_server``, against the real server; the script sends as many messages as one likes."""

import asyncio
import sys
from pathlib import Path

import pytest

pytest.importorskip("nicegui", reason="the web extra is not installed")
pytest.importorskip("websockets", reason="the web extra is not installed")

from tests.fuzz.fuzz_server import fuzz
from tests.fuzz.server_process import count_exceptions, start_server

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="memory is read from /proc")


def test_hostile_messages_break_nothing(tmp_path: Path) -> None:
    with start_server(tmp_path) as server:
        found = asyncio.run(fuzz(server, 400, seed=3))
        before = server.memory_bytes()
        asyncio.run(fuzz(server, 200, seed=4))
        assert server.memory_bytes() - before < 60 << 20
        assert server.processes() == 0
        own, _ = server.stop()
    assert own == 0
    seen = found["seen"]
    assert isinstance(seen, dict)
    assert seen["frame"] > 50
    assert {"HTTP 200", "HTTP 400", "HTTP 404", "HTTP 421"} <= set(seen)


def test_exceptions_in_a_log_are_told_apart() -> None:
    frame = '  File "/x/{}.py", line 3, in f\n    g()\n'
    head = "Traceback (most recent call last):\n"
    log = head + frame.format("nicegui/a") + frame.format("gameil/b") + "KeyError: 1\n"
    log += head + frame.format("gameil/b") + frame.format("nicegui/a") + "KeyError: 1\n"
    assert count_exceptions(log) == (1, 1)
    assert count_exceptions("nothing") == (0, 0)
