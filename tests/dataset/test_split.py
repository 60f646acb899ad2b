"""Split rules: by content, by date and by player; what is held out stays out."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SplitRule, content_digest
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance
from gameil.seeding import generator
from gameil.stages.data import verify_dataset
from tests.strategies import random_games


def game(*names: str | None, date: str | None = None, action: int = 0) -> PlayedGame:
    players = tuple(PlayerInfo(name) for name in names)
    return PlayedGame("chess", np.array([action], np.uint32), Provenance("x", 0), players=players, date=date)


def split_of(rule: SplitRule, played: PlayedGame) -> int:
    return rule.split_number(content_digest(played), played)


@pytest.mark.parametrize(
    ("date", "expected"),
    [
        ("2012-05-31", 0),
        ("2012-06-01", 1),
        ("2012-12-31", 1),
        ("2013-01-01", 2),
        ("2012-05-??", 0),
        ("2012-06-??", 1),
        ("2012-??-??", 1),
        ("2013-??-??", 2),
        ("????-??-??", 0),
        (None, 0),
    ],
)
def test_by_date_nothing_later_is_for_training(date: str | None, expected: int) -> None:
    rule = SplitRule(by="date", validation_from="2012-06", test_from="2013")
    assert split_of(rule, game("a", "b", date=date)) == expected


def test_by_player_training_has_no_game_of_a_held_out_player() -> None:
    rule = SplitRule(0.1, 0.1, by="player")
    rng = generator(1, "players")
    names = [f"Player {index}" for index in range(200)]
    alone = {name: split_of(rule, game(name)) for name in names}
    assert 8 < sum(split == 1 for split in alone.values()) < 35
    assert 8 < sum(split == 2 for split in alone.values()) < 35
    for first, second in rng.choice(names, (500, 2)).tolist():
        expected = max(alone[first], alone[second])
        assert split_of(rule, game(first, second)) == split_of(rule, game(second, first)) == expected
        assert split_of(rule, game(first.upper(), f" {second} ", date="2020-01-01", action=7)) == expected


def test_by_player_nameless_games_go_by_content() -> None:
    by_content, by_player = SplitRule(0.3, 0.3), SplitRule(0.3, 0.3, by="player")
    for action in range(50):
        assert split_of(by_player, game(None, None, action=action)) == split_of(by_content, game(action=action))


@pytest.mark.parametrize(
    ("values", "reason"),
    [
        ({"by": "date"}, "needs validation_from"),
        ({"test_from": "2012"}, "by content uses no dates, got 2012"),
        ({"by": "player", "test_from": "2012"}, "by player uses no dates"),
        ({"by": "date", "test_from": "soon"}, "YYYY-MM"),
        ({"by": "date", "validation_from": "2013-02", "test_from": "2013-01"}, "is after"),
    ],
)
def test_impossible_rules_are_refused(values: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        SplitRule(**values)


@pytest.mark.parametrize(
    "rule", [SplitRule(0.2, 0.1), SplitRule(0.2, 0.1, by="player"), SplitRule(by="date", test_from="2012-06-15")]
)
def test_a_dataset_keeps_its_rule(tmp_path: Path, rule: SplitRule) -> None:
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "tic_tac_toe", split=rule) as writer:
        for index, played in enumerate(random_games("tic_tac_toe", 30)):
            players = (PlayerInfo(f"p{index % 7}"), PlayerInfo(f"p{index % 5}"))
            writer.add(dataclasses.replace(played, players=players, date=f"2012-06-{index + 1:02}"))
    dataset = Dataset(path)
    assert dataset.meta.split == rule == SplitRule(**json.loads(json.dumps(rule.values())))
    assert verify_dataset(path, workers=1) == []
    assert all(len(dataset.game_ids(split)) for split in ("train", "test"))
    with pytest.raises(DatasetError, match="split rule"):
        DatasetWriter(path, "tic_tac_toe", split=SplitRule(0.5))
