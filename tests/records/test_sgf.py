"""The SGF reader on written examples: what properties mean, and what each tolerance does."""

import pytest

from gameil.records.record import GameRecord, PlayerInfo, RecordError
from tests.records.reading import read, read_error, read_one

PLAIN = "(;GM[1]FF[4]SZ[9]KM[6.5]PB[Black Name]PW[White Name]RE[B+R];B[ee];W[ef];B[])\n"


def test_every_field_of_a_server_game_is_read() -> None:
    record = read_one(
        "sgf",
        "(;GM[1]FF[4]CA[UTF-8]SZ[19]KM[0.50]HA[2]PB[幽玄]PW[Opp [x\\] ]BR[9d]WR[1800]DT[2003-09-25]EV[Title Match]\n"
        "TM[4800]OT[5x90 byo-yomi]RU[Japanese]RE[W+T]C[first\nwords]AB[pd]\n[dp]\n"
        ";W[dd]WL[59.5]C[a ;B[aa\\] trick];B[qq];W[tt](;B[cc];W[])(;B[aa];W[bb]))",
    )
    assert record == GameRecord(
        game="go",
        notation="sgf",
        moves=("dd", "qq", "", "cc", ""),
        source=record.source,
        parameters={"board_size": 19, "komi": 0.5},
        players=(PlayerInfo("幽玄", None, "9d"), PlayerInfo("Opp [x]", 1800, None)),
        movers=(1, 0, 1, 0, 1),
        setup=((0, "pd"), (0, "dp")),
        returns=(-1.0, 1.0),
        result="W+T",
        termination="time",
        date="2003-09-25",
        event="Title Match",
        time_control="4800 5x90 byo-yomi",
        tags={"HA": "2", "RU": "Japanese"},
        clocks=(59.5, None, None, None, None),
        comments={-1: "first words", 0: "a ;B[aa] trick"},
    )


@pytest.mark.parametrize(
    ("komi", "value", "tolerances"),
    [
        ("6.5", 6.5, ()),
        ("0.50", 0.5, ()),
        ("0", 0.0, ()),
        ("-80.50", -80.5, ()),
        ("6,5", 6.5, ("komi as text",)),
        ("5.5目", 5.5, ("komi as text",)),
        ("650", 6.5, ("komi times 100",)),
        ("375", 7.5, ("komi times 100", "komi halved")),
        ("3.75", 7.5, ("komi halved",)),
        ("2.75", 5.5, ("komi halved",)),
        ("unknown", None, ("komi unreadable",)),
        ("", None, ()),
    ],
)
def test_komi(komi: str, value: float | None, tolerances: tuple[str, ...]) -> None:
    record = read_one("sgf", f"(;SZ[19]KM[{komi}];B[aa])")
    assert record.parameters.get("komi") == value
    assert record.tolerances == tolerances


@pytest.mark.parametrize(
    ("result", "returns", "termination"),
    [
        ("W+R", (-1.0, 1.0), "resignation"),
        ("B+Resign", (1.0, -1.0), "resignation"),
        ("B+0.5", (1.0, -1.0), "rules"),
        ("B+T", (1.0, -1.0), "time"),
        ("W+Time", (-1.0, 1.0), "time"),
        ("W+F", (-1.0, 1.0), "forfeit"),
        ("W+Offline", (-1.0, 1.0), "forfeit"),
        ("B+", (1.0, -1.0), "unknown"),
        ("w+3.5 (moves beyond record)", (-1.0, 1.0), "rules"),
        ("Black+3", (1.0, -1.0), "rules"),
        ("0", (0.0, 0.0), "rules"),
        ("Jigo", (0.0, 0.0), "rules"),
        ("Draw", (0.0, 0.0), "rules"),
        ("Void", None, "unknown"),
        ("?", None, "unknown"),
        ("", None, "unknown"),
        ("White wins by resignation", (-1.0, 1.0), "resignation"),
        ("Black won by 3.5 points against White", (1.0, -1.0), "rules"),
        ("黑中盘胜", (1.0, -1.0), "resignation"),
        ("白胜1/4子", (-1.0, 1.0), "rules"),
        ("白3目半勝ち", (-1.0, 1.0), "rules"),
        ("持碁", (0.0, 0.0), "rules"),
        ("nobody knows", None, "unknown"),
    ],
)
def test_result(result: str, returns: tuple[float, float] | None, termination: str) -> None:
    record = read_one("sgf", f"(;RE[{result}];B[aa])")
    assert (record.returns, record.termination) == (returns, termination)
    assert record.result == (result or "*")


@pytest.mark.parametrize(
    ("setup", "stones"),
    [
        ("AB[dd][pp]", "B dd pp"),
        ("AB[aa:ba]AW[cc]", "B aa ba W cc"),
        ("AB[aa:bb]", "B aa ba ab bb"),
        ("AB[aa]AB[bb]", "B aa bb"),
        ("AB[aa][bb]AE[aa]", "B bb"),
        ("AB[aa]AW[aa]", "W aa"),
    ],
)
def test_setup_stones(setup: str, stones: str) -> None:
    expected: list[tuple[int, str]] = []
    seat = 0
    for word in stones.split():
        if word in "BW":
            seat = "BW".index(word)
        else:
            expected.append((seat, word))
    assert read_one("sgf", f"(;SZ[19]{setup};W[cd])").setup == tuple(expected)


def test_handicap_written_as_moves_keeps_its_movers() -> None:
    record = read_one("sgf", "(;HA[2];B[dd];B[pp];W[dp])")
    assert (record.movers, record.setup, record.tolerances) == ((0, 0, 1), (), ())


def test_setup_in_a_node_before_the_first_move_is_setup() -> None:
    record = read_one("sgf", "(;SZ[9]C[root];AB[ee];W[aa])")
    assert (record.setup, record.moves, record.tolerances) == (((0, "ee"),), ("aa",), ("setup after the root",))


@pytest.mark.parametrize(
    ("board_size", "move", "written"),
    [("19", "tt", ""), ("9", "tt", ""), ("19", "ss", "ss"), ("", "ss", "ss"), ("13:13", "mm", "mm"), ("9", "", "")],
)
def test_points_and_passes(board_size: str, move: str, written: str) -> None:
    size = f"SZ[{board_size}]" if board_size else ""
    assert read_one("sgf", f"(;{size};B[{move}])").moves == (written,)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("(;SZ[500];B[aa])", "board size"),
        ("(;SZ[9:13];B[aa])", "board size"),
        ("(;SZ[nine];B[aa])", "board size"),
        ("(;SZ[²];B[aa])", "board size"),
        ("(;SZ[-9];B[aa])", "board size"),
        ("(;GM[2];B[aa])", "other game"),
        ("(;GM[1]SZ[19])", "no moves"),
        ("(;SZ[9];B[jj])", "off board"),
        ("(;SZ[9];B[a])", "off board"),
        ("(;SZ[9]AB[aa][zz];W[bb])", "off board"),
        ("(;SZ[9]AB[];W[bb])", "off board"),
        ("(;SZ[9];B[aa];AE[aa]AW[bb];B[cc])", "setup in mid-game"),
        ("(;SZ[19]HA[4];W[dd])", "handicap"),
        ("(;SZ[9]KM[6.3];B[aa])", "komi"),
        ("", "no records"),
        ("no game here", "no records"),
    ],
)
def test_what_cannot_be_used_is_an_error(text: str, reason: str) -> None:
    error = read_error("sgf", text)
    assert (error.reason, error.source.offset) == (reason, 0)
    assert error.detail


@pytest.mark.parametrize(
    ("text", "tolerance"),
    [
        ("(;SZ[9];B[aa];W[bb]", "unclosed tree"),
        ("(;SZ[9]HA[3]AB[aa][bb];W[cc])", "handicap differs"),
        ("(;SZ[9]CA[klingon];B[aa])", "other charset"),
    ],
)
def test_tolerances_are_named(text: str, tolerance: str) -> None:
    assert read_one("sgf", text).tolerances == (tolerance,)


def test_a_well_formed_game_needs_no_tolerance() -> None:
    assert read_one("sgf", PLAIN).tolerances == ()


@pytest.mark.parametrize(
    "nodes",
    [
        ";B[ee];W[ef];B[]",
        "\n;B[ee]\n;W[ef]\r\n; B [ee]".replace("B [ee]", "B []"),
        ";B[ee]MN[1];W[ef]BL[3];B[]",
        "(;B[ee](;W[ef](;B[])(;B[aa]))(;W[aa]))(;B[aa])",
        ";B[ee];W[ef]N[node (with) signs;];B[]",
        ";Black[ee];White[ef];B[]",
    ],
)
def test_the_main_line_is_the_first_variation_however_it_is_written(nodes: str) -> None:
    record = read_one("sgf", f"(;SZ[9]{nodes})")
    assert (record.moves, record.movers) == (("ee", "ef", ""), (0, 1, 0))


def test_an_unclosed_tree_ends_before_the_next_root() -> None:
    first, second = read("sgf", "(;GM[1]SZ[9];B[aa](;W[bb];B[cc]\n" + PLAIN)
    assert (first.moves, first.tolerances) == (("aa", "bb", "cc"), ("unclosed tree",))
    assert (second.moves, second.tolerances) == (("ee", "ef", ""), ())


@pytest.mark.parametrize("charset", ["UTF-8", "GB2312", "Big5", "Shift_JIS", "EUC-JP", "ISO-8859-1"])
def test_charsets(charset: str) -> None:
    name = "Müller" if charset == "ISO-8859-1" else "中山"
    record = read_one("sgf", f"(;CA[{charset}]PB[{name}];B[aa])".encode(charset))
    assert (record.players[0].name, record.tolerances) == (name, ())


def test_bytes_of_no_stated_charset_are_read_as_latin_1() -> None:
    record = read_one("sgf", "(;PB[Müller];B[aa])".encode("latin-1"))
    assert (record.players[0].name, record.tolerances) == ("Müller", ("latin-1",))


def test_collections_keep_order_offsets_and_good_games() -> None:
    texts = [PLAIN, "(;SZ[500];B[aa])", "words between ", "(;C[a (; trick [1\\]];B[aa](;W[bb])(;W[cc]))\n", PLAIN]
    data = "\ufeff".encode() + "".join(texts).encode()
    whole = read("sgf", data)
    assert [type(record) for record in whole] == [GameRecord, RecordError, GameRecord, GameRecord]
    for record in whole:
        again = read("sgf", data[record.source.offset :])[0]
        assert again.source.offset == 0
        assert getattr(again, "moves", None) == getattr(record, "moves", None)
    for drip in (1, 2, 3, 5, 17, 64):
        assert read("sgf", data, drip=drip) == whole


def test_an_oversized_tree_is_skipped_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.records.sgf_reader.MAX_GAME_BYTES", 5000)
    records = read("sgf", PLAIN + "(;C[" + "long " * 4000 + "];B[aa])\n" + PLAIN, drip=512)
    assert [getattr(record, "reason", "game") for record in records] == ["game", "too large", "game"]
    assert records[1].source.offset == len(PLAIN)
