"""What fuzzing checks: a format's reader, or the opening of files, over any bytes, and what must hold for them all."""

import contextlib
import io
import math
import tempfile
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

from gameil.errors import RecordsError
from gameil.records.formats import format_record, known_formats, load_function, read_records
from gameil.records.record import GameRecord, RawRecord, RecordError
from gameil.records.sources import Source

PLAYED = "-played"
BATCH = 64
"""Copies of each chess game that are resolved together."""
MAX_OUTCOMES = 20_000
"""More records than any input of libFuzzer's size can hold."""


class Dripping(io.BytesIO):
    """Gives a few bytes at a time, as a slow decompressor may: records must not depend on where blocks end."""

    def __init__(self, data: bytes, size: int) -> None:
        super().__init__(data)
        self._size = size

    def read(self, size: int | None = -1, /) -> bytes:
        return super().read(min(self._size, size) if size is not None and size >= 0 else self._size)


def check_reader(format: str, data: bytes) -> None:
    """Reads ``data`` in one piece and in drips: same outcomes, in order, inside the file, printable, written back."""
    found = list(outcomes(format, io.BytesIO(data)))
    drip = 1 + len(data) % 37
    assert list(outcomes(format, Dripping(data, drip))) == found, f"other records where {drip} bytes come at a time"
    places = [outcome.source.offset for outcome in found]
    assert places == sorted(places), "records out of order"
    for outcome in found:
        assert 0 <= outcome.source.offset <= len(data), "a record outside the file"
        if isinstance(outcome, RecordError):
            assert outcome.reason
            assert outcome.detail.isprintable(), repr(outcome.detail)
            assert len(outcome.excerpt) <= 200
            assert outcome.excerpt.isprintable(), repr(outcome.excerpt)
        else:
            _check_record(outcome)
            _check_writing(outcome, format)


def outcomes(format: str, stream: io.BytesIO) -> Iterator[GameRecord | RecordError]:
    """All outcomes, each raw record parsed."""
    split: Callable[[Source], Iterator[RawRecord | RecordError]] = load_function(known_formats()[format].splitter)
    parse: Callable[[RawRecord], GameRecord | RecordError] = load_function(known_formats()[format].parser)
    data = stream.getvalue()
    # Formats with files beside them find these bytes there too.
    source = Source("memory", stream, lambda name, size: data[:size])
    for number, raw in enumerate(split(source)):
        assert number < MAX_OUTCOMES, "records without end"
        # Not through ``parse_record``, which hides what a parser raises.
        outcome = parse(raw) if isinstance(raw, RawRecord) else raw
        assert isinstance(outcome, GameRecord | RecordError), f"neither a record nor an error: {outcome!r}"
        yield outcome


def _check_record(record: GameRecord) -> None:
    number = len(record.moves)
    assert record.moves, "a record without moves"
    assert all(isinstance(move, str) for move in record.moves)
    assert record.clocks is None or len(record.clocks) == number
    assert record.movers is None or len(record.movers) == number
    assert all(-1 <= index < number for index in record.comments)
    assert record.returns is None or all(map(math.isfinite, record.returns))


def _check_writing(record: GameRecord, format: str) -> None:
    """What is written is read again as the same game, where it can be written at all."""
    if known_formats()[format].writer is None:
        return
    try:
        text = format_record(record, format)
        data = text.encode()
    except (RecordsError, UnicodeEncodeError):
        return
    again = list(outcomes(format, io.BytesIO(data)))
    assert len(again) == 1, f"written as one game, read as {len(again)}: {text!r}"
    (read,) = again
    assert isinstance(read, GameRecord), f"{read.detail}: {text!r}"
    assert _identity(read) == _identity(record), f"{_identity(read)} != {_identity(record)}"


def _identity(record: GameRecord) -> dict[str, object]:
    """What must survive being written: everything that makes the game this game."""
    kept = ("game", "notation", "moves", "movers", "setup", "start", "returns", "parameters")
    # Writers put one space where a name has other white space or control characters.
    names = ["".join(filter(str.isalnum, player.name or "")) for player in record.players]
    return {**{name: getattr(record, name) for name in kept}, "names": names if any(names) else None}


def check_file(data: bytes) -> None:
    """Opens ``data`` as a file of unknown kind: archives, compressions, all formats by content."""
    with tempfile.NamedTemporaryFile(prefix="gameil-fuzz-") as file:
        file.write(data)
        file.flush()
        outcomes: list[GameRecord | RecordError] = []
        refusal = file.name
        try:
            outcomes += islice(read_records(Path(file.name)), MAX_OUTCOMES)
        except RecordsError as error:
            refusal = str(error)
    assert file.name in refusal, refusal
    assert "\n" not in refusal, repr(refusal)
    for outcome in outcomes:
        assert isinstance(outcome, GameRecord | RecordError)
        assert not (isinstance(outcome, RecordError) and outcome.reason == "reader failed"), outcome.detail


def check_playing(format: str, data: bytes) -> None:
    """Plays what was read by the rules: a game or an error, the same where many chess games are resolved at a time."""
    from gameil.dataset.codec import UnstorableError
    from gameil.dataset.encoded_game import encode_game
    from gameil.dataset.schema import SplitRule
    from gameil.positions.chess_batch import transcribe_chess
    from gameil.positions.played_game import PlayedGame
    from gameil.positions.transcribe import transcribe

    records = [outcome for outcome in outcomes(format, io.BytesIO(data)) if isinstance(outcome, GameRecord)][:4]
    played = [transcribe(record) for record in records]
    assert all(isinstance(game, PlayedGame | RecordError) for game in played)
    encoded = []
    for game in played:
        encoded.append(None)
        if isinstance(game, PlayedGame):
            with contextlib.suppress(UnstorableError):
                encoded[-1] = encode_game(game, SplitRule())
    if any(record.game != "chess" for record in records):
        return
    # Few games are resolved one by one, so there are enough of them here.
    for pgn_extra in (False, True):
        together = transcribe_chess(records * BATCH, pgn_extra=pgn_extra)[: len(records)]
        for game, usual, stored in zip(together, played, encoded, strict=True):
            if game is not None:
                assert isinstance(usual, PlayedGame), f"refused one by one: {usual.detail}"
                assert stored == encode_game(game, SplitRule()), f"{game} != {usual}"


def check(target: str, data: bytes) -> None:
    """One input of a target: a format's name, that and ``-played``, or ``file``."""
    if target == "file":
        check_file(data)
    elif target.endswith(PLAYED):
        check_playing(target.removesuffix(PLAYED), data)
    else:
        check_reader(target, data)


def targets() -> list[str]:
    """All of them."""
    return [*known_formats(), *(name + PLAYED for name in known_formats()), "file"]
