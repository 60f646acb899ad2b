"""Records played by the rules in several processes, in order."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from functools import partial

from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.record import GameRecord, RecordError
from gameil.stages.processes import map_in_order

_CHUNK = 64
"""At most so many records are sent to a process together."""
_CHUNK_BYTES = 1 << 20
"""A chunk is closed at this size too: so memory has a bound, whatever the length of the games."""
_MOVE_BYTES = 64
"""What a move takes beside its text: the object, its place, its clock."""

Record = GameRecord | RecordError
Played = PlayedGame | RecordError


def transcribe_all(records: Iterable[Record], family: str, workers: int) -> Iterator[list[Played]]:
    """Yields chunks of transcribed records in the order of the records; one worker means this process."""
    return map_in_order(partial(transcribe_chunk, family=family), chunks_of(iter(records)), workers)


def transcribe_chunk(records: list[Record], family: str) -> list[Played]:
    """Plays each record by the rules; what is not of ``family`` becomes an error."""
    name = make_game(family).name
    return [_transcribe_one(record, family, name) for record in records]


def _transcribe_one(record: Record, family: str, name: str) -> Played:
    if isinstance(record, RecordError):
        return record
    if record.game != name:
        return RecordError(record.source, "other game", f"a record of {record.game}, the dataset is of {family}")
    played = transcribe(record)
    if isinstance(played, RecordError):
        return played
    found = make_game(played.game_id).family
    if found != family:
        return RecordError(record.source, "other game", f"a record of {found}, the dataset is of {family}")
    return played


def chunks_of(records: Iterator[Record]) -> Iterator[list[Record]]:
    """Consecutive records, few enough and small enough for one message."""
    chunk: list[Record] = []
    size = 0
    for record in records:
        slim = record if isinstance(record, RecordError) else _without_remarks(record)
        chunk.append(slim)
        size += 0 if isinstance(slim, RecordError) else _text_size(slim)
        if len(chunk) == _CHUNK or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _without_remarks(record: GameRecord) -> GameRecord:
    """The record without what no played game keeps: comments can be far larger than the moves."""
    return replace(record, comments={}, tolerances=()) if record.comments or record.tolerances else record


def _text_size(record: GameRecord) -> int:
    """About how many bytes the record takes in memory."""
    return _MOVE_BYTES * len(record.moves) + sum(map(len, record.moves)) + sum(map(len, record.tags.values()))
