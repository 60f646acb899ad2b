"""Who may come in. A site on a loopback address is open to whoever uses this machine, and to no web page of others; one
that listens elsewhere, or is known by other names, wants a token.

Three tokens, each allowing what the ones before it do: ``play`` (play, watch, leave games), ``label`` (label positions)
and ``owner`` (see runs). They stand in ``tokens.json`` in the data directory, which only the owner can read, and are
handed out as links; the site changes a link's token into a cookie that scripts cannot read.
"""

import hmac
import ipaddress
import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, get_args

from gameil.errors import ConfigError

Role = Literal["play", "label", "owner"]
ROLES: tuple[Role, ...] = get_args(Role)
TOKENS_FILE = "tokens.json"
TOKEN_COOKIE = "gameil-token"
VISITOR_COOKIE = "gameil-visitor"
_TOKEN_BYTES = 18
_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
NEEDED: dict[str, Role] = {"/label": "label", "/runs": "owner", "/league": "owner"}
"""First part of a path -> the role that it needs, where that is more than ``play``."""


class Access:
    """Decides about hosts, origins and tokens. Knows no web framework."""

    def __init__(self, host: str, names: Sequence[str], data: Path) -> None:
        """Args:
            host: the address listened on.
            names: further host names that the site is known by (a proxy's): they open it.
            data: directory of the tokens, made where a token is needed.

        Raises:
            ConfigError: the tokens cannot be read or written.
        """
        self.open = not is_loopback(host) or bool(names)
        """The site can be reached by others, so it wants tokens."""
        self._names = _LOOPBACK_NAMES | {name.lower() for name in names}
        self._any_name = not is_loopback(host)
        self.tokens: dict[Role, str] = _load_tokens(data) if self.open else {}

    def host_is_ours(self, host: str) -> bool:
        """Whether a ``Host`` header names this site: a stranger's name that resolves to this machine does not."""
        return self._any_name or host_name(host) in self._names

    def role(self, token: str | None) -> Role | None:
        """What a token allows; everything where none is wanted. Takes the same time for every wrong token."""
        if not self.open:
            return "owner"
        given = (token or "").encode("utf-8", "surrogatepass")
        found: Role | None = None
        for role, wanted in self.tokens.items():
            if hmac.compare_digest(given, wanted.encode()):
                found = role
        return found

    def links(self, address: str) -> list[tuple[Role, str]]:
        """What to hand out: a link for each role; empty where no token is wanted."""
        return [(role, f"{address}/?token={token}") for role, token in self.tokens.items()]


def allows(role: Role | None, path: str) -> bool:
    """Whether a role may see a path."""
    if role is None:
        return False
    needed = next((needs for start, needs in NEEDED.items() if path == start or path.startswith(start + "/")), "play")
    return ROLES.index(role) >= ROLES.index(needed)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach an address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def host_name(host: str) -> str:
    """The name in a ``Host`` header, without port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def same_origin(origin: str | None, host: str) -> bool:
    """Whether a request that a page made came from a page of this site; requests without an origin are no page's."""
    if origin is None:
        return True
    scheme, _, place = origin.partition("://")
    return scheme in ("http", "https") and bool(place) and place.lower() == host.lower()


def cookies(header: str) -> dict[str, str]:
    """The cookies of a ``Cookie`` header by name; of several with one name the last."""
    pairs = (part.strip().partition("=") for part in header[:8192].split(";"))
    return {name: value for name, _, value in pairs}


def visitor_of(cookie_header: str) -> str:
    """The name of the browser that sent these cookies; the gate has given it one."""
    found = cookies(cookie_header).get(VISITOR_COOKIE, "")
    return found if is_visitor(found) else new_visitor()


def new_visitor() -> str:
    """A name for a browser that nobody can guess: whoever holds it may go on with that browser's games."""
    return os.urandom(16).hex()


def is_visitor(text: str) -> bool:
    """Whether a text can be such a name."""
    return len(text) == 32 and all(char in "0123456789abcdef" for char in text)


def _load_tokens(data: Path) -> dict[Role, str]:
    """The tokens in the data directory, made where there are none; readable by their owner only."""
    path = data / TOKENS_FILE
    try:
        data.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            made = {role: os.urandom(_TOKEN_BYTES).hex() for role in ROLES}
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "w", encoding="ascii") as file:
                file.write(json.dumps(made, indent=2) + "\n")
        values = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: the tokens cannot be read or written: {error}") from error
    good = isinstance(values, dict) and set(values) == set(ROLES)
    if not good or not all(
        isinstance(token, str) and token.isalnum() and len(token) >= 16 for token in values.values()
    ):
        raise ConfigError(f"{path}: must hold tokens of at least 16 letters and digits for {', '.join(ROLES)}")
    if len(set(values.values())) != len(ROLES):
        raise ConfigError(f"{path}: the tokens must differ")
    return {role: values[role] for role in ROLES}
