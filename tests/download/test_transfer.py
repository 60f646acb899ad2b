"""Fetching one file from servers of all manners, on this machine only."""

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from gameil.download import transfer
from gameil.download.client import MAX_PAGE, MAX_REDIRECTS, RETRIES, USER_AGENT, Client
from gameil.download.sources import RemoteFile
from gameil.download.transfer import fetch, plan
from gameil.errors import ConfigError, DownloadError
from gameil.tracking.lock import lock_directory
from tests.download.server import DATE, Page, Web, http_date, serving

DATA = Random(1).randbytes(700_000)


@dataclass
class Fetching:
    """One file of a server, fetched into a directory without real waiting."""

    web: Web
    directory: Path
    slept: list[float] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    seen: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.client = Client(say=self.said.append, sleep=self._sleep)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0.2:
            self.slept.append(round(seconds, 3))

    def file(self, *, checked: bool = False, max_bytes: int = 1 << 30) -> RemoteFile:
        sums = f"{self.web.base}sums" if checked else None
        return RemoteFile(f"{self.web.base}file", "games.zst", max_bytes, sums)

    def fetch(self, file: RemoteFile | None = None) -> Path:
        planned = plan(self.client, file or self.file(), self.directory)
        return fetch(self.client, planned, self.directory, self.seen.append)

    def left(self) -> list[str]:
        """Names in the directory, without the lock."""
        return sorted(path.name for path in self.directory.iterdir() if path.name != ".lock")


@pytest.fixture
def remote(tmp_path: Path) -> Iterator[Fetching]:
    with serving() as web:
        web.pages["/file"] = Page(DATA)
        yield Fetching(web, tmp_path / "out")


def test_a_whole_file(remote: Fetching) -> None:
    path = remote.fetch()
    assert path == remote.directory / "games.zst"
    assert path.read_bytes() == DATA
    assert remote.left() == ["games.zst"]
    assert remote.seen[-1] == len(DATA)
    assert remote.seen == sorted(remote.seen)
    assert {headers["User-Agent"] for _, _, headers in remote.web.requests} == {USER_AGENT}
    assert "gameil" in USER_AGENT
    # A second time nothing is fetched: size and date are the server's.
    assert plan(remote.client, remote.file(), remote.directory).state == "there"
    remote.fetch()
    assert remote.web.ranges() == [None]


def test_a_newer_file_on_the_server_replaces_the_old_one(remote: Fetching) -> None:
    remote.fetch()
    remote.web.pages["/file"] = Page(DATA, etag='"v2"', modified=http_date(time.time()))
    assert plan(remote.client, remote.file(), remote.directory).state == "new"
    remote.web.pages["/file"] = Page(DATA + b"more", etag='"v2"')
    assert remote.fetch().read_bytes() == DATA + b"more"


@pytest.mark.parametrize(("etag", "modified"), [('"v1"', DATE), ('W/"v1"', DATE), (None, DATE), ('"v1"', None)])
def test_a_cut_is_resumed_where_it_was(remote: Fetching, etag: str | None, modified: str | None) -> None:
    remote.web.pages["/file"] = Page(DATA, etag, modified, cut_after=[300_000, 100_000])
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges() == [None, "bytes=300000-", "bytes=400000-"]
    strong = etag if etag and not etag.startswith("W/") else modified
    assert [headers.get("If-Range") for _, _, headers in remote.web.requests] == [None, None, strong, strong]
    assert remote.slept == [1.0, 1.0]
    assert "the connection was cut at 300,000 of 700,000 bytes; trying again in 1 s" in remote.said[0]


def test_a_killed_run_is_resumed_by_the_next(remote: Fetching) -> None:
    def interrupt(have: int) -> None:
        if have >= 300_000:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fetch(remote.client, plan(remote.client, remote.file(), remote.directory), remote.directory, interrupt)
    assert remote.left() == ["games.zst.part", "games.zst.part.json"]
    have = (remote.directory / "games.zst.part").stat().st_size
    assert (remote.directory / "games.zst.part").read_bytes() == DATA[:have]
    planned = plan(remote.client, remote.file(), remote.directory)
    assert (planned.state, planned.have, planned.remaining) == ("partial", have, len(DATA) - have)
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges()[-1] == f"bytes={have}-"
    assert remote.left() == ["games.zst"]


def test_a_part_that_is_whole_already_is_only_renamed(remote: Fetching) -> None:
    remote.web.pages["/file"].cut_after = [len(DATA) - 1] * (RETRIES + 2)
    with pytest.raises(KeyboardInterrupt):
        fetch(remote.client, plan(remote.client, remote.file(), remote.directory), remote.directory, _stop)
    part = remote.directory / "games.zst.part"
    part.write_bytes(DATA)
    remote.web.pages["/file"].cut_after = []
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges()[-1] == f"bytes={len(DATA)}-"


def _stop(have: int) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("chunked", [False, True])
def test_a_server_without_ranges_begins_again(remote: Fetching, chunked: bool) -> None:
    remote.web.pages["/file"] = Page(DATA, ranges=False, chunked=chunked, cut_after=[300_000, 100_000])
    if chunked:
        remote.web.pages["/file"].cut_after = []
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges() == ([None] if chunked else [None, "bytes=300000-", "bytes=100000-"])


def test_without_a_validator_nothing_is_resumed(remote: Fetching) -> None:
    remote.web.pages["/file"] = Page(DATA, etag=None, modified=None, cut_after=[300_000])
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges() == [None, None]


@pytest.mark.parametrize("honest", [True, False])
def test_a_changed_file_is_not_mixed_with_the_old_one(remote: Fetching, honest: bool) -> None:
    with pytest.raises(KeyboardInterrupt):
        fetch(remote.client, plan(remote.client, remote.file(), remote.directory), remote.directory, _stop)
    new = Page(bytes(reversed(DATA)), etag='"v2"', modified=http_date(1.4e9))
    remote.web.pages["/file"] = new
    if not honest:
        # A server that ignores If-Range and gives the end of another file.
        new.etag, new.headers = '"v1"', {"ETag": '"v2"'}
    assert remote.fetch().read_bytes() == new.data


def test_the_published_checksum_is_verified(remote: Fetching) -> None:
    page = remote.web.pages["/file"]
    remote.web.pages["/sums"] = Page(f"{'0' * 64}  other.zst\n{page.sha256}  games.zst\n".encode())
    assert remote.fetch(remote.file(checked=True)).read_bytes() == DATA
    # What is there is known by its checksum, whatever its date.
    os.utime(remote.directory / "games.zst", (1, 1))
    assert plan(remote.client, remote.file(checked=True), remote.directory).state == "there"
    (remote.directory / "games.zst").write_bytes(bytes(len(DATA)))
    assert plan(remote.client, remote.file(checked=True), remote.directory).state == "new"


def test_a_wrong_checksum_is_refused_and_removed(remote: Fetching) -> None:
    remote.web.pages["/sums"] = Page(f"{'a' * 64}  games.zst\n".encode())
    with pytest.raises(DownloadError, match=rf"has the checksum {remote.web.pages['/file'].sha256}, published is a+;"):
        remote.fetch(remote.file(checked=True))
    assert remote.left() == []


def test_a_file_that_is_not_among_the_published_ones(remote: Fetching) -> None:
    remote.web.pages["/sums"] = Page(b"no sums here\n")
    with pytest.raises(DownloadError, match=r"games\.zst: is not among the published files"):
        remote.fetch(remote.file(checked=True))
    remote.web.pages["/sums"] = Page(b" " * (MAX_PAGE + 1))
    with pytest.raises(DownloadError, match="a page of more than"):
        remote.fetch(remote.file(checked=True))


def test_404_is_one_line_and_not_asked_again(remote: Fetching) -> None:
    del remote.web.pages["/file"]
    with pytest.raises(DownloadError, match=r"/file: the server answers 404 Not Found$"):
        remote.fetch()
    assert len(remote.web.requests) == 1
    assert not remote.directory.exists()


def test_a_busy_server_is_waited_for_as_long_as_it_asks(remote: Fetching) -> None:
    page = remote.web.pages["/file"]
    page.statuses = [(429, {"Retry-After": "7"}), (503, {}), (503, {}), (502, {"Retry-After": http_date(0)})]
    assert remote.fetch().read_bytes() == DATA
    assert remote.slept == [7.0, 2.0, 4.0]
    page.statuses = [(429, {"Retry-After": "86400"})]
    remote.web.pages["/file"].etag = '"v2"'
    (remote.directory / "games.zst").unlink()
    with pytest.raises(DownloadError, match=r"429 Too Many Requests and asks to come back in 86,400 s"):
        remote.fetch()


def test_patience_ends(remote: Fetching) -> None:
    remote.web.pages["/file"].statuses = [(503, {})] * 50
    with pytest.raises(DownloadError, match=rf"503 Service Unavailable, {RETRIES + 1} times; try again later"):
        remote.fetch()
    assert remote.slept == [1.0, 2.0, 4.0, 8.0, 16.0]


def test_nobody_there(tmp_path: Path) -> None:
    with serving() as web:
        base = web.base
    slept: list[float] = []
    with pytest.raises(DownloadError, match=r"cannot be reached: .*refused"):
        plan(Client(sleep=slept.append), RemoteFile(f"{base}file", "x", 1), tmp_path)


def test_redirects_are_followed_and_bounded(remote: Fetching) -> None:
    base = remote.web.base
    remote.web.pages["/moved"] = remote.web.pages.pop("/file")
    remote.web.pages["/file"] = Page(b"", headers={"Location": "/moved"})
    for status in (301, 302, 307, 308):
        remote.web.pages["/file"].statuses = [(status, {"Location": "moved"})]
        with remote.client.request(f"{base}file") as response:
            assert response.status == 200
    remote.web.pages["/file"].statuses = [(302, {"Location": f"{base}file"})] * (MAX_REDIRECTS + 1)
    with pytest.raises(DownloadError, match=f"more than {MAX_REDIRECTS} redirects"):
        remote.client.text(f"{base}file")


@pytest.mark.parametrize(
    "target",
    [
        "http://example.org/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "data:,x",
        "http://[broken",
        "https:///x",
    ],
)
def test_redirects_leave_neither_https_nor_this_machine(remote: Fetching, target: str) -> None:
    remote.web.pages["/file"].statuses = [(302, {"Location": target})]
    with pytest.raises(DownloadError, match=r"only https is fetched|no proper address"):
        remote.client.text(f"{remote.web.base}file")


def test_only_https_elsewhere() -> None:
    with pytest.raises(DownloadError, match=r"http://example\.org/: only https is fetched$"):
        Client().text("http://example.org/")


@pytest.mark.parametrize("stated", [len(DATA) + 1000, 1 << 40])
def test_a_length_that_is_too_long_ends_in_an_error(remote: Fetching, stated: int) -> None:
    remote.web.pages["/file"] = Page(DATA, ranges=False, headers={"Content-Length": str(stated)})
    with pytest.raises(DownloadError, match=r"cut at 700,000 of 701,000 bytes, 6 times|which this source never has"):
        remote.fetch()
    assert "games.zst" not in remote.left() if remote.directory.exists() else True


def test_a_length_that_is_too_short_is_found_by_the_checksum(remote: Fetching) -> None:
    page = Page(DATA, headers={"Content-Length": "1000"})
    remote.web.pages["/file"] = page
    remote.web.pages["/sums"] = Page(f"{page.sha256}  games.zst\n".encode())
    with pytest.raises(DownloadError, match="has the checksum"):
        remote.fetch(remote.file(checked=True))
    assert remote.left() == []


def test_an_endless_body_is_refused(remote: Fetching) -> None:
    remote.web.pages["/file"] = Page(DATA, endless=True)
    with pytest.raises(DownloadError, match=r"more than 5,000,000 bytes, which this source never has"):
        remote.fetch(remote.file(max_bytes=5_000_000))
    assert (remote.directory / "games.zst.part").stat().st_size <= 5_000_000
    assert "games.zst" not in remote.left()


def test_a_server_that_does_not_answer_head(remote: Fetching) -> None:
    remote.web.pages["/file"].head_status = 405
    planned = plan(remote.client, remote.file(), remote.directory)
    assert (planned.size, planned.state) == (None, "new")
    assert remote.fetch().read_bytes() == DATA


def test_an_encoding_that_was_not_asked_for(remote: Fetching) -> None:
    remote.web.pages["/file"].headers = {"Content-Encoding": "gzip"}
    with pytest.raises(DownloadError, match="an encoding that was not asked for"):
        remote.fetch()


@pytest.mark.parametrize("range_", ["bytes 5-9/10", "bytes */700000", "junk", "bytes 0-699999/700000"])
def test_a_range_that_was_not_asked_for_is_not_used(remote: Fetching, range_: str) -> None:
    with pytest.raises(KeyboardInterrupt):
        fetch(remote.client, plan(remote.client, remote.file(), remote.directory), remote.directory, _stop)
    remote.web.pages["/file"].headers = {"Content-Range": range_}
    assert remote.fetch().read_bytes() == DATA
    assert remote.web.ranges()[-1] is None


def test_a_full_disk_is_found_before(remote: Fetching, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transfer, "free_bytes", lambda directory: 50 << 20)
    with pytest.raises(DownloadError, match=r"out: 700,000 bytes to fetch, 52,428,800 free; 67,108,864 must stay free"):
        remote.fetch()
    assert remote.web.ranges() == []


def test_a_directory_that_cannot_be_written(remote: Fetching) -> None:
    remote.directory.write_text("a file")
    with pytest.raises(DownloadError, match=r"cannot be written: (File exists|Not a directory)"):
        remote.fetch()


def test_one_process_a_directory(remote: Fetching) -> None:
    remote.directory.mkdir()
    lock = lock_directory(remote.directory)
    assert lock is not None
    with lock, pytest.raises(ConfigError, match="another process is at work there"):
        remote.fetch()
    assert remote.fetch().read_bytes() == DATA


def test_the_rate_is_limited(remote: Fetching) -> None:
    remote.client = Client(limit_rate=1e5, sleep=lambda seconds: remote.slept.append(seconds))
    remote.fetch()
    # 7 s for 700,000 bytes at 100 kB/s, less what the reading itself took, and pauses between the requests.
    assert 4 < sum(remote.slept) < 7.5


def test_a_damaged_note_beside_a_part_is_no_reason_to_fail(remote: Fetching) -> None:
    remote.directory.mkdir()
    for note in ("", "[]", '{"url": 1}', "\x00"):
        (remote.directory / "games.zst.part").write_bytes(b"junk")
        (remote.directory / "games.zst.part.json").write_text(note)
        assert remote.fetch().read_bytes() == DATA
        (remote.directory / "games.zst").unlink()
