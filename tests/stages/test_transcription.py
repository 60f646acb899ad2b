"""Chunks of records: small enough in number and in bytes, without what nobody keeps, and in order."""

from dataclasses import replace

from gameil.positions.to_record import to_record
from gameil.records.record import GameRecord, Provenance, RecordError
from gameil.stages.transcription import chunks_of, transcribe_all, transcribe_chunk
from tests.strategies import random_game, same_game


def records(number: int) -> list[GameRecord]:
    return [to_record(random_game("tic_tac_toe", index)) for index in range(number)]


def sent(items: list[GameRecord | RecordError]) -> list[list[GameRecord | RecordError]]:
    """The chunks as a process gets them."""
    return list(chunks_of(iter(items)))


def test_long_games_travel_in_small_chunks() -> None:
    (short,) = records(1)
    long = replace(short, moves=short.moves * 2000)
    chunks = sent([long] * 50 + [short] * 200)
    assert sum(map(len, chunks)) == 250
    assert max(sum(len(record.moves) for record in chunk) for chunk in chunks) * 64 < 3 << 20
    assert max(map(len, chunks)) == 64
    assert [record for chunk in chunks for record in chunk] == [long] * 50 + [short] * 200


def test_comments_are_not_sent() -> None:
    (plain,) = records(1)
    spoken = replace(plain, comments={0: "x" * 10_000_000}, tolerances=("a",))
    error = RecordError(Provenance("x", 0), "syntax", "y")
    ((record, same_error),) = sent([spoken, error])
    assert record == plain
    assert same_error is error
    assert spoken.comments, "the record itself is left as it is"


def test_the_order_is_kept_and_the_games_are_those_of_one_process() -> None:
    items = records(130)
    found = [item for chunk in transcribe_all(items, "tic_tac_toe", 1) for item in chunk]
    expected = transcribe_chunk(list(items), "tic_tac_toe")
    assert all(same_game(one, two) for one, two in zip(found, expected, strict=True))
