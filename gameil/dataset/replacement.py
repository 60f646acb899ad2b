"""Datasets made whole or not at all: under another name beside their place first, then moved there in one step."""

import os
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from gameil.dataset import environment
from gameil.dataset.environment import DATA_FILE, LOCK_FILE
from gameil.dataset.label_queue import remove_queue
from gameil.errors import DatasetError


@contextmanager
def new_dataset(out: Path) -> Iterator[Path]:
    """Gives a path to make a dataset at, which becomes ``out`` at the end; after an exception nothing is left.

    Raises:
        DatasetError: ``out`` exists, or another process is making it.
    """
    if out.exists():
        raise DatasetError(f"{out}: is there already; name a new directory")
    with environment.converted(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    with _unfinished(out) as temporary:
        yield temporary
        with environment.converted(out):
            temporary.rename(out)
            _flush_directory(out.parent)


@contextmanager
def rewritten(path: Path) -> Iterator[Path]:
    """Gives a path to make a dataset at, whose file takes the place of that of the dataset ``path`` at the end.

    The old file stays until the new one is complete and on the disk, then goes in one step, so that a process killed
    at any moment leaves one of them whole. Nobody can write to ``path`` meanwhile; who reads it goes on reading the old
    file until the dataset is opened again.
    """
    environment.require_data_file(path)
    with environment.converted(path), environment.lock_writer(path), _unfinished(path) as temporary:
        yield temporary
        # Readers of the old file share their own lock file, which says nothing about the new one: it goes before, and
        # again after, should somebody have opened the old file in between.
        lock_file = path / LOCK_FILE
        lock_file.unlink(missing_ok=True)
        remove_queue(path)
        (temporary / DATA_FILE).replace(path / DATA_FILE)
        lock_file.unlink(missing_ok=True)
        _flush_directory(path)


def remove_unfinished(path: Path) -> None:
    """Removes what a killed process left beside ``path``. Raises ``DatasetError`` where a living one is at work."""
    temporary = _unfinished_path(path)
    if temporary.is_dir():
        with closing(environment.lock_writer(temporary)):
            shutil.rmtree(temporary, ignore_errors=True)


@contextmanager
def _unfinished(path: Path) -> Iterator[Path]:
    temporary = _unfinished_path(path)
    remove_unfinished(path)
    try:
        yield temporary
    except DatasetError as error:  # people know the dataset by its own name
        raise DatasetError(str(error).replace(str(temporary), str(path))) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _unfinished_path(path: Path) -> Path:
    real = Path(os.path.realpath(path))
    return real.with_name(f".{real.name}.unfinished")


def _flush_directory(path: Path) -> None:
    """Makes renames in a directory last, where the system can."""
    if os.name == "posix":
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
