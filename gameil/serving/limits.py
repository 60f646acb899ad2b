"""How much one visitor may ask of the site: requests and messages a second, their sizes, connections at a time.

Token bucket: a bucket of ``burst`` tokens that fills by ``rate`` a second; each request takes one (Turner 1986).
"""

import ipaddress
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from gameil.errors import ConfigError

MOST_BUCKETS = 20_000
"""Addresses remembered; the longest unseen ones are forgotten, whose buckets are the fullest."""


@dataclass(frozen=True)
class LimitsConfig:
    """What one address may ask. Generous for a person with several pages open, or a class behind one address."""

    __pydantic_config__ = {"extra": "forbid"}

    pages_per_second: float = 3.0
    """Pages (and whatever is no asset) that an address may fetch, in the long run."""
    pages_burst: int = 60
    """Pages at once."""
    assets_per_second: float = 100.0
    """Scripts, styles and fonts, some thirty a page for a browser that has none of them yet."""
    assets_burst: int = 3000
    """Assets at once."""
    messages_per_second: float = 20.0
    """WebSocket messages of one connection; a connection that sends more is slowed down, not cut."""
    messages_burst: int = 100
    """WebSocket messages at once."""
    message_bytes: int = 65_536
    """Bytes of one WebSocket message; a larger one ends its connection."""
    body_bytes: int = 65_536
    """Bytes of one request's body."""
    url_bytes: int = 4096
    """Bytes of path and query."""
    connections_per_address: int = 40
    """WebSocket connections of one address at a time."""
    connections: int = 1000
    """WebSocket connections in all, and requests at work at a time."""

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not value > 0:
                raise ConfigError(f"limits.{name} must be above 0, got {value}")


class Bucket:
    """One token bucket. The clock is told to it."""

    __slots__ = ("_burst", "_rate", "_time", "_tokens")

    def __init__(self, rate: float, burst: int, now: float) -> None:
        self._rate, self._burst = rate, burst
        self._tokens, self._time = float(burst), now

    def take(self, now: float) -> float:
        """Takes a token; 0, or where there is none the seconds until there is one (nothing is taken then)."""
        self._tokens = min(self._burst, self._tokens + (now - self._time) * self._rate)
        self._time = now
        if self._tokens >= 1.0:
            self._tokens -= 1.0
            return 0.0
        return (1.0 - self._tokens) / self._rate


class Buckets:
    """A bucket for each address, of bounded number."""

    def __init__(self, rate: float, burst: int, clock: Callable[[], float]) -> None:
        self._rate, self._burst, self._clock = rate, burst, clock
        self._buckets: OrderedDict[str, Bucket] = OrderedDict()

    def take(self, address: str) -> float:
        """As ``Bucket.take``, for an address."""
        now = self._clock()
        bucket = self._buckets.get(address)
        if bucket is None:
            bucket = self._buckets[address] = Bucket(self._rate, self._burst, now)
            if len(self._buckets) > MOST_BUCKETS:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(address)
        return bucket.take(now)

    def __len__(self) -> int:
        return len(self._buckets)


class Connections:
    """Open WebSocket connections by address."""

    def __init__(self, config: LimitsConfig) -> None:
        self._config = config
        self._open: dict[str, int] = {}

    def open(self, address: str) -> bool:
        """Counts one more connection; False, and none is counted, where there are enough."""
        mine = self._open.get(address, 0)
        if mine >= self._config.connections_per_address or sum(self._open.values()) >= self._config.connections:
            return False
        self._open[address] = mine + 1
        return True

    def close(self, address: str) -> None:
        """One connection of the address has ended."""
        left = self._open[address] - 1
        if left:
            self._open[address] = left
        else:
            del self._open[address]

    def __len__(self) -> int:
        return sum(self._open.values())


def address_key(address: str) -> str:
    """What an address is counted under: IPv6 by its network of 64 bits, which one visitor has all of."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
