"""LMDB environments, opened lazily once per process and shared by all handles on the same path.

LMDB must not be opened twice in one process, nor carried over a fork. So handles hold a path, and this module holds the
environments: a reader and a writer of one process use the same one, and a child process opens its own.
"""

import errno
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import lmdb

from gameil.dataset.schema import SUB_DATABASES, load_json
from gameil.errors import DatasetError

DATA_FILE = "data.mdb"
WRITER_LOCK_FILE = "writer.lock"
FIRST_MAP_SIZE = 64 << 20
"""Bytes of address space of a new dataset; doubled whenever it is full."""
LOCK_FILE = "lock.mdb"
_LOCK_BYTES = 8192
"""Size of LMDB's lock file with its usual number of readers."""
_NO_ROOM = {
    os.strerror(errno.ENOSPC): "the disk is full",
    os.strerror(errno.EDQUOT): "the disk quota is used up",
    os.strerror(errno.EFBIG): "the file may not grow so large here",
}
"""What the system says when a file cannot grow -> what is told."""
_CUT_WRITE = os.strerror(errno.EIO)
"""What LMDB says of a write that found room for its first part only."""
_LEAST_FREE_BYTES = 1 << 20
_UNWRITTEN_PAGES = 8
"""LMDB may leave a few freed pages at the end of the file unwritten; a file that lacks more than these is torn."""


class Environment:
    """The environment at one path, with the number of handles that use it. Get it by ``acquire``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.users = 0
        self.writing = False
        self.lock = threading.RLock()
        """Held during each transaction: the environment may be reopened only between them."""
        self._process = os.getpid()
        self._file: tuple[int, int] | None = None
        self._env: Any = None
        self._databases: dict[str, Any] = {}

    @contextmanager
    def read(self) -> Iterator["Reading"]:
        """A short read transaction; reopens the map where another process has let it grow."""
        with self.lock, converted(self.path):
            env = self.opened()
            try:
                transaction = env.begin(buffers=False)
            except lmdb.MapResizedError:
                env.set_mapsize(0)
                transaction = env.begin(buffers=False)
            with transaction:
                yield Reading(transaction, self._databases, self._file)

    @contextmanager
    def write(self) -> Iterator["Writing"]:
        """A write transaction: all or nothing. ``MapFullError`` (nothing was written) where the map must grow."""
        with self.lock:
            env = self.opened()
            try:
                with env.begin(write=True, buffers=False) as transaction:
                    yield Writing(transaction, self._databases, self._file)
            except lmdb.MapFullError as error:
                raise MapFullError from error

    def grow(self) -> None:
        """Doubles the map; no transaction may be open."""
        with self.lock:
            env = self.opened()
            env.set_mapsize(2 * env.info()["map_size"])

    def opened(self) -> Any:
        """The LMDB environment, opened where it is not."""
        if self._process != os.getpid():  # forked: the parent's environment must be left alone
            self._env, self._process = None, os.getpid()
        if self._env is None:
            with converted(self.path):
                env = _open_writable(self.path) if self.writing else _open_readable(self.path)
                try:
                    self._databases = _open_databases(env, self.path, writing=self.writing)
                except BaseException:
                    env.close()
                    raise
                self._env = env
                self._file = _file_number(self.path)
        return self._env

    def close_if_replaced(self) -> None:
        """Closes it where the file that was opened is no longer the one at the path (removed, made anew)."""
        with self.lock:
            if self._env is not None and _file_number(self.path) != self._file:
                self.close()

    def close(self) -> None:
        """Closes it for now: the next use opens it again."""
        with self.lock:
            if self._env is not None and self._process == os.getpid():
                self._env.close()
            self._env = None


class MapFullError(Exception):
    """The transaction was undone because the map is too small: grow and do it again."""


class Reading:
    """An open read transaction."""

    def __init__(self, transaction: Any, databases: dict[str, Any], file: tuple[int, int] | None) -> None:
        self.file = file
        """Tells the file that is read from one that takes its place later."""
        self._transaction = transaction
        self._databases = databases

    def get(self, database: str, key: bytes) -> bytes | None:
        value: bytes | None = self._transaction.get(key, db=self._databases[database])
        return value

    def items(self, database: str, start: bytes = b"", prefix: bytes = b"") -> Iterator[tuple[bytes, bytes]]:
        """Keys and values in order from ``max(start, prefix)`` on, as long as keys begin with ``prefix``."""
        cursor = self._transaction.cursor(db=self._databases[database])
        first = max(start, prefix)
        if not (cursor.set_range(first) if first else cursor.first()):
            return
        for key, value in cursor:
            if not key.startswith(prefix):
                return
            yield key, value

    def keys(self, database: str) -> Iterator[bytes]:
        """All keys in order, without touching large values."""
        cursor = self._transaction.cursor(db=self._databases[database])
        yield from cursor.iternext(keys=True, values=False)

    def size(self, database: str) -> int:
        """Number of keys."""
        entries: int = self._transaction.stat(self._databases[database])["entries"]
        return entries

    def pages(self) -> dict[str, int]:
        """Bytes of the pages that each sub-database uses."""
        used = {}
        for name, database in self._databases.items():
            stat = self._transaction.stat(database)
            used[name] = stat["psize"] * (stat["branch_pages"] + stat["leaf_pages"] + stat["overflow_pages"])
        return used


class Writing(Reading):
    """An open write transaction."""

    def put(self, database: str, key: bytes, value: bytes, *, append: bool = False) -> None:
        """Stores ``value``, replacing an older one; ``append`` where the key is known to be the greatest."""
        self._transaction.put(key, value, db=self._databases[database], append=append)


_environments: dict[str, Environment] = {}
_lock = threading.Lock()


def acquire(path: Path) -> Environment:
    """The environment at ``path``, opened on first use; each ``acquire`` needs one ``release``."""
    key = os.path.realpath(path)
    with _lock:
        environment = _environments.setdefault(key, Environment(path))
        environment.users += 1
    environment.close_if_replaced()
    return environment


def release(environment: Environment) -> None:
    """Gives up one use; the last one closes."""
    with _lock:
        environment.users -= 1
        if environment.users == 0:
            environment.close()
            _environments.pop(os.path.realpath(environment.path), None)


@contextmanager
def converted(path: Path) -> Iterator[None]:
    """Turns LMDB's and the file system's errors into one line."""
    try:
        yield
    except lmdb.Error as error:
        text = str(error)
        reason = next((reason for sign, reason in _NO_ROOM.items() if sign in text), None)
        if reason is None and _CUT_WRITE in text:
            full = _free_bytes(path) < _LEAST_FREE_BYTES
            reason = "the disk is full" if full else "a quota or a limit of file sizes is used up, or the disk fails"
        if reason is not None:
            raise DatasetError(f"{path}: {reason}; what was committed before is kept") from error
        if isinstance(error, lmdb.InvalidError | lmdb.VersionMismatchError | lmdb.CorruptedError):
            raise DatasetError(f"{path}: not a dataset: {DATA_FILE} is no LMDB file of this version") from error
        raise DatasetError(f"{path}: LMDB says: {text.splitlines()[0]}") from error
    except OSError as error:
        reason = _NO_ROOM.get(os.strerror(error.errno or 0))
        if reason is not None:
            raise DatasetError(f"{path}: {reason}; what was committed before is kept") from error
        raise DatasetError(f"{path}: {error.strerror or error}") from error


def _free_bytes(path: Path) -> int:
    """Bytes that the disk of ``path`` has left for this user."""
    present = next(parent for parent in (path, *path.absolute().parents) if parent.exists())
    return shutil.disk_usage(present).free


def _file_number(path: Path) -> tuple[int, int] | None:
    try:
        status = (path / DATA_FILE).stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino


def lock_writer(path: Path) -> IO[bytes]:
    """The lock that makes its holder the only writer until it is closed or the process ends, however it ends."""
    file = (path / WRITER_LOCK_FILE).open("ab")
    try:
        _lock_file(file)
    except OSError as error:
        file.close()
        raise DatasetError(f"{path}: another process is writing to this dataset; wait until it has ended") from error
    return file


def _lock_file(file: IO[bytes]) -> None:
    try:
        import fcntl
    except ImportError:  # Windows
        import msvcrt

        windows: Any = msvcrt
        windows.locking(file.fileno(), windows.LK_NBLCK, 1)
    else:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _open_readable(path: Path) -> Any:
    require_data_file(path)
    options: dict[str, Any] = {
        "readonly": True,
        "create": False,
        "readahead": False,
        "max_dbs": 2 * len(SUB_DATABASES),
    }
    env = lmdb.open(str(path), lock=False, **options)
    try:
        _refuse_torn(env, path)
        if _is_sealed(env):
            return env
    except BaseException:
        env.close()
        raise
    env.close()
    _allocate_lock_file(path)
    try:
        return lmdb.open(str(path), lock=True, **options)
    except (lmdb.ReadonlyError, lmdb.Error) as error:
        if not any(text in str(error) for text in ("Read-only", "Permission denied")):
            raise
        return lmdb.open(str(path), lock=False, **options)  # nobody can write here, so no lock is needed


def _open_writable(path: Path) -> Any:
    data_file = path / DATA_FILE
    size = data_file.stat().st_size if data_file.exists() else 0
    map_size = max(FIRST_MAP_SIZE, 2 * size)
    _allocate_lock_file(path)
    env = lmdb.open(str(path), map_size=map_size, readahead=False, max_dbs=2 * len(SUB_DATABASES))
    if size:
        _refuse_torn(env, path)
    return env


def _allocate_lock_file(path: Path) -> None:
    """Gives LMDB's lock file its blocks, where the system can; LMDB writes to it through a map, and a page without a
    place on a full disk would end the process. Its content is left alone: others may be using it."""
    file = path / LOCK_FILE
    if not hasattr(os, "posix_fallocate") or (file.exists() and file.stat().st_blocks * 512 >= _LOCK_BYTES):
        return
    try:
        descriptor = os.open(file, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        if os.strerror(error.errno or 0) in _NO_ROOM:
            raise
        return  # not writable for us: LMDB decides what that means
    try:
        os.posix_fallocate(descriptor, 0, _LOCK_BYTES)
    except OSError as error:
        if os.strerror(error.errno or 0) in _NO_ROOM:
            raise
    finally:
        os.close(descriptor)


def require_data_file(path: Path) -> None:
    """Raises unless ``path`` looks like a dataset from outside."""
    if not path.exists():
        raise DatasetError(f"{path}: no such dataset")
    if not path.is_dir():
        raise DatasetError(f"{path}: not a dataset (a dataset is a directory with a file {DATA_FILE})")
    if not (path / DATA_FILE).is_file():
        raise DatasetError(f"{path}: not a dataset (it has no file {DATA_FILE})")


def _refuse_torn(env: Any, path: Path) -> None:
    """Reading behind the end of a mapped file would end the process, so a cut-off file is found out first."""
    needed = (env.info()["last_pgno"] + 1 - _UNWRITTEN_PAGES) * env.stat()["psize"]
    size = (path / DATA_FILE).stat().st_size
    if size < needed:
        raise DatasetError(f"{path}: torn: {DATA_FILE} has {size:,} bytes of at least {needed:,}; copy it again")


def _is_sealed(env: Any) -> bool:
    try:
        meta = env.open_db(b"meta", create=False)
    except lmdb.NotFoundError:
        return False
    with env.begin(db=meta) as transaction:
        value = transaction.get(b"sealed")
    return value is not None and bool(load_json(value, "meta/sealed"))


def _open_databases(env: Any, path: Path, *, writing: bool) -> dict[str, Any]:
    """All sub-databases by name; they are made, all at once, only in an environment that is quite empty."""
    try:
        if writing and env.stat()["entries"] == 0:
            with env.begin(write=True) as transaction:
                return {name: env.open_db(name.encode(), txn=transaction) for name in SUB_DATABASES}
        return {name: env.open_db(name.encode(), create=False) for name in SUB_DATABASES}
    except (lmdb.NotFoundError, lmdb.ReadonlyError) as error:
        raise DatasetError(f"{path}: not a dataset of gameil: an LMDB file without its sub-databases") from error
