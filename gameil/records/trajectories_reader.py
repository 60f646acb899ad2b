"""Reads numeric trajectories (``.npz``): games of one kind as arrays of action ids, for games without a notation.

Nothing in the file is run and nothing is unpickled. The arrays are read side by side, a game's rows at a time, so that
memory is bound by the largest game and not by the file. Layout: docs/formats.md.
"""

import ast
import json
import math
import re
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.records.archives import Readable
from gameil.records.jsonl_reader import read_json
from gameil.records.jsonl_schema import SchemaError, record_from_json
from gameil.records.record import GameRecord, Provenance, RawRecord, RecordError
from gameil.records.sources import Source
from gameil.records.window import excerpt
from gameil.records.zip_archive import ZipArchive

LAYOUT = "trajectories 1"
"""What the array ``format`` says."""
MAX_ACTIONS = 1 << 20
"""Most actions of one game."""
MAX_OBSERVATIONS = 64 << 20
"""Most bytes of one game's observations."""
MAX_MEMORY = 64 << 20
"""Most bytes of a file that is not read from disk, but from inside another one."""
MAX_DETAILS = 1 << 20
"""Most bytes of one game's details, and of the game's name."""
MAX_HEADER = 10_000
"""Longest description of an array, bytes."""
DTYPE = re.compile(r"[<>|=]?[biufU][0-9]{1,6}")
GAME = re.compile(r"(\w+(?::\w+)?)(?:\(([\w=.,;+-]*)\))?")
OWN_KEYS = {"game", "notation", "parameters", "moves", "returns", "movers", "setup", "comments"}
"""Fields of a record that arrays hold or that actions make needless: details may not hold them."""


class LayoutError(ValueError):
    """A file is no trajectories of this layout; the text says why."""


class _Column:
    """One array of the file, read row by row."""

    def __init__(self, data: Readable, name: str) -> None:
        self._data, self.name = data, name
        head = self._exactly(8)
        if head[:6] != b"\x93NUMPY" or head[6] not in (1, 2, 3):
            raise LayoutError(f"{name} is no array of NumPy")
        size = int.from_bytes(self._exactly(2 if head[6] == 1 else 4), "little")
        if size > MAX_HEADER:
            raise LayoutError(f"{name}: a description of {size} bytes")
        self.dtype, self.shape = _described(self._exactly(size), name)
        self.left = self.shape[0] if self.shape else 1
        self.row = self.shape[1:]
        self.row_bytes = self.dtype.itemsize * math.prod(self.row)

    def take(self, count: int, most_bytes: int) -> NDArray[Any]:
        """The next ``count`` rows. Raises ``LayoutError`` where they are too large or not there."""
        if count > self.left:
            raise LayoutError(f"{self.name} has {self.left} rows where {count} more are needed")
        if count * self.row_bytes > most_bytes:
            raise LayoutError(f"{self.name}: {count * self.row_bytes:,} bytes of one game, more than {most_bytes:,}")
        self.left -= count
        data = self._exactly(count * self.row_bytes)
        return np.frombuffer(data, self.dtype).reshape(count, *self.row)

    def _exactly(self, size: int) -> bytes:
        parts = []
        while size:
            part = self._data.read(min(size, 1 << 20))
            if not part:
                raise EOFError(f"{self.name} ends early")
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _described(header: bytes, name: str) -> tuple[np.dtype[Any], tuple[int, ...]]:
    """Type and shape of an array from its description, a literal that is never run."""
    try:
        values = ast.literal_eval(header.decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError) as error:
        raise LayoutError(f"{name}: a description that cannot be read") from error
    if not isinstance(values, dict) or values.keys() != {"descr", "fortran_order", "shape"}:
        raise LayoutError(f"{name}: a description that cannot be read")
    kind, shape = values["descr"], values["shape"]
    if not isinstance(kind, str) or not DTYPE.fullmatch(kind):
        raise LayoutError(f"{name}: values of type {str(kind)[:40]!a} are not read, only numbers and texts")
    if not isinstance(shape, tuple) or len(shape) > 8 or any(type(size) is not int or size < 0 for size in shape):
        raise LayoutError(f"{name}: a shape that cannot be read")
    if values["fortran_order"] and len(shape) > 1:
        raise LayoutError(f"{name} is in Fortran's order; write it in C's")
    try:
        dtype = np.dtype(kind)
    except TypeError as error:
        raise LayoutError(f"{name}: no type of NumPy: {kind!r}") from error
    if not dtype.itemsize:
        raise LayoutError(f"{name}: values of no size")
    return dtype, shape


def split_trajectories(source: Source) -> Iterator[RawRecord | RecordError]:
    """Yields the games, unparsed; where the file cannot be read further, an error that ends it."""
    number = 0
    try:
        file = source.file or BytesIO(_all_of(source))
        archive = ZipArchive(file)
        for raw in _games(archive, source.name):
            yield raw
            number += 1
    except LayoutError as error:
        yield RecordError(Provenance(source.name, number), "layout", excerpt(str(error)))
    except (EOFError, OSError, zipfile.BadZipFile, zlib.error) as error:
        yield RecordError(Provenance(source.name, number), "truncated", excerpt(str(error) or type(error).__name__))


def _all_of(source: Source) -> bytes:
    data = b""
    while len(data) <= MAX_MEMORY and (block := source.read()):
        data += block
    if len(data) > MAX_MEMORY:
        raise LayoutError(f"more than {MAX_MEMORY} bytes inside another file; unpack it first")
    return data


def _games(archive: ZipArchive, name: str) -> Iterator[RawRecord | RecordError]:
    columns = {}
    for key in ("format", "game", "lengths", "actions", "returns", "details", "observations"):
        member = archive.find(f"{key}.npy")
        if member is not None:
            if member.refused is not None:
                raise LayoutError(f"{key} {member.refused}")
            columns[key] = _Column(member.data, key)
    missing = [key for key in ("format", "game", "lengths", "actions") if key not in columns]
    if missing:
        raise LayoutError(f"has no array {', '.join(missing)}")
    _check_kinds(columns)
    if _text(columns["format"].take(1, MAX_DETAILS)) != LAYOUT:
        raise LayoutError(f"format is not {LAYOUT!r}")
    game = _text(columns["game"].take(1, MAX_DETAILS))
    if not GAME.fullmatch(game):
        raise LayoutError(f"not the id of a game: {game[:80]!r}")
    lengths, actions = columns["lengths"], columns["actions"]
    if not lengths.left:
        yield RecordError(Provenance(name, 0), "no records", "lengths is empty")
    for number in range(lengths.left):
        plies = int(lengths.take(1, 8)[0])
        if not 0 <= plies <= MAX_ACTIONS:
            raise LayoutError(f"a game of {plies} actions, not 0 to {MAX_ACTIONS}")
        context = {"game": game, "plies": str(plies)}
        data = actions.take(plies, 8 * MAX_ACTIONS).astype("<i8").tobytes()
        if "returns" in columns:
            context["returns"] = json.dumps(columns["returns"].take(1, MAX_DETAILS)[0].tolist())
        if "details" in columns:
            context["details"] = _text(columns["details"].take(1, MAX_DETAILS))
        if "observations" in columns:
            seen = columns["observations"]
            context["dtype"], context["row"] = seen.dtype.str, json.dumps(seen.row)
            data += seen.take(plies, MAX_OBSERVATIONS).tobytes()
        yield RawRecord("npz", data, Provenance(name, number), context)
    left = [key for key, column in columns.items() if column.left and key not in ("format", "game")]
    if left:
        raise LayoutError(f"{', '.join(left)}: more rows than lengths says")


def _check_kinds(columns: Mapping[str, _Column]) -> None:
    """Raises ``LayoutError`` where an array is of another kind or shape than the layout's."""
    kinds = {"format": "U", "game": "U", "lengths": "iu", "actions": "iu", "returns": "f", "details": "U"}
    dimensions = {"format": 0, "game": 0, "lengths": 1, "actions": 1, "returns": 2, "details": 1}
    for key, column in columns.items():
        kind = kinds.get(key, "biuf")
        if column.dtype.kind not in kind:
            raise LayoutError(f"{key} is of type {column.dtype}, not of kind {' or '.join(kind)}")
        if len(column.shape) != dimensions.get(key, len(column.shape)) or (key == "observations" and not column.shape):
            raise LayoutError(f"{key} has the shape {column.shape}")


def _text(values: NDArray[Any]) -> str:
    try:
        return str(values.reshape(-1)[0])
    except (UnicodeDecodeError, ValueError) as error:
        raise LayoutError("a text that is no Unicode") from error


def parse_trajectory(raw: RawRecord) -> GameRecord | RecordError:
    """Reads one game. Moves are action ids in the notation ``number``."""
    context = raw.context
    try:
        plies = int(context["plies"])
        actions = np.frombuffer(raw.data, "<i8", count=plies).tolist()
        if not actions:
            return RecordError(raw.source, "no moves", "a game without actions")
        if min(actions) < 0:
            return RecordError(raw.source, "action", f"action ids are not negative, got {min(actions)}")
        details = read_json(context.get("details") or "{}")
        if not isinstance(details, dict) or details.keys() & OWN_KEYS:
            raise SchemaError("details must be an object without " + ", ".join(sorted(OWN_KEYS)))
        returns = json.loads(context["returns"]) if "returns" in context else None
        if returns is not None and all(math.isnan(value) for value in returns):
            returns = None
        moves = [str(action) for action in actions]
        values = {**details, "game": "x", "notation": "number", "moves": moves, "returns": returns}
        record = record_from_json(values, raw.source)
        match = GAME.fullmatch(context["game"])
        if match is None:
            raise SchemaError(f"not the id of a game: {context['game'][:80]!r}")
        observations = None
        if "dtype" in context:
            seen = np.frombuffer(raw.data, context["dtype"], offset=8 * plies)
            observations = seen.reshape(plies, *json.loads(context["row"]))
    except SchemaError as error:
        return RecordError(raw.source, "schema", excerpt(str(error)))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return RecordError(raw.source, "syntax", excerpt(f"details that are no JSON: {error}"))
    pairs = (pair.partition("=") for pair in (match[2] or "").split(",") if pair)
    parameters = {key: value for key, _, value in pairs}
    return replace(record, game=match[1], parameters=parameters, observations=observations)
