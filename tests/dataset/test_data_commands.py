"""``gameil data``: statistics that are right, verification that finds damage, games shown and exported, sealing."""

import dataclasses
import json
import re
from collections import Counter
from pathlib import Path

import lmdb
import numpy as np
import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.positions.played_game import PlayedGame
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, Provenance, RecordError
from gameil.stages.data import verify_dataset
from gameil.stages.dataset_stats import _bars, _dates, _length_steps
from tests.strategies import random_games, random_label


@pytest.fixture
def dataset_path(tmp_path: Path) -> Path:
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "tic_tac_toe", split=SplitRule(0.2, 0.2)) as writer:
        for index, played in enumerate(random_games("tic_tac_toe", 60)):
            writer.add(dataclasses.replace(played, match_id=str(index)))
        writer.reject(RecordError(Provenance("a", 1), "syntax", "detail"))
        writer.add_label(0, 0, random_label([0, 4], 1))
    return path


def test_stats_are_right(dataset_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "stats", str(dataset_path), "--json"]) == 0
    stats = json.loads(capsys.readouterr().out)
    games = [Dataset(dataset_path).game(index) for index in range(60)]
    assert stats["games"] == sum(part["games"] for part in stats["splits"].values()) == 60
    assert stats["positions"] == sum(len(played.actions) for played in games)
    assert stats["outcomes"].get("draw", 0) == sum(played.returns == (0.0, 0.0) for played in games)
    assert stats["outcomes"]["seat 0 wins"] == sum(played.returns == (1.0, -1.0) for played in games)
    assert stats["ratings"] == {"1500": 120}
    assert stats["lengths"]["most"] == max(len(played.actions) for played in games)
    assert stats["labels"] == 1
    assert main(["data", "stats", str(dataset_path)]) == 0
    text = capsys.readouterr().out
    assert "60 games of tic_tac_toe" in text
    assert "rejected because" in text


def test_a_sound_dataset_verifies(dataset_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "verify", str(dataset_path), "--workers", "1"]) == 0
    assert "everything holds" in capsys.readouterr().out


def damage(path: Path, database: bytes, key: bytes, value: bytes) -> None:
    with lmdb.open(str(path), max_dbs=20) as env:
        opened = env.open_db(database)
        with env.begin(write=True, db=opened) as transaction:
            transaction.put(key, value)


def test_verification_finds_damage(dataset_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    dataset = Dataset(dataset_path)
    with dataset._env().read() as reading:
        value = reading.get("games", (7).to_bytes(8, "big"))
    dataset.close()
    assert value is not None
    # Byte 4 is the low half of the first action: now it is another one, legal or not.
    damage(dataset_path, b"games", (7).to_bytes(8, "big"), value[:4] + bytes([(value[4] + 1) % 9]) + value[5:])
    damage(dataset_path, b"games", (9).to_bytes(8, "big"), b"\x01\x00\x05")
    problems = verify_dataset(dataset_path, workers=1)
    assert any(problem.startswith("game 7") for problem in problems)
    assert any(problem.startswith("game 9") and "damaged" in problem for problem in problems)
    assert not any(problem.startswith("game 8") for problem in problems)
    assert main(["data", "verify", str(dataset_path), "--workers", "1", "--quiet"]) == 2
    assert "game 9" in capsys.readouterr().out


def test_verification_finds_missing_games_and_wrong_counts(dataset_path: Path) -> None:
    damage(dataset_path, b"meta", b"counts", json.dumps({"read": 5, "stored": 5}).encode())
    damage(dataset_path, b"meta", b"games_sum", b"12345")
    problems = " ".join(verify_dataset(dataset_path, workers=1))
    assert "5 games counted, 60 stored" in problems
    assert "digest of all games" in problems


def test_verification_finds_games_that_no_filter_let_in(dataset_path: Path) -> None:
    damage(dataset_path, b"meta", b"filters", b'[{"min_plies": 9}]')
    short = [index for index in range(60) if len(Dataset(dataset_path).game(index).actions) < 9]
    assert verify_dataset(dataset_path, workers=1) == [
        f"game {index} does not pass the filter plies" for index in short
    ]


def test_the_picture_shows_what_the_statistics_say(dataset_path: Path, tmp_path: Path) -> None:
    picture = tmp_path / "x.html"
    options = ["--picture", str(picture), "--workers", "1", "--quiet"]
    assert main(["data", "stats", str(dataset_path), *options]) == 0
    text = picture.read_text(encoding="utf-8")
    for title in ("Ratings", "Lengths", "Results", "Dates", "Endings"):
        assert f"<figcaption>{title}" in text
    assert "<figcaption>Time controls, 60 unknown</figcaption>" in text
    assert "<td>validation</td>" in text
    assert "http" not in text.replace("http-equiv", "")
    heights = [float(height) for height in re.findall(r'height="([\d.]+)" fill', text)]
    assert len(heights) == len(re.findall("<rect", text)) > 8
    assert main(["data", "stats", str(dataset_path), "--picture", str(tmp_path / "no" / "x.html"), "--quiet"]) == 2


def test_dates_are_shown_by_month_or_by_year_with_the_few_far_out_apart() -> None:
    by_month = _dates(Counter({"2012-01": 500, "2012-03": 500, "1950-01": 1, "2031-12": 1, "unknown": 3}))
    assert by_month == {"earlier": 1, "2012-01": 500, "2012-02": 0, "2012-03": 500, "later": 1, "unknown": 3}
    assert _dates(Counter({"1999-??": 5, "2003-05": 5})) == {"1999": 5, "2000": 0, "2001": 0, "2002": 0, "2003": 5}
    assert _dates(Counter({"unknown": 3})) == {"unknown": 3}
    centuries = _dates(Counter({"1834-??": 5, "1851-06": 1, "2016-01": 5}))
    assert list(centuries)[0::18] == ["1830-1839", "2010-2019"]
    assert (centuries["1850-1859"], sum(centuries.values())) == (1, 11)
    assert list(_dates(Counter({"1977-01": 5, "2018-01": 5})))[:2] == ["1976-1977", "1978-1979"]
    assert len(_dates(Counter({"0001-01": 5, "9999-01": 5}))) <= 36


def test_what_is_unknown_does_not_dwarf_the_bars() -> None:
    assert _bars("rating", {"2000": 2, "2100": 4, "unknown": 9000}) == [
        "",
        "rating",
        f"  2000            2 {'#' * 16}",
        f"  2100            4 {'#' * 32}",
        "  unknown     9,000",
    ]
    assert _bars("rating", {"unknown": 3}) == ["", "rating", "  unknown         3"]


def test_lengths_are_shown_in_equal_steps() -> None:
    steps = _length_steps(np.array([3, 5, 17, 48] * 300 + [5000]))
    assert steps == {"2": 300, "4": 300, "6": 0, "8": 0, "10": 0, "12": 0, "14": 0, "16": 300} | {
        str(step): 0 for step in range(18, 48, 2)
    } | {"48+": 301}


def test_a_game_is_shown_with_its_board(dataset_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", str(dataset_path), "0", "--ply", "1"]) == 0
    text = capsys.readouterr().out
    assert "player 0 1500 - player 1 1501" in text
    board = [line.split() for line in text.splitlines() if line.startswith("    ")]
    assert [len(row) for row in board] == [3, 3, 3]
    assert sorted("".join(map("".join, board))) == sorted("x........")
    assert main(["data", "show", str(dataset_path), "0", "--ply", "99"]) == 2
    assert main(["data", "show", str(dataset_path), "999"]) == 2
    assert "no game 999" in capsys.readouterr().err


def test_names_cannot_write_to_the_terminal(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A name with escape sequences, and one with the mark that turns the direction of writing."""
    path = tmp_path / "hostile.lmdb"
    played = random_games("tic_tac_toe", 1)[0]
    names = ("\x1b]0;owned\x07", "ab\u202ecd\x9b2J")
    players = tuple(dataclasses.replace(player, name=name) for player, name in zip(played.players, names, strict=True))
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add(dataclasses.replace(played, players=players))
    assert main(["data", "show", str(path), "0"]) == 0
    text = capsys.readouterr().out
    assert all(char.isprintable() or char == "\n" for char in text)
    assert r"\x1b]0;owned\x07" in text
    assert r"\u202e" in text


def test_exported_games_can_be_ingested_again(dataset_path: Path, tmp_path: Path) -> None:
    out = tmp_path / "games.jsonl"
    assert main(["data", "export", str(dataset_path), "--out", str(out), "--split", "validation"]) == 0
    ids = Dataset(dataset_path).game_ids("validation")
    records = list(read_records(out))
    assert len(records) == len(ids)
    assert all(isinstance(record, GameRecord) for record in records)
    again = tmp_path / "again.lmdb"
    assert main(["ingest", str(out), "--game", "tic_tac_toe", "--out", str(again), "--workers", "1", "--quiet"]) == 0

    def actions(played: PlayedGame) -> bytes:
        return played.actions.tobytes()

    first = {actions(Dataset(dataset_path).game(index)) for index in ids.tolist()}
    second = {actions(Dataset(again).game(index)) for index in range(len(Dataset(again)))}
    assert first == second


@pytest.mark.parametrize("game_id", ["-1", "60", "99999999999999999999999"])
def test_ids_out_of_range_are_one_line(dataset_path: Path, game_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "show", str(dataset_path), "--", game_id]) == 2
    assert f"no game {game_id}: ids are below 60" in capsys.readouterr().err


def test_export_overwrites_nothing(dataset_path: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "records.jsonl"
    out.write_text("my own records")
    assert main(["data", "export", str(dataset_path), "--out", str(out)]) == 2
    assert "is there already" in capsys.readouterr().err
    assert out.read_text() == "my own records"
    assert main(["data", "export", str(dataset_path), "--out", str(tmp_path / "new.jsonl"), "--limit", "-3"]) == 2
    assert "limit must be 0 or more" in capsys.readouterr().err


def test_sealing_ends_writing(dataset_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", "seal", str(dataset_path)]) == 0
    assert main(["data", "seal", str(dataset_path)]) == 2
    assert "sealed" in capsys.readouterr().err
    assert len(Dataset(dataset_path)) == 60


@pytest.mark.parametrize(
    "arguments", [["guess", "x"], ["stats", "nothing.lmdb"], ["stats"], ["export", "nothing.lmdb"]]
)
def test_wrong_commands_are_one_line(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["data", *arguments]) == 2
    error = capsys.readouterr().err
    assert error.startswith("gameil: error: ")
    assert error.count("\n") == 1
