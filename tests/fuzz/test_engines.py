"""Hostile messages for the engine commands, few enough for every day; ``fuzz_engines`` sends as many as one likes."""

import sys
from pathlib import Path

import pytest

from tests.engines.engine_lines import tiny_snapshot
from tests.fuzz.fuzz_engines import fuzz, messages


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="memory is read from /proc")
@pytest.mark.parametrize(("protocol", "game_id"), [("uci", "chess"), ("gtp", "go(board_size=5)")])
def test_engines_survive(protocol: str, game_id: str, tmp_path: Path) -> None:
    report = fuzz(protocol, 250, 1, tiny_snapshot(tmp_path / "best", game_id))
    assert report.messages == 250
    assert report.answers > 60
    assert report.end_mb < report.start_mb + 40
    assert report.new_files <= 0
    assert report.threads < 20


def test_messages_are_many_kinds_and_repeat_with_their_seed() -> None:
    for protocol in ("uci", "gtp"):
        drawn = [message for message, _ in zip(messages(protocol, 7), range(2000), strict=False)]
        assert drawn == [message for message, _ in zip(messages(protocol, 7), range(2000), strict=False)]
        assert len(set(drawn)) > 800
        assert not any(b"\n" in message or b"quit" in message for message in drawn)
        assert any(len(message) > 1000 for message in drawn)
        assert any(b"\xff" in message for message in drawn)
