"""The PGN reader on written examples: what a line of PGN means, and what each tolerance does."""

import pytest

from gameil.records.record import GameRecord, PlayerInfo, RecordError
from tests.records.reading import read, read_error, read_one

TAGS = '[Event "Casual"]\n[White "A"]\n[Black "B"]\n[Result "1-0"]\n\n'
PLAIN = TAGS + "1. e4 e5 2. Nf3 Nc6 3. Bb5 a6 1-0\n"


def test_every_field_of_a_rated_online_game_is_read() -> None:
    record = read_one(
        "pgn",
        '[Event "Rated Blitz game"]\n[Site "https://example.org/x"]\n[Date "2019.01.29"]\n[Round "-"]\n'
        '[White "Anna"]\n[Black "Bot"]\n[Result "0-1"]\n[WhiteElo "1523"]\n[BlackElo "3000"]\n[WhiteTitle "WGM"]\n'
        '[BlackTitle "BOT"]\n[TimeControl "180+2"]\n[Termination "Time forfeit"]\n[ECO "C20"]\n[Variant "Standard"]\n\n'
        "1. e4 { [%eval 0.2] [%clk 0:03:00] } 1... e5 { [%clk 0:02:58.5] } 2. Ke2?! $6 { a joke } 0-1\n",
    )
    assert record == GameRecord(
        game="chess",
        notation="san",
        moves=("e4", "e5", "Ke2"),
        source=record.source,
        players=(PlayerInfo("Anna", 1523, "WGM"), PlayerInfo("Bot", 3000, "BOT")),
        returns=(-1.0, 1.0),
        result="0-1",
        termination="time",
        date="2019-01-29",
        event="Rated Blitz game",
        time_control="180+2",
        tags={"Site": "https://example.org/x", "ECO": "C20"},
        clocks=(180.0, 178.5, None),
        comments={0: "[%eval 0.2]", 2: "a joke"},
    )


@pytest.mark.parametrize(
    ("movetext", "moves"),
    [
        ("1. e4 e5 2. Nf3 *", "e4 e5 Nf3"),
        ("1.e4 e5 2.Nf3 *", "e4 e5 Nf3"),
        ("1 . e4 e5 2 ... Nf3 *", "e4 e5 Nf3"),
        ("e4 e5 Nf3 *", "e4 e5 Nf3"),
        ("1. e4 1... e5 2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4! e5?? 2. Nf3!? *", "e4 e5 Nf3"),
        ("1. e4 $1 e5 $13 $6 2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4 (1. d4 d5 (1... Nf6 2. c4) 2. c4) e5 2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4 (1. d4 {a ) in it}) e5 2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4 ; 1... c5 2. Nc3\n e5 2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4 {two\nlines} e5\n% an escaped line c5\n2. Nf3 *", "e4 e5 Nf3"),
        ("1. e4 e5\n\n2. Nf3\n\n*", "e4 e5 Nf3"),
        ('1. e4 e5 2. Nf3 {an [Event "x"] inside} *', "e4 e5 Nf3"),
        ("1. e4 e5 2. exd6 e.p. *", "e4 e5 exd6"),
        ("1. e4 e5 2. Nf3 +/- *", "e4 e5 Nf3"),
        ("1. e4() e5(1... c5)2. Nf3{good}*", "e4 e5 Nf3"),
        ("1. O-O-O+ O-O 2. e8=Q# bxa1=N+ 3. Nbxd7 R1xe2 4. Qh4e1 *", "O-O-O+ O-O e8=Q# bxa1=N+ Nbxd7 R1xe2 Qh4e1"),
        ("1. 0-0 0-0-0+ *", "O-O O-O-O+"),
        ("1. e8Q e1(N) 2. P@e4 -- *", "e8Q e1(N) P@e4 --"),
    ],
)
def test_movetext(movetext: str, moves: str) -> None:
    record = read_one("pgn", TAGS.replace("1-0", "*") + movetext)
    assert record.moves == tuple(moves.split())
    assert record.result == "*"
    assert record.returns is None


@pytest.mark.parametrize(
    ("movetext", "tolerance"),
    [
        ("1. e4 e5", "missing result"),
        ("1. e4 {never closed e5 1-0", "unterminated comment"),
        ("1. e4 (1. d4 d5 1-0", "unterminated variation"),
        ("1. e4 ) e5 1-0", "stray parenthesis"),
        ("1. 0-0 0-0-0 1-0", "castling with zeros"),
        ("1. e4 e5 = 1-0", "annotation in moves"),
        ("1. e4 e5 1-0 and so on", "text after result"),
    ],
)
def test_tolerances_in_the_movetext_are_named(movetext: str, tolerance: str) -> None:
    record = read_one("pgn", TAGS + movetext)
    assert tolerance in record.tolerances
    assert record.moves[0] in ("e4", "O-O")
    assert record.returns == (1.0, -1.0)


@pytest.mark.parametrize("head", ['[Event "x"]\n', '[White "x"]\n[Event "a"]\n'])
def test_well_formed_games_need_no_tolerance(head: str) -> None:
    assert read_one("pgn", head + "\n1. e4 { [%clk 0:01:00] } (1. d4) e5 $1 2. Nf3! 1/2-1/2\n").tolerances == ()


@pytest.mark.parametrize(
    ("line", "name", "value", "tolerances"),
    [
        ('[Site "a \\"b\\" \\\\ c"]', "Site", 'a "b" \\ c', ()),
        ('[Site "a "b" c"]', "Site", 'a "b" c', ("malformed tag",)),
        ('[Site "never closed', "Site", "never closed", ("malformed tag",)),
        ("[Site never quoted]", "Site", "never quoted", ("malformed tag",)),
        ('  [ Site  "spaced" ]', "Site", "spaced", ()),
        ('[Site "x"] [Place "two on a line"]', "Place", "two on a line", ()),
        ('[Site "x"]\n[Site "y"]', "Site", "y", ("duplicate tag",)),
        ('[Site "x"]\n\n[Place "after a blank line"]', "Place", "after a blank line", ()),
    ],
)
def test_tag_lines(line: str, name: str, value: str, tolerances: tuple[str, ...]) -> None:
    record = read_one("pgn", f'[Event "x"]\n{line}\n[Result "1-0"]\n\n1. e4 1-0\n')
    assert record.tags[name] == value
    assert record.tolerances == tolerances
    assert record.result == "1-0"


@pytest.mark.parametrize(
    ("stated", "token", "result", "returns"),
    [
        ("1-0", "1-0", "1-0", (1.0, -1.0)),
        ("0-1", "", "0-1", (-1.0, 1.0)),
        ("*", "1/2-1/2", "1/2-1/2", (0.0, 0.0)),
        ("1/2", "1/2", "1/2-1/2", (0.0, 0.0)),
        ("½-½", "*", "1/2-1/2", (0.0, 0.0)),
        ("nonsense", "1-0", "1-0", (1.0, -1.0)),
        ("1-0", "0-1", "1-0", (1.0, -1.0)),
        ("+/-", "1-0", "+/-", (1.0, -1.0)),
        ("0-0", "0-0", "0-0", None),
        ("*", "*", "*", None),
        ("", "", "*", None),
    ],
)
def test_result(stated: str, token: str, result: str, returns: tuple[float, float] | None) -> None:
    record = read_one("pgn", f'[Event "x"]\n[Result "{stated}"]\n\n1. e4 e5 {token}\n')
    assert (record.result, record.returns) == (result, returns)
    assert record.moves == ("e4", "e5")


@pytest.mark.parametrize(
    ("tag", "last_move", "termination"),
    [
        ("Normal", "e5", "unknown"),
        ("Normal", "Qh4#", "rules"),
        ("Time forfeit", "e5", "time"),
        ("Abandoned", "e5", "forfeit"),
        ("Rules infraction", "e5", "forfeit"),
        ("Unterminated", "e5", "unknown"),
        ("Anna won by checkmate", "Qh4#", "rules"),
        ("Anna won by resignation", "e5", "resignation"),
        ("Anna won on time", "e5", "time"),
        ("Game drawn by agreement", "e5", "agreed"),
        ("Game drawn by repetition", "e5", "rules"),
    ],
)
def test_termination(tag: str, last_move: str, termination: str) -> None:
    record = read_one("pgn", f'[Event "x"]\n[Result "0-1"]\n[Termination "{tag}"]\n\n1. e4 {last_move} 0-1\n')
    assert record.termination == termination


@pytest.mark.parametrize(
    ("rating", "value"), [("2706", 2706), ("", None), ("-", None), ("?", None), ("0", None), ("1500?", 1500)]
)
def test_rating(rating: str, value: int | None) -> None:
    assert read_one("pgn", f'[White "A"]\n[WhiteElo "{rating}"]\n\n1. e4 *\n').players[0].rating == value


@pytest.mark.parametrize(
    ("date", "value"), [("1974.??.??", "1974-??-??"), ("????.??.??", None), ("2012.6.2", "2012-06-02"), ("soon", None)]
)
def test_date(date: str, value: str | None) -> None:
    assert read_one("pgn", f'[Event "x"]\n[Date "{date}"]\n\n1. e4 *\n').date == value


def test_start_positions_and_chess960_are_parameters_of_the_game() -> None:
    fen = "qnrbbkrn/pppppppp/8/8/8/8/PPPPPPPP/QNRBBKRN w KQkq - 0 1"
    record = read_one("pgn", f'[Variant "Chess960"]\n[SetUp "1"]\n[FEN "{fen}"]\n\n1. e4 *\n')
    assert record.parameters == {"chess960": True}
    assert record.start == fen
    usual = read_one("pgn", '[FEN "rnbqkbnr/pppppppp/8/8/8/8/PPPPPPPP/RNBQKBNR w KQkq - 0 1"]\n\n1. e4 *\n')
    assert usual.start is None


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('[Event "x"]\n[Variant "Atomic"]\n\n1. e4 e5 *\n', "variant"),
        ('[Event "x"]\n[Result "1-0"]\n\n1-0\n', "no moves"),
        ('[Event "x"]\n[Result "1-0"]\n', "no moves"),
        ('[Event "x"]', "no moves"),
        ("1. e4 e5 2. Sf3 Sc6 *", "syntax"),
        ("what a game this was", "syntax"),
        ("", "no records"),
    ],
)
def test_what_cannot_be_used_is_an_error_in_its_place(text: str, reason: str) -> None:
    error = read_error("pgn", text)
    assert error.reason == reason
    assert error.source.offset == 0
    assert error.detail


def test_a_bad_game_does_not_spoil_its_neighbours() -> None:
    records = read("pgn", PLAIN + "\n" + TAGS + "1. e4 Sf6 1-0\n\n" + PLAIN)
    assert [type(record) for record in records] == [GameRecord, RecordError, GameRecord]


@pytest.mark.parametrize("separator", ["", "\n", "\n\n\n", "\r\n\r\n", "% escaped\n", "\n{ between games }\n"])
def test_games_are_told_apart_whatever_stands_between_them(separator: str) -> None:
    records = read("pgn", PLAIN + separator + PLAIN + separator + PLAIN)
    moves = [record.moves for record in records if isinstance(record, GameRecord)]
    assert moves == [("e4", "e5", "Nf3", "Nc6", "Bb5", "a6")] * 3
    assert len(records) == 3


def test_games_without_tags_end_with_their_results() -> None:
    text = "1. e4 e5 1-0\n\n1. d4 {é} d5 1/2-1/2\n1. c4 *\n"
    first, second, third = read("pgn", text)
    assert [first.result, second.result, third.result] == ["1-0", "1/2-1/2", "*"]
    data = text.encode()
    assert data[second.source.offset :].lstrip().startswith(b"1. d4")
    assert data[third.source.offset :].lstrip().startswith(b"1. c4")


def test_an_unclosed_comment_ends_at_the_next_event_tag() -> None:
    records = read("pgn", TAGS + '1. e4 { never closed\n[White "no tag"]\n e5 1-0\n\n' + PLAIN)
    assert [record.moves for record in records] == [("e4",), ("e4", "e5", "Nf3", "Nc6", "Bb5", "a6")]


@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-8-sig"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends(encoding: str, line_end: str) -> None:
    text = ('[Event "Málaga"]\n[White "Müller"]\n\n1. e4 {schön} e5 1-0\n\n' * 2).replace("\n", line_end)
    records = read("pgn", text.encode(encoding))
    assert [(record.event, record.players[0].name, record.moves, record.comments) for record in records] == [
        ("Málaga", "Müller", ("e4", "e5"), {0: "schön"})
    ] * 2
    assert [record.tolerances for record in records] == [("latin-1",) if encoding == "latin-1" else ()] * 2


def test_offsets_are_exact_and_do_not_depend_on_block_borders() -> None:
    texts = [PLAIN, TAGS + '1. e4 {ü\n\n[Site "x"]} e5 1-0\n', '[Event "empty"]\n\n*\n', PLAIN.replace("A", "Ö")] * 3
    data = "\n\n".join(texts).encode()
    whole = read("pgn", data)
    assert len(whole) == len(texts)
    for drip in (1, 2, 3, 7, 64, 100):
        assert read("pgn", data, drip=drip) == whole
    for record in whole:
        again = read("pgn", data[record.source.offset :])[0]
        assert again.source.offset == 0
        if isinstance(record, GameRecord):
            assert (again.moves, again.players) == (record.moves, record.players)


def test_an_oversized_game_is_skipped_without_being_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.records.pgn_reader.MAX_GAME_BYTES", 5000)
    large = TAGS + "1. e4 {" + "long " * 4000 + "} e5 1-0\n\n"
    records = read("pgn", PLAIN + large + PLAIN, drip=512)
    assert [getattr(record, "reason", "game") for record in records] == ["game", "too large", "game"]
    assert records[1].source.offset == len(PLAIN)


def test_an_endless_tag_line_is_too_large() -> None:
    error = read_error("pgn", '[Event "' + "x" * 70_000 + '"]\n\n1. e4 *\n')
    assert error.reason == "too large"
    assert len(error.excerpt) <= 200


@pytest.mark.parametrize(
    "tail",
    [
        "1-0 " + ";" * 200 + "\n",
        "{" * 100_000,
        "{ open\n" + '[White "a"]\n' * 20_000,
        "{ open\n" + '[White "a"]\n' * 5_000 + "}\n" + '{\n[White "a"]}\n' * 5_000 + "1-0\n",
    ],
    ids=["semicolons", "braces", "tags in an open comment", "tags in closed comments"],
)
def test_hostile_text_takes_linear_time(tail: str) -> None:
    """Each of these took minutes to for ever in a scanner that looks back."""
    records = read("pgn", TAGS + "1. e4 " + tail)
    assert isinstance(records[0], GameRecord)
    assert records[0].moves == ("e4",)


def test_a_tag_line_inside_a_closed_comment_is_text() -> None:
    record = read_one("pgn", TAGS + '1. e4 { see\n[White "a"]\nthere } e5 1-0\n')
    assert record.moves == ("e4", "e5")
