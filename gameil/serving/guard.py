"""The gate before the whole site, pages, assets and WebSockets alike: hosts, origins, tokens, rates and sizes.

Plain ASGI, so that nothing behind it sees what was refused.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from gameil.serving.access import (
    TOKEN_COOKIE,
    VISITOR_COOKIE,
    Access,
    allows,
    cookies,
    is_visitor,
    new_visitor,
    same_origin,
)
from gameil.serving.frames import is_frame
from gameil.serving.limits import Bucket, Buckets, Connections, LimitsConfig, address_key

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

ASSETS = "/_nicegui/"
SOCKET = "/_nicegui_ws/"
_KEPT_SECONDS = 30 * 24 * 3600
_REFUSED, _TOO_LARGE = 1008, 1009
"""WebSocket close codes: policy, message too big (RFC 6455, section 7.4.1)."""
HEADERS: tuple[tuple[bytes, bytes], ...] = (
    (b"referrer-policy", b"no-referrer"),  # a token in a link must not travel on
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (
        b"content-security-policy",
        # The web framework runs scripts that stand in its pages.
        b"default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        b"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self' ws: wss:; frame-ancestors 'none'; "
        b"base-uri 'self'; form-action 'self'; object-src 'none'",
    ),
)
"""Added to every response."""


class _RefusedError(Exception):
    """A request that is answered here; never leaves this module."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[bytes, bytes], ...] = ()) -> None:
        super().__init__(text)
        self.status, self.text, self.headers = status, text, headers


class Guard:
    """Wraps the site's application."""

    def __init__(
        self, app: App, access: Access, limits: LimitsConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._app, self._access, self._limits, self._clock = app, access, limits, clock
        self._pages = Buckets(limits.pages_per_second, limits.pages_burst, clock)
        self._assets = Buckets(limits.assets_per_second, limits.assets_burst, clock)
        self._connections = Connections(limits)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        address = address_key(scope["client"][0]) if scope.get("client") else ""
        try:
            visitor, added = self._admit(scope, address)
        except _RefusedError as refused:
            await (_answer if scope["type"] == "http" else _hang_up)(refused, send)
            return
        if scope["type"] == "http":
            await self._http(_named(scope, visitor, added), receive, send, visitor if added else None)
        else:
            await self._websocket(_named(scope, visitor, added), receive, send, address)

    def _admit(self, scope: Scope, address: str) -> tuple[str, bool]:
        """The visitor's name, and whether it is new. Raises ``_RefusedError``."""
        headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]}
        path, query = scope["path"], scope.get("query_string", b"")
        if len(path) + len(query) > self._limits.url_bytes:
            raise _RefusedError(414, "this address is too long")
        host = headers.get("host", "")
        if not self._access.host_is_ours(host):
            raise _RefusedError(421, "this site is not known by that name")
        changes = scope["type"] == "websocket" or scope["method"] not in ("GET", "HEAD")
        if changes and not same_origin(headers.get("origin"), host):
            raise _RefusedError(403, "another site's page may not do that")
        if scope["type"] == "http" and path.startswith(SOCKET):
            raise _RefusedError(400, "only WebSockets here")  # no long polling, whose sessions outlive their requests
        if headers.get("content-length", "0") != "0" and not _fits(headers["content-length"], self._limits.body_bytes):
            raise _RefusedError(413, "this request is too large")
        bucket = self._assets if path.startswith((ASSETS, SOCKET)) else self._pages
        if wait := bucket.take(address):
            raise _RefusedError(429, "too many requests; wait a little", ((b"retry-after", b"%d" % (wait + 1)),))
        found = cookies(headers.get("cookie", ""))
        self._check_token(scope, path, query, found.get(TOKEN_COOKIE))
        visitor = found.get(VISITOR_COOKIE, "")
        return (visitor, False) if is_visitor(visitor) else (new_visitor(), True)

    def _check_token(self, scope: Scope, path: str, query: bytes, token: str | None) -> None:
        """Lets who may pass, changes a link's token into a cookie, and refuses the others."""
        if not self._access.open:
            return
        fields = query.decode("latin-1").split("&") if query else []
        in_link = next((field.removeprefix("token=") for field in fields if field.startswith("token=")), None)
        if in_link is not None and scope["type"] == "http" and self._access.role(in_link) is not None:
            # To a place of this site, whatever the path: two slashes or a backslash would name another host.
            place = b"/" + scope.get("raw_path", b"/").lstrip(b"/\\").replace(b"\\", b"%5C")
            rest = "&".join(field for field in fields if not field.startswith("token="))
            location = place + (b"?" + rest.encode("latin-1") if rest else b"")
            secure = "; Secure" if scope.get("scheme") == "https" else ""
            cookie = f"{TOKEN_COOKIE}={in_link}; Path=/; Max-Age={_KEPT_SECONDS}; HttpOnly; SameSite=Lax{secure}"
            raise _RefusedError(303, "", ((b"location", location), (b"set-cookie", cookie.encode())))
        role = self._access.role(token)
        if role is None:
            raise _RefusedError(401, _ASK_FOR_TOKEN)
        if not allows(role, path):
            raise _RefusedError(403, "your link does not open this page")

    async def _http(self, scope: Scope, receive: Receive, send: Send, new: str | None) -> None:
        """Passes a request on, its body bounded, its response with the site's headers."""
        left = self._limits.body_bytes

        async def bounded() -> Message:
            nonlocal left
            message = await receive()
            left -= len(message.get("body", b""))
            return message if left >= 0 else {"type": "http.disconnect"}

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message.get("headers", ()), *HEADERS]
                if new is not None:
                    cookie = f"{VISITOR_COOKIE}={new}; Path=/; Max-Age={_KEPT_SECONDS}; HttpOnly; SameSite=Lax"
                    headers.append((b"set-cookie", cookie.encode()))
                message = {**message, "headers": headers}
            await send(message)

        await self._app(scope, bounded, sent)

    async def _websocket(self, scope: Scope, receive: Receive, send: Send, address: str) -> None:
        """Passes a connection on: a flood is slowed down (the sender's own buffers fill), a huge message or one
        that no page sends ends it."""
        if not self._connections.open(address):
            await _hang_up(_RefusedError(503, "too many connections"), send)
            return
        bucket = Bucket(self._limits.messages_per_second, self._limits.messages_burst, self._clock())
        cut = False

        async def bounded() -> Message:
            nonlocal cut
            message = await receive()
            if message["type"] == "websocket.receive":
                text = message.get("text") or ""
                size = len(message.get("bytes") or b"") or len(text.encode("utf-8", "surrogatepass"))
                code = _TOO_LARGE if size > self._limits.message_bytes else 0 if is_frame(text) else _REFUSED
                if code:
                    cut = True
                    await send({"type": "websocket.close", "code": code, "reason": "no message of this site"})
                    return {"type": "websocket.disconnect", "code": code}
                while wait := bucket.take(self._clock()):
                    await asyncio.sleep(wait)
            return message

        async def sent(message: Message) -> None:
            if not cut:
                await send(message)

        try:
            await self._app(scope, bounded, sent)
        finally:
            self._connections.close(address)


def _named(scope: Scope, visitor: str, added: bool) -> Scope:
    """The request as the site sees it: with the visitor's name, and without what only a proxy may say."""
    headers = [(name, value) for name, value in scope["headers"] if name.lower() != b"x-forwarded-prefix"]
    if added:
        others = [value for name, value in headers if name.lower() == b"cookie"]
        headers = [(name, value) for name, value in headers if name.lower() != b"cookie"]
        headers.append((b"cookie", b"; ".join([*others, f"{VISITOR_COOKIE}={visitor}".encode()])))
    return {**scope, "headers": headers}


def _fits(length: str, limit: int) -> bool:
    return length.isascii() and length.isdecimal() and len(length) < 12 and int(length) <= limit


async def _answer(refused: _RefusedError, send: Send) -> None:
    body = refused.text.encode()
    kind = b"text/html; charset=utf-8" if body.startswith(b"<") else b"text/plain; charset=utf-8"
    headers = [(b"content-type", kind), (b"content-length", b"%d" % len(body)), (b"cache-control", b"no-store")]
    start = {"type": "http.response.start", "status": refused.status, "headers": [*headers, *refused.headers, *HEADERS]}
    await send(start)
    await send({"type": "http.response.body", "body": body})


async def _hang_up(refused: _RefusedError, send: Send) -> None:
    """Before a WebSocket is accepted, closing it answers the handshake with status 403."""
    await send({"type": "websocket.close", "code": _REFUSED, "reason": refused.text[:100]})


_ASK_FOR_TOKEN = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>gameil</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><style>
:root { color-scheme: light dark } body { font: 16px/1.5 system-ui, sans-serif; max-width: 30em; margin: 15vh auto;
padding: 0 1em } input, button { font: inherit; padding: .4em .6em; width: 100%;
box-sizing: border-box; margin: .3em 0 }
</style></head><body><h1>gameil</h1><p>This site is open to those who have a link to it. Open the link that you were
given, or enter its token:</p><form><label for="token">Token</label><input id="token" name="token" type="password"
autocomplete="off" required autofocus><button>Come in</button></form></body></html>
"""
