"""Othello as text: what is read, how it is told from chess, and round trips through dataset records."""

import dataclasses
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records, write_records
from gameil.records.record import GameRecord, PlayerInfo, RecordError
from tests.records.reading import HERE, content, read, read_error, read_one
from tests.records.strategies import dates, lines, optional_lines, ratings, stated_lines

GAME = """[Event "World Championship - 2018"]
[Date "2018"]
[Black "Rose Brian"]
[White "Järvi Åke"]
[Result "64-0"]
1. E6 F4
2. E3 F6
3. G5 D6
4. E7 F5
5. C5

"""
WIPE_OUT = ("e6", "f4", "e3", "f6", "g5", "d6", "e7", "f5", "c5")
BEFORE_PASS = ("d3", "c3", "e6", "d2", "d1", "e1", "b2", "c1")
"""Black has no move now."""
RECORD = GameRecord(
    game="othello",
    notation="othello",
    moves=WIPE_OUT,
    source=HERE,
    players=(PlayerInfo("Rose Brian"), PlayerInfo("Järvi Åke")),
    returns=(1.0, -1.0),
    result="64-0",
    date="2018-??-??",
    event="World Championship - 2018",
)

squares = st.from_regex(r"[a-h][1-8]", fullmatch=True) | st.just("pass")
OUTCOMES = [
    ((1.0, -1.0), "39-25"),
    ((-1.0, 1.0), "0-64"),
    ((0.0, 0.0), "32-32"),
    ((1.0, -1.0), "1-0"),
    ((-1.0, 1.0), "0-1"),
    ((0.0, 0.0), "1/2-1/2"),
    (None, "*"),
]


@st.composite
def othello_records(draw: st.DrawFn) -> GameRecord:
    moves = draw(st.lists(squares, min_size=1, max_size=60))
    returns, result = draw(st.sampled_from(OUTCOMES))
    names = optional_lines.filter(lambda name: name is None or name.strip("? ") != "")
    players = draw(st.tuples(*[st.builds(PlayerInfo, names, ratings, optional_lines)] * 2))
    braced = lines.map(lambda line: " ".join(line.translate(str.maketrans("{};", "():")).split()))
    return GameRecord(
        game="othello",
        notation="othello",
        moves=tuple(moves),
        source=HERE,
        players=() if players == (PlayerInfo(), PlayerInfo()) else players,
        returns=returns,
        result=result,
        termination=draw(st.sampled_from(["rules", "resignation", "time", "agreed", "forfeit", "unknown"])),
        date=draw(dates),
        event=draw(optional_lines),
        time_control=draw(optional_lines),
        tags=draw(st.dictionaries(st.sampled_from(["Site", "Round", "TheoreticalScore", "MATCH"]), stated_lines)),
        comments=draw(st.dictionaries(st.integers(-1, len(moves) - 1), braced, max_size=3)),
    )


def test_a_game_of_the_archive_is_read_and_written_back_byte_for_byte() -> None:
    assert content(read_one("othello", GAME)) == RECORD
    assert format_record(read_one("othello", GAME), "othello") == GAME


def test_a_played_game_becomes_the_same_text() -> None:
    """Passes come and go with the rules; the wipe-out ends the game by them."""
    played = transcribe(read_one("othello", GAME))
    assert isinstance(played, PlayedGame)
    assert played.departures == ()
    assert content(to_record(played)) == dataclasses.replace(RECORD, termination="rules")
    passed = transcribe(dataclasses.replace(RECORD, moves=(*BEFORE_PASS, "b4"), result="*"))
    assert isinstance(passed, PlayedGame)
    assert 64 in passed.actions
    assert to_record(passed).moves == (*BEFORE_PASS, "b4")


def test_a_written_pass_is_played_once_and_only_where_it_is_legal() -> None:
    unwritten = transcribe(dataclasses.replace(RECORD, moves=(*BEFORE_PASS, "b4"), result="*"))
    written = transcribe(dataclasses.replace(RECORD, moves=(*BEFORE_PASS, "pass", "b4"), result="*"))
    assert isinstance(unwritten, PlayedGame)
    assert isinstance(written, PlayedGame)
    assert unwritten.actions.tolist() == written.actions.tolist()
    refused = transcribe(dataclasses.replace(RECORD, moves=("f5", "pass")))
    assert isinstance(refused, RecordError)
    assert refused.reason == "illegal move"


def test_looser_texts() -> None:
    record = read_one(
        "othello",
        '\ufeff[Game "Othello"]\r\n[BlackElo "1800"]\r\n[Date "2018.7.??"]\r\n[Termination "time forfeit"]\r\n\r\n'
        "1. f5 d6 2.c3 { a good\nmove } D3 3. -- 40-24\r\n",
    )
    assert record == GameRecord(
        game="othello",
        notation="othello",
        moves=("f5", "d6", "c3", "d3", "pass"),
        source=record.source,
        players=(PlayerInfo(None, 1800), PlayerInfo()),
        returns=(1.0, -1.0),
        result="40-24",
        termination="time",
        date="2018-07-??",
        comments={2: "a good move"},
    )
    assert read_one("othello", GAME.replace("Rose Brian", "???")).players[0] == PlayerInfo()
    latin = read_one("othello", GAME.encode("latin-1"))
    assert (latin.players[1].name, latin.tolerances) == ("Järvi Åke", ("latin-1",))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("1. E6 F4", '[Variant "Grand Othello"]\n1. E6 F4', "variant"),
        ("1. E6 F4", '[FEN "x"]\n1. E6 F4', "start position"),
        ("E7", "E9", "syntax"),
        ("E7", "Kf3", "syntax"),
        ("5. C5", "5. C5 64-0 1. F5", "syntax"),
        ("64-0", "64-1", "result"),
        ("64-0", "white", "result"),
    ],
)
def test_what_cannot_be_used_is_an_error(old: str, new: str, reason: str) -> None:
    first, error, last = read("othello", GAME + GAME.replace(old, new) + GAME)
    assert isinstance(error, RecordError)
    assert error.reason == reason
    assert isinstance(first, GameRecord)
    assert isinstance(last, GameRecord)


def test_a_game_without_moves_is_an_error() -> None:
    assert read_error("othello", GAME[: GAME.index("1. ")]).reason == "no moves"


CHESS = '[Event "x"]\n[Result "*"]\n\n1. {} *\n\n'


@pytest.mark.parametrize(
    ("text", "game"),
    [
        (GAME, "othello"),
        ("1. F5 D6\n2. C3\n\n", "othello"),
        ('[Game "othello"]\n1. d3 c5\n', "othello"),
        (CHESS.format("d3 c5"), "chess"),
        (CHESS.format("f4 d6 2. E5"), "chess"),
        (CHESS.format("{A1} e4"), "chess"),
        ("1. e4 e5", "chess"),
    ],
)
def test_content_tells_othello_from_chess_where_the_extension_is_the_same(tmp_path: Path, text: str, game: str) -> None:
    for name in ("games.pgn", "games"):
        path = tmp_path / name
        path.write_text(text)
        (record,) = read_records(path)
        assert (record.reason == "syntax") if isinstance(record, RecordError) else (record.game == game)
        assert isinstance(record, GameRecord) or game == "chess"


def test_the_game_decides_the_format_that_is_written(tmp_path: Path) -> None:
    path = tmp_path / "games.pgn"
    assert write_records(path, [RECORD, RECORD]) == 2
    assert path.read_text() == GAME * 2


def test_transcripts() -> None:
    first, second, error, last = read("othello-transcripts", "f5d6c3\r\n\nF5 D6\nf5d\nf5d6")
    assert isinstance(first, GameRecord)
    assert isinstance(second, GameRecord)
    assert isinstance(error, RecordError)
    assert isinstance(last, GameRecord)
    assert (first.moves, second.moves, last.moves) == (("f5", "d6", "c3"), ("f5", "d6"), ("f5", "d6"))
    assert (error.reason, error.source.offset) == ("syntax", 15)


def test_transcripts_are_told_by_content(tmp_path: Path) -> None:
    path = tmp_path / "games.txt"
    path.write_text("".join(WIPE_OUT) + "\n")
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    assert record.moves == WIPE_OUT


@settings(max_examples=60)
@given(record=othello_records())
def test_what_is_written_is_read_back(record: GameRecord) -> None:
    text = format_record(record, "othello")
    back = read_one("othello", text)
    assert content(back) == record
    assert back.tolerances == ()
    assert format_record(back, "othello") == text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moves": ("f9",)}, "not a square"),
        ({"game": "chess"}, "not chess"),
        ({"notation": "action"}, "in 'action'"),
        ({"clocks": (1.0,) * 9}, "clocks"),
        ({"returns": (0.5, -0.5)}, "(0.5, -0.5)"),
        ({"tags": {"White": "x"}}, "tag named 'White'"),
        ({"tags": {'x"]': "x"}}, "tag named"),
    ],
)
def test_what_the_format_cannot_carry_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordsError) as caught:
        format_record(dataclasses.replace(RECORD, **change), "othello")  # type: ignore[arg-type]
    assert message in str(caught.value)


PIECES = [
    *['[Event "x"]\n', '[Result "40-24"]', "\n", "\n\n", "1. F5 ", "D6 ", "pass ", "-- ", "40-24", "65-0 "],
    *["{", "}", ";", "[", "*", "é", "\x00", "f5d6"],
]


@pytest.mark.parametrize("format", ["othello", "othello-transcripts"])
@settings(max_examples=100)
@given(
    parts=st.lists(st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=3), max_size=40),
    drip=st.integers(1, 40),
)
def test_any_bytes_make_games_or_errors(format: str, parts: list[bytes], drip: int) -> None:
    data = b"".join(parts)
    records = read(format, data)
    assert records
    assert records == read(format, data, drip=drip)
    for record in records:
        assert 0 <= record.source.offset <= len(data)
        if isinstance(record, GameRecord):
            assert record.moves
            assert all(-1 <= index < len(record.moves) for index in record.comments)
            format_record(record, "othello")
        else:
            assert record.reason
            assert (record.detail + record.excerpt).isprintable()


@pytest.mark.parametrize("unit", ["F5 ", "{", ";", "1. ", "[", '[A "', "\n", "f5", "}", "40-24 ", "1.F5\n[A"])
def test_repetition_takes_linear_time(unit: str) -> None:
    """A quadratic pattern would need minutes for this; pytest's own time limit would then end it."""
    for format in ("othello", "othello-transcripts"):
        assert read(format, unit * (150_000 // len(unit)))


def test_a_line_too_long_for_memory_is_skipped() -> None:
    error, record = read("othello-transcripts", "f5" * (3 << 20) + "\nf5d6\n", drip=1 << 20)
    assert isinstance(error, RecordError)
    assert isinstance(record, GameRecord)
    assert (error.reason, record.moves) == ("too large", ("f5", "d6"))
