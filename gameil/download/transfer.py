"""Fetches a file: resumed where an earlier run stopped, checked against the published sum, there whole or not at all.

While it is incomplete the file is ``NAME.part``, and ``NAME.part.json`` says of which version of the remote file it is
the beginning. Servers say whether that version is still theirs by If-Range (RFC 9110, section 13.1.5).
"""

import email.utils
import errno
import hashlib
import io
import json
import os
import re
import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from gameil.download.client import Client, PassingError, Response, refuse_status
from gameil.download.sources import RemoteFile
from gameil.errors import DownloadError
from gameil.tracking.lock import lock_directory

BLOCK = 1 << 18
"""Bytes read at a time."""
SPARE_DISK = 64 << 20
"""Bytes that a download leaves free on the disk."""
_CONTENT_RANGE = re.compile(r"bytes (?:([0-9]{1,18})-([0-9]{1,18})|\*)/([0-9]{1,18})")


@dataclass(frozen=True)
class Plan:
    """What is to be done for one file."""

    file: RemoteFile
    size: int | None
    """Bytes of the whole file, None where the server does not say."""
    state: Literal["new", "there", "partial"]
    have: int
    """Bytes here already."""
    sha256: str | None
    """Published checksum in hexadecimal digits."""

    @property
    def remaining(self) -> int:
        """Bytes still to be fetched, as far as is known."""
        return 0 if self.state == "there" else max(0, (self.size or 0) - self.have)


@dataclass(frozen=True)
class _Version:
    """Which version of a remote file a part is the beginning of."""

    url: str
    size: int | None
    etag: str | None
    modified: str | None

    @property
    def validator(self) -> str | None:
        """What If-Range can be asked with: a strong entity tag, else the date."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


def plan(client: Client, file: RemoteFile, directory: Path) -> Plan:
    """Asks the server about a file and looks what is here already. Raises ``DownloadError``."""
    sha256 = _published_sum(client, file) if file.checksums else None
    version = client.patiently(file.url, lambda: _head(client, file))
    if version.size is not None:
        _refuse_size(file, version.size)
    target = directory / file.name
    if target.is_file() and _same(target, version, sha256):
        return Plan(file, target.stat().st_size, "there", target.stat().st_size, sha256)
    part = _Part(target)
    known = part.version(file.url)
    have = part.size() if known is not None and known.validator == version.validator else 0
    return Plan(file, version.size, "partial" if have else "new", have, sha256)


def fetch(client: Client, planned: Plan, directory: Path, progress: Callable[[int], None]) -> Path:
    """Fetches a planned file into ``directory``; ``progress`` is told how many bytes are here, block by block.

    Raises:
        DownloadError: one line. What has been fetched stays as a part unless its sum is wrong.
        ConfigError: another process is at work in ``directory``.
        KeyboardInterrupt: the part stays, and the next call goes on from it.
    """
    target = directory / planned.file.name
    if planned.state == "there":
        return target
    part = _Part(target)
    try:
        _refuse_full_disk(directory, planned.remaining)
        directory.mkdir(parents=True, exist_ok=True)
        with closing(lock_directory(directory) or io.BytesIO()):
            _finish(client, planned, part, target, progress)
    except OSError as error:
        full = ": what was fetched is kept, the same command goes on from it" if error.errno == errno.ENOSPC else ""
        raise DownloadError(f"{target}: cannot be written: {error.strerror}{full}") from error
    return target


def _finish(client: Client, planned: Plan, part: "_Part", target: Path, progress: Callable[[int], None]) -> None:
    file = planned.file
    version = client.patiently(file.url, lambda: _continue(client, file, part, progress), part.size)
    if planned.sha256 is not None:
        found = _sha256(part.path)
        if found != planned.sha256:
            part.remove()
            raise DownloadError(f"{file.url}: has the checksum {found}, published is {planned.sha256}; removed")
    seconds = _seconds(version.modified)
    if seconds is not None:
        # The date tells a later run whether the server's file is still the same one.
        os.utime(part.path, (seconds, seconds))
    part.path.replace(target)
    part.remove()


def free_bytes(directory: Path) -> int:
    """Free bytes on the disk of a directory that need not exist yet."""
    there = next(place for place in (directory, *directory.absolute().parents) if place.exists())
    return shutil.disk_usage(there).free


class _Part:
    """The incomplete file and the note beside it."""

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(f"{target.name}.part")
        self._note = target.with_name(f"{target.name}.part.json")

    def size(self) -> int:
        return self.path.stat().st_size if self.path.is_file() else 0

    def version(self, url: str) -> _Version | None:
        """The version that the part begins, None where there is none of this address."""
        try:
            version = _Version(**json.loads(self._note.read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None
        return version if version.url == url and version.validator and self.path.is_file() else None

    def begin(self, version: _Version, have: int) -> None:
        """Keeps the first ``have`` bytes and notes what they belong to."""
        with self.path.open("ab") as file:
            file.truncate(have)
        self._note.write_text(json.dumps(asdict(version)), encoding="utf-8")

    def remove(self) -> None:
        self.path.unlink(missing_ok=True)
        self._note.unlink(missing_ok=True)


def _continue(client: Client, file: RemoteFile, part: _Part, progress: Callable[[int], None]) -> _Version:
    """One request: all that is missing, or the whole file where the server has another version or no ranges."""
    known = part.version(file.url)
    have = part.size() if known else 0
    headers: dict[str, str] = {}
    if known is not None and known.validator is not None and have:
        headers = {"Range": f"bytes={have}-", "If-Range": known.validator}
    with client.request(file.url, headers=headers) as response:
        stated = _content_range(response)
        if response.status == 416 and known is not None and stated is not None and stated[1] == have:
            return known
        if response.status == 416 or (response.status == 206 and (stated is None or stated[0] != have)):
            part.remove()
            raise PassingError("the server does not go on from where it was asked to; beginning again", 0.0)
        refuse_status(file.url, response, (200, 206) if headers else (200,))
        if response.status == 200:
            have = 0
        size = stated[1] if response.status == 206 and stated else response.length
        version = _version(file.url, response, size)
        if response.status == 206 and known is not None and version.validator not in (None, known.validator):
            part.remove()
            raise PassingError("the file has changed on the server; beginning again", 0.0)
        version = known if response.status == 206 and known is not None else version
        if size is not None:
            _refuse_size(file, size)
            _refuse_full_disk(part.path.parent, size - have)
        part.begin(version, have)
        with part.path.open("ab") as out:
            while block := response.read(BLOCK):
                have += len(block)
                _refuse_size(file, have)
                out.write(block)
                progress(have)
            out.flush()
            os.fsync(out.fileno())
    if size is not None and have < size:
        raise PassingError(f"the connection was cut at {have:,} of {size:,} bytes")
    return version


def _head(client: Client, file: RemoteFile) -> _Version:
    with client.request(file.url, "HEAD") as response:
        if response.status in (403, 405, 501):
            # It does not answer questions about a file; the file itself may still be had.
            return _Version(file.url, None, None, None)
        refuse_status(file.url, response)
        return _version(file.url, response, response.length)


def _version(url: str, response: Response, size: int | None) -> _Version:
    return _Version(url, size, response.headers.get("etag"), response.headers.get("last-modified"))


def _content_range(response: Response) -> tuple[int | None, int] | None:
    """First byte (None where unsatisfied) and size of the whole, as a Content-Range header states them."""
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", ""))
    return (int(found[1]) if found[1] else None, int(found[3])) if found else None


def _published_sum(client: Client, file: RemoteFile) -> str:
    assert file.checksums is not None
    found = re.search(rf"^([0-9a-f]{{64}})[ *]+{re.escape(file.name)}\s*$", client.text(file.checksums), re.MULTILINE)
    if found is None:
        raise DownloadError(f"{file.name}: is not among the published files ({file.checksums})")
    return found[1]


def _same(target: Path, version: _Version, sha256: str | None) -> bool:
    """True where the file here is the server's."""
    status = target.stat()
    if version.size is not None and version.size != status.st_size:
        return False
    if sha256 is not None:
        return _sha256(target) == sha256
    return version.size is not None and _seconds(version.modified) in (None, int(status.st_mtime))


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _seconds(date: str | None) -> int | None:
    try:
        return int(email.utils.parsedate_to_datetime(date).timestamp()) if date else None
    except (ValueError, OverflowError):
        return None


def _refuse_size(file: RemoteFile, size: int) -> None:
    if size > file.max_bytes:
        raise DownloadError(f"{file.url}: more than {file.max_bytes:,} bytes, which this source never has")


def _refuse_full_disk(directory: Path, needed: int) -> None:
    free = free_bytes(directory)
    if needed + SPARE_DISK > free:
        raise DownloadError(f"{directory}: {needed:,} bytes to fetch, {free:,} free; {SPARE_DISK:,} must stay free")
