"""Checkpoints: all that a run needs to go on as if it had never stopped.

One is a directory ``step-000001200/`` with ``tensors.safetensors`` (weights, averages, optimiser moments) and
``state.json`` (step, data position, random streams, schedules, best results, configuration digest).
"""

import hashlib
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from safetensors.torch import load_file
from torch import Tensor

from gameil.checkpoints.directory import REPLACED, WRITING, read_json, write_directory, write_json, write_tensors
from gameil.errors import CheckpointError

FORMAT_VERSION = 1
TENSORS = "tensors.safetensors"
STATE = "state.json"


@dataclass(frozen=True, slots=True, eq=False)
class Checkpoint:
    """What was saved."""

    step: int
    """Gradient updates done when it was saved."""
    tensors: dict[str, Tensor]
    """On the CPU, by the names they were saved under."""
    state: dict[str, Any]
    """Plain JSON values."""


class CheckpointStore:
    """The checkpoints of one run, the newest ``keep`` of them."""

    def __init__(self, directory: Path, keep: int = 2) -> None:
        if keep < 1:
            raise CheckpointError(f"a run must keep at least 1 checkpoint, got {keep}")
        self.directory = directory
        self.keep = keep

    def save(self, step: int, tensors: dict[str, Tensor], state: dict[str, Any]) -> None:
        """Saves one checkpoint, whole or not at all, then removes the oldest beyond ``keep``."""

        def write(directory: Path) -> None:
            write_tensors(directory / TENSORS, tensors)
            card = {"format_version": FORMAT_VERSION, "step": step, "tensors_digest": _digest(directory / TENSORS)}
            write_json(directory / STATE, {**card, "state": state})

        for leftover in self.directory.glob(f"step-*{WRITING}"):  # of a run that was killed while saving
            shutil.rmtree(leftover, ignore_errors=True)
        write_directory(self.directory / f"step-{step:09d}", write)
        for old in self._newest_first()[self.keep :]:
            shutil.rmtree(old, ignore_errors=True)

    def latest(self) -> Checkpoint | None:
        """The newest checkpoint that is whole, skipping damaged ones; None where there is none at all.

        Raises ``CheckpointError`` when there are checkpoints but none of them is whole, or one has another version:
        starting from nothing without a word would be worse.
        """
        damage: list[str] = []
        for directory in self._newest_first():
            try:
                return _read(directory)
            except CheckpointError as error:
                damage.append(str(error))
        if damage:
            raise CheckpointError(f"{self.directory}: no whole checkpoint: {damage[0]}")
        return None

    def at(self, step: int) -> Checkpoint:
        """The checkpoint of one step. Raises ``CheckpointError`` when it is not there, or not whole."""
        return _read(self.directory / f"step-{step:09d}")

    def _newest_first(self) -> list[Path]:
        found = [path for path in self.directory.glob("step-*") if path.suffix not in (REPLACED, WRITING)]
        return sorted(found, reverse=True)


def _read(directory: Path) -> Checkpoint:
    card = read_json(directory / STATE)
    if card.get("format_version") != FORMAT_VERSION:
        raise CheckpointError(
            f"{directory}: checkpoint format {card.get('format_version')!r}, this gameil reads {FORMAT_VERSION}"
        )
    for key in ("step", "state", "tensors_digest"):
        if key not in card:
            raise CheckpointError(f"{directory / STATE}: damaged: it has no {key!r}")
    path = directory / TENSORS
    if not path.is_file():
        raise CheckpointError(f"{path}: missing")
    if _digest(path) != card["tensors_digest"]:
        raise CheckpointError(f"{path}: damaged: its contents are not the ones that were saved")
    return Checkpoint(step=int(card["step"]), tensors=load_file(path), state=card["state"])


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
