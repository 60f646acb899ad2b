"""Who may come in, and how much one address may ask: tokens, hosts, origins, buckets."""

import json
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.errors import ConfigError
from gameil.serving.access import (
    ROLES,
    TOKENS_FILE,
    Access,
    Role,
    allows,
    cookies,
    host_name,
    is_loopback,
    is_visitor,
    new_visitor,
    same_origin,
)
from gameil.serving.limits import MOST_BUCKETS, Bucket, Buckets, Connections, LimitsConfig, address_key


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost", "LOCALHOST"])
def test_a_loopback_site_wants_no_token_and_writes_none(tmp_path: Path, host: str) -> None:
    access = Access(host, (), tmp_path / "data")
    assert not access.open
    assert access.role(None) == "owner"
    assert access.links("http://x") == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    ("host", "names"), [("0.0.0.0", ()), ("::", ()), ("192.168.1.2", ()), ("127.0.0.1", ("a.org",))]
)
def test_a_site_that_others_reach_wants_one_of_three_tokens(tmp_path: Path, host: str, names: tuple[str, ...]) -> None:
    access = Access(host, names, tmp_path)
    assert access.open
    assert set(access.tokens) == set(ROLES)
    assert len(set(access.tokens.values())) == 3
    assert stat.S_IMODE((tmp_path / TOKENS_FILE).stat().st_mode) == 0o600
    for role, token in access.tokens.items():
        assert access.role(token) == role
        assert access.role(token[:-1]) is None
        assert access.role(token + "a") is None
        assert (role, f"http://here:1/?token={token}") in access.links("http://here:1")
    for wrong in (None, "", "owner", "\ud800", "x" * 10**5):
        assert access.role(wrong) is None
    assert Access(host, names, tmp_path).tokens == access.tokens  # links outlive the server


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{",
        "[" * 10**5,
        '{"play":"a","label":"b","owner":"c"}',
        json.dumps(dict.fromkeys(ROLES, "a" * 20)),
        "{}",
    ],
)
def test_damaged_tokens_let_nobody_in(tmp_path: Path, text: str) -> None:
    (tmp_path / TOKENS_FILE).write_text(text)
    with pytest.raises(ConfigError, match="token"):
        Access("0.0.0.0", (), tmp_path)


@pytest.mark.parametrize(
    ("path", "least"),
    [
        *[("/", "play"), ("/collect", "play"), ("/labels", "play"), ("/label", "label"), ("/label/x", "label")],
        *[("/runs", "owner"), ("/runs/a", "owner"), ("/league/b", "owner"), ("/_nicegui_ws/socket.io", "play")],
    ],
)
def test_each_role_sees_what_the_ones_below_it_see(path: str, least: Role) -> None:
    assert not allows(None, path)
    assert [allows(role, path) for role in ROLES] == [ROLES.index(role) >= ROLES.index(least) for role in ROLES]


def test_a_strangers_name_for_this_machine_is_refused_on_loopback(tmp_path: Path) -> None:
    local = Access("127.0.0.1", (), tmp_path)
    for host in ("localhost:8080", "127.0.0.1", "[::1]:8080", "LocalHost"):
        assert local.host_is_ours(host)
    for host in ("", "evil.example", "127.0.0.1.evil.example:8080", "localhost.evil", "[::2]", "@localhost"):
        assert not local.host_is_ours(host)
    proxied = Access("127.0.0.1", ("Play.Example.org",), tmp_path)
    assert proxied.host_is_ours("play.example.org")
    assert not proxied.host_is_ours("example.org")


@given(st.text(max_size=60))
def test_odd_headers_are_read_without_a_fuss(text: str) -> None:
    host_name(text)
    same_origin(text, text)
    assert all(isinstance(value, str) for value in cookies(text).values())
    is_loopback(text)
    assert len(address_key(text)) <= 64


def test_origins_and_cookies() -> None:
    assert same_origin(None, "a:1")
    assert same_origin("http://a:1", "a:1")
    assert same_origin("https://A.b", "a.B")
    for origin in ("null", "", "http://a:2", "http://a:1.evil", "https://", "file://a:1", "http://a:1/x"):
        assert not same_origin(origin, "a:1")
    assert cookies("a=1; gameil-token=x=y;b") == {"a": "1", "gameil-token": "x=y", "b": ""}
    assert is_visitor(new_visitor())
    assert new_visitor() != new_visitor()
    for wrong in ("", "x" * 32, "../" * 10 + "aa", "A" * 32):
        assert not is_visitor(wrong)


def test_a_bucket_gives_its_burst_then_its_rate() -> None:
    bucket = Bucket(rate=2.0, burst=3, now=10.0)
    assert [bucket.take(10.0) for _ in range(4)] == [0.0, 0.0, 0.0, 0.5]
    assert bucket.take(10.25) == pytest.approx(0.25)
    assert bucket.take(10.5) == 0.0
    assert bucket.take(100.0) == 0.0
    assert [bucket.take(100.0) for _ in range(3)] == [0.0, 0.0, 0.5]  # never more than the burst


@given(st.lists(st.floats(0, 3), max_size=60), st.floats(0.5, 20), st.integers(1, 10))
def test_no_pattern_of_requests_gets_more_than_burst_and_rate(gaps: list[float], rate: float, burst: int) -> None:
    now, passed = 0.0, 0
    bucket = Bucket(rate, burst, now)
    for gap in gaps:
        now += gap
        passed += bucket.take(now) == 0.0
    assert passed <= burst + rate * now + 1e-6


def test_addresses_are_limited_each_for_itself_and_are_forgotten_in_the_end() -> None:
    now = [0.0]
    buckets = Buckets(1.0, 2, lambda: now[0])
    assert [buckets.take("a"), buckets.take("a"), buckets.take("b")] == [0.0, 0.0, 0.0]
    assert buckets.take("a") > 0.0
    for number in range(MOST_BUCKETS + 50):
        buckets.take(str(number))
    assert len(buckets) == MOST_BUCKETS


def test_connections_are_counted_by_address_and_in_all() -> None:
    connections = Connections(LimitsConfig(connections_per_address=2, connections=3))
    assert [connections.open("a"), connections.open("a"), connections.open("a")] == [True, True, False]
    assert [connections.open("b"), connections.open("c")] == [True, False]
    connections.close("a")
    assert connections.open("c")
    for address in ("a", "b", "c"):
        connections.close(address)
    assert len(connections) == 0


def test_one_visitor_of_ipv6_has_one_network() -> None:
    assert address_key("2001:db8::1") == address_key("2001:db8::ffff:2")
    assert address_key("2001:db8::1") != address_key("2001:db8:0:1::1")
    assert address_key("::ffff:10.0.0.1") == address_key("10.0.0.1") == "10.0.0.1"


def test_limits_must_be_above_zero() -> None:
    with pytest.raises(ConfigError, match=r"limits\.pages_burst"):
        LimitsConfig(pages_burst=0)
