"""The leagues that are shipped, at toy scale: their own rules, few small games, a network of their game."""

import os
from dataclasses import replace
from pathlib import Path

import pytest

from gameil.config import parse_config, read_toml
from gameil.games.registry import make_game
from gameil.league.config import LeagueConfig
from gameil.league.coordinator import League
from gameil.league.learning import NetworkLearner, save_start
from gameil.league.match_jobs import start_league_worker
from gameil.league.population import START
from gameil.models.config import ModelConfig
from gameil.rollout.workers import Job, JobFailure, JobResult, do_job
from tests.league.stubs import Told

NAMES = ("connect_four", "kuhn_poker", "leduc_poker", "othello")


class Inline:
    """Workers that are this process."""

    def __init__(self) -> None:
        self._function = start_league_worker(4)
        self._paths: dict[str, Path] = {}
        self._waiting: list[Job] = []
        self.alive = 1

    @property
    def free(self) -> int:
        return 1 - len(self._waiting)

    def submit(self, job: Job) -> None:
        self._waiting.append(job)

    def completed(self, timeout: float) -> list[JobResult | JobFailure]:
        waiting, self._waiting = self._waiting, []
        return [do_job(self._function, job, self._paths) for job in waiting]

    def broadcast(self, snapshot_hash: str, path: Path) -> None:
        self._paths[snapshot_hash] = path

    def forget(self, snapshot_hash: str) -> None:
        self._paths.pop(snapshot_hash, None)

    def close(self) -> None:
        pass


def definition(repository: Path, name: str) -> LeagueConfig:
    path = repository / "leagues" / f"{name}.toml"
    return parse_config(LeagueConfig, read_toml(path), str(path))


def test_all_definitions_are_tried(repository: Path) -> None:
    assert {path.stem for path in (repository / "leagues").glob("*.toml")} == set(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_a_definition_plays(name: str, repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)
    config = definition(repository, name)
    game = make_game(config.game)
    config = replace(
        config,
        init=None,
        model=ModelConfig(kind="mlp", size="tiny"),
        play=replace(config.play, jobs=1, games=2, evaluation_games=2),
        opponents=(),
    )
    league = League(
        config,
        tmp_path,
        Inline(),
        lambda each: NetworkLearner(each, config, tmp_path / START, tmp_path / "learners" / each),
        lambda path: save_start(config, game, path),
        run=Told(),
    )
    for _ in range(4):
        metrics = league.run_turn()
    assert metrics["league/games"] == 4 * 2
    assert league.state.turn == 4
