"""A writer that is killed loses at most its last batch; a second writer is turned away; a full disk is one line."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import lmdb
import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.environment import Environment
from gameil.dataset.schema import Cursor
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError
from tests.strategies import random_game, random_games, same_game

GAMES = 600
BATCH = 7
PROGRAM = f"""
import sys
from pathlib import Path
from gameil.dataset.schema import Cursor
from gameil.dataset.writer import DatasetWriter
from tests.strategies import random_game
print("ready", flush=True)
with DatasetWriter(Path(sys.argv[1]), "tic_tac_toe") as writer:
    cursor = writer.cursor("source")
    for index in range(cursor.records if cursor else 0, {GAMES}):
        writer.add(random_game("tic_tac_toe", index % 500, file="source"))
        if index % {BATCH} == {BATCH} - 1 or index == {GAMES} - 1:
            writer.set_cursor("source", Cursor(0, "", index + 1))
            writer.commit()
"""


def start(path: Path, repository: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(path)], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_a_killed_writer_goes_on_where_its_last_commit_was(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "killed.lmdb"
    kills = 0
    for delay in (0.03, 0.06, 0.1, 0.15):
        process = start(path, repository)
        time.sleep(delay)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.communicate()
        if (path / "data.mdb").exists():
            try:
                dataset = Dataset(path)
            except DatasetError:
                continue  # killed before the first commit of all
            cursor = dataset.cursors().get("source")
            counts = dataset.counts().total
            assert counts.read == (cursor.records if cursor else 0), "games and cursor are committed together"
            assert counts.stored == len(dataset)
            dataset.close()
    assert kills, "the machine was too fast: no writer was killed"
    process = start(path, repository)
    process.communicate(timeout=60)
    assert process.returncode == 0
    with DatasetWriter(tmp_path / "whole.lmdb", "tic_tac_toe") as writer:
        for index in range(GAMES):
            writer.add(random_game("tic_tac_toe", index % 500, file="source"))
    killed, whole = Dataset(path), Dataset(tmp_path / "whole.lmdb")
    assert len(killed) == len(whole)
    assert all(same_game(killed.game(index), whole.game(index)) for index in range(len(whole)))
    assert killed.counts() == whole.counts()
    assert killed.digest() == whole.digest()


def test_a_second_writer_gets_one_clear_line(tmp_path: Path, repository: Path) -> None:
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "tic_tac_toe"):
        with pytest.raises(DatasetError, match="another process is writing"):
            DatasetWriter(path, "tic_tac_toe")
        program = (
            "import sys; from pathlib import Path; from gameil.dataset.writer import DatasetWriter\n"
            "from gameil.errors import DatasetError\n"
            "try:\n    DatasetWriter(Path(sys.argv[1]), 'tic_tac_toe')\n"
            "except DatasetError as error:\n    print(error); sys.exit(2)\n"
        )
        other = subprocess.run(
            [sys.executable, "-c", program, str(path)], cwd=repository, capture_output=True, text=True, check=False
        )
        assert other.returncode == 2
        assert "another process is writing" in other.stdout
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add(random_game("tic_tac_toe", 1))
    assert len(Dataset(path)) == 1


def test_a_reader_in_another_process_follows_a_growing_dataset(
    tmp_path: Path, repository: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gameil.dataset.environment.FIRST_MAP_SIZE", 1 << 19)
    path = tmp_path / "x.lmdb"
    games = random_games("connect_four", 50)
    with DatasetWriter(path, "connect_four") as writer:
        writer.add(games[0])
        writer.commit()
        program = (
            "import sys; from pathlib import Path; from gameil.dataset.dataset import Dataset\n"
            "dataset = Dataset(Path(sys.argv[1]))\n"
            "for line in sys.stdin:\n    n = len(dataset)\n"
            "    print(n, dataset.game(n - 1).source.offset, flush=True)\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", program, str(path)],
            cwd=repository,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as reader:
            assert reader.stdin is not None
            assert reader.stdout is not None
            print("look", file=reader.stdin, flush=True)
            assert reader.stdout.readline().split() == ["1", "0"]
            for played in games[1:]:
                writer.add(dataclasses.replace(played, tags={"note": "x" * 60_000}))
            writer.commit()
            print("look", file=reader.stdin, flush=True)
            assert reader.stdout.readline().split() == ["50", "49"], "the map grew under the reader"
            reader.stdin.close()
            assert reader.wait(timeout=20) == 0


@pytest.mark.parametrize(
    "error", [lmdb.DiskError("mdb_txn_commit: No space left on device"), OSError(28, os.strerror(28))]
)
def test_a_full_disk_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    path = tmp_path / "x.lmdb"
    writer = DatasetWriter(path, "tic_tac_toe")
    writer.add(random_game("tic_tac_toe", 1))
    writer.commit()
    writer.add(random_game("tic_tac_toe", 2))

    def full(self: Environment) -> None:
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Environment, "write", full)
        with pytest.raises(DatasetError, match="the disk is full"):
            writer.commit()
    writer.close()
    assert len(Dataset(path)) == 1


def test_a_new_dataset_without_a_game_is_removed_again(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "x.lmdb"
    assert DatasetWriter(path, "tic_tac_toe").discard_if_empty()
    assert not path.exists()
    writer = DatasetWriter(path, "tic_tac_toe")
    writer.add(random_game("tic_tac_toe", 1))
    writer.set_cursor("a", Cursor(1, ""))
    writer.commit()
    assert not writer.discard_if_empty()
    assert len(Dataset(path)) == 1
