"""One process a run directory: a second one would write into the same log and checkpoints."""

from pathlib import Path
from typing import IO

from gameil.errors import ConfigError

LOCK_FILE = ".lock"


def lock_directory(directory: Path) -> IO[bytes] | None:
    """Holds ``directory`` until the returned file is closed or the process ends, however it ends.

    None where the system has no such locks (Windows). Raises ``ConfigError`` when another process holds it.
    """
    try:
        import fcntl
    except ImportError:
        return None
    file = (directory / LOCK_FILE).open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        file.close()
        raise ConfigError(f"{directory}: another process is at work there; wait for it or stop it first") from error
    return file
