"""Which WebSocket messages pass: those that pages send, in all their forms, and nothing that only resembles them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.serving.frames import is_frame

EVENT = {"client_id": "c", "id": 3, "listener_id": "l", "args": ["1", None, '{"a":[0.5,"é"]}', "null"]}


def frame(name: Any, message: Any, ack: str = "") -> str:
    return f"42{ack}{json.dumps([name, message])}"


@pytest.mark.parametrize(
    "text",
    [
        *("2", "3", "40", "41"),
        frame("event", EVENT),
        frame("event", EVENT, ack="17"),
        frame("event", {key: value for key, value in EVENT.items() if key != "args"}),
        frame("ack", {"client_id": "c", "next_message_id": 12}),
        frame("javascript_response", {"client_id": "c", "request_id": "r", "result": {"any": ["thing"]}}),
        frame("log", {"client_id": "c", "level": "error", "message": "m"}),
        frame(
            "handshake", {"client_id": "c", "tab_id": "t", "old_tab_id": None, "document_id": "d", "next_message_id": 0}
        ),
        frame("handshake", {"client_id": "c", "tab_id": "t", "document_id": "d", "next_message_id": "12"}),
    ],
)
def test_what_pages_send_passes(text: str) -> None:
    assert is_frame(text)


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "0",
            "4",
            "42",
            "42[]",
            "42{}",
            '42["event"]',
            '42["event",1]',
            "43[]",
            "451-[]",
            "5",
            "9",
            "2probe",
            "6",
        ),
        *("42" + "[" * 10**5, '42x["event",{}]', "42" + "1" * 30 + '["event",{}]', '42["event",{"client_id":"c"}]'),
        *(frame(name, EVENT) for name in ("connect", "x", None, 3, ["event"])),
        *(frame("event", EVENT | {"args": value}) for value in ("1", [1], ["{"], ["NaN"], ["1e999"], ["9" * 30], [[]])),
        *(frame("event", EVENT | {"id": value}) for value in ("3", True, None, 1.0, [3], 1 << 63)),
        *(frame("event", EVENT | {name: ["x"]}) for name in ("client_id", "listener_id")),
        frame("event", EVENT | {"listener_id": "\ud800"}),
        frame("event", EVENT | {"args": ['"\\ud800"']}),
        frame("event", EVENT | {"args": ["[" * 50_000]}),
        frame("ack", {"client_id": "c", "next_message_id": "x"}),
        frame("ack", {"client_id": "c", "next_message_id": True}),
        frame("handshake", {"client_id": "c", "tab_id": "t" * 200, "document_id": "d"}),
        frame("handshake", {"client_id": "c", "tab_id": [], "document_id": "d"}),
        frame("javascript_response", {"client_id": "c"}),
        frame("event", EVENT) + "x",
    ],
)
def test_what_pages_do_not_send_does_not(text: str) -> None:
    assert not is_frame(text)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(st.text(max_size=200) | JSON.map(lambda value: "42" + json.dumps(value)), JSON)
def test_anything_gets_an_answer(text: str, value: Any) -> None:
    is_frame(text)
    for name in ("event", "ack", "handshake", "javascript_response"):
        is_frame(frame(name, value))
        is_frame(frame(name, EVENT | {"args": value, "next_message_id": value}))
