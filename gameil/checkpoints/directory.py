"""Directories that are there whole or not at all: written under a temporary name, flushed to the disk, renamed."""

import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from gameil.errors import CheckpointError

REPLACED = ".replaced"
"""Suffix of the old version for the instant in which the new one takes its name."""
WRITING = ".writing"
"""Suffix of a directory that is not whole yet."""


def write_directory(path: Path, write: Callable[[Path], None]) -> None:
    """Lets ``write`` fill an empty directory, flushes it, and gives it the name ``path``, replacing an older one.

    A reader, or a run that continues after ``kill -9``, sees the old version or the new one. Between two renames
    only the name with ``REPLACED`` behind it exists, which ``existing_directory`` therefore accepts.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"{path.name}.{os.getpid()}{WRITING}")
    replaced = path.with_name(path.name + REPLACED)
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir()
    try:
        write(temporary)
        for file in temporary.iterdir():
            _flush(file)
        _flush(temporary)
        if path.exists():
            shutil.rmtree(replaced, ignore_errors=True)
            path.rename(replaced)
        temporary.rename(path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _flush(path.parent)
    shutil.rmtree(replaced, ignore_errors=True)


def existing_directory(path: Path) -> Path:
    """``path``, or the version that was just being replaced when the writer was killed."""
    replaced = path.with_name(path.name + REPLACED)
    return replaced if not path.exists() and replaced.exists() else path


def write_json(path: Path, values: Mapping[str, Any]) -> None:
    """Writes ``values`` as indented JSON."""
    path.write_text(json.dumps(values, indent=2) + "\n", encoding="utf-8")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file. Raises ``CheckpointError`` with one line when it is missing or damaged."""
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # ValueError: no JSON, no UTF-8, or a number of too many digits
        raise CheckpointError(f"{path}: not valid JSON: {error}") from error
    if not isinstance(values, dict):
        raise CheckpointError(f"{path}: an object is expected, found {type(values).__name__}")
    return values


def write_tensors(path: Path, tensors: Mapping[str, Tensor]) -> None:
    """Writes tensors as safetensors; views and channels_last tensors are laid out plainly."""
    save_file({name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}, path)


def tensor_shapes(path: Path) -> dict[str, tuple[tuple[int, ...], str]]:
    """Shape and type name (``F32``, ``BF16``, ``I64``) of every tensor in a file, from its header alone.

    Raises ``CheckpointError`` with one line when the file is missing or no safetensors file.
    """
    shapes: dict[str, tuple[tuple[int, ...], str]] = {}
    try:
        with safe_open(path, framework="pt") as file:
            for name in file.keys():  # noqa: SIM118 - the file is not a mapping
                part = file.get_slice(name)
                shapes[name] = (tuple(part.get_shape()), str(part.get_dtype()))
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: not a readable safetensors file: {error}") from error
    return shapes


def _flush(path: Path) -> None:
    """Makes what was written to a file or directory survive a power cut."""
    if path.is_dir() and os.name == "nt":
        return  # Windows cannot open directories; its renames are journaled
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
