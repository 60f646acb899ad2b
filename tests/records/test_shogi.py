"""Shogi records in USI and KIF: known games, handicaps, charsets, and round trips of games that the rules play."""

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.errors import GameError, RecordsError
from gameil.games.registry import make_game
from gameil.games.sfen import USUAL_START, checked
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records
from gameil.records.kif_board import board_sfen, draw_board
from gameil.records.kif_reader import HANDICAP_REST, HANDICAPS
from gameil.records.record import GameRecord, PlayerInfo, Provenance, RecordError
from tests.records.reading import HERE, content, read, read_error, read_one

OPENING = "position startpos moves 7g7f 3c3d 8h2b+ 3a2b B*4e"
KIF = """\
#KIF version=2.0 encoding=UTF-8
開始日時：2020/01/02 10:00
棋戦：Club
手合割：平手\u3000
先手：Ann
後手：Bo
手数----指手---------消費時間--
*before
   1 ７六歩(77)   ( 0:16/00:00:16)
   2 ３四歩(33)   ( 0:00/00:00:00)
*a bishop
*comes
   3 ２二角成(88) ( 0:01/00:00:17)+
   4 同　銀(31)   ( 0:01/00:00:01)
   5 ４五角打     ( 0:01/00:00:18)
   6 投了         ( 0:01/00:00:01)
まで5手で先手の勝ち

変化：3手
   3 ２六歩(27)
"""


def test_a_usi_line() -> None:
    record = read_one("usi", OPENING + "\n")
    assert record.moves == ("7g7f", "3c3d", "8h2b+", "3a2b", "B*4e")
    assert (record.start, record.returns) == (None, None)
    played = transcribe(record)
    assert isinstance(played, PlayedGame)
    assert played.game_id == "shogi"
    assert len(played.actions) == 5


@pytest.mark.parametrize(
    ("line", "start", "returns", "termination"),
    [
        ("startpos moves 7g7f resign", None, (1.0, -1.0), "resignation"),
        ("startpos moves 7g7f win", None, (-1.0, 1.0), "rules"),
        (f"position sfen {USUAL_START} moves 7g7f", None, None, "unknown"),
        (f"sfen 4k4/9{HANDICAP_REST} moves 5a5b resign", f"4k4/9{HANDICAP_REST}", (-1.0, 1.0), "resignation"),
    ],
)
def test_usi_starts_and_ends(line: str, start: str, returns: object, termination: str) -> None:
    record = read_one("usi", line)
    assert (record.start, record.returns, record.termination) == (start, returns, termination)
    assert isinstance(transcribe(record), PlayedGame)
    assert content(read_one("usi", format_record(record, "usi"))) == content(record)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("position startpos", "no moves"),
        ("position startpos moves", "no moves"),
        ("position startpos moves 7g7f e4", "syntax"),
        ("position startpos moves 7g7f resign 3c3d", "syntax"),
        ("1. e4", "syntax"),
        (b"startpos moves \xff", "syntax"),
    ],
)
def test_lines_that_are_no_games(line: str | bytes, reason: str) -> None:
    assert read_error("usi", line).reason == reason


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "cp932"])
def test_a_kif_game(charset: str) -> None:
    record = read_one("kif", KIF.encode(charset))
    assert record.moves == tuple(OPENING.split()[3:])
    assert record.players == (PlayerInfo("Ann"), PlayerInfo("Bo"))
    assert (record.returns, record.termination) == ((1.0, -1.0), "resignation")
    assert (record.date, record.event, record.tags) == ("2020-01-02", "Club", {"開始日時": "2020/01/02 10:00"})
    assert record.comments == {-1: "before", 1: "a bishop\ncomes"}
    assert isinstance(transcribe(record), PlayedGame)
    assert content(read_one("kif", format_record(record, "kif"))) == content(record)


@pytest.mark.parametrize("charset", ["utf-8", "cp932"])
@pytest.mark.parametrize("drip", [None, 1, 50])
def test_several_games_in_one_stream(charset: str, drip: int | None) -> None:
    data = (KIF * 2 + KIF.partition("\n")[2]).encode(charset)
    found = read("kif", data, drip=drip)
    assert [content(game) for game in found if isinstance(game, GameRecord)] == [content(found[0])] * 3
    assert data[found[2].source.offset :].startswith("開始日時".encode(charset))


@pytest.mark.parametrize("handicap", HANDICAPS)
def test_handicaps_are_starts_that_the_rules_take(handicap: str) -> None:
    move = "   1 ７六歩(77)" if handicap == "平手" else "   1 ５二玉(51)"
    record = read_one("kif", f"手合割：{handicap}\n下手：A\n上手：B\n手数----\n{move}\n   2 中断\n")
    played = transcribe(record)
    assert isinstance(played, PlayedGame), played
    assert record.players == (PlayerInfo("A"), PlayerInfo("B"))
    state = make_game("shogi").initial_state(played.start)
    assert state.current_player() == (0 if handicap == "平手" else 1)
    assert content(read_one("kif", format_record(record, "kif"))) == content(record)


@pytest.mark.parametrize(
    ("word", "returns", "termination"),
    [
        ("投了", (-1.0, 1.0), "resignation"),
        ("詰み", (-1.0, 1.0), "rules"),
        ("切れ負け", (-1.0, 1.0), "time"),
        ("反則勝ち", (1.0, -1.0), "forfeit"),
        ("入玉勝ち", (1.0, -1.0), "rules"),
        ("千日手", (0.0, 0.0), "rules"),
        ("持将棋", (0.0, 0.0), "agreed"),
        ("中断", None, "unknown"),
    ],
)
def test_the_last_word_tells_the_outcome(word: str, returns: object, termination: str) -> None:
    record = read_one("kif", f"手数----\n 1 ７六歩(77)\n 2 ３四歩(33)\n 3 {word}\n")
    assert (record.returns, record.termination) == (returns, termination)
    assert content(read_one("kif", format_record(record, "kif"))) == content(record)


@pytest.mark.parametrize(
    ("summary", "returns"),
    [("まで1手で先手の勝ち", (1.0, -1.0)), ("まで1手で後手の反則勝ち", (-1.0, 1.0)), ("まで1手で千日手", (0.0, 0.0))],
)
def test_without_a_last_word_the_summary_does(summary: str, returns: object) -> None:
    record = read_one("kif", f"手数----\n 1 ７六歩(77)\n{summary}\n")
    assert (record.returns, record.termination) == (returns, "unknown")
    assert content(read_one("kif", format_record(record, "kif"))) == content(record)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("手数----\n 1 ７六歩\n", "syntax"),
        ("手数----\n 1 同　歩(33)\n", "syntax"),
        ("手数----\n 1 ７六歩(77)\n 2 e4\n", "syntax"),
        ("先手：A\n", "no moves"),
        ("手合割：その他\n手数----\n 1 ７六歩(77)\n", "start position"),
        ("先手：\udcff", "no moves"),
    ],
)
def test_what_cannot_be_read_is_an_error(text: str, reason: str) -> None:
    assert read_error("kif", text.encode("utf-8", "surrogateescape")).reason == reason


@pytest.mark.parametrize("charset", ["utf-8", "cp932"])
def test_bytes_that_are_no_characters_cost_only_themselves(charset: str) -> None:
    data = KIF.encode(charset).replace(b"Ann", b"A\xff\xffn").replace(b"before", b"\x81\xffbefore")
    record = read_one("kif", data)
    assert record.moves == tuple(OPENING.split()[3:])
    assert record.tolerances == ("undecodable bytes",)


def test_endless_games_are_skipped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.records.kif_reader.MAX_GAME_BYTES", 4000)
    monkeypatch.setattr("gameil.records.usi_reader.MAX_GAME_BYTES", 4000)
    found = read("kif", "#KIF\n" + " 1 ７六歩(77)\n" * 2000 + KIF, drip=512)
    assert [getattr(item, "reason", "game") for item in found] == ["too large", "game"]
    found = read("usi", "x" * 9000 + f"\n{OPENING}\n", drip=512)
    assert [getattr(item, "reason", "game") for item in found] == ["too large", "game"]


def test_files_are_told_by_content(tmp_path) -> None:
    for number, text in enumerate(
        [KIF.encode("cp932"), KIF.encode(), OPENING.encode(), KIF.partition("\n")[2].encode()]
    ):
        path = tmp_path / f"{number}.txt"
        path.write_bytes(text)
        (record,) = read_records(path)
        assert isinstance(record, GameRecord)
        assert record.moves == tuple(OPENING.split()[3:])


WORDS = """手合割：香落ち|先手：A|手数----
| 1 ７六歩(77)| 2 同　銀(31)|*x|変化：1手| 3 投了|４五角打|(|：| 12|まで1手で先手の勝ち
#KIF|startpos moves |7g7f |sfen """
TOKENS = [
    word.encode(charset)
    for word in ["\n", "\r\n", *(word + end for word in WORDS.split("|") for end in ("", "\n"))]
    for charset in ("utf-8", "cp932")
]


@settings(max_examples=120)
@given(
    parts=st.lists(st.one_of(st.sampled_from(TOKENS), st.binary(max_size=6)), max_size=30),
    drip=st.integers(1, 40),
    format=st.sampled_from(["kif", "usi"]),
)
def test_any_bytes_give_values(parts: list[bytes], drip: int, format: str) -> None:
    data = b"".join(parts)
    found = read(format, data)
    assert found
    for item in found:
        assert isinstance(item, RecordError) or (item.moves and transcribe(item))
    assert read(format, data, drip=drip) == found


def random_game(seed: int, plies: int, start: str | None) -> PlayedGame:
    rng = np.random.default_rng(seed)
    state = make_game("shogi").initial_state(start)
    for _ in range(plies):
        if state.is_terminal():
            break
        state.apply(int(rng.choice(state.legal_actions())))
    actions = np.asarray(state.history, np.uint32)
    return PlayedGame(
        "shogi", actions, Provenance("memory", 0), start=start, players=(PlayerInfo("A"), PlayerInfo("B"))
    )


@settings(max_examples=12)
@given(seed=st.integers(0, 2**32 - 1), plies=st.integers(1, 200), handicap=st.sampled_from(sorted(HANDICAPS)))
def test_random_games_come_back_from_both_formats(seed: int, plies: int, handicap: str) -> None:
    ranks = HANDICAPS[handicap]
    played = random_game(seed, plies, None if ranks is None else ranks + HANDICAP_REST)
    record = to_record(played)
    bare = GameRecord("shogi", "action", record.moves, HERE, start=record.start)
    for format, written in (("kif", record), ("usi", bare)):
        again = transcribe(read_one(format, format_record(written, format)))
        assert isinstance(again, PlayedGame), again
        assert again.actions.tolist() == played.actions.tolist()
        assert again.start == played.start


def test_what_the_formats_cannot_carry_is_refused() -> None:
    named = GameRecord("shogi", "action", ("7g7f",), HERE, players=(PlayerInfo("A", 1500), PlayerInfo("B")))
    with pytest.raises(RecordsError, match="usi cannot carry players"):
        format_record(named, "usi")
    with pytest.raises(RecordsError, match="kif cannot carry ratings"):
        format_record(named, "kif")
    drawn = GameRecord("shogi", "action", ("7g7f",), HERE, returns=(0.0, 0.0))
    with pytest.raises(RecordsError, match="usi cannot carry returns"):
        format_record(drawn, "usi")
    odd = GameRecord("shogi", "action", ("5i5h",), HERE, start="4k4/9/9/9/9/9/9/9/4K4 b - 1")
    late = GameRecord("shogi", "action", ("5i5h",), HERE, start="4k4/9/9/9/9/9/9/9/4K4 b - 7")
    with pytest.raises(RecordsError, match="cannot draw the start"):
        format_record(late, "kif")
    assert read_one("usi", format_record(odd, "usi")).start == odd.start


@pytest.mark.parametrize(
    ("sfen", "message"),
    [
        ("9/9 b", "2 ranks"),
        ("4k4/9/9/9/9/9/9/9/9 b - 1", "Black has 0 kings"),
        ("4k4/9/9/9/9/9/9/8/4K4 b - 1", "rank 8"),
        ("4k4/9/9/9/+9/9/9/9/4K4 b - 1", "rank 5"),
        ("4k4/9/9/9/9/9/9/9/4K4 x - 1", "must be b or w"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 3K 1", "pieces in hand"),
        ("4k4/9/9/9/9/9/9/9/4K4 b 99P 1", "99 pieces P"),
        ("4k4/9/9/9/9/9/9/9/4K4 b - 0", "move number"),
        ("4k4/9/9/9/9/9/9/9/4K4 b - ١", "move number"),
        ("4k4/9/9/9/9/9/9/9/4K4 b ٢P 1", "pieces in hand"),
        ("4k4/4R4/9/9/9/9/9/9/4K4 b - 1", "stands in check"),
        ("4k4", "2 to 4 fields"),
    ],
)
def test_impossible_positions_never_reach_the_engine(sfen: str, message: str) -> None:
    with pytest.raises(GameError, match=message):
        make_game("shogi").initial_state(sfen)


@given(st.text(alphabet="lnsgkrbpLNSGKRBP123456789/+ bw-", max_size=60))
def test_any_text_is_a_checked_position_or_refused(text: str) -> None:
    try:
        found = checked(text)
    except GameError:
        return
    assert make_game("shogi").initial_state(found).legal_actions() is not None


@pytest.mark.parametrize(
    "moves",
    [
        # Yokofudori, the side pawn: every professional's first pages.
        "7g7f 3c3d 2g2f 8c8d 2f2e 8d8e 6i7h 4a3b 2e2d 2c2d 2h2d 8e8f 8g8f 8b8f 2d3d",
        # Bishop exchange with the loss of a tempo.
        "7g7f 3c3d 2g2f 8c8d 2f2e 8d8e 6i7h 4a3b 8h2b+ 3a2b 7i8h 6a5b 3i3h",
        # Gokigen central rook.
        "7g7f 3c3d 2g2f 5c5d 2f2e 8b5b 4i5h 5d5e",
        # Fourth file rook against the boat castle.
        "7g7f 8c8d 6g6f 3c3d 2h6h 7a6b 5i4h 5a4b 4h3h 4b3b 3h2h 5c5d",
    ],
)
def test_known_openings_are_legal(moves: str) -> None:
    played = transcribe(read_one("usi", f"position startpos moves {moves}"))
    assert isinstance(played, PlayedGame), played
    kif = format_record(to_record(played), "kif")
    again = transcribe(read_one("kif", kif))
    assert isinstance(again, PlayedGame)
    assert again.actions.tolist() == played.actions.tolist()


def test_the_command_line_takes_and_gives_kif(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from gameil.cli.main import main
    from gameil.dataset.dataset import Dataset

    source, out, again = tmp_path / "games.kif", tmp_path / "games.lmdb", tmp_path / "again.kif"
    other = KIF.replace("   3 ２二角成(88)", "   3 ２六歩(27)").partition("   4 ")[0] + "   4 中断\n"
    source.write_bytes((KIF + other).encode("cp932"))
    assert main(["ingest", str(source), "--game", "shogi", "--out", str(out), "--workers", "1"]) == 0
    assert main(["data", "verify", str(out)]) == 0
    assert main(["data", "export", str(out), "--out", str(again)]) == 0
    assert main(["ingest", str(again), "--game", "shogi", "--out", str(tmp_path / "again.lmdb"), "--workers", "1"]) == 0
    capsys.readouterr()
    first, second = Dataset(out), Dataset(tmp_path / "again.lmdb")
    assert (len(first), first.counts().total.rejected) == (2, {})
    assert first.digest() == second.digest()


BOARD = """\
後手の持駒：飛　角二
  ９ ８ ７ ６ ５ ４ ３ ２ １
+---------------------------+
| ・ ・ ・ ・v玉 ・ ・ ・v香|一
| ・ ・ ・ ・ ・ ・ ・ ・ ・|二
| ・ ・ ・ ・ 歩 ・ ・ ・ ・|三
| ・ ・ ・ ・ ・ ・ ・ ・ ・|四
| ・ ・ ・ ・ ・ ・ ・ ・ ・|五
| ・ ・ ・ ・ ・ ・ ・ ・ ・|六
| ・ ・ ・ ・ ・ ・ ・ ・ ・|七
| ・v馬 ・ ・ ・ ・ ・ 龍 ・|八
| ・ ・ ・ ・ 王 ・ ・ ・ ・|九
+---------------------------+
先手の持駒：金　歩十七
後手番
手数----指手---------
   1 ８一角打
"""


def test_a_drawn_board_is_a_start() -> None:
    record = read_one("kif", BOARD.replace("角二", "角"))
    assert record.start == "4k3l/9/4P4/9/9/9/9/1+b5+R1/4K4 w G17Prb 1"
    played = transcribe(record)
    assert isinstance(played, PlayedGame), played
    assert content(read_one("kif", format_record(record, "kif"))) == content(record)
    assert isinstance(transcribe(read_one("kif", BOARD)), RecordError)  # a third bishop
    for wrong in (
        BOARD.replace("v香", "v象"),
        BOARD.replace("| ・ ・ ・ ・ 歩", "| ・ ・ ・ 歩"),
        BOARD.replace("飛", "飛百"),
    ):
        assert read_error("kif", wrong).reason == "start position"


@settings(max_examples=25)
@given(seed=st.integers(0, 2**32 - 1), plies=st.integers(1, 250))
def test_any_position_can_be_drawn(seed: int, plies: int) -> None:
    played = random_game(seed, plies, None)
    state = make_game("shogi").initial_state()
    for action in played.actions.tolist():
        state.apply(action)
    board, mover, hand, _ = str(state).split()
    rows, hands, white_moves = draw_board(f"{board} {mover} {hand} 1")
    sfen = board_sfen(rows, hands, white_moves)
    assert sfen is not None
    assert sfen.split()[:2] == [board, mover]
    assert sorted(re.findall(r"\d*[A-Za-z]", sfen.split()[2])) == sorted(re.findall(r"\d*[A-Za-z]", hand))
    assert board_sfen(*draw_board(sfen)) == sfen


@pytest.mark.parametrize("head", ["", "手数----\n", " 1 ", "先手：", "sfen "])
@pytest.mark.parametrize(
    "unit", ["1 ", "同", "(", " 1 ７六歩(77)", "まで", "|・", "手合割：", "\u3000", "sfen ", "7g7f ", "/"]
)
def test_repetition_takes_linear_time(head: str, unit: str) -> None:
    """A quadratic pattern would need minutes for this."""
    for format in ("kif", "usi"):
        assert read(format, head + unit * (150_000 // len(unit)))
