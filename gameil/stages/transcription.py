"""Records played by the rules in several processes, in order."""

from collections.abc import Iterable, Iterator
from functools import partial
from itertools import islice

from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.record import GameRecord, RecordError
from gameil.stages.processes import map_in_order

_CHUNK = 64
"""Records sent to a process together."""

Record = GameRecord | RecordError
Played = PlayedGame | RecordError


def transcribe_all(records: Iterable[Record], family: str, workers: int) -> Iterator[list[Played]]:
    """Yields chunks of transcribed records in the order of the records; one worker means this process."""
    return map_in_order(partial(transcribe_chunk, family=family), _chunks(iter(records)), workers)


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


def _chunks(records: Iterator[Record]) -> Iterator[list[Record]]:
    while chunk := list(islice(records, _CHUNK)):
        yield chunk
