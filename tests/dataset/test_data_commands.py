"""``gameil data``: statistics that are right, verification that finds damage, games shown and exported, sealing."""

import dataclasses
import json
from pathlib import Path

import lmdb
import pytest

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.positions.played_game import PlayedGame
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, Provenance, RecordError
from gameil.stages.data import verify_dataset
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
