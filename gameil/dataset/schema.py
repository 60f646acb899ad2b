"""What stands in a dataset's environment: sub-databases, keys, counts, cursors, digests.

=============  =====================================  ==========================================================
sub-database   key                                    value
=============  =====================================  ==========================================================
meta           name                                   JSON: schema version, family, split rule, filters, totals, sums
games          id (u64, big-endian)                   version byte, actions, metadata, clocks (``game_codec``)
index          chunk (u32, big-endian)                ``INDEX_DTYPE`` of ``INDEX_CHUNK`` games: decisions, hash, split
strings        ``h`` + hash / ``t`` + id (u32)         id of a text / the text
digests        128-bit digest                         id of the game kept
duplicates     id (u64) + number (u32)                provenance of one more copy of the kept game
labels         id (u64), ply (u32), expert, round     sparse policy and value (``value_codec``)
observations   id (u64), chunk (u32)                  compressed arrays, only for games that actions cannot replay
sources        hash of the name                       JSON: size, hash, records read, done, counts
rejected       number (u64)                           file, offset, reason, detail, excerpt
=============  =====================================  ==========================================================
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from gameil.dataset.split import SPLITS, Split, SplitRule
from gameil.errors import DatasetError
from gameil.positions.filters import FilterConfig
from gameil.positions.played_game import PlayedGame

__all__ = ["SPLITS", "Split", "SplitRule"]

SCHEMA_VERSION = 2
"""Version 1 had no filters, splits by content only, no counts of filtered games and no checksums (``migrations``)."""
SUB_DATABASES = (
    "meta",
    "games",
    "index",
    "strings",
    "digests",
    "duplicates",
    "labels",
    "observations",
    "sources",
    "rejected",
)

INDEX_DTYPE = np.dtype([("decisions", "<u4"), ("hash", "<u4"), ("split", "u1"), ("spare", "u1", (3,))])
"""One game's entry: players' decisions in it, first four bytes of its content digest, number of its split."""
INDEX_CHUNK = 1020
"""Games a value of ``index``: fills three pages."""
SHORT_GAME = 20
"""Games of fewer plies are told apart by players and date too: many people play the same short game."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a source has been read."""

    size: int
    """Bytes of the source file."""
    hash: str
    """Fingerprint of the source file: tells whether it is still the same one."""
    records: int = 0
    """Records (good and bad) already taken from it."""
    done: bool = False
    """The source was read to its end."""


@dataclass(slots=True)
class Counts:
    """What became of the records read: ``read == stored + duplicates + num_rejected + num_filtered``."""

    read: int = 0
    stored: int = 0
    duplicates: int = 0
    rejected: dict[str, int] = field(default_factory=dict)
    """Number of rejected records by reason."""
    filtered: dict[str, int] = field(default_factory=dict)
    """Number of games that a filter refused, by the predicate's name, or that were ``forgotten`` later."""
    plies: int = 0
    """Actions stored, setup and chance included."""
    positions: int = 0
    """Decisions of players stored: what a loader can learn from."""
    after_end: int = 0
    """Moves of records that came after the rules' end, left out."""
    tolerances: dict[str, int] = field(default_factory=dict)
    """Records read that needed a tolerance of their format, by its name (``GameRecord.tolerances``)."""

    def add(self, other: "Counts") -> None:
        """Adds ``other`` to this one in place."""
        for name in ("read", "stored", "duplicates", "plies", "positions", "after_end"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in _BY_NAME:
            mine = getattr(self, name)
            for key, number in getattr(other, name).items():
                mine[key] = mine.get(key, 0) + number

    @property
    def num_rejected(self) -> int:
        return sum(self.rejected.values())

    @property
    def num_filtered(self) -> int:
        return sum(self.filtered.values())

    @property
    def adds_up(self) -> bool:
        """Whether every record read is accounted for."""
        return self.read == self.stored + self.duplicates + self.num_rejected + self.num_filtered

    def values(self) -> dict[str, Any]:
        """Plain JSON values."""
        return {item.name: getattr(self, item.name) for item in fields(self)}

    @staticmethod
    def parse(values: Mapping[str, Any]) -> "Counts":
        """Reverse of ``values``."""
        parsed: dict[str, Any] = {name: int(number) for name, number in values.items() if name not in _BY_NAME}
        for name in _BY_NAME:
            parsed[name] = {str(key): int(number) for key, number in values.get(name, {}).items()}
        return Counts(**parsed)


_BY_NAME = ("rejected", "filtered", "tolerances")
"""Counts that have one number a name."""


@dataclass(frozen=True)
class DatasetCounts:
    """Counts over everything and by source."""

    total: Counts
    sources: dict[str, Counts]


@dataclass(frozen=True)
class DatasetMeta:
    """What a dataset is about."""

    family: str
    """Game family (``Game.family``) that all games belong to."""
    schema_version: int
    split: SplitRule
    created_with: str
    """Tool and version that made it."""
    sealed: bool = False
    """Read-only for ever."""
    filters: tuple[FilterConfig, ...] = ()
    """What every game in it has passed, in this order; games added later must pass it too. Empty where all were let in.
    """


def content_digest(played: PlayedGame) -> bytes:
    """16 bytes that are equal exactly for games with the same rules, start and actions: decides the split."""
    digest = hashlib.blake2b(digest_size=16)
    for text in (played.game_id, played.start or ""):
        data = text.encode("utf-8", "surrogatepass")
        digest.update(len(data).to_bytes(4, "little") + data)
    digest.update(played.num_setup.to_bytes(4, "little"))
    digest.update(np.ascontiguousarray(played.actions, dtype="<u4").tobytes())
    return digest.digest()


def identity_digest(played: PlayedGame, content: bytes) -> bytes:
    """16 bytes under which a game is known: two games with the same one are duplicates.

    Games people played go by content; those of fewer than ``SHORT_GAME`` plies also by the players' names and the date.
    Generated games go by match id and content: equal games of two matches both count, and a match played again by
    a snapshot trained anew is another game.
    """
    if played.match_id is not None:
        match = played.match_id.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content + match, digest_size=16, person=b"match").digest()
    if len(played.actions) >= SHORT_GAME:
        return content
    details = json.dumps([content.hex(), [player.name for player in played.players], played.date])
    return hashlib.blake2b(details.encode(), digest_size=16, person=b"short").digest()


def label_hash(key: bytes, value: bytes) -> int:
    """A number for one stored label; the sum of all of them goes into the dataset's digest."""
    return int.from_bytes(hashlib.blake2b(key + value, digest_size=16, person=b"label").digest(), "big")


def source_key(name: str) -> bytes:
    """Key of a source in ``sources`` (names may be longer than keys can be)."""
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=16, person=b"source").digest()


def pack_id(number: int) -> bytes:
    """An id as a value: big-endian without leading zeros."""
    return number.to_bytes((number.bit_length() + 7) // 8, "big")


def observation_key(game_id: int, chunk: int) -> bytes:
    """Key in ``observations``."""
    return game_id.to_bytes(8, "big") + chunk.to_bytes(4, "big")


def dump_json(value: Any) -> bytes:
    """JSON bytes of a small value of ``meta`` or ``sources``."""
    return json.dumps(value, ensure_ascii=True, sort_keys=True, separators=(",", ":")).encode()


def load_json(data: bytes, what: str) -> Any:
    """Reverse of ``dump_json``. Raises ``DatasetError`` naming ``what``."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise DatasetError(f"{what} is damaged: not JSON") from error
