"""What the processes of ingestion do: raw records are parsed, played by the rules, filtered and encoded, in order."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial

from gameil.dataset.codec import UnstorableError
from gameil.dataset.encoded_game import EncodedGame, encode_game
from gameil.dataset.schema import SplitRule
from gameil.games.registry import make_game
from gameil.positions.chess_batch import is_replayed, transcribe_chess
from gameil.positions.filters import FilterConfig, Filtered, refused_by
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import seen_as, transcribe
from gameil.records.formats import parse_record
from gameil.records.record import GameRecord, Provenance, RawRecord, RecordError
from gameil.stages.processes import map_in_order

MOST_RECORDS = 512
"""At most so many records are sent to a process together."""
_MOST_BYTES = 1 << 20
"""A chunk is closed at this size too: so memory has a bound, whatever the length of the games."""

Raw = RawRecord | RecordError
_Sent = tuple[str, bytes, str, int, dict[str, str]] | RecordError
"""A raw record as plain values: a tuple of them travels many times faster than the object."""


@dataclass(frozen=True)
class ChunkWork:
    """What is done to every record of a dataset; sent to the processes with each chunk."""

    family: str
    """The dataset's: a record of another game is an error."""
    filters: tuple[FilterConfig, ...]
    split: SplitRule
    pgn_extra: bool = True
    """Whether moves of chess are resolved by the Rust reader where it is installed."""


@dataclass(frozen=True)
class Transcribed:
    """What became of a chunk of records, ready for the writer."""

    outcomes: list[EncodedGame | RecordError | Filtered]
    """One for each record, in their order."""
    tolerances: dict[str, int]
    """Records that needed a tolerance of their format, by its name."""
    resolved: int = 0
    """Games whose moves were resolved many at a time."""
    replayed: int = 0
    """How many of them the rules engine played too, with the same result."""


def transcribe_all(
    raws: Iterable[Raw], work: ChunkWork, workers: int, most: int = MOST_RECORDS
) -> Iterator[Transcribed]:
    """Yields chunks of at most ``most`` transcribed records in the order of the records.

    ``workers`` is the number of processes, this one included; 0 for one each processor.
    """
    return map_in_order(partial(_transcribe_sent, work=work), map(_pack, chunks_of(iter(raws), most)), workers)


def chunks_of(raws: Iterator[Raw], most: int) -> Iterator[list[Raw]]:
    """Consecutive raw records, few enough and small enough for one message."""
    chunk: list[Raw] = []
    size = 0
    for raw in raws:
        chunk.append(raw)
        size += len(raw.data) if isinstance(raw, RawRecord) else 0
        if len(chunk) == most or size >= _MOST_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _pack(chunk: list[Raw]) -> list[_Sent]:
    return [
        raw
        if isinstance(raw, RecordError)
        else (raw.format, raw.data, raw.source.file, raw.source.offset, dict(raw.context))
        for raw in chunk
    ]


def _transcribe_sent(sent: list[_Sent], work: ChunkWork) -> Transcribed:
    raws: list[Raw] = []
    for item in sent:
        if isinstance(item, RecordError):
            raws.append(item)
        else:
            format, data, file, offset, context = item
            raws.append(RawRecord(format, data, Provenance(file, offset), context))
    return transcribe_chunk(raws, work)


def transcribe_chunk(raws: list[Raw], work: ChunkWork) -> Transcribed:
    """Parses, plays, filters and encodes each record."""
    tolerances: Counter[str] = Counter()
    outcomes: list[EncodedGame | RecordError | Filtered] = []
    records = [raw if isinstance(raw, RecordError) else parse_record(raw) for raw in raws]
    together = _play_together(records, work)
    for record, resolved in zip(records, together, strict=True):
        if isinstance(record, GameRecord):
            tolerances.update(set(record.tolerances))
            played = resolved or _play(record, work.family, tolerances)
        else:
            played = record
        outcomes.append(_encode(played, work) if isinstance(played, PlayedGame) else played)
    games = [game for game in together if game is not None]
    return Transcribed(outcomes, dict(tolerances), len(games), sum(map(is_replayed, games)))


def _play_together(records: list[GameRecord | RecordError], work: ChunkWork) -> list[PlayedGame | None]:
    """The games that can be played all at once; None in the places of the others."""
    if work.family != "chess":
        return [None] * len(records)
    return transcribe_chess(records, pgn_extra=work.pgn_extra)


def _play(record: GameRecord, family: str, tolerances: Counter[str]) -> PlayedGame | RecordError:
    """The game by its rules; what is not of ``family`` is an error."""
    if record.game != make_game(family).name:
        return RecordError(record.source, "other game", f"a record of {record.game}, the dataset is of {family}")
    played = transcribe(seen_as(record, family))
    if isinstance(played, RecordError):
        return played
    tolerances.update(played.departures)
    found = make_game(played.game_id).family
    if found != family:
        return RecordError(record.source, "other game", f"a record of {found}, the dataset is of {family}")
    return played


def _encode(played: PlayedGame, work: ChunkWork) -> EncodedGame | RecordError | Filtered:
    refused = refused_by(played, work.filters) if work.filters else None
    if refused is not None:
        return Filtered(played.source, refused)
    try:
        return encode_game(played, work.split)
    except UnstorableError as error:
        return RecordError(played.source, "not storable", str(error))
