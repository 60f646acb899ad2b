"""Othello through the command line: the archive's binary and text files meet in one dataset, and go out again."""

import json
import struct
from pathlib import Path

import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset

GAMES = (
    ("e6 f4 e3 f6 g5 d6 e7 f5 c5", 64),
    ("d3 c3 e6 d2 d1 e1 b2 c1 b4 b3 d6 c5 f6 g7 f4 c2 b5", 40),
    ("f5 d6 c3 d3 c4 f4 f6 f3 e6 e7 d7 g6 f8 f7", 30),
)
"""Moves and Black's discs; the second has a pass behind c1, the others none."""
TEXT = """[Event "Toy Open - 1999"]
[Date "1999"]
[Black "?"]
[White "?"]
[Result "{black}-{white}"]
{moves}

"""


def wthor(*games: tuple[str, int]) -> bytes:
    data = struct.pack("<4BIHH4B", 20, 7, 5, 22, len(games), 0, 1999, 8, 0, 24, 0)
    for moves, discs in games:
        squares = bytes(10 * int(square[1]) + "abcdefgh".index(square[0]) + 1 for square in moves.split())
        data += struct.pack("<HHHBB", 0, 0, 0, discs, 30) + squares.ljust(60, b"\0")
    return data


def text(moves: str, discs: int) -> str:
    squares = moves.upper().split()
    pairs = [f"{index // 2 + 1}. {' '.join(squares[index : index + 2])}" for index in range(0, len(squares), 2)]
    return TEXT.format(black=discs, white=64 - discs, moves="\n".join(pairs))


@pytest.fixture
def sources(tmp_path: Path) -> tuple[Path, Path]:
    binary, written = tmp_path / "WTH_1999.wtb", tmp_path / "WTH_1999.pgn"
    binary.write_bytes(wthor(*GAMES, ("f5 d6 a1", 32)))
    written.write_text("".join(text(*game) for game in GAMES))
    return binary, written


def ingest(path: Path, out: Path, capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    code = main(["ingest", str(path), "--game", "othello", "--out", str(out), "--workers", "1", "--json", *options])
    assert code == 0
    results: dict[str, object] = json.loads(capsys.readouterr().out)
    return results


def test_the_same_games_in_binary_and_text_are_stored_once(
    tmp_path: Path, runs: Path, sources: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "x.lmdb"
    first = ingest(sources[0], out, capsys, "--runs", str(runs))["run"]
    assert isinstance(first, dict)
    assert (first["read"], first["stored"], first["rejected"]) == (4, 3, {"illegal move": 1})
    assert first["tolerances"] == {"name missing": 4}
    second = ingest(sources[1], out, capsys, "--runs", str(runs))["run"]
    assert isinstance(second, dict)
    assert (second["read"], second["stored"], second["duplicates"]) == (3, 0, 3)
    assert main(["data", "verify", str(out)]) == 0
    exported = tmp_path / "out.pgn"
    assert main(["data", "export", str(out), "--out", str(exported)]) == 0
    again = tmp_path / "again.lmdb"
    capsys.readouterr()
    ingest(exported, again, capsys, "--runs", str(runs))
    assert Dataset(again).digest() == Dataset(out).digest()


def test_a_finished_game_without_a_result_has_the_boards(
    tmp_path: Path, runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transcripts = tmp_path / "games.txt"
    transcripts.write_text(GAMES[0][0].replace(" ", "") + "\n" + GAMES[2][0].replace(" ", "") + "\n")
    out = tmp_path / "x.lmdb"
    ingest(transcripts, out, capsys, "--runs", str(runs))
    finished, unfinished = (Dataset(out).game(index) for index in range(2))
    assert (finished.returns, finished.result, finished.termination) == ((1.0, -1.0), "64-0", "rules")
    assert (unfinished.returns, unfinished.result, unfinished.termination) == (None, "*", "unknown")
