"""A disk without room: one clear line, and the dataset holds what was committed before."""

import dataclasses
import errno
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import lmdb
import pytest

from gameil.dataset import environment
from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError
from gameil.positions.filters import FilterConfig
from gameil.positions.played_game import PlayedGame
from gameil.stages.data import verify_dataset
from gameil.stages.filtering import filter_dataset
from gameil.stages.forget import forget_players
from tests.strategies import random_games

limited_files = pytest.mark.skipif(sys.platform == "win32", reason="needs RLIMIT_FSIZE")


@contextmanager
def files_up_to(size: int) -> Iterator[None]:
    """No file of this process may grow beyond ``size`` bytes meanwhile."""
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def large_games(number: int) -> list[PlayedGame]:
    """Games of about a kilobyte each."""
    games = random_games("tic_tac_toe", number)
    return [
        dataclasses.replace(played, tags={"Note": f"{index} " * 300}, match_id=str(index))
        for index, played in enumerate(games)
    ]


def write_slowly(path: Path, games: list[PlayedGame]) -> None:
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, played in enumerate(games):
            if index >= len(Dataset(path)):
                writer.add(played)
            if index % 20 == 19:
                writer.commit()


@limited_files
def test_what_was_committed_is_kept_and_writing_goes_on_later(tmp_path: Path) -> None:
    games = large_games(400)
    path = tmp_path / "x"
    with files_up_to(300_000), pytest.raises(DatasetError) as caught:
        write_slowly(path, games)
    assert str(caught.value).startswith(f"{path}: a quota or a limit of file sizes is used up")
    assert str(caught.value).endswith("what was committed before is kept")
    kept = len(Dataset(path))
    assert 0 < kept < 400
    assert kept % 20 == 0
    assert verify_dataset(path, workers=1) == []
    write_slowly(path, games)
    write_slowly(tmp_path / "whole", games)
    assert Dataset(path).digest() == Dataset(tmp_path / "whole").digest()
    assert verify_dataset(path, workers=1) == []


@limited_files
def test_what_is_made_of_a_dataset_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "x"
    write_slowly(path, large_games(400))
    digest = Dataset(path).digest()
    with files_up_to(100_000):
        with pytest.raises(DatasetError, match=r"y: a quota or a limit"):
            filter_dataset(path, tmp_path / "y", FilterConfig(min_plies=1), workers=1)
        with pytest.raises(DatasetError, match=r"x: a quota or a limit"):
            forget_players(path, ["player 0"], "pseudonymise", workers=1)
    assert [part.name for part in tmp_path.iterdir()] == ["x"]
    assert Dataset(path).digest() == digest
    assert verify_dataset(path, workers=1) == []


@pytest.mark.parametrize(
    ("number", "free", "told"),
    [
        (errno.ENOSPC, 1 << 40, "the disk is full"),
        (errno.EIO, 4096, "the disk is full"),
        (errno.EIO, 1 << 40, "or the disk fails"),
        (errno.EFBIG, 1 << 40, "the file may not grow so large here"),
        (errno.EDQUOT, 1 << 40, "the disk quota is used up"),
    ],
)
def test_each_way_to_say_it(number: int, free: int, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """LMDB says input/output error of a write that found room for its first part only."""
    monkeypatch.setattr(environment, "_free_bytes", lambda path: free)
    with pytest.raises(DatasetError, match=told), environment.converted(tmp_path):
        raise lmdb.DiskError(f"mdb_txn_commit: {os.strerror(number)}")
    if number == errno.ENOSPC:
        with pytest.raises(DatasetError, match=told), environment.converted(tmp_path):
            raise OSError(number, os.strerror(number))


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="needs posix_fallocate")
def test_the_lock_file_has_its_blocks_before_it_is_mapped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A page of the map without a block on a full disk would end the process."""
    path = tmp_path / "x"
    write_slowly(path, large_games(3))
    for file in path.glob("lock.mdb"):
        file.unlink()
    assert len(Dataset(path)) == 3
    assert (path / "lock.mdb").stat().st_blocks * 512 >= 8192

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(DatasetError, match="the disk is full"):
        DatasetWriter(tmp_path / "y", "tic_tac_toe")
