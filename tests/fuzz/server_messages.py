"""What is sent to the server: requests and frames that are right in parts and wrong in others."""

import json
import random
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

PAGES = ["/", "/watch", "/collect", "/label", "/runs", "/runs/a", "/collect?game=connect_four"]
EVIL = [
    "../../../../tmp/gameil-escaped",
    "/tmp/gameil-escaped",
    "..%2f..%2f..%2fetc%2fpasswd",
    "snapshot:/etc",
    "external:sh,command=touch",
    "uci:/bin/sh",
    "uci:sh -c 'touch /tmp/gameil-escaped'",
    "$(touch /tmp/gameil-escaped)",
    "; touch /tmp/gameil-escaped #",
    "__import__('os').system('touch /tmp/gameil-escaped')",
    "{{7*7}}",
    "<script>document.title='owned'</script>",
    "\u202eevil",
    "a\0b",
    "a\r\nSet-Cookie: x=y",
    '[Event "x"]\n\n1. e4 *',
    "people:ann",
    "x" * 5000,
    "",
    " ",
    "\ud800",
    "NaN",
    "ann",
    "connect_four",
    "go(board_size=99999)",
    "chess(chess960=True)",
    "pettingzoo:connect_four_v3",
]
NUMBERS = [0, 1, -1, 3, 7, 42, 2**31, 2**63, 2**64, -(2**63), 10**400, 1e308, 0.5, True, False]
_METHODS = ["GET", "GET", "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "BREW", "get"]
_FRAMEWORK = [
    "/_nicegui/3/static/x.js",
    "/_nicegui/auto/../../../../etc/passwd",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling",
    "/_nicegui_ws/socket.io/?EIO=4&transport=polling&sid=x",
    "/_nicegui_ws/../../etc/passwd",
    "/favicon.ico",
    "/docs",
    "/openapi.json",
    "/_nicegui/client/x",
]


@dataclass(frozen=True)
class Listener:
    """Something on a page that answers to people."""

    element: int
    id: str
    type: str
    tag: str


@dataclass
class Page:
    """What a page told about itself: the ids that its frames must carry to mean anything."""

    client_id: str
    listeners: list[Listener] = field(default_factory=list)
    """Those of the elements seen so far, gone ones too."""
    cookie: str = ""
    query: dict[str, str] = field(default_factory=dict)

    def learn(self, elements: Any) -> None:
        """Adds the listeners of elements, as pages and their updates describe them."""
        for number, element in elements.items() if isinstance(elements, dict) else ():
            for event in element.get("events", ()) if isinstance(element, dict) else ():
                found = Listener(int(number), event["listener_id"], event["type"], element["tag"])
                if found not in self.listeners:
                    self.listeners.append(found)


def filled_in(rng: random.Random, page: Page) -> list[str]:
    """What a person sends who fills a page in from top to bottom: ticks, writes a name, chooses, presses buttons."""
    frames = []
    for one in sorted(page.listeners, key=lambda one: one.element):
        if "checkbox" in one.tag:
            frames.append(_event(page, one, True))
        elif "input" in one.tag and one.type.startswith("update"):
            frames.append(_event(page, one, rng.choice(["Ann", "Bob", "Zoë", "Dan"] * 8 + EVIL)))
        elif "select" in one.tag and one.type.startswith("update") and rng.random() < 0.6:
            frames.append(_event(page, one, {"value": rng.randrange(4), "label": "x"}))
        elif one.tag == "q-btn" and frames:
            frames.append(_event(page, one, {}))
            if rng.random() < 0.8:
                break  # the next one would take it back
    return frames


def _event(page: Page, one: Listener, value: Any) -> str:
    message = {"client_id": page.client_id, "id": one.element, "listener_id": one.id, "args": [_dumps(value)]}
    return "42" + _dumps(["event", message])


def values(rng: random.Random, depth: int = 0) -> Any:
    """Any JSON value: hostile texts, numbers at bounds, lists and objects of those, now and then deep or long ones."""
    kind = rng.random()
    if kind < 0.4 or depth > 4:
        return rng.choice(EVIL)
    if kind < 0.6:
        return rng.choice(NUMBERS)
    if kind < 0.65:
        return None
    if kind < 0.8:
        return [values(rng, depth + 1) for _ in range(rng.randrange(4))]
    if kind < 0.97:
        keys = [
            "value",
            "label",
            "id",
            "key",
            "action",
            "repeat",
            "altKey",
            "ctrlKey",
            "code",
            "x",
            "__class__",
            "args",
        ]
        return {rng.choice(keys): values(rng, depth + 1) for _ in range(rng.randrange(5))}
    nested: Any = "deep"
    for _ in range(rng.choice([50, 500])):
        nested = [nested]
    return nested


def frame(rng: random.Random, page: Page) -> str | bytes:
    """One frame of the framework's protocol (engine.io 4 around socket.io): mostly events of real elements, any values
    in the right shape; some of the wrong shape, which end the connection."""
    kind = rng.random()
    if kind < 0.85 and page.listeners:
        one = rng.choice(page.listeners[-30:] if rng.random() < 0.7 else page.listeners)
        return _event(page, one, _right_value(rng, one) if rng.random() < 0.5 else carried(values(rng)))
    value = carried(values(rng))
    if kind < 0.95:
        name = rng.choice(["javascript_response", "ack", "log", "handshake", "event"])
        message = {"client_id": page.client_id, "level": "error", "message": value, "request_id": "r", "result": value}
        message |= {"next_message_id": rng.choice([0, 1, -1, 2**40]), "tab_id": "t", "document_id": "d"}
        message |= {"id": rng.randrange(100), "listener_id": "x", "args": [_dumps(value)]}
        return "42" + _dumps([name, message])
    return _wrong_frame(rng, page, value)


def carried(value: Any) -> Any:
    """The value without what ends a connection: numbers out of bounds, halves of characters, too deep nesting."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, list):
        return [carried(one) for one in value[:4]] if _depth(value) < 40 else "deep"
    if isinstance(value, dict):
        return {carried(key): carried(one) for key, one in value.items()}
    return value if not isinstance(value, int) or abs(value) < 2**62 else 7


def _depth(value: Any) -> int:
    depth = 0
    while isinstance(value, list) and value and depth < 100:
        value, depth = value[0], depth + 1
    return depth


def _wrong_frame(rng: random.Random, page: Page, value: Any) -> str | bytes:
    kind = rng.random()
    if kind < 0.2:
        name = rng.choice(["event", "ack", "handshake", "connect", "disconnect", "x", None, 3])
        message = {"client_id": rng.choice([page.client_id, value]), "id": value, "args": value, "tab_id": value}
        return "42" + _dumps([name, rng.choice([message, value])])
    if kind < 0.5:
        return rng.choice(["4", "43[]", "44", "451-[]", "6", "1", "0{}", "", "9", "420[", "42{}", "5", "42[]", "40{}"])
    if kind < 0.6:
        return rng.randbytes(rng.randrange(200))
    text = "42" + _dumps(["event", {"client_id": page.client_id, "id": 7, "listener_id": "x", "args": [values(rng)]}])
    if kind < 0.9:
        place = rng.randrange(len(text))
        return (
            text[:place] + rng.choice(["", "\0", "}", "]", '"', "\\", "é", "9" * 40]) + text[place + rng.randrange(3) :]
        )
    return text + "x" * rng.choice([60_000, 70_000, 300_000])


def request(rng: random.Random, port: int) -> bytes:
    """The bytes of one request, now and then no request at all."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(1, 400))
    path = rng.choice([*PAGES, *_FRAMEWORK, "/" + _quoted(rng), "//evil.example", "/runs/" + _quoted(rng), "*", "/\\x"])
    if rng.random() < 0.4:
        names = ["token", "game", "name", "agent", "client_id", "x"]
        path += "?" + "&".join(f"{rng.choice(names)}={_quoted(rng)}" for _ in range(rng.randrange(1, 4)))
    body = rng.randbytes(rng.choice([0, 0, 0, 10, 1000, 70_000]))
    host = rng.choice([f"127.0.0.1:{port}"] * 8 + ["evil.example", "", "localhost"])
    headers = [f"{rng.choice(['Host', 'host'])}: {host}", f"Content-Length: {len(body)}"]
    for name in ("Origin", "Cookie", "X-Forwarded-Prefix", "X-Forwarded-For", "Range", "Upgrade", "Accept", "X"):
        if rng.random() < 0.2:
            headers.append(f"{name}: {_header(rng)}")
    if rng.random() < 0.1:
        headers.append("Transfer-Encoding: chunked")
    headers.append("Connection: close")
    head = f"{rng.choice(_METHODS)} {path} HTTP/{rng.choice(['1.1', '1.1', '1.1', '1.0', '2.0', '9'])}\r\n"
    return head.encode("utf-8", "replace") + "\r\n".join([*headers, "", ""]).encode("utf-8", "replace") + body


def _right_value(rng: random.Random, one: Listener) -> Any:
    """What an event carries when a person causes it; of a click on a picture the place on the board."""
    if one.type == "click" and one.tag == "nicegui-html":
        return f"{rng.randrange(4)},{rng.randrange(4)}"
    if one.type == "click":
        return {}
    if "select" in one.tag:
        return {"value": rng.randrange(5), "label": "x"}
    if one.type.startswith("update"):
        return rng.choice([0, 1, 2, True, "ann", "bob", "connect_four", {"value": 1, "label": "x"}, *EVIL])
    if one.type.startswith("key"):
        return {"action": "keydown", "key": rng.choice(["Enter", "ArrowLeft", "1", "s", "z"]), "code": "KeyA"}
    return rng.choice([3, 0, 10, "3", {"action": 3}])


def _quoted(rng: random.Random) -> str:
    text = rng.choice(EVIL).encode("utf-8", "replace").decode()[:3000]
    return rng.choice([urllib.parse.quote(text, safe=""), urllib.parse.quote(text)])


def _header(rng: random.Random) -> str:
    return rng.choice(EVIL).replace("\r", "").replace("\n", "").replace("\0", "").encode("utf-8", "replace").decode()


def _dumps(value: Any) -> str:
    try:
        return json.dumps(value)
    except RecursionError:
        return "[" * 2000
