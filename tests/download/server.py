"""A web server on this machine that behaves as it is told: honest, without ranges, lying, endless, cutting, busy."""

import email.utils
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

DATE = "Tue, 01 Jan 2013 10:00:00 GMT"


@dataclass
class Page:
    """One address and its manners."""

    data: bytes
    etag: str | None = '"v1"'
    modified: str | None = DATE
    ranges: bool = True
    cut_after: list[int] = field(default_factory=list)
    """Body bytes after which the next answers are cut, one entry an answer."""
    statuses: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    """Statuses and headers of the next answers, before the page itself is given."""
    headers: dict[str, str] = field(default_factory=dict)
    """Added to, or put in the place of, the honest headers."""
    chunked: bool = False
    endless: bool = False
    head_status: int = 200

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.data).hexdigest()


class Web:
    """The pages by path, and the requests that came: ``(method, path, headers)``."""

    def __init__(self, base: str) -> None:
        self.base = base
        self.pages: dict[str, Page] = {}
        self.requests: list[tuple[str, str, dict[str, str]]] = []

    def ranges(self) -> list[str | None]:
        """The Range headers of the GET requests."""
        return [headers.get("Range") for method, _, headers in self.requests if method == "GET"]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    web: Web

    def log_message(self, format: str, *args: Any) -> None:
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        try:
            self._answer()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _answer(self) -> None:
        self.web.requests.append((self.command, self.path, dict(self.headers)))
        page = self.web.pages.get(self.path)
        self.close_connection = True
        if page is None:
            self._head(404, {"Content-Length": "0"})
            return
        if page.statuses and self.command == "GET":
            status, headers = page.statuses.pop(0)
            self._head(status, {"Content-Length": "0", **headers})
            return
        if self.command == "HEAD" and page.head_status != 200:
            self._head(page.head_status, {"Content-Length": "0"})
            return
        self._give(page)

    def _give(self, page: Page) -> None:
        headers = {"ETag": page.etag, "Last-Modified": page.modified}
        fields = {name: value for name, value in headers.items() if value is not None}
        body, status = page.data, 200
        asked = self.headers.get("Range")
        unchanged = self.headers.get("If-Range") in (None, page.etag, page.modified)
        if asked is not None and page.ranges and unchanged:
            first = int(asked.removeprefix("bytes=").rstrip("-"))
            if first >= len(body):
                self._head(416, {"Content-Range": f"bytes */{len(body)}", "Content-Length": "0"})
                return
            fields["Content-Range"] = f"bytes {first}-{len(body) - 1}/{len(body)}"
            body, status = body[first:], 206
        if page.chunked:
            fields["Transfer-Encoding"] = "chunked"
        elif not page.endless:
            fields["Content-Length"] = str(len(body))
        self._head(status, {**fields, **page.headers})
        if self.command == "HEAD":
            return
        while page.endless:
            self.wfile.write(body)
        body = body[: page.cut_after.pop(0)] if page.cut_after else body
        if page.chunked:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        self.wfile.write(body)

    def _head(self, status: int, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Connection": "close", **headers}.items():
            self.send_header(name, value)
        self.end_headers()


@contextmanager
def serving() -> Iterator[Web]:
    """A server that answers while the block runs."""

    handler = type("Handler", (_Handler,), {})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    handler.web = web = Web(f"http://127.0.0.1:{server.server_address[1]}/")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield web
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def http_date(seconds: float) -> str:
    """A date as headers have it."""
    return email.utils.formatdate(seconds, usegmt=True)
