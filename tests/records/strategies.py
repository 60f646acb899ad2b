"""Records that each format can carry, for round trips, and text that looks almost like records, for fuzzing."""

from hypothesis import strategies as st

from gameil.records.record import GameRecord, PlayerInfo
from tests.records.reading import HERE

words = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1, max_size=12)
"""Printable words of any script, with quotes, brackets and backslashes."""
lines = st.lists(words, min_size=1, max_size=4).map(" ".join)
stated_lines = lines.filter(lambda line: line not in {"", "?", "-", "??", "????.??.??"})
optional_lines = st.none() | stated_lines
dates = st.none() | st.sampled_from(["1974-??-??", "2012-06-20", "2012-06-??"])
ratings = st.none() | st.integers(10, 9999)

san_moves = st.one_of(
    st.sampled_from(["O-O", "O-O-O", "O-O+", "e8=Q#", "--", "bxa1=N", "Nbd7", "R1xe2", "Qh4e1", "e4", "Kd2"]),
    st.from_regex(r"[KQRBN]?[a-h]?[1-8]?x?[a-h][1-8][+#]?", fullmatch=True),
)
FENS = ["8/8/8/4k3/8/8/4K3/8 b - - 3 41", "4k3/8/8/8/8/8/8/4K2R w K - 0 1"]
OUTCOMES = [((1.0, -1.0), "1-0"), ((-1.0, 1.0), "0-1"), ((0.0, 0.0), "1/2-1/2"), (None, "*")]


@st.composite
def chess_records(draw: st.DrawFn) -> GameRecord:
    moves = draw(st.lists(san_moves, min_size=1, max_size=30))
    returns, result = draw(st.sampled_from(OUTCOMES))
    ended_by_mate = moves[-1].endswith("#") and returns in ((1.0, -1.0), (-1.0, 1.0))
    terminations = ["rules", "resignation", "time", "agreed", "forfeit"] + ([] if ended_by_mate else ["unknown"])
    clocks = st.none() | st.integers(0, 9 * 3600 * 1000).map(lambda milliseconds: milliseconds / 1000)
    timed = draw(st.booleans())
    read_clocks = [draw(clocks) for _ in moves] if timed else []
    comments = draw(st.dictionaries(st.integers(-1, len(moves) - 1), lines.map(lambda line: line.replace("}", ")"))))
    players = draw(st.just(()) | st.tuples(*[st.builds(PlayerInfo, optional_lines, ratings, optional_lines)] * 2))
    return GameRecord(
        game="chess",
        notation="san",
        moves=tuple(moves),
        source=HERE,
        parameters=draw(st.sampled_from([{}, {"chess960": True}])),
        players=() if players == (PlayerInfo(), PlayerInfo()) else players,
        start=draw(st.none() | st.sampled_from(FENS)),
        returns=returns,
        result=result,
        termination=draw(st.sampled_from(terminations)),
        date=draw(dates),
        event=draw(optional_lines),
        time_control=draw(optional_lines),
        tags=draw(st.dictionaries(st.sampled_from(["Site", "Round", "ECO", "Opening", "Match_1"]), stated_lines)),
        clocks=tuple(read_clocks) if any(clock is not None for clock in read_clocks) else None,
        comments=comments,
    )


@st.composite
def go_records(draw: st.DrawFn) -> GameRecord:
    size = draw(st.integers(2, 19))
    letters = st.sampled_from("abcdefghijklmnopqrs"[:size])
    points = st.tuples(letters, letters).map("".join)
    moves = draw(st.lists(st.just("") | points, min_size=1, max_size=60))
    movers = draw(st.lists(st.integers(0, 1), min_size=len(moves), max_size=len(moves)))
    setup = draw(st.lists(st.tuples(st.integers(0, 1), points), max_size=9, unique_by=lambda stone: stone[1]))
    parameters: dict[str, str | int | float | bool] = {"board_size": size}
    if draw(st.booleans()):
        parameters["komi"] = draw(st.integers(-2 * size, 2 * size).map(lambda halves: halves / 2))
    returns, result, termination = draw(
        st.sampled_from(
            [
                ((1.0, -1.0), "B+R", "resignation"),
                ((-1.0, 1.0), "W+3.5", "rules"),
                ((-1.0, 1.0), "W+T", "time"),
                ((1.0, -1.0), "B+F", "forfeit"),
                ((1.0, -1.0), "B+", "unknown"),
                ((0.0, 0.0), "0", "rules"),
                (None, "*", "unknown"),
                (None, "Void", "unknown"),
            ]
        )
    )
    ranks = st.sampled_from([None, "9d", "3k?", "5 kyu"])
    player = st.one_of(
        st.builds(PlayerInfo, st.none() | lines, st.none(), ranks), st.builds(PlayerInfo, st.none() | lines, ratings)
    )
    players = draw(st.just(()) | st.tuples(player, player))
    clocks = [draw(st.none() | st.integers(0, 10**6).map(lambda tenths: tenths / 10)) for _ in moves]
    return GameRecord(
        game="go",
        notation="sgf",
        moves=tuple(moves),
        source=HERE,
        parameters=parameters,
        players=() if players == (PlayerInfo(), PlayerInfo()) else players,
        movers=tuple(movers),
        setup=tuple(sorted(setup, key=lambda stone: stone[0])),
        returns=returns,
        result=result,
        termination=termination,
        date=draw(dates),
        event=draw(st.none() | lines),
        time_control=draw(st.none() | lines),
        tags=draw(st.dictionaries(st.sampled_from(["RU", "GN", "PC", "Match", "OpeningPlies", "SZ"]), lines)),
        clocks=tuple(clocks) if draw(st.booleans()) and any(clock is not None for clock in clocks) else None,
        comments=draw(st.dictionaries(st.integers(-1, len(moves) - 1), lines)),
    )


any_text = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
any_numbers = st.floats(-1e15, 1e15)


@st.composite
def any_records(draw: st.DrawFn) -> GameRecord:
    """Records of made-up games: everything that the JSON-lines schema allows."""
    moves = draw(st.lists(any_text, min_size=1, max_size=20))
    each = {"min_size": len(moves), "max_size": len(moves)}
    num_players = draw(st.integers(0, 4))
    texts = st.none() | any_text
    player = st.builds(PlayerInfo, texts, st.none() | st.integers(-1_000_000, 1_000_000), texts)
    return GameRecord(
        game=draw(st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True)),
        notation=draw(st.sampled_from(["action", "san", "uci", "gtp", "sgf"])),
        moves=tuple(moves),
        source=HERE,
        parameters=draw(st.dictionaries(any_text, st.booleans() | st.integers() | any_text | any_numbers, max_size=3)),
        players=tuple(draw(st.lists(player, min_size=num_players, max_size=num_players))),
        movers=draw(st.none() | st.lists(st.integers(-1, 63), **each).map(tuple)),
        setup=tuple(draw(st.lists(st.tuples(st.integers(-1, 63), any_text), max_size=4))),
        start=draw(texts),
        returns=draw(st.none() | st.tuples(*[any_numbers] * (num_players or 2))),
        result=draw(any_text),
        termination=draw(st.sampled_from(["rules", "resignation", "time", "agreed", "forfeit", "unknown"])),
        date=draw(texts),
        event=draw(texts),
        time_control=draw(texts),
        tags=draw(st.dictionaries(any_text, any_text, max_size=4)),
        clocks=draw(st.none() | st.lists(st.none() | any_numbers, **each).map(tuple)),
        comments=draw(st.dictionaries(st.integers(-1, len(moves) - 1), any_text, max_size=4)),
    )


RECORDS = {"pgn": chess_records(), "sgf": go_records(), "jsonl": any_records()}

PIECES = {
    "pgn": [
        *[
            '[Event "x"]\n',
            '[White "y',
            '"]',
            "\n",
            "\n\n",
            "1. e4 ",
            "e5 ",
            "1-0 ",
            "* ",
            "{",
            "}",
            "(",
            ")",
            ";",
            "%",
        ],
        *["$1 ", "!?", "[%clk 0:01:00]", "\ufeff", "\r\n", '[Variant "Atomic"]\n', "0-0 ", "e.p.", "é", "\x00", "1/2"],
    ],
    "sgf": [
        *[
            "(;",
            "(",
            ")",
            ";",
            "B[aa]",
            "W[tt]",
            "W[]",
            "[",
            "]",
            "\\",
            "SZ[19]",
            "SZ[500]",
            "KM[375]",
            "GM[1]",
            "GM[2]",
        ],
        *[
            "AB[aa:cc]",
            "AE[aa]",
            "HA[4]",
            "RE[W+R]",
            "C[a\\]",
            "CA[gbk]",
            "\n",
            "é",
            "\x00",
            "DT[2000]",
            "ab[cd]",
            "KM[,]",
        ],
    ],
    "jsonl": [
        *['{"game":"go","moves":["aa"]}', "\n", "{", "}", "[", "]", '"', ",", ":", '"game"', '"moves"', "null", "NaN"],
        *[
            "1e999",
            '"returns":[1,-1]',
            "\\ud800",
            "\ufeff",
            "\r",
            "\x00",
            "é",
            '"players":[{}]',
            "true",
            '"clocks":[1]',
        ],
    ],
}


def almost(format: str) -> st.SearchStrategy[bytes]:
    """Bytes that look almost like records: pieces of the format in any order, and noise."""
    piece = st.sampled_from(PIECES[format]).map(str.encode) | st.binary(max_size=3)
    return st.lists(piece, max_size=60).map(b"".join)
