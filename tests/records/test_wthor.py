"""WTHOR files made by hand: what each number means, what is refused, and games played from them."""

import struct
import zipfile
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, PlayerInfo, RecordError
from tests.records.reading import read, read_error, read_one

WIPE_OUT = "e6 f4 e3 f6 g5 d6 e7 f5 c5"
"""The shortest game: Black takes all discs with the ninth move. Empty squares count for the winner: 64-0."""
WITH_PASS = "d3 c3 e6 d2 d1 e1 b2 c1 b4"
"""Black has no move after c1, so that White moves again."""


def header(number: int, *, year: int = 1977, size: int = 8, kind: int = 0, depth: int = 24, names: int = 0) -> bytes:
    return struct.pack("<4BIHH4B", 20, 7, 5, 22, number, names, year, size, kind, depth, 0)


def game(moves: str, discs: int = 32, *, tournament: int = 1, black: int = 1, white: int = 2, best: int = 30) -> bytes:
    squares = bytes(10 * int(square[1]) + "abcdefgh".index(square[0]) + 1 for square in moves.split())
    return struct.pack("<HHHBB", tournament, black, white, discs, best) + squares.ljust(60, b"\0")


def names(width: int, *known: str) -> bytes:
    return header(0, names=len(known)) + b"".join(name.encode("latin-1").ljust(width, b"\0") for name in known)


def with_names(directory: Path, data: bytes) -> Path:
    (directory / "Wthor.jou").write_bytes(names(20, "???", "Rose Brian", "Järvi  Åke"))
    (directory / "WTHOR.TRN").write_bytes(names(26, "Diverses parties", "World Championship"))
    path = directory / "WTH_1977.wtb"
    path.write_bytes(data)
    return path


def played(moves: str, discs: int) -> PlayedGame:
    record = read_one("wthor", header(1) + game(moves, discs))
    result = transcribe(record)
    assert isinstance(result, PlayedGame), result
    return result


def test_every_field_of_a_game_is_read(tmp_path: Path) -> None:
    (record,) = read_records(with_names(tmp_path, header(1) + game("f5 d6 c3", 40)))
    assert isinstance(record, GameRecord)
    assert record == GameRecord(
        game="othello",
        notation="othello",
        moves=("f5", "d6", "c3"),
        source=record.source,
        players=(PlayerInfo("Rose Brian"), PlayerInfo("Järvi Åke")),
        returns=(1.0, -1.0),
        result="40-24",
        date="1977-??-??",
        event="World Championship",
        tags={"TheoreticalScore": "30", "Depth": "24"},
    )
    assert (record.source.file, record.source.offset) == (str(tmp_path / "WTH_1977.wtb"), 16)


def test_games_follow_each_other_in_any_block_size() -> None:
    data = header(3) + game("f5 d6 c3", 31) + game("f5 f6", 32) + game("f5", 33)
    whole = read("wthor", data)
    assert [record.moves for record in whole if isinstance(record, GameRecord)] == [
        ("f5", "d6", "c3"),
        ("f5", "f6"),
        ("f5",),
    ]
    assert [record.source.offset for record in whole] == [16, 84, 152]
    assert [record.returns for record in whole if isinstance(record, GameRecord)] == [(-1, 1), (0, 0), (1, -1)]
    for drip in (1, 15, 67, 68, 100):
        assert read("wthor", data, drip=drip) == whole


def test_names_that_nobody_knows_are_a_tolerance(tmp_path: Path) -> None:
    unknown = game("f5", black=0) + game("f5", black=3, tournament=2)
    first, second = read_records(with_names(tmp_path, header(2) + unknown))
    assert isinstance(first, GameRecord)
    assert isinstance(second, GameRecord)
    assert first.players == second.players == (PlayerInfo(None), PlayerInfo("Järvi Åke"))
    assert (first.event, second.event) == ("World Championship", None)
    assert first.tolerances == second.tolerances == ("name missing",)
    alone = read_one("wthor", header(1) + game("f5"))
    assert (alone.players, alone.event, alone.tolerances) == ((), None, ("name missing",))


def test_names_are_found_in_the_same_folder_of_a_zip_archive(tmp_path: Path) -> None:
    path = tmp_path / "wthor.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("base/WTH_1977.wtb", header(1) + game("f5"))
        archive.writestr("base/wthor.JOU", names(20, "???", "Rose Brian", "X"))
        archive.writestr("WTHOR.TRN", names(26, "Diverses parties", "World Championship"))
    record, *others = read_records(path)
    assert isinstance(record, GameRecord)
    assert record.players == (PlayerInfo("Rose Brian"), PlayerInfo("X"))
    assert record.event is None
    assert [other.reason for other in others if isinstance(other, RecordError)] == ["unknown format"] * 2


def test_files_without_the_extension_are_known_by_their_header(tmp_path: Path) -> None:
    path = tmp_path / "games"
    path.write_bytes(header(1) + game("f5 d6"))
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    assert record.moves == ("f5", "d6")


@pytest.mark.parametrize(
    ("data", "reason", "detail"),
    [
        (header(1)[:9], "truncated", "a header has 16 bytes, these are 9"),
        (header(1, size=10) + game("f5"), "board size", "games on a 10x10 board: only 8x8 is known"),
        (header(1, kind=1) + game("f5"), "variant", "kind 1 of WTHOR file"),
        (header(0), "no records", "the header says 0 games"),
        (header(1) + game(""), "no moves", "a game without moves"),
        (header(1) + game("f5", 65), "result", "black has 65 discs on a board of 64 squares"),
        (header(1) + game("f5")[:8] + b"\x38\x09" + bytes(58), "off board", "move 2 is 9, which is no square"),
        (header(1) + game("f5")[:8] + b"\x38\0\x40" + bytes(57), "off board", "move 2 is 0, which is no square"),
    ],
)
def test_what_cannot_be_used_is_an_error(data: bytes, reason: str, detail: str) -> None:
    error = read_error("wthor", data)
    assert error.reason == reason
    assert detail in error.detail


def test_a_cut_file_keeps_its_whole_games() -> None:
    kept, error = read("wthor", header(3) + game("f5") + game("f5 d6")[:50])
    assert isinstance(kept, GameRecord)
    assert isinstance(error, RecordError)
    assert (error.reason, error.source.offset) == ("truncated", 84)
    assert error.detail == "the header says 3 games, after 1 only 50 bytes are left"


def test_more_bytes_than_the_header_says_are_an_error() -> None:
    kept, error = read("wthor", header(1) + game("f5") + game("f5 d6"))
    assert isinstance(kept, GameRecord)
    assert isinstance(error, RecordError)
    assert (error.reason, error.source.offset) == ("extra data", 84)


def test_passes_are_played_where_nothing_else_is_legal() -> None:
    result = played(WITH_PASS, 40)
    assert result.actions.tolist()[-3:] == [2, 64, 25]
    assert result.termination == "unknown"


def test_the_score_is_compared_with_the_board() -> None:
    right, wrong = played(WIPE_OUT, 64), played(WIPE_OUT, 13)
    assert (right.departures, right.termination, right.result) == ((), "rules", "64-0")
    assert (wrong.departures, wrong.result, wrong.returns) == (("score differs",), "13-51", (-1.0, 1.0))
    assert np.array_equal(right.actions, wrong.actions)


def test_an_illegal_move_is_an_error() -> None:
    error = transcribe(read_one("wthor", header(1) + game("f5 d6 a1")))
    assert isinstance(error, RecordError)
    assert error.reason == "illegal move"
    assert "move 3" in error.detail


@settings(max_examples=150)
@given(
    start=st.sampled_from([b"", header(1), header(3), header(2, size=0), header(1 << 31)]),
    rest=st.lists(st.binary(max_size=70) | st.just(game("f5 d6")) | st.just(game(WIPE_OUT, 64)), max_size=5),
    drip=st.integers(1, 80),
)
def test_any_bytes_make_games_or_errors(start: bytes, rest: list[bytes], drip: int) -> None:
    data = start + b"".join(rest)
    records = read("wthor", data)
    assert records == read("wthor", data, drip=drip)
    assert records
    for record in records:
        assert 0 <= record.source.offset <= len(data)
        if isinstance(record, GameRecord):
            assert 1 <= len(record.moves) <= 60
            assert isinstance(transcribe(record), PlayedGame | RecordError)
        else:
            assert record.reason
            assert (record.detail + record.excerpt).isprintable()


def test_binary_and_text_of_the_same_year_are_the_same_games(shared_data: Path) -> None:
    binary = list(read_records(shared_data / "othello" / "wtb" / "WTH_2018.wtb"))
    text = list(read_records(shared_data / "othello" / "text" / "WTH_2018.pgn"))
    assert len(binary) == len(text) == 2429
    assert {(record.moves, record.result) for record in binary if isinstance(record, GameRecord)} == {
        (record.moves, record.result) for record in text if isinstance(record, GameRecord)
    }
