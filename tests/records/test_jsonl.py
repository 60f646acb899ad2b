"""The JSON-lines reader: strict types, one bad line at a time."""

import json

import pytest

from gameil.records.record import GameRecord, PlayerInfo
from tests.records.reading import read, read_error, read_one

LINE = '{"game":"connect_four","moves":["x4","o3"]}\n'


def test_every_field_is_read() -> None:
    values = {
        "game": "leduc_poker",
        "parameters": {"players": 3, "suit_isomorphism": True, "rake": 0.5, "variant": "x"},
        "notation": "action",
        "moves": ["Deal 1", "Raise"],
        "players": [{"name": "A", "rating": 1500}, {}, {"title": "BOT"}],
        "movers": [-1, 0],
        "setup": [[0, "aa"], [1, "bb"]],
        "start": "somewhere",
        "returns": [1, -0.5, -0.5],
        "result": "A wins",
        "termination": "agreed",
        "date": "2020-01-??",
        "event": "Club",
        "time_control": "5+3",
        "tags": {"Site": "here"},
        "clocks": [None, 12.5],
        "comments": {"-1": "before", "1": "bold"},
    }
    record = read_one("jsonl", json.dumps(values))
    assert record == GameRecord(
        game="leduc_poker",
        notation="action",
        moves=("Deal 1", "Raise"),
        source=record.source,
        parameters=values["parameters"],
        players=(PlayerInfo("A", 1500), PlayerInfo(), PlayerInfo(title="BOT")),
        movers=(-1, 0),
        setup=((0, "aa"), (1, "bb")),
        start="somewhere",
        returns=(1.0, -0.5, -0.5),
        result="A wins",
        termination="agreed",
        date="2020-01-??",
        event="Club",
        time_control="5+3",
        tags={"Site": "here"},
        clocks=(None, 12.5),
        comments={-1: "before", 1: "bold"},
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"moves": []}, "moves is empty"),
        ({"moves": "x4"}, "moves must be a list, got text"),
        ({"moves": [4]}, "moves must be text, got a number"),
        ({"game": "../../etc"}, "game must be a name"),
        ({"game": None}, "game must be text, got null"),
        ({"colour": 1}, "unknown key 'colour'"),
        ({"source": {"file": "x", "offset": 0}}, "unknown key 'source'"),
        ({"notation": "pgn"}, "notation must be one of"),
        ({"parameters": {"rows": [1]}}, "parameters.rows must be a number, got a list"),
        ({"players": [{"elo": 5}]}, "unknown key 'elo'"),
        ({"players": [{"rating": 5.5}]}, "players.rating must be a whole number"),
        ({"players": [{"rating": True}]}, "players.rating must be a whole number, got true or false"),
        ({"players": [{"rating": 10**6 + 1}]}, "players.rating must lie between -1,000,000 and 1,000,000, got 1000001"),
        ({"players": [{"rating": -(10**30)}]}, "players.rating must lie between"),
        ({"players": [{"rating": 10**4000}]}, "players.rating must lie between"),
        ({"movers": [0, 10**4000]}, "movers must be a seat"),
        ({"returns": [1, "0"]}, "returns must be a number, got text"),
        ({"returns": [1e300]}, "returns must be a number"),
        ({"returns": [1, -1], "players": [{}]}, "1 players and 2 returns"),
        ({"movers": [0]}, "movers has 1 entries for 2 moves"),
        ({"clocks": [1.0, 2.0, 3.0]}, "clocks has 3 entries for 2 moves"),
        ({"comments": {"7": "x"}}, "there is no move 7"),
        ({"comments": {"one": "x"}}, "must be indices of moves"),
        ({"setup": [[0]]}, "setup must be a list of"),
        ({"movers": [0, 99]}, "movers must be a seat"),
    ],
)
def test_wrong_values_are_named(change: dict[str, object], message: str) -> None:
    error = read_error("jsonl", json.dumps({"game": "go", "moves": ["a", "b"], **change}))
    assert error.reason == "schema"
    assert message in error.detail
    assert "\n" not in error.detail


@pytest.mark.parametrize("key", ["game", "moves"])
def test_game_and_moves_must_be_there(key: str) -> None:
    values = {"game": "go", "moves": ["a"]}
    del values[key]
    assert f"{key!r} is missing" in read_error("jsonl", json.dumps(values)).detail


@pytest.mark.parametrize(
    "line",
    [
        "{",
        '{"game":"go","moves":["a"],"game":"chess"}',
        '{"game":"go","moves":["a"],"returns":[NaN,0]}',
        '{"game":"go","moves":["a"],"returns":[1e999,0]}',
        '{"game":"go","moves":["a"],"returns":[' + "9" * 5000 + "]}",
        "[" * 100_000,
        b'{"game":"go","moves":["\xff"]}',
        "__import__('os')",
    ],
)
def test_lines_that_are_no_json(line: str | bytes) -> None:
    error = read_error("jsonl", line)
    assert error.reason == "syntax"
    assert len(error.excerpt) <= 200


@pytest.mark.parametrize("line", ["[1]", '"text"', "7", "null"])
def test_lines_that_are_no_objects(line: str) -> None:
    assert "must be a JSON object" in read_error("jsonl", line).detail


def test_half_a_surrogate_pair_is_no_text() -> None:
    assert "surrogate" in read_error("jsonl", '{"game":"go","moves":["\\ud800"]}').detail


def test_a_bad_line_is_an_error_with_its_offset_and_the_rest_is_read() -> None:
    data = "\ufeff" + LINE + "\r\n" + "{broken\n" + LINE + LINE.strip()
    encoded = data.encode()
    whole = read("jsonl", encoded)
    assert [getattr(record, "reason", "game") for record in whole] == ["game", "syntax", "game", "game"]
    assert encoded[whole[1].source.offset :].startswith(b"{broken")
    assert encoded[whole[2].source.offset :].startswith(b'{"game"')
    for drip in (1, 3, 50):
        assert read("jsonl", encoded, drip=drip) == whole


def test_an_endless_line_is_skipped_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.records.jsonl_reader.MAX_GAME_BYTES", 5000)
    records = read("jsonl", LINE + "x" * 20_000 + "\n" + LINE, drip=512)
    assert [getattr(record, "reason", "game") for record in records] == ["game", "too large", "game"]


def test_an_empty_file_is_an_error() -> None:
    assert read_error("jsonl", "\n \n").reason == "no records"
