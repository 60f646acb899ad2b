"""Writes numeric trajectories (``.npz``): the games of one kind as arrays, all in memory until the end."""

import json
from collections.abc import Iterable
from typing import IO, Any

import numpy as np

from gameil.errors import RecordsError
from gameil.records.jsonl_schema import record_to_json
from gameil.records.record import GameRecord
from gameil.records.trajectories_reader import LAYOUT, OWN_KEYS


def pack_trajectories(file: IO[bytes], records: Iterable[GameRecord]) -> int:
    """Writes the games and returns their number. Raises ``RecordsError`` for what the layout cannot carry."""
    games: set[str] = set()
    lengths: list[int] = []
    actions: list[int] = []
    returns: list[tuple[float, ...] | None] = []
    details: list[str] = []
    observations: list[Any] = []
    for record in records:
        if record.notation != "number":
            raise RecordsError(f"npz holds action ids, not moves in {record.notation!r}")
        if record.setup or record.movers is not None or record.comments:
            raise RecordsError("npz cannot carry setup stones, movers or comments of a record")
        games.add(_game_id(record))
        if len(games) > 1:
            raise RecordsError(f"npz holds games of one kind, not of {' and '.join(sorted(games))}")
        lengths.append(len(record.moves))
        actions += map(int, record.moves)
        returns.append(record.returns)
        values = {key: value for key, value in record_to_json(record).items() if key not in OWN_KEYS}
        details.append(json.dumps(values, ensure_ascii=False, separators=(",", ":")) if values else "")
        if record.observations is not None:
            observations.append(record.observations)
    if not lengths:
        raise RecordsError("npz: no games to write")
    arrays: dict[str, Any] = {
        "format": np.array(LAYOUT),
        "game": np.array(games.pop()),
        "lengths": np.array(lengths, np.int64),
        "actions": np.array(actions, np.int64),
    }
    seats = max((len(values) for values in returns if values is not None), default=0)
    if seats:
        arrays["returns"] = np.array([values or (np.nan,) * seats for values in returns], np.float64)
    if any(details):
        arrays["details"] = np.array(details)
    if observations:
        if len(observations) < len(lengths) or len({values.shape[1:] for values in observations}) > 1:
            raise RecordsError("npz: observations must be there for all games or none, and of one shape")
        arrays["observations"] = np.concatenate(observations)
    np.savez_compressed(file, **arrays)
    return len(lengths)


def _game_id(record: GameRecord) -> str:
    inside = ",".join(f"{key}={value}" for key, value in sorted(record.parameters.items()))
    return f"{record.game}({inside})" if inside else record.game
