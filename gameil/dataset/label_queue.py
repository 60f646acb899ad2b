"""Positions of a dataset that wait for people's labels: a file in the dataset's directory, one JSON object a line.

Whoever chooses the positions (``gameil label``, ``gameil dagger``) writes it whole; the site that people label on only
reads it, and puts what they say among the dataset's labels.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from gameil.dataset import environment
from gameil.errors import DatasetError

QUEUE_FILE = "label-queue.jsonl"
MOST_QUEUED = 1_000_000
"""Positions in one queue: more than people label in a lifetime."""
_LONGEST_LINE = 200


@dataclass(frozen=True, slots=True, order=True)
class QueuedPosition:
    """One position that wants a label."""

    game_id: int
    """Id of its game in the dataset."""
    ply: int
    """Number of actions before it, setup and chance included."""
    round: int
    """Round of labelling that the label will belong to."""


def write_queue(dataset: Path, positions: Sequence[QueuedPosition]) -> None:
    """Replaces the dataset's queue, whole or not at all; no positions: no queue.

    Raises:
        DatasetError: there is no such dataset, there are too many positions, or it cannot be written.
    """
    environment.require_data_file(dataset)
    if len(positions) > MOST_QUEUED:
        raise DatasetError(f"{dataset}: a label queue holds at most {MOST_QUEUED:,} positions, got {len(positions):,}")
    path = dataset / QUEUE_FILE
    if not positions:
        remove_queue(dataset)
        return
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with environment.converted(dataset):
        try:
            with temporary.open("w", encoding="ascii") as file:
                file.writelines(json.dumps(asdict(position)) + "\n" for position in positions)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)


def read_queue(dataset: Path) -> list[QueuedPosition]:
    """The positions that were queued, in their order; none where there is no queue.

    Raises:
        DatasetError: a line is no such position; nothing of a stranger's file is believed unread.
    """
    path = dataset / QUEUE_FILE
    found: list[QueuedPosition] = []
    if not path.exists():
        return found
    with environment.converted(dataset), path.open("rb") as file:
        while line := file.readline(_LONGEST_LINE + 1):
            if len(found) == MOST_QUEUED:
                raise DatasetError(f"{path}: more than {MOST_QUEUED:,} positions")
            found.append(_read_line(line, f"{path}: line {len(found) + 1}"))
    return found


def remove_queue(dataset: Path) -> None:
    """Takes the queue away: its game ids mean nothing in a dataset that was rewritten."""
    (dataset / QUEUE_FILE).unlink(missing_ok=True)


def _read_line(line: bytes, where: str) -> QueuedPosition:
    try:
        values = json.loads(line) if len(line) <= _LONGEST_LINE else None
    except (ValueError, RecursionError):
        values = None
    if not isinstance(values, dict) or set(values) != {"game_id", "ply", "round"}:
        raise DatasetError(f"{where} is no queued position: expected an object of game_id, ply and round")
    for name, bits in (("game_id", 64), ("ply", 32), ("round", 32)):
        if type(values[name]) is not int or not 0 <= values[name] < 1 << bits:
            raise DatasetError(f"{where}: {name} must be a whole number of {bits} bits from 0")
    return QueuedPosition(**values)
