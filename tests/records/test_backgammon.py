"""Backgammon match text: cells into turns, cube decisions, and the same game again when written and read back."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import NotationError, RecordsError
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.backgammon_reader import split_doubles
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from tests.records.reading import HERE, content, read, read_error, read_one

MATCH = """\
; [Site "Club"]
; [Player 1 "Ann"]
; [Player 2 "Bo"]
; [Player 1 Elo "1650,52/300"]
; [Player 2 Elo "0,00/0"]
; [EventDate "2024.03.30"]
; [Crawford "On"]

3 point match

 Game 1
 Ann : 0                         Bo : 0
  1)                             31: 8/5 6/5
  2) 66: 24/18(2) 13/7(2)        42: 8/4 6/4
  3)  Doubles => 2                Drops
      Wins 1 point

 Game 2
 Ann : 1                         Bo : 0
  1) 43: 13/9 13/10              64: 24/14
  2) 11: 8/7 8/7 6/5 6/5         55: Cannot Move
                                  Wins 2 point and the match
"""


def test_a_match_becomes_its_games() -> None:
    first, second = read("mat", MATCH)
    assert isinstance(first, GameRecord)
    assert isinstance(second, GameRecord)
    assert first.players == (PlayerInfo("Bo"), PlayerInfo("Ann", 1651))
    assert first.moves == ("31", "8/5 6/5", "66", "24/18 24/18", "13/7 13/7", "42", "8/4 6/4")
    assert (first.returns, first.result, first.termination) == ((-1.0, 1.0), "0-1", "resignation")
    assert (first.date, first.tags["Points"], first.tags["Score"], first.tags["Game"]) == (
        "2024-03-30",
        "1",
        "0-0",
        "1",
    )
    assert first.tags["Cube"] == "7:1:doubles=2 7:0:drops"
    assert first.tags["Seat 1 Elo"] == "1650,52/300"
    assert first.tags["Match length"] == "3"
    assert second.players == (PlayerInfo("Ann", 1651), PlayerInfo("Bo"))
    assert second.moves == ("43", "13/9 13/10", "64", "24/14", "11", "8/7 8/7", "6/5 6/5")
    assert (second.returns, second.tags["Score"]) == ((-1.0, 1.0), "1-0")
    assert MATCH.encode()[second.source.offset :].startswith(b" Game 2")


@pytest.mark.parametrize("drip", [1, 7, 100])
def test_games_do_not_depend_on_where_blocks_end(drip: int) -> None:
    data = (MATCH + "\r\n" + MATCH.replace("\n", "\r\n")).encode()
    whole = read("mat", data)
    assert len(whole) == 4
    assert read("mat", data, drip=drip) == whole


def test_the_cube_decides_or_the_game_goes_on() -> None:
    rows = " 1) 31: 8/5 6/5              Doubles => 2\n 2) Takes                     41: 24/23 13/9\n"
    record = read_one("mat", f" Game 1\n A : 0    B : 0\n{rows}")
    assert record.tags["Cube"] == "2:1:doubles=2 2:0:takes"
    assert record.moves == ("31", "8/5 6/5", "41", "24/23 13/9")
    assert record.returns is None


def test_the_winner_bears_off_all_checkers() -> None:
    rows = "".join(f" {n}) 66: 6/off(4)              21: Cannot Move\n" for n in range(1, 4))
    record = read_one("mat", f" Game 1\n A : 0     B : 0\n{rows} 4) 65: 6/off 5/0 4/0\n      Wins 2 points\n")
    assert record.termination == "rules"
    assert record.moves[-1] == "6/off 5/0 4/0"


@pytest.mark.parametrize(
    ("play", "die", "plays"),
    [
        ("24/16*", 4, ["24/20 20/16", ""]),
        ("13/5(2)", 4, ["13/9 13/9", "9/5 9/5"]),
        ("6/4 bar/23", 2, ["bar/23 6/4", ""]),
        ("5/off 3/off", 3, ["5/2 3/off", "2/off"]),
        ("13/10*/7 8/5", 3, ["13/10 10/7", "8/5"]),
        ("", 5, [""]),
        ("6/3", 3, ["6/3"]),
        ("6/2", 3, ["6/2"]),
    ],
)
def test_doubles_become_plays_of_two_steps(play: str, die: int, plays: list[str]) -> None:
    assert split_doubles(play, die) == plays


@pytest.mark.parametrize(
    ("rows", "reason"),
    [
        (" 1) 31: 8/5 6/5\n 2) 41: 13/9 6/5\n", "out of turn"),
        (" 1) 31: 8/5 6/5      resigns\n", "syntax"),
        (" 1) 31: 8/5 6-5\n", "syntax"),
        (" 1)  Losses 3 point\n", "no moves"),
        (" 1) 31:\n", "no moves"),
        (" 1) 31: 8/5 6/5\n    Wins 1 point\n                              Wins 1 point\n", "result"),
        (" 1) 31: 8/5 6/5\n    Wins 1 point\n 2)                           41: 6/2 6/5\n", "out of turn"),
    ],
)
def test_what_cannot_be_read_is_an_error(rows: str, reason: str) -> None:
    assert read_error("mat", f" Game 1\n A : 0    B : 0\n{rows}").reason == reason


def test_other_rules_are_a_variant() -> None:
    error = read_error("mat", '; [Variation "Nackgammon"]\n5 point match\n\n' + MATCH.partition("match\n\n")[2][:200])
    assert error.reason == "variant"


def test_endless_games_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.records.backgammon_reader.MAX_GAME_BYTES", 2000)
    found = read("mat", " Game 1\n" + " 1) 31: \n" * 3000 + MATCH, drip=512)
    assert [getattr(item, "reason", "game") for item in found] == ["too large", "game", "game"]


TOKENS = (
    b" Game 1\n", b"; [Player 1 \"A\"]\n", b"3 point match\n", b" A : 0   B : 1\n", b"\n  1) ", b"31: ", b"66:",
    b"8/5 ",    b"bar/off* ", b"6/off(4) ", b"Takes", b"Drops ", b"Doubles => 2", b"Wins 1 point\n", b"Losses 2 points",
    b"                  ", b"????", b"\xff", b"\x00", b"25/0", b"7) ", b"Cannot Move", b"1/9/9*(4)", b"\r\n",
)  # fmt: skip


@settings(max_examples=150)
@given(parts=st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6)), max_size=40), drip=st.integers(1, 40))
def test_any_bytes_give_values(parts: list[bytes], drip: int) -> None:
    data = b"".join(parts)
    found = read("mat", data)
    assert found
    for item in found:
        assert isinstance(item, RecordError) or (item.moves and transcribe(item))
    assert read("mat", data, drip=drip) == found


def random_game(seed: int, plies: int) -> PlayedGame:
    rng = np.random.default_rng(seed)
    state = make_game("backgammon").initial_state()
    for _ in range(plies):
        if state.is_terminal():
            break
        state.apply(int(rng.choice(state.legal_actions())))
    returns = tuple(state.returns().tolist()) if state.is_terminal() else None
    return PlayedGame("backgammon", np.asarray(state.history, np.uint32), Provenance("memory", 0), returns=returns)


def boards(played: PlayedGame) -> list[str]:
    """The position before every turn of two dice; turns that could be played in two orders look the same."""
    state = make_game("backgammon").initial_state()
    shown = []
    for action in played.actions.tolist():
        if state.current_player() < 0:
            shown.append(str(state).partition("Turn")[0])
        state.apply(action)
    return shown


@settings(max_examples=15)
@given(seed=st.integers(0, 2**32 - 1), plies=st.integers(3, 400))
def test_played_games_written_and_read_back_are_the_same_games(seed: int, plies: int) -> None:
    played = random_game(seed, plies)
    text = format_record(to_record(played), "mat")
    record = read_one("mat", text)
    again = transcribe(record)
    assert isinstance(again, PlayedGame), again
    assert again.returns == played.returns
    assert boards(played)[: len(boards(again))] == boards(again)
    assert len(played.actions) - len(again.actions) < 20  # forced passes and an open roll at the end
    assert content(read_one("mat", format_record(record, "mat"))) == content(record)


def test_what_match_text_cannot_carry_is_refused() -> None:
    record = GameRecord("backgammon", "backgammon", ("31", "8/5 6/5"), HERE, tags={"a]b": "x"})
    with pytest.raises(RecordsError, match="tag named"):
        format_record(record, "mat")
    with pytest.raises(RecordsError, match="mat holds backgammon"):
        format_record(GameRecord("chess", "san", ("e4",), HERE), "mat")
    with pytest.raises(RecordsError, match="without a roll"):
        format_record(GameRecord("backgammon", "backgammon", ("8/5 6/5",), HERE), "mat")


def test_turns_are_read_in_any_usual_writing() -> None:
    state = make_game("backgammon").initial_state()
    state.apply(state.parse("31", "backgammon"))
    assert state.current_player() == 0
    expected = state.parse("8/5 6/5", "backgammon")
    assert state.parse("6/5 8/5", "backgammon") == expected
    assert state.text(expected, "backgammon") == "8/5 6/5"
    assert state.text(state.parse("13/9", "backgammon")) == "375 - 13/10/9"
    for text, kind in [("8/5 8/4", "illegal"), ("", "illegal"), ("e4", "malformed"), ("5/8", "malformed")]:
        with pytest.raises(NotationError) as caught:
            state.parse(text, "backgammon")
        assert caught.value.kind == kind
    fresh = make_game("backgammon").initial_state()
    fresh.apply(fresh.parse("second 31", "backgammon"))
    assert fresh.current_player() == 1
    with pytest.raises(NotationError, match="who begins"):
        make_game("backgammon").initial_state().parse("33", "backgammon")


def test_a_checker_that_may_hit_on_its_way() -> None:
    """3-1 from 24: by 23 (empty) or by 21 (a blot), told apart by the mark of the hit."""
    state = make_game("backgammon").initial_state()
    for text in ("21", "13/11 6/5", "41", "8/4 24/23"):
        state.apply(state.parse(text, "backgammon"))
    state.apply(state.parse("31", "backgammon"))
    by_hit, plain = state.parse("24/21*/20", "backgammon"), state.parse("24/23/20", "backgammon")
    assert by_hit != plain
    assert state.parse("24/20", "backgammon") == plain


def test_real_matches_are_played_by_the_rules(shared_data: Path) -> None:
    path = shared_data / "backgammon" / "galaxy-matches.tar.gz"
    if not path.exists():
        pytest.skip(f"no {path}")
    for record, _ in zip(read_records(path), range(60), strict=False):
        assert isinstance(record, GameRecord), record
        played = transcribe(record)
        assert isinstance(played, PlayedGame), played
        assert content(read_one("mat", format_record(record, "mat"))) == content(record)


@pytest.mark.parametrize("head", ["", " Game 1\n", " Game 1\n A : 0   B : 0\n 1) "])
@pytest.mark.parametrize("unit", [" : 1", "; [", '"', '; [A " ', " ", "8/5 ", "66: 6/off(4) ", ":", "1)", "bar/"])
def test_repetition_takes_linear_time(head: str, unit: str) -> None:
    """A quadratic pattern would need minutes for this."""
    assert read("mat", head + unit * (150_000 // len(unit)))
