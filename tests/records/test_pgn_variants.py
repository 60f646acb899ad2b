"""PGN of games that are chess's relatives: told by their tags, read into their own games, played by their own rules."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.record import PlayerInfo, RecordError
from tests.records.reading import read, read_error, read_one

CRAZYHOUSE = """\
[Event "Rated Crazyhouse game"]
[White "Ann"]
[Black "Bo"]
[Result "1-0"]
[WhiteElo "1900"]
[Variant "Crazyhouse"]
[Termination "Normal"]

1. e4 d5 2. exd5 Qxd5 3. Nc3 Qa5 4. @e4 { a drop without its letter } Nf6 5. d3 P@d5 6. O-O-O 1-0
"""
ANTICHESS = """\
[Variant "Antichess"]
[Result "0-1"]
[FEN "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"]
[SetUp "1"]

1. e3 b5 2. Bxb5 Bb7 3. Bxd7 Bxg2 4. Bxe8 0-1
"""
XIANGQI = """\
[Game "Chinese Chess"]
[Event "Cup"]
[Red "Ann"]
[Black "Bo"]
[Result "1-0"]
[Format "ICCS"]

  1. H2-E2  H9-G7
  2. H0-G2 (2. B0-C2) I9-H9 {rook}
  3. i0-h0 1-0
"""


def test_crazyhouse() -> None:
    text = CRAZYHOUSE.replace(" 6. O-O-O", "")
    record = read_one("pgn", text)
    assert (record.game, record.notation, record.players[0]) == ("crazyhouse", "san", PlayerInfo("Ann", 1900))
    assert record.moves[6:9] == ("@e4", "Nf6", "d3")
    played = transcribe(record)
    assert isinstance(played, PlayedGame), played
    assert (played.game_id, played.returns, len(played.actions)) == ("crazyhouse", (1.0, -1.0), 10)


def test_a_move_that_the_rules_refuse_is_an_error() -> None:
    played = transcribe(read_one("pgn", CRAZYHOUSE))
    assert isinstance(played, RecordError)
    assert (played.reason, played.excerpt) == ("illegal move", "O-O-O")


def test_antichess_forces_captures() -> None:
    record = read_one("pgn", ANTICHESS)
    assert (record.game, record.start, record.returns) == ("antichess", None, (-1.0, 1.0))
    assert isinstance(transcribe(record), PlayedGame)
    quiet = transcribe(read_one("pgn", ANTICHESS.replace("2. Bxb5", "2. a3")))
    assert isinstance(quiet, RecordError)
    assert quiet.reason == "illegal move"


def test_xiangqi() -> None:
    record = read_one("pgn", XIANGQI)
    assert (record.game, record.notation, record.event) == ("xiangqi", "iccs", "Cup")
    assert record.players == (PlayerInfo("Ann"), PlayerInfo("Bo"))
    assert record.moves == ("H2-E2", "H9-G7", "H0-G2", "I9-H9", "i0-h0")
    played = transcribe(record)
    assert isinstance(played, PlayedGame), played
    assert played.returns == (1.0, -1.0)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (XIANGQI.replace("H2-E2", "C2=5"), "syntax"),
        (XIANGQI.partition("  1.")[0] + "1-0\n", "no moves"),
        (CRAZYHOUSE.replace('"Crazyhouse"', '"Atomic"'), "variant"),
        (CRAZYHOUSE.replace('"Crazyhouse"', '"King of the Hill"'), "variant"),
    ],
)
def test_what_is_not_played_is_an_error(text: str, reason: str) -> None:
    assert read_error("pgn", text).reason == reason


def test_other_starts_of_variants_are_refused() -> None:
    text = ANTICHESS.replace("RNBQKBNR w", "RNBQKB1R w")
    played = transcribe(read_one("pgn", text))
    assert isinstance(played, RecordError)
    assert "no written start positions" in played.detail


TOKENS = [
    "1. ",
    "H2-E2 ",
    "h9g7 ",
    "(",
    ")",
    "{x",
    "} ",
    "1-0",
    "P@e4 ",
    "@",
    "O-O ",
    "e8=K ",
    "*",
    "\n",
    "; x\n",
    "$1",
]


@settings(max_examples=100)
@given(
    tag=st.sampled_from(['[Game "xiangqi"]', '[Variant "Crazyhouse"]', '[Variant "Antichess"]']),
    parts=st.lists(st.one_of(st.sampled_from(TOKENS), st.text(max_size=4)), max_size=20),
    drip=st.integers(1, 40),
)
def test_any_moves_give_values(tag: str, parts: list[str], drip: int) -> None:
    data = f"{tag}\n\n{''.join(parts)}".encode("utf-8", "surrogatepass")
    found = read("pgn", data)
    assert found
    for item in found:
        assert isinstance(item, RecordError) or (item.moves and transcribe(item))
    assert read("pgn", data, drip=drip) == found
