"""Which WebSocket messages a page of this site sends; all others end their connection before the web framework, whose
own handlers would fail on them one by one and write each failure into the log.

A message is engine.io 4 (one digit) around socket.io 5 (another), then JSON: ``42["event",{"client_id":...}]``.
"""

import json
import math
from collections.abc import Callable, Mapping
from typing import Any

_PLAIN = frozenset({"2", "3", "40", "41"})
"""Ping, pong, connect, disconnect."""
_LARGEST = 1 << 63
_DIGITS = frozenset("0123456789")


def is_frame(text: str) -> bool:
    """Whether the text is a message that the site's pages send."""
    if text in _PLAIN:
        return True
    if not text.startswith("42"):
        return False
    start = text.find("[")
    if not (2 <= start <= 12 and _DIGITS.issuperset(text[2:start])):  # digits: the message wants an acknowledgement
        return False
    values = _read(text[start:])
    if not (isinstance(values, list) and len(values) == 2):
        return False
    name, message = values
    check = _MESSAGES.get(name) if isinstance(name, str) else None
    return (
        check is not None and isinstance(message, dict) and isinstance(message.get("client_id"), str) and check(message)
    )


def _read(text: str) -> Any:
    """The JSON value of a text; None for what is none, or holds what a stricter reader would stumble over."""
    try:
        value = json.loads(text, parse_int=_bounded, parse_float=_finite, parse_constant=_refuse)
        json.dumps(value, ensure_ascii=False).encode()  # halves of characters
    except (ValueError, RecursionError):
        return None
    return value


def _bounded(text: str) -> int:
    if len(text) > 20 or not -_LARGEST <= int(text) < _LARGEST:
        raise ValueError("a number out of bounds")
    return int(text)


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError("a number out of bounds")
    return value


def _refuse(text: str) -> float:
    raise ValueError(f"{text} is no JSON")


def _is_number(value: Any) -> bool:
    return type(value) is int


def _is_event(message: Mapping[str, Any]) -> bool:
    arguments = message.get("args", [])
    return (
        _is_number(message.get("id"))
        and isinstance(message.get("listener_id"), str)
        and isinstance(arguments, list)
        and all(argument is None or _is_json_text(argument) for argument in arguments)
    )


def _is_json_text(value: Any) -> bool:
    return isinstance(value, str) and (value == "null" or _read(value) is not None)


def _is_handshake(message: Mapping[str, Any]) -> bool:
    numbers = message.get("next_message_id")
    return (
        all(isinstance(message.get(name), str) and len(message[name]) < 100 for name in ("tab_id", "document_id"))
        and isinstance(message.get("old_tab_id"), str | None)
        and (numbers is None or _is_number(numbers) or (isinstance(numbers, str) and numbers.isdecimal()))
    )


_MESSAGES: dict[str, Callable[[Mapping[str, Any]], bool]] = {
    "event": _is_event,
    "ack": lambda message: _is_number(message.get("next_message_id")),
    "javascript_response": lambda message: isinstance(message.get("request_id"), str),
    "handshake": _is_handshake,
    "log": lambda message: True,  # passed over
}
