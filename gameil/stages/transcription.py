"""Records played by the rules in several processes, in order."""

import multiprocessing
import os
import signal
import threading
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from itertools import islice

from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.record import GameRecord, RecordError

_CHUNK = 64
"""Records sent to a process together."""
_INLINE = 8
"""Chunks played here before other processes are started: a short source ends before they would be ready."""

Record = GameRecord | RecordError
Played = PlayedGame | RecordError


def transcribe_all(records: Iterable[Record], family: str, workers: int) -> Iterator[list[Played]]:
    """Yields chunks of transcribed records in the order of the records; one worker means this process."""
    chunks = _chunks(iter(records))
    for chunk in chunks if workers < 2 else islice(chunks, _INLINE):
        yield transcribe_chunk(chunk, family)
    if workers > 1 and (chunk := next(chunks, [])):
        yield from _transcribe_apart(chunk, chunks, family, workers)


def _transcribe_apart(
    first: list[Record], chunks: Iterator[list[Record]], family: str, workers: int
) -> Iterator[list[Played]]:
    context = multiprocessing.get_context("spawn")
    waiting: deque[Future[list[Played]]] = deque()
    with ProcessPoolExecutor(workers, mp_context=context, initializer=_prepare_worker) as pool:
        try:
            waiting.append(pool.submit(transcribe_chunk, first, family))
            for chunk in chunks:
                waiting.append(pool.submit(transcribe_chunk, chunk, family))
                # The oldest is waited for only when enough work is queued to keep every process busy meanwhile.
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


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


def _prepare_worker() -> None:
    """Ctrl-C is the parent's to handle, and a worker whose parent was killed must not stay behind."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
