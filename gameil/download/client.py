"""A polite HTTP client: one request at a time, under its own name, that waits when it is asked to and trusts no server.

Only https, and http for this machine itself. Proxies come from the usual environment variables.
"""

import email.utils
import http.client
import ipaddress
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TypeVar
from urllib.error import URLError
from urllib.parse import urljoin, urlsplit
from urllib.request import HTTPHandler, HTTPSHandler, OpenerDirector, ProxyHandler, Request

from gameil import __version__
from gameil.errors import DownloadError

USER_AGENT = f"gameil/{__version__} (research on imitation learning; fetches single files when a person asks for them)"
TIMEOUT = 30.0
"""Seconds without a byte before a connection counts as dead."""
PAUSE = 0.2
"""Seconds at least between two requests."""
MAX_REDIRECTS = 5
RETRIES = 5
"""Failures in a row, without a byte between them, that are answered by trying again."""
MAX_FAILURES = 100
"""Failures in all of one file, however many bytes lay between them."""
MAX_WAIT = 600.0
"""Seconds that a server may ask to wait; where it asks for more, the person is told instead."""
MAX_PAGE = 4 << 20
"""Bytes of a page that is read as text."""
_REDIRECTS = (301, 302, 303, 307, 308)
_PASSING = (408, 429, 500, 502, 503, 504)
"""Statuses that may be another one soon (RFC 9110, section 15)."""

Result = TypeVar("Result")


class PassingError(Exception):
    """A failure that may be over soon."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the server asked to wait, None where it did not say."""


@dataclass(frozen=True)
class Response:
    """An answer, still to be read."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    read: Callable[[int], bytes]
    """At most so many bytes; none at the end. Raises ``PassingError`` where the connection breaks."""

    @property
    def length(self) -> int | None:
        """Bytes of the body as stated."""
        return _number(self.headers.get("content-length"))


class Client:
    """Opens addresses. ``limit_rate`` bounds the bytes a second; None takes what comes."""

    def __init__(
        self,
        *,
        limit_rate: float | None = None,
        say: Callable[[str], None] = lambda line: None,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._limit_rate = limit_rate
        self._say = say
        self._sleep = sleep
        self._last_request = -PAUSE
        self._opener = OpenerDirector()
        # Statuses and redirects are handled here, and no other kind of address can be opened.
        for handler in (ProxyHandler(), HTTPHandler(), HTTPSHandler()):
            self._opener.add_handler(handler)

    @contextmanager
    def request(self, url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> Iterator[Response]:
        """Opens ``url``, follows redirects, and closes the answer afterwards.

        Raises:
            PassingError: the server is busy, or the connection failed.
            DownloadError: an unsafe address, or too many redirects.
        """
        here = url
        for _ in range(MAX_REDIRECTS + 1):
            _refuse_unsafe(here, url)
            with self._open(here, method, headers or {}) as answer:
                fields = {name.lower(): value for name, value in answer.headers.items()}
                if answer.status in _REDIRECTS and "location" in fields:
                    here = _joined(here, fields["location"])
                    continue
                if answer.status in _PASSING:
                    wait = _retry_after(fields.get("retry-after"))
                    raise PassingError(f"the server answers {_status(answer.status)}", wait)
                if fields.get("content-encoding", "identity") != "identity":
                    raise DownloadError(f"{_shown(url)}: the server sends it in an encoding that was not asked for")
                yield Response(answer.status, fields, lambda size: self._read(answer, size))
                return
        raise DownloadError(f"{_shown(url)}: more than {MAX_REDIRECTS} redirects")

    def text(self, url: str) -> str:
        """A page's text. Raises ``DownloadError``, also where it is longer than ``MAX_PAGE``."""

        def attempt() -> str:
            with self.request(url) as response:
                refuse_status(url, response)
                page = b""
                while block := response.read(1 << 16):
                    page += block
                    if len(page) > MAX_PAGE:
                        raise DownloadError(f"{_shown(url)}: a page of more than {MAX_PAGE:,} bytes")
                if response.length is not None and len(page) < response.length:
                    raise PassingError("the connection was cut")
                return page.decode("utf-8", "replace")

        return self.patiently(url, attempt)

    def patiently(self, url: str, attempt: Callable[[], Result], advanced: Callable[[], int] = lambda: 0) -> Result:
        """Repeats ``attempt`` while it fails in passing; waits longer each time, or as long as the server asks.

        ``advanced`` tells how far the work is: after progress the patience begins anew.
        """
        in_a_row, before = 0, advanced()
        for _ in range(MAX_FAILURES):
            try:
                return attempt()
            except PassingError as error:
                now = advanced()
                in_a_row = 1 if now > before else in_a_row + 1
                before = now
                wait = 2.0 ** (in_a_row - 1) if error.wait is None else error.wait
                if in_a_row > RETRIES:
                    raise DownloadError(f"{_shown(url)}: {error}, {in_a_row} times; try again later") from error
                if wait > MAX_WAIT:
                    raise DownloadError(f"{_shown(url)}: {error} and asks to come back in {wait:,.0f} s") from error
                self._say(f"{_shown(url)}: {error}; trying again in {wait:.0f} s")
                self._sleep(wait)
        raise DownloadError(f"{_shown(url)}: failed {MAX_FAILURES} times; try again later")

    @contextmanager
    def _open(self, url: str, method: str, headers: Mapping[str, str]) -> Iterator[http.client.HTTPResponse]:
        fields = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **headers}
        self._sleep(max(0.0, self._last_request + PAUSE - time.monotonic()))
        self._last_request = time.monotonic()
        try:
            answer = self._opener.open(Request(url, headers=fields, method=method), timeout=TIMEOUT)
        except URLError as error:
            raise PassingError(f"cannot be reached: {_plain(error.reason)}") from error
        except http.client.InvalidURL as error:
            raise DownloadError(f"{_shown(url)}: no proper address") from error
        except (http.client.HTTPException, OSError) as error:
            raise PassingError(f"no proper answer: {_plain(error)}") from error
        except ValueError as error:
            raise DownloadError(f"{_shown(url)}: no proper address") from error
        assert answer is not None
        with answer:
            yield answer

    def _read(self, answer: http.client.HTTPResponse, size: int) -> bytes:
        started = time.monotonic()
        try:
            block = answer.read1(size)
        except (http.client.HTTPException, OSError, ValueError) as error:
            raise PassingError(f"the connection broke: {_plain(error)}") from error
        if self._limit_rate is not None:
            self._sleep(max(0.0, len(block) / self._limit_rate - (time.monotonic() - started)))
        return block


def refuse_status(url: str, response: Response, allowed: tuple[int, ...] = (200,)) -> None:
    """Raises ``DownloadError`` unless the answer has an allowed status."""
    if response.status not in allowed:
        raise DownloadError(f"{_shown(url)}: the server answers {_status(response.status)}")


def _refuse_unsafe(url: str, asked: str) -> None:
    """Only https; http where a person asked for this machine itself, and stays on it."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        raise DownloadError(f"{_shown(url)}: no proper address") from None
    if parts.scheme == "http" and _is_here(host) and _is_here(urlsplit(asked).hostname or ""):
        return
    if parts.scheme != "https" or not host:
        behind = "" if url == asked else f" ({_shown(asked)} redirects there)"
        raise DownloadError(f"{_shown(url)}: only https is fetched{behind}")


def _joined(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError:
        return location


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _retry_after(value: str | None) -> float | None:
    """Seconds in a Retry-After header, which is a number or a date (RFC 9110, section 10.2.3)."""
    seconds = _number(value)
    if seconds is not None or not value:
        return seconds
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - time.time())
    except (ValueError, OverflowError):
        return None


def _number(text: str | None) -> int | None:
    return int(text) if text is not None and re.fullmatch(r"[0-9]{1,18}", text.strip()) else None


def _status(status: int) -> str:
    return f"{status} {http.client.responses.get(status, '')}".strip()


def _shown(url: str) -> str:
    """An address as one printable line: it may come from a server."""
    return _plain(url)


def _plain(text: object) -> str:
    line = "".join(char if char.isprintable() else "?" for char in str(text))
    return line if len(line) <= 200 else f"{line[:200]}..."
