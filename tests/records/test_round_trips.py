"""What is written is read back, for everything that a format can carry; what it cannot carry is refused."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.records.formats import format_record, read_records, record_format, write_records
from gameil.records.record import GameRecord
from tests.records.reading import HERE, content, read, read_one
from tests.records.strategies import RECORDS

CHESS = GameRecord("chess", "san", ("e4", "e5"), HERE, result="1-0", returns=(1.0, -1.0))
GO = GameRecord("go", "sgf", ("aa", ""), HERE, parameters={"board_size": 9}, movers=(0, 1))


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=60)
@given(data=st.data())
def test_one_record(format: str, data: st.DataObject) -> None:
    record = data.draw(RECORDS[format])
    back = read_one(format, format_record(record, format))
    assert content(back) == record
    assert back.tolerances == ()


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=10)
@given(data=st.data())
def test_many_records_in_one_file(format: str, data: st.DataObject) -> None:
    records = data.draw(st.lists(RECORDS[format], max_size=6))
    text = "".join(format_record(record, format) for record in records)
    back = read(format, text) if records else []
    assert [content(record) for record in back if isinstance(record, GameRecord)] == records
    assert [text.encode()[record.source.offset :][:1] for record in back] == [
        {"pgn": b"[", "sgf": b"(", "jsonl": b"{"}[format]
    ] * len(records)


@pytest.mark.parametrize("format", RECORDS)
@settings(max_examples=15)
@given(data=st.data())
def test_reading_and_writing_again_changes_nothing(format: str, data: st.DataObject) -> None:
    text = format_record(data.draw(RECORDS[format]), format)
    assert format_record(read_one(format, text), format) == text


def test_pgn_as_written() -> None:
    record = dataclasses.replace(
        CHESS, moves=("e4", "e5", "Nf3"), clocks=(3600.0, None, 0.5), comments={1: 'a "b" }'}, tags={"ECO": "C20"}
    )
    assert format_record(record, "pgn") == (
        '[Event "?"]\n[Site "?"]\n[Date "????.??.??"]\n[Round "?"]\n[White "?"]\n[Black "?"]\n[Result "1-0"]\n'
        '[ECO "C20"]\n\n'
        '1. e4 { [%clk 1:00:00] } 1... e5 { a "b" ) } 2. Nf3 { [%clk 0:00:00.5] } 1-0\n\n'
    )


def test_pgn_numbers_from_the_start_position() -> None:
    record = dataclasses.replace(CHESS, start="8/8/8/4k3/8/8/4K3/8 b - - 3 41", moves=("Kd5", "Kd3", "Ke5"))
    assert "\n41... Kd5 42. Kd3 Ke5 1-0\n" in format_record(record, "pgn")


def test_pgn_lines_are_at_most_80_characters() -> None:
    text = format_record(dataclasses.replace(CHESS, moves=("Nf3", "Nf6", "Ng1", "Ng8") * 50), "pgn")
    assert max(map(len, text.splitlines())) <= 80


def test_sgf_as_written() -> None:
    record = dataclasses.replace(
        GO, setup=((0, "dd"), (0, "ff")), movers=(1, 0), tags={"RU": "Japanese", "Match": "a:b]"}, comments={0: "x\\"}
    )
    assert format_record(record, "sgf") == (
        "(;GM[1]FF[4]CA[UTF-8]SZ[9]RU[Japanese]XT[Match:a:b\\]]AB[dd][ff]\n;W[aa]C[x\\\\];B[])\n"
    )


def test_outcomes_without_a_result_text_are_written() -> None:
    chess = dataclasses.replace(CHESS, result="*", returns=(0.0, 0.0))
    assert read_one("pgn", format_record(chess, "pgn")).returns == (0.0, 0.0)
    go = dataclasses.replace(GO, result="*", returns=(-1.0, 1.0), termination="time")
    back = read_one("sgf", format_record(go, "sgf"))
    assert (back.returns, back.termination, back.result) == ((-1.0, 1.0), "time", "W+T")


@pytest.mark.parametrize(
    ("record", "format", "message"),
    [
        (GO, "pgn", "pgn holds chess in SAN, not go"),
        (CHESS, "sgf", "sgf holds go in SGF points and hex in cells, not chess"),
        (dataclasses.replace(CHESS, notation="uci"), "pgn", "not chess in 'uci'"),
        (dataclasses.replace(CHESS, moves=("e4}",)), "pgn", "not a SAN move"),
        (dataclasses.replace(CHESS, setup=((0, "aa"),)), "pgn", "setup stones"),
        (dataclasses.replace(CHESS, parameters={"rows": 9}), "pgn", "rows"),
        (dataclasses.replace(CHESS, returns=(0.5, -0.5)), "pgn", "(0.5, -0.5)"),
        (dataclasses.replace(CHESS, tags={'x"]': "y"}), "pgn", "tag named"),
        (dataclasses.replace(GO, moves=("a]",), movers=(0,)), "sgf", "the move 'a]'"),
        (dataclasses.replace(GO, parameters={"handicap": 2}), "sgf", "handicap"),
        (dataclasses.replace(GO, tags={"a b": "y"}), "sgf", "tag named"),
        (dataclasses.replace(CHESS, returns=(float("nan"), 0.0)), "jsonl", "jsonl cannot carry"),
        (dataclasses.replace(CHESS, moves=()), "jsonl", "moves is empty"),
        (CHESS, "xml", "unknown format 'xml'; known are "),
    ],
)
def test_what_a_format_cannot_carry_is_refused(record: GameRecord, format: str, message: str) -> None:
    with pytest.raises(RecordsError) as caught:
        format_record(record, format)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("game", "format"), [("chess", "pgn"), ("go", "sgf"), ("othello", "othello"), ("nim", "jsonl")]
)
def test_each_game_has_its_format(game: str, format: str) -> None:
    assert record_format(game) == format


def test_files_are_written_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    assert write_records(path, [CHESS, CHESS]) == 2
    assert [content(record) for record in read_records(path) if isinstance(record, GameRecord)] == [CHESS, CHESS]
    before = path.read_bytes()
    with pytest.raises(RecordsError):
        write_records(path, [CHESS, GO])
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == ["games.pgn"]


@pytest.mark.parametrize("name", ["games.txt", "games", "missing/games.pgn"])
def test_paths_that_cannot_be_written_are_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(RecordsError, match="games"):
        write_records(tmp_path / name, [CHESS])
