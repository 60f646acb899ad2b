"""Real collections read by other people's readers and by ours: the same games, moves, comments and clocks.

python-chess and sgfmill are oracles here only. Where they are wrong, the comment says why we differ.
"""

import itertools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gameil.records.formats import read_records
from gameil.records.record import GameRecord, RecordError
from gameil.records.sources import open_sources

GAMES = 60
STRESS = ["Alex", "chesscom", "club", "karpov-latin1-crlf", "lichess_DrDrunkenstein_2019-01-29"]


def stream_bytes(path: Path, size: int) -> bytes:
    """The first ``size`` bytes of a file's stream, decompressed."""
    for source in open_sources(path):
        blocks = iter(source.read, b"")
        return b"".join(itertools.islice(blocks, size // (1 << 20) + 1))
    raise AssertionError(f"{path} is empty")


def game_texts(data: bytes, records: list[GameRecord | RecordError], encoding: str) -> Iterator[str]:
    """The text of each game alone, from its offset to the next one's."""
    offsets = [record.source.offset for record in records] + [len(data)]
    for begin, end in itertools.pairwise(offsets):
        yield data[begin:end].decode(encoding).replace("\r\n", "\n")


@pytest.mark.parametrize("name", [*[f"stress/{name}.pgn" for name in STRESS], "twic-0920-0959.pgn.zst"])
def test_chess_games_are_read_as_python_chess_reads_them(shared_data: Path, name: str) -> None:
    chess_pgn = pytest.importorskip("chess.pgn", reason="python-chess is the oracle")
    import io

    path = shared_data / "chess" / name
    records = list(itertools.islice(read_records(path), GAMES + 1))
    data = stream_bytes(path, 1 << 22)
    encoding = "latin-1" if "latin1" in name else "utf-8"
    compared = 0
    for record, text in zip(records[:GAMES], game_texts(data, records, encoding), strict=False):
        if isinstance(record, RecordError):
            continue
        # python-chess ends a game at an empty line behind a comment; the standard does not.
        head, _, body = text.partition("\n\n") if "]\n\n" in text else (text, "", "")
        game = chess_pgn.read_game(io.StringIO(head + "\n\n" + re.sub(r"\n\s*\n", "\n", body)))
        board = game.board()
        for move, node in zip(record.moves, game.mainline(), strict=True):
            assert board.parse_san(move) == node.move
            board.push(node.move)
        assert game.headers["Result"] == record.result
        nodes = list(game.mainline())
        clocks = tuple(node.clock() for node in nodes)
        assert record.clocks == (clocks if any(clock is not None for clock in clocks) else None)
        for index, node in enumerate(nodes):
            # An empty variation takes the next comment in python-chess: then its comment is the start of ours.
            assert record.comments.get(index, "").startswith(
                " ".join(re.sub(r"\[%clk [^\]]*\]", "", node.comment).split())
            )
        compared += 1
    assert compared >= GAMES * 2 // 5


@pytest.mark.parametrize("name", ["kgs-2001.tar.gz", "tom-2003-2008.sgf.zst"])
def test_go_games_are_read_as_sgfmill_reads_them(shared_data: Path, name: str) -> None:
    from sgfmill import sgf, sgf_grammar

    path = shared_data / "go" / name
    records = [record for record in itertools.islice(read_records(path), GAMES) if isinstance(record, GameRecord)]
    if "tar" in name:
        texts = [b"".join(iter(source.read, b"")) for source in itertools.islice(open_sources(path), GAMES)]
        texts = [text for text in texts if re.search(rb";\s*[BW]\[", text)]
    else:
        data = stream_bytes(path, 1 << 20)
        texts = [sgf_grammar.serialise_game_tree(tree) for tree in _first_trees(data, GAMES)]
    assert len(texts) == len(records) >= GAMES * 2 // 5
    for record, text in zip(records, texts, strict=True):
        game = sgf.Sgf_game.from_bytes(text)
        size = game.get_size()
        moves = [node.get_move() for node in game.get_main_sequence()]
        expected = [("bw".index(colour), point) for colour, point in moves if colour is not None]
        assert [
            (seat, _coordinates(move, size)) for seat, move in zip(record.movers or (), record.moves, strict=True)
        ] == expected
        black, white, _ = game.get_root().get_setup_stones()
        assert {_coordinates(point, size) for seat, point in record.setup if seat == 0} == black
        assert {_coordinates(point, size) for seat, point in record.setup if seat == 1} == white
        assert record.parameters["komi"] == game.get_komi()
        assert record.players[0].name == game.get_player_name("b")
        winner = game.get_winner()
        assert record.returns == (None if winner is None else (1.0, -1.0) if winner == "b" else (-1.0, 1.0))


def _first_trees(data: bytes, count: int) -> list[object]:
    from sgfmill import sgf_grammar

    ends = [match.end() for match in re.finditer(rb"\)\n\(", data)]
    trees: list[object] = sgf_grammar.parse_sgf_collection(data[: ends[count - 1] - 2])
    return trees


def _coordinates(point: str, size: int) -> tuple[int, int] | None:
    """sgfmill's (row, column) from the lower left."""
    return (size - 1 - (ord(point[1]) - ord("a")), ord(point[0]) - ord("a")) if point else None


def test_counts_of_the_stress_files_add_up(shared_data: Path) -> None:
    for name in STRESS:
        path = shared_data / "chess" / "stress" / f"{name}.pgn"
        records = list(read_records(path))
        assert len(records) == len(re.findall(rb"(?m)^\[Event ", path.read_bytes()))
        assert {record.reason for record in records if isinstance(record, RecordError)} <= {"variant", "no moves"}
