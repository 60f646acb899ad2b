"""English draughts in PDN: what is read, which captures a written move means, and round trips."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.games.draughts_notation import read_squares
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records, write_records
from gameil.records.record import GameRecord, PlayerInfo, RecordError
from gameil.seeding import generator
from tests.records.reading import HERE, content, read, read_error, read_one
from tests.records.strategies import dates, lines, optional_lines, ratings, stated_lines

GAME = """[Event "Club match"]
[Date "1999.05.??"]
[Black "First, A."]
[White "Second, B."]
[Result "1-0"]
[GameType "21"]

1. 11-15 22-18 2. 15x22 25x18 3. 8-11 29-25 1-0

"""
MOVES = ("11-15", "22-18", "15x22", "25x18", "8-11", "29-25")
RECORD = GameRecord(
    game="checkers",
    notation="draughts",
    moves=MOVES,
    source=HERE,
    players=(PlayerInfo("First, A."), PlayerInfo("Second, B.")),
    returns=(1.0, -1.0),
    result="1-0",
    date="1999-05-??",
    event="Club match",
)
DOUBLE = ("11-15", "23-19", "8-11", "22-17", "11-16", "24-20", "16x23", "27x18x11")
"""A line of the books in which White takes two men with one move."""

numbers = st.integers(1, 32)
paths = st.lists(numbers, min_size=2, max_size=5, unique=True).map(lambda squares: list(map(str, squares)))
written_moves = paths.map(lambda squares: "-".join(squares[:2])) | paths.map("x".join)
OUTCOMES = [
    ((1.0, -1.0), "1-0"),
    ((-1.0, 1.0), "0-1"),
    ((0.0, 0.0), "1/2-1/2"),
    ((1.0, -1.0), "2-0"),
    (None, "0-0"),
    (None, "*"),
]


@st.composite
def draughts_records(draw: st.DrawFn) -> GameRecord:
    moves = draw(st.lists(written_moves, min_size=1, max_size=40))
    returns, result = draw(st.sampled_from(OUTCOMES))
    players = draw(st.tuples(*[st.builds(PlayerInfo, optional_lines, ratings, optional_lines)] * 2))
    braced = lines.map(lambda line: " ".join(line.translate(str.maketrans("{};", "():")).split()))
    return GameRecord(
        game="checkers",
        notation="draughts",
        moves=tuple(moves),
        source=HERE,
        players=() if players == (PlayerInfo(), PlayerInfo()) else players,
        returns=returns,
        result=result,
        termination=draw(st.sampled_from(["rules", "resignation", "time", "agreed", "forfeit", "unknown"])),
        date=draw(dates),
        event=draw(optional_lines),
        time_control=draw(optional_lines),
        tags=draw(st.dictionaries(st.sampled_from(["Site", "Round", "MATCH"]), stated_lines)),
        comments=draw(st.dictionaries(st.integers(-1, len(moves) - 1), braced, max_size=3)),
    )


def play(*moves: str) -> PlayedGame | RecordError:
    return transcribe(dataclasses.replace(RECORD, moves=moves))


def test_a_game_is_read_and_written_back() -> None:
    assert content(read_one("pdn", GAME)) == RECORD
    assert format_record(RECORD, "pdn") == GAME


def test_looser_texts() -> None:
    record = read_one(
        "pdn",
        '[GameType "21,B,8,8,N1,0"]\r\n[BlackElo "2100"]\r\n[Date "1841-??-??"]\r\n[Setup "1"]\r\n'
        '[FEN "B:W21,22,23,24,25,26,27,28,29,30,31,32:B1,2,3,4,5,6,7,8,9,10,11,12."]\r\n\r\n'
        "% a line\r\n1. 11-15! {good} 22-18* 2. 15x\n22 (2. 15:22 25x18 (x) {y}) 25:18(?) $3\r\n3... 08-11 1/2-1/2"
        " {end}",
    )
    assert record == dataclasses.replace(
        RECORD,
        source=record.source,
        moves=MOVES[:5],
        players=(PlayerInfo(None, 2100), PlayerInfo()),
        returns=(0.0, 0.0),
        result="1/2-1/2",
        date="1841-??-??",
        event=None,
        comments={-1: "a line", 0: "good", 4: "end"},
        tolerances=("spaces in a move",),
    )


def test_squares_are_counted_from_the_first_players_right() -> None:
    """By hand: 11 is the second man from the left in Black's third row, c3 for the engine; 15 is d4."""
    game = play("11-15", "22-18")
    assert isinstance(game, PlayedGame)
    state = make_game("checkers").initial_state()
    texts = []
    for action in game.actions.tolist():
        texts.append(state.text(action))
        state.apply(action)
    assert texts == ["c3d4", "f6e5"]


def test_one_written_move_is_all_its_jumps() -> None:
    full = play(*DOUBLE)
    assert isinstance(full, PlayedGame)
    assert len(full.actions) == 9
    short = play(*DOUBLE[:-1], "27x11")
    assert isinstance(short, PlayedGame)
    assert short.actions.tolist() == full.actions.tolist()
    assert to_record(full).moves == to_record(short).moves == DOUBLE
    broken_off = play(*DOUBLE[:-1], "27x18")
    assert isinstance(broken_off, PlayedGame)
    assert broken_off.actions.tolist() == full.actions.tolist()[:8]
    assert to_record(broken_off).moves == (*DOUBLE[:-1], "27x18")


@pytest.mark.parametrize(
    ("moves", "reason", "detail"),
    [
        (("11-15", "22-18", "8-11"), "illegal move", "'8-11' is illegal"),  # a capture is possible, so it must be made
        (("11-16", "33-28"), "malformed move", "'33-28' is malformed"),
        (("11-15", "a3b4"), "malformed move", "'a3b4' is malformed"),
        ((*DOUBLE[:-1], "27x18x12"), "illegal move", "'27x18x12' is illegal"),
        ((*DOUBLE[:-1], "27x18", "7x16"), "illegal move", "'7x16' is illegal"),  # the capture goes on
    ],
)
def test_moves_that_the_rules_refuse(moves: tuple[str, ...], reason: str, detail: str) -> None:
    error = play(*moves)
    assert isinstance(error, RecordError)
    assert error.reason == reason
    assert detail in error.detail


@pytest.mark.parametrize(
    ("old", "new", "reason", "detail"),
    [
        ('"21"', '"20"', "variant", "game type 20, international draughts: only 21 is read"),
        ('"21"', '"99"', "variant", "game type 99, unknown"),
        ("29-25", "32-37", "variant", "square 37: English draughts has 32"),
        ("1. ", '[FEN "B:WK21:B1"]\n1. ', "start position", "usual start"),
        ("1. ", '[FEN "x"]\n1. ', "start position", "usual start"),
        ("29-25", "c3-d4", "syntax", "after 5 moves: c3-d4"),
        ("29-25", "/FEN/", "syntax", "/FEN/"),
        ("29-25 1-0", "29-25 1-0 1. 9-13", "syntax", "1. 9-13"),
        ("29-25", "29-25)", "syntax", ")"),
    ],
)
def test_what_cannot_be_used_is_an_error(old: str, new: str, reason: str, detail: str) -> None:
    first, error, last = read("pdn", GAME + GAME.replace(old, new) + GAME)
    assert isinstance(error, RecordError)
    assert error.reason == reason
    assert detail in error.detail
    assert isinstance(first, GameRecord)
    assert isinstance(last, GameRecord)


def test_problems_without_moves_are_errors() -> None:
    assert read_error("pdn", GAME[: GAME.index("1. ")] + "1-0").reason == "no moves"


def test_the_tag_decides_the_result_where_it_says_one() -> None:
    assert read_one("pdn", GAME.replace('"1-0"', '"*"')).returns == (1.0, -1.0)
    assert read_one("pdn", GAME.replace('"1-0"', '"0-1"')).returns == (-1.0, 1.0)


def test_draughts_are_told_by_content_and_written_by_extension(tmp_path: Path) -> None:
    for name in ("games.pdn", "games", "games.txt"):
        path = tmp_path / name
        path.write_text(GAME * 2)
        records = list(read_records(path))
        assert [record.game for record in records if isinstance(record, GameRecord)] == ["checkers", "checkers"]
    assert write_records(tmp_path / "out.pdn", [RECORD]) == 1
    assert (tmp_path / "out.pdn").read_text() == GAME


@pytest.mark.parametrize("seed", range(12))
def test_whole_games_are_written_and_played_again(seed: int) -> None:
    """Captures of several men, kings and ends by the rules, all through text."""
    rng = generator(seed, "pdn")
    game = make_game("checkers")
    state = game.initial_state()
    while not state.is_terminal():
        state.apply(int(rng.choice(state.legal_actions())))
    returns = tuple(state.returns())
    played = PlayedGame(game.id, np.array(state.history, dtype=np.uint32), HERE, returns=returns)
    record = to_record(played)
    assert any(move.count("x") > 1 for move in record.moves)
    again = transcribe(read_one("pdn", format_record(record, "pdn")))
    assert isinstance(again, PlayedGame)
    assert again.actions.tolist() == played.actions.tolist()
    assert (again.returns, again.termination, again.departures) == (returns, "rules", ())
    if any(returns):
        wrong = dataclasses.replace(record, returns=(-returns[0], -returns[1]), result="*")
        contradicted = transcribe(wrong)
        assert isinstance(contradicted, PlayedGame)
        assert contradicted.departures == ("result differs",)


@settings(max_examples=60)
@given(record=draughts_records())
def test_what_is_written_is_read_back(record: GameRecord) -> None:
    text = format_record(record, "pdn")
    back = read_one("pdn", text)
    assert content(back) == record
    assert back.tolerances == ()
    assert format_record(back, "pdn") == text
    assert max(map(len, text.splitlines())) <= 80 or '"' in text or "{" in text


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moves": ("c3-d4",)}, "not a move such as 11-15"),
        ({"moves": ("1-1",)}, "not a move such as 11-15"),
        ({"game": "chess"}, "not chess"),
        ({"notation": "action"}, "in 'action'"),
        ({"clocks": (1.0,) * 6}, "clocks"),
        ({"returns": (0.5, -0.5)}, "(0.5, -0.5)"),
        ({"tags": {"GameType": "20"}}, "tag named 'GameType'"),
    ],
)
def test_what_pdn_cannot_carry_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordsError) as caught:
        format_record(dataclasses.replace(RECORD, **change), "pdn")  # type: ignore[arg-type]
    assert message in str(caught.value)


@given(text=st.text("0123456789x-: ", max_size=12))
def test_squares_of_any_text(text: str) -> None:
    squares = read_squares(text)
    assert squares is None or (len(squares) >= 2 and all(1 <= square <= 32 for square in squares))


PIECES = [
    *['[Event "x"]\n', '[GameType "21"]\n', "\n", "\n\n", "1. ", "11-15 ", "22x", "15x22 ", "1-0 ", "*", "(", ")"],
    *["{", "}", ";", "%", "$1", "!", "(?)", "...", "é", "\x00", "33-1 ", "1/2-1/2", "- "],
]


@settings(max_examples=120)
@given(
    parts=st.lists(st.sampled_from(PIECES).map(str.encode) | st.binary(max_size=3), max_size=40),
    drip=st.integers(1, 40),
)
def test_any_bytes_make_games_or_errors(parts: list[bytes], drip: int) -> None:
    data = b"".join(parts)
    records = read("pdn", data)
    assert records
    assert records == read("pdn", data, drip=drip)
    for record in records:
        assert 0 <= record.source.offset <= len(data)
        if isinstance(record, GameRecord):
            assert record.moves
            assert all(-1 <= index < len(record.moves) for index in record.comments)
            assert isinstance(transcribe(record), PlayedGame | RecordError)
        else:
            assert record.reason
            assert (record.detail + record.excerpt).isprintable()


@pytest.mark.parametrize(
    "unit", ["11-15 ", "11-", "11 -", "{", ";", "(", "1. ", "[", '[A "', "\n", "x", "1-0 ", "(?", "%"]
)
def test_repetition_takes_linear_time(unit: str) -> None:
    """A quadratic pattern would need minutes for this; pytest's own time limit would then end it."""
    assert read("pdn", unit * (150_000 // len(unit)))
