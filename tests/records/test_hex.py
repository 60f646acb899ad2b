"""Hex in SGF, in Little Golem's dialect of it, and in sentences: one game in three ways is one game."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import RecordsError
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord, PlayerInfo, RecordError
from tests.records.reading import HERE, content, read, read_error, read_one
from tests.records.strategies import dates, lines, optional_lines, stated_lines

SENTENCES = "White places m6.\nBlack swaps.\nWhite places k10.\nBlack places i5.\nWhite resigns.\n"
GOLEM = (
    "(;FF[4]EV[hex.ch.1.1]PB[First]PW[Second]SZ[13]RE[W]GC[ game #1]SO[http://www.littlegolem.com]"
    ";W[mf];B[swap];W[kj];B[ie];W[resign])\n"
)
FF4 = "(;FF[4]GM[11]SZ[13]PB[First]PW[Second]RE[W+Resign];B[m6];W[swap-pieces];B[K10]BL[9.5];W[i5];B[resign]C[why])\n"
MOVES = ("m6", "swap", "k10", "i5")
RECORD = GameRecord(
    game="hex",
    notation="action",
    moves=MOVES,
    source=HERE,
    parameters={"board_size": 13, "swap": True},
    players=(PlayerInfo("First"), PlayerInfo("Second")),
    returns=(-1.0, 1.0),
    result="W",
    termination="resignation",
    event="hex.ch.1.1",
    tags={"GC": "game #1", "SO": "http://www.littlegolem.com"},
)


@st.composite
def hex_records(draw: st.DrawFn) -> GameRecord:
    size = draw(st.integers(2, 26))
    cells = st.tuples(st.integers(0, size - 1), st.integers(1, size)).map(lambda cell: f"{chr(97 + cell[0])}{cell[1]}")
    moves = draw(st.lists(cells | st.just("swap"), min_size=1, max_size=40))
    returns, result, termination = draw(
        st.sampled_from(
            [
                ((1.0, -1.0), "B+R", "resignation"),
                ((-1.0, 1.0), "W+T", "time"),
                ((-1.0, 1.0), "W", "unknown"),
                (None, "*", "unknown"),
            ]
        )
    )
    players = draw(st.tuples(*[st.builds(PlayerInfo, optional_lines, st.none(), st.none())] * 2))
    clocks = draw(st.lists(st.none() | st.integers(0, 9999).map(float), min_size=len(moves), max_size=len(moves)))
    return GameRecord(
        game="hex",
        notation="action",
        moves=tuple(moves),
        source=HERE,
        parameters={"board_size": size, "swap": draw(st.booleans())},
        players=() if players == (PlayerInfo(), PlayerInfo()) else players,
        returns=returns,
        result=result,
        termination=termination,
        date=draw(dates),
        event=draw(st.none() | stated_lines),
        time_control=draw(st.none() | stated_lines),
        tags=draw(st.dictionaries(st.sampled_from(["GC", "SO", "MATCH", "Match_1"]), stated_lines)),
        clocks=tuple(clocks) if any(clock is not None for clock in clocks) else None,
        comments=draw(st.dictionaries(st.integers(-1, len(moves) - 1), lines, max_size=3)),
    )


def test_every_field_of_a_game_from_little_golem_is_read() -> None:
    assert content(read_one("sgf", GOLEM)) == RECORD


def test_ff4_names_the_same_game() -> None:
    record = read_one("sgf", FF4)
    assert content(record) == dataclasses.replace(
        RECORD, result="W+Resign", event=None, tags={}, clocks=(None, None, 9.5, None), comments={3: "why"}
    )


def test_sentences_name_the_same_game() -> None:
    record = read_one("hex-text", SENTENCES)
    assert content(record) == dataclasses.replace(RECORD, players=(), result="White resigns", event=None, tags={})


def test_the_three_ways_give_the_same_actions() -> None:
    """By hand: m6 is row 5, column 12, action 77; the swap is 169; k10 is 9 * 13 + 10; Black sees i5 transposed."""
    ways = [read_one("sgf", GOLEM), read_one("sgf", FF4), read_one("hex-text", SENTENCES)]
    played = [transcribe(record) for record in ways]
    for game in played:
        assert isinstance(game, PlayedGame)
        assert game.actions.tolist() == [77, 169, 127, 8 * 13 + 4]
        assert (game.returns, game.termination) == ((-1.0, 1.0), "resignation")


def test_the_first_player_joins_the_first_row_with_the_last() -> None:
    record = read_one("sgf", "(;GM[11]SZ[3]RU[no swap];B[b1];W[a1];B[b2];W[a2];B[b3])")
    played = transcribe(record)
    assert isinstance(played, PlayedGame)
    assert (played.game_id, played.termination) == ("hex(board_size=3)", "rules")
    state = make_game(played.game_id).initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    assert state.returns().tolist() == [1.0, -1.0]
    columns = read_one("sgf", "(;GM[11]SZ[3]RU[no swap];B[b1];W[a3];B[c1];W[b3];B[c2];W[c3])")
    second = transcribe(columns)
    assert isinstance(second, PlayedGame)
    assert second.termination == "rules"


def test_the_swap_puts_the_stone_on_the_mirrored_cell() -> None:
    """After m6 and a swap the cell m6 is free again and f13, its mirror image, is taken."""
    free = transcribe(dataclasses.replace(RECORD, moves=("m6", "swap", "m6")))
    assert isinstance(free, PlayedGame)
    taken = transcribe(dataclasses.replace(RECORD, moves=("m6", "swap", "f13")))
    assert isinstance(taken, RecordError)
    assert (taken.reason, taken.detail) == (
        "illegal move",
        "move 3: ply 2: 'f13' is illegal: a stone is there, or the game is over",
    )
    late = transcribe(dataclasses.replace(RECORD, moves=("m6", "a1", "swap")))
    assert isinstance(late, RecordError)


@pytest.mark.parametrize("text", ["zz", "swaps", "a0", "pass", "swap"])
def test_following_cells_refuses_what_the_engine_does_not_know(text: str) -> None:
    error = transcribe(dataclasses.replace(RECORD, moves=("m6", "swap", text)))
    assert isinstance(error, RecordError)
    assert f"ply 2: '{text}' is malformed or illegal" in error.detail


def test_following_cells_knows_the_engines_texts() -> None:
    state = make_game("hex(board_size=13,swap=True)").initial_state()
    for text in ("m6", "swap", "A1", " b2 ", "c13"):
        state.apply(state.parse(text))
    played = transcribe(dataclasses.replace(RECORD, moves=("m6", "swap", "A1", " b2 ", "c13")))
    assert isinstance(played, PlayedGame)
    assert played.actions.tolist() == state.history


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (FF4.replace("m6", "mf"), "syntax"),
        (FF4.replace("m6", "m14"), "off board"),
        (FF4.replace("m6", "n6"), "off board"),
        (FF4.replace("i5", "pass"), "syntax"),
        (FF4.replace("swap-pieces", "swap-sides"), "syntax"),
        (FF4.replace("SZ[13]", "SZ[27]"), "board size"),
        (FF4.replace("SZ[13]", "SZ[13]AB[a1]"), "setup"),
        (FF4.replace(";W[i5]", ";W[i5]AW[a1]"), "setup"),
        (FF4.replace(";W[i5]", ";B[i5]"), "out of turn"),
        ("(;GM[11];W[a1];B[b2])", "first move"),
        ("(;GM[11];B[resign])", "no moves"),
        ("(;GM[11])", "no moves"),
        ("(;GM[2];B[a1])", "other game"),
    ],
)
def test_sgf_that_cannot_be_used_is_an_error(text: str, reason: str) -> None:
    assert read_error("sgf", text).reason == reason


def test_a_result_that_is_not_who_gave_up_is_a_tolerance() -> None:
    record = read_one("sgf", FF4.replace("RE[W+Resign]", "RE[B+R]"))
    assert (record.returns, record.result, record.tolerances) == ((-1.0, 1.0), "B+R", ("result differs",))


@pytest.mark.parametrize(
    ("old", "new", "reason"),
    [
        ("k10", "k14", "off board"),
        ("k10", "n1", "off board"),
        ("White places k10", "Black places k10", "out of turn"),
        ("Black swaps.", "Black passes.", "syntax"),
        ("White resigns.", "White resigns.\nBlack places a1.\nWhite wins.", None),
    ],
)
def test_sentences_that_cannot_be_used_are_errors(old: str, new: str, reason: str | None) -> None:
    first, second, *_, last = read("hex-text", SENTENCES + SENTENCES.replace(old, new) + "\n" + SENTENCES)
    assert content(first) == content(last)  # type: ignore[arg-type]
    assert (second.reason if isinstance(second, RecordError) else None) == reason


def test_ends_of_sentences() -> None:
    text = "White places a1.\nBlack places b2.\n"
    assert read_one("hex-text", text + "White times out.").returns == (-1.0, 1.0)
    assert read_one("hex-text", text + "Black resigns.\r\n").returns == (1.0, -1.0)
    assert read_one("hex-text", text + "Black wins\n").termination == "rules"
    unfinished = read_one("hex-text", "\n \n" + text)
    assert (unfinished.returns, unfinished.result, unfinished.source.offset) == (None, "*", 3)


def test_sentences_are_told_by_content(tmp_path: Path) -> None:
    path = tmp_path / "1139802"
    path.write_text(SENTENCES)
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    assert record.moves == MOVES


@settings(max_examples=60)
@given(record=hex_records())
def test_what_is_written_is_read_back(record: GameRecord) -> None:
    text = format_record(record, "sgf")
    back = read_one("sgf", text)
    assert content(back) == record
    assert back.tolerances == ()
    assert format_record(back, "sgf") == text


def test_played_games_are_written_and_played_again() -> None:
    rng = np.random.default_rng(0)
    game = make_game("hex(board_size=5,swap=True)")
    state = game.initial_state()
    while not state.is_terminal():
        state.apply(int(rng.choice(state.legal_actions())) if len(state.history) != 1 else 25)
    played = PlayedGame(game.id, np.array(state.history, dtype=np.uint32), HERE, returns=tuple(state.returns()))
    text = format_record(to_record(played), "sgf")
    assert "W[swap-pieces]" in text
    again = transcribe(read_one("sgf", text))
    assert isinstance(again, PlayedGame)
    assert again.actions.tolist() == played.actions.tolist()
    assert (again.game_id, again.returns) == (played.game_id, played.returns)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moves": ("a1", "resign")}, "the move 'resign'"),
        ({"movers": (0, 1, 0, 1)}, "movers"),
        ({"setup": ((0, "a1"),)}, "setup"),
        ({"parameters": {"board_size": 13, "swap": True, "komi": 1.5}}, "komi"),
        ({"start": "x"}, "start position"),
        ({"notation": "sgf"}, "not hex in 'sgf'"),
    ],
)
def test_what_sgf_cannot_carry_is_refused(change: dict[str, object], message: str) -> None:
    with pytest.raises(RecordsError) as caught:
        format_record(dataclasses.replace(RECORD, **change), "sgf")  # type: ignore[arg-type]
    assert message in str(caught.value)


HEX_PIECES = [
    *["White places a5.\n", "Black places b6.\n", "Black swaps.\n", "White resigns.\n", "Black wins.", "\n", " ", "x"],
    *["White times out.", "resigns.", "é", "\x00", "(;GM[11]", ";B[a1]", ";W[swap]", ";W[aa]", "B[resign]", "SZ[3]"],
    *[")", "[", "]", ";", "C[x]", "BL[1]"],
]


@pytest.mark.parametrize("format", ["hex-text", "sgf"])
@settings(max_examples=120)
@given(
    parts=st.lists(st.sampled_from(HEX_PIECES).map(str.encode) | st.binary(max_size=3), max_size=40),
    drip=st.integers(1, 40),
)
def test_any_bytes_make_games_or_errors(format: str, parts: list[bytes], drip: int) -> None:
    data = (b"(;GM[11]" if format == "sgf" else b"") + b"".join(parts)
    records = read(format, data)
    assert records
    assert records == read(format, data, drip=drip)
    for record in records:
        assert 0 <= record.source.offset <= len(data)
        if isinstance(record, GameRecord):
            assert record.moves
            assert record.clocks is None or len(record.clocks) == len(record.moves)
            assert all(-1 <= index < len(record.moves) for index in record.comments)
        else:
            assert record.reason
            assert (record.detail + record.excerpt).isprintable()


@pytest.mark.parametrize("unit", ["White places a1.\n", "resigns\n", "\n", " ", "White resigns.\n", "x"])
def test_repetition_takes_linear_time(unit: str) -> None:
    """A quadratic pattern would need minutes for this; pytest's own time limit would then end it."""
    assert read("hex-text", unit * (200_000 // len(unit)))


def test_all_games_of_the_collection_are_legal(shared_data: Path) -> None:
    """No stone stands on another one, as it would where the swap meant anything else; and first moves stay small."""
    files = sorted((shared_data / "hex" / "hvh").iterdir())
    records = [record for path in files for record in read_records(path)]
    played = [transcribe(record) for record in records if isinstance(record, GameRecord)]
    assert len(played) == len(records) == 193
    assert all(isinstance(game, PlayedGame) for game in played)
    assert sum(record.moves[1] == "swap" for record in records if isinstance(record, GameRecord)) == 74
