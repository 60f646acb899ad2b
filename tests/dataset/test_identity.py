"""Which games are the same game, and what the format cannot hold."""

import dataclasses
from pathlib import Path

import pytest

from gameil.dataset.codec import UnstorableError
from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo
from tests.strategies import random_game


def write(path: Path, games: list[PlayedGame]) -> Path:
    with DatasetWriter(path, "connect_four") as writer:
        for played in games:
            writer.add(played)
    return path


def test_a_match_played_again_by_other_weights_is_another_game(tmp_path: Path) -> None:
    first = random_game("connect_four", 1, match_id="dagger/0/7/0")
    again = random_game("connect_four", 2, match_id="dagger/0/7/0")
    path = write(tmp_path / "x.lmdb", [first, again, first])
    dataset = Dataset(path)
    assert len(dataset) == 2, "equal match ids do not make other actions a duplicate"
    assert dataset.counts().total.duplicates == 1, "the same game of the same match is one, as a resumed round needs"


def test_a_game_that_does_not_fit_leaves_no_trace(tmp_path: Path) -> None:
    good = random_game("connect_four", 1)
    huge = dataclasses.replace(random_game("connect_four", 2), players=(PlayerInfo("x", 10**30), PlayerInfo("y")))
    with DatasetWriter(tmp_path / "x.lmdb", "connect_four") as writer:
        with pytest.raises(UnstorableError, match="cannot be stored"):
            writer.add(huge)
        writer.add(good)
    counts = Dataset(tmp_path / "x.lmdb").counts().total
    assert (counts.read, counts.stored, counts.num_rejected) == (1, 1, 0)
