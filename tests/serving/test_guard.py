"""The gate before the site, asked as a server asks it: what passes, what is refused, with which answer."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gameil.serving.access import TOKEN_COOKIE, VISITOR_COOKIE, Access, cookies
from gameil.serving.guard import Guard
from gameil.serving.limits import LimitsConfig


class Inner:
    """The site behind the gate: answers 200, echoes messages, and remembers what came through."""

    def __init__(self) -> None:
        self.scopes: list[Any] = []
        self.messages: list[Any] = []

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        self.scopes.append(scope)
        if scope["type"] == "http":
            self.messages.append(await receive())
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"site"})
            return
        if scope["type"] == "websocket":
            await send({"type": "websocket.accept"})
            while (message := await receive())["type"] == "websocket.receive":
                self.messages.append(message)
                await send({"type": "websocket.send", "text": "got it"})


class Site:
    """A gate with its site, and requests to it."""

    def __init__(self, tmp_path: Path, host: str = "127.0.0.1", **limits: float) -> None:
        self.now = 0.0
        self.access = Access(host, (), tmp_path)
        self.inner = Inner()
        self.guard = Guard(self.inner, self.access, LimitsConfig(**limits), clock=lambda: self.now)  # type: ignore[arg-type]

    def ask(self, path: str = "/", *, body: bytes = b"", address: str = "10.0.0.1", **scope: Any) -> "Answer":
        given = {"host": "localhost:8080"} | scope.pop("headers", {})
        path, _, query = path.partition("?")
        request = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "client": (address, 1),
            "headers": [(name.encode(), value.encode("latin-1")) for name, value in given.items()],
        } | scope
        incoming: list[Any] = [{"type": "http.request", "body": body}]
        if request["type"] == "websocket":
            incoming = [{"type": "websocket.receive", "text": part} for part in scope.get("texts", ())]
            incoming.append({"type": "websocket.disconnect", "code": 1000})
        sent: list[Any] = []

        async def receive() -> Any:
            return incoming.pop(0)

        async def send(message: Any) -> None:
            sent.append(message)

        asyncio.run(self.guard(request, receive, send))
        return Answer(sent)


class Answer:
    def __init__(self, sent: list[Any]) -> None:
        self.sent = sent
        self.status = sent[0].get("status")
        self.headers = {name.decode(): value.decode() for name, value in sent[0].get("headers", ())}

    @property
    def kinds(self) -> list[str]:
        return [message["type"].removeprefix("websocket.") for message in self.sent]


def test_a_loopback_site_answers_its_own_names_and_pages_only(tmp_path: Path) -> None:
    site = Site(tmp_path)
    assert site.ask().status == 200
    assert site.ask(headers={"host": "evil.example"}).status == 421
    assert site.ask(method="POST", headers={"origin": "http://localhost:8080"}).status == 200
    assert site.ask(method="POST", headers={"origin": "http://evil.example"}).status == 403
    refused = site.ask(type="websocket", headers={"origin": "http://evil.example"})
    assert refused.kinds == ["close"]
    assert site.ask(type="websocket", headers={"origin": "http://localhost:8080"}).kinds == ["accept"]
    assert len(site.inner.scopes) == 3


def test_every_response_says_what_browsers_must_not_do(tmp_path: Path) -> None:
    site = Site(tmp_path)
    for answer in (site.ask(), site.ask(headers={"host": "evil"})):
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]


def test_a_new_browser_gets_a_name_that_the_site_sees_at_once(tmp_path: Path) -> None:
    site = Site(tmp_path)
    first = site.ask(headers={"cookie": "other=1", "x-forwarded-prefix": '"><script>'})
    name = cookies(first.headers["set-cookie"])[VISITOR_COOKIE]
    assert "HttpOnly" in first.headers["set-cookie"]
    seen = dict(site.inner.scopes[0]["headers"])
    assert cookies(seen[b"cookie"].decode()) == {"other": "1", VISITOR_COOKIE: name}
    assert b"x-forwarded-prefix" not in seen
    again = site.ask(headers={"cookie": f"{VISITOR_COOKIE}={name}"})
    assert "set-cookie" not in again.headers
    forged = site.ask(headers={"cookie": f"{VISITOR_COOKIE}=../../etc"})
    assert cookies(forged.headers["set-cookie"])[VISITOR_COOKIE] != "../../etc"


def test_an_open_site_changes_a_links_token_into_a_cookie(tmp_path: Path) -> None:
    site = Site(tmp_path, "0.0.0.0")
    asked = site.ask()
    assert asked.status == 401
    assert "<form>" in asked.sent[1]["body"].decode()
    assert site.ask("/?token=wrong").status == 401
    assert site.ask(type="websocket").kinds == ["close"]
    link = site.ask(f"/collect?a=1&token={site.access.tokens['play']}")
    assert (link.status, link.headers["location"]) == (303, "/collect?a=1")
    cookie = link.headers["set-cookie"].partition(";")[0]
    assert cookie == f"{TOKEN_COOKIE}={site.access.tokens['play']}"
    assert site.inner.scopes == []
    assert site.ask(headers={"cookie": cookie}).status == 200
    assert site.ask(type="websocket", headers={"cookie": cookie}).kinds == ["accept"]
    assert site.ask("/label", headers={"cookie": cookie}).status == 403
    assert site.ask("/runs/x", headers={"cookie": cookie}).status == 403
    assert site.ask("/runs/x", headers={"cookie": f"{TOKEN_COOKIE}={site.access.tokens['owner']}"}).status == 200


@pytest.mark.parametrize("path", ["//evil.example", "/\\evil.example", "\\\\evil.example", "///evil.example/\\x"])
def test_a_link_leads_to_this_site_only(tmp_path: Path, path: str) -> None:
    site = Site(tmp_path, "0.0.0.0")
    location = site.ask(f"{path}?token={site.access.tokens['play']}").headers["location"]
    assert location.startswith("/evil.example")
    assert "\\" not in location


@pytest.mark.parametrize(
    ("change", "status"),
    [
        (lambda site: site.ask("/" + "x" * 5000), 414),
        (lambda site: site.ask("/?" + "x" * 5000), 414),
        (lambda site: site.ask(headers={"content-length": "70000"}), 413),
        (lambda site: site.ask(headers={"content-length": "9" * 50}), 413),
        (lambda site: site.ask(headers={"content-length": "-1"}), 413),
        (lambda site: site.ask("/_nicegui_ws/socket.io/", method="POST"), 400),
    ],
)
def test_what_is_too_large_goes_no_further(tmp_path: Path, change: Callable[[Site], Answer], status: int) -> None:
    site = Site(tmp_path)
    assert change(site).status == status
    assert site.inner.scopes == []


def test_a_body_without_a_length_ends_where_it_is_too_large(tmp_path: Path) -> None:
    site = Site(tmp_path, body_bytes=10)
    site.ask(method="POST", body=b"x" * 10)
    site.ask(method="POST", body=b"x" * 11)
    assert [message["type"] for message in site.inner.messages] == ["http.request", "http.disconnect"]


def test_too_many_requests_of_one_address_are_refused_for_a_while(tmp_path: Path) -> None:
    site = Site(tmp_path, pages_burst=3, pages_per_second=0.5)
    assert [site.ask().status for _ in range(4)] == [200, 200, 200, 429]
    assert site.ask().headers["retry-after"] == "3"
    assert site.ask(address="10.0.0.2").status == 200
    assert site.ask("/_nicegui/x.js").status == 200  # assets are counted apart
    site.now = 2.0
    assert site.ask().status == 200


def test_a_flood_of_messages_is_slowed_down_and_a_huge_one_ends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = Site(tmp_path, messages_burst=2, messages_per_second=4, message_bytes=10)

    async def sleep(seconds: float) -> None:
        site.now += seconds

    monkeypatch.setattr("gameil.serving.guard.asyncio.sleep", sleep)
    assert site.ask(type="websocket", texts=["3"] * 6).kinds == ["accept"] + ["send"] * 6
    assert site.now == pytest.approx(1.0)  # two at once, four more at four a second
    huge = site.ask(type="websocket", texts=["3", "é" * 6, "3"])
    assert huge.kinds == ["accept", "send", "close"]
    assert huge.sent[-1]["code"] == 1009
    foreign = site.ask(type="websocket", texts=["3", "42[]", "3"])
    assert foreign.kinds == ["accept", "send", "close"]
    assert foreign.sent[-1]["code"] == 1008
    assert [message["text"] for message in site.inner.messages[-2:]] == ["3", "3"]


def test_connections_of_one_address_are_bounded(tmp_path: Path) -> None:
    site = Site(tmp_path, connections_per_address=1)
    opened: list[Answer] = []

    async def inner(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "websocket.accept"})
        if not opened:
            opened.append(await asyncio.to_thread(site.ask, type="websocket"))

    site.guard = Guard(inner, site.access, LimitsConfig(connections_per_address=1))
    assert site.ask(type="websocket").kinds == ["accept"]
    assert opened[0].kinds == ["close"]
    assert site.ask(type="websocket").kinds == ["accept"]  # the first has ended
