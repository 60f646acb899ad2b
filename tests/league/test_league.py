"""A league of stubs: the same whoever plays and whenever it is cut off; nothing lost, nothing doubled; flat memory."""

import os
import tracemalloc
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gameil.errors import AgentError, CheckpointError, GameilError
from gameil.league import coordinator
from gameil.league.config import LeagueConfig, OpponentConfig, PlayConfig, PopulationConfig, SnapshotConfig
from gameil.league.reading import read_league
from gameil.league.results_log import RESULTS, read_results
from gameil.league.standings import league_standings
from gameil.league.state import PLAYERS, STATE
from gameil.rollout.workers import JobFailure
from gameil.tracking.run import Run
from tests.league.stubs import StubWorkers, Told, stub_league

CONFIG = LeagueConfig(
    game="tic_tac_toe",
    play=PlayConfig(jobs=2, games=4, evaluation_games=2),
    snapshots=SnapshotConfig(min_steps=1, max_steps=2, main_start_after=12),
    opponents=(OpponentConfig("noise", "random"),),
)
FILES = (RESULTS, PLAYERS, "records/turns-000000.jsonl")


def contents(directory: Path) -> dict[str, str]:
    return {name: (directory / name).read_text() for name in FILES}


def play(directory: Path, turns: int, workers: Any = None, told: Told | None = None) -> None:
    league = stub_league(directory, CONFIG, workers, told)
    while league.state.turn < turns:
        league.run_turn()


@pytest.fixture(scope="module")
def straight(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    directory = tmp_path_factory.mktemp("straight")
    play(directory, 24)
    return contents(directory)


def test_every_job_and_game_once(straight: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / RESULTS).write_text(straight[RESULTS])
    lines = list(read_results(tmp_path / RESULTS))
    assert len({line.job for line in lines}) == len(lines) == 24 * 3
    assert [line.turn for line in lines] == sorted(line.turn for line in lines)
    records = straight[FILES[2]].splitlines()
    assert len(set(records)) == len(records) == sum(len(line.games) for line in lines)


def test_lost_jobs_are_played_again_and_change_nothing(straight: dict[str, str], tmp_path: Path) -> None:
    workers, told = StubWorkers(lose_every=3), Told()
    play(tmp_path, 24, workers, told)
    assert len(workers.lost) > 20
    assert sum("played again" in line for line in told.lines) == len(workers.lost)
    assert contents(tmp_path) == straight


class Killed(BaseException):
    """Stands in for kill -9."""


def killed(*arguments: Any) -> Any:
    raise Killed


@pytest.mark.parametrize(
    "place",
    [
        "append_players",
        "append_text",
        "append_results",
        "write_state",
        "remove_live",
        "join_trajectories",
        "snapshot_hash",
    ],
)
@pytest.mark.parametrize("after", [False, True])
def test_killed_before_and_after_every_write(
    straight: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str, after: bool
) -> None:
    real: Callable[..., Any] = getattr(coordinator, place)
    calls = 0

    def killing(*arguments: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls % 4:
            return real(*arguments)
        if after:
            real(*arguments)
        raise Killed

    kills = 0
    monkeypatch.setattr(coordinator, place, killing)
    for _ in range(200):
        try:
            play(tmp_path, 24)
            break
        except Killed:
            kills += 1
    assert kills >= (1 if place == "append_players" else 4)
    assert contents(tmp_path) == straight


def test_torn_lines_are_cut_off(straight: dict[str, str], tmp_path: Path) -> None:
    play(tmp_path, 11)
    for name in FILES:
        with (tmp_path / name).open("a") as file:
            file.write('{"job": "0000')
    play(tmp_path, 24)
    assert contents(tmp_path) == straight


def test_what_the_ledger_already_says_stands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    play(tmp_path, 5)
    league = stub_league(tmp_path, CONFIG)
    with monkeypatch.context() as patched:
        patched.setattr(coordinator, "append_players", lambda *arguments: None)
        patched.setattr(coordinator, "append_text", killed)
        with pytest.raises(Killed):
            league.run_turn()
    written = (tmp_path / RESULTS).read_text()
    changed = written.replace('"turn":5', '"turn": 5')  # the killed run's own lines, told apart by a blank
    assert changed != written
    (tmp_path / RESULTS).write_text(changed)
    play(tmp_path, 7)
    now = (tmp_path / RESULTS).read_text()
    assert now.startswith(changed)
    assert len(now.splitlines()) == 7 * 3


def test_roles_leave_copies_and_start_anew_as_they_should(straight: dict[str, str], tmp_path: Path) -> None:
    play(tmp_path, 24)
    found = coordinator.read_players(tmp_path)
    names = [player.name for player in found]
    assert names[:6] == ["main-0", "main-exploiter-0", "league-exploiter-0", "league-exploiter-1", "main-0.0", "noise"]
    by_name = {player.name: player for player in found}
    assert by_name["main-0.2"].parent == "main-0.1"
    assert by_name["main-exploiter-0.1"].parent == "start"
    late = [player for player in found if player.origin == "main-exploiter-0" and player.turn > 16]
    assert late
    assert all(player.parent.startswith("main-0.") for player in late)
    assert len({player.snapshot_hash for player in found if player.role == "historical"}) > 5
    for player in found:
        if player.path:
            assert coordinator.snapshot_hash(tmp_path / player.path) == player.snapshot_hash


def test_a_league_without_workers_says_so(tmp_path: Path) -> None:
    league = stub_league(tmp_path, CONFIG, StubWorkers(alive=0))
    with pytest.raises(AgentError, match=r"no worker is alive.*--resume"):
        league.run_turn()


def test_a_job_lost_again_and_again_stops_the_league(tmp_path: Path) -> None:
    league = stub_league(tmp_path, CONFIG, StubWorkers(lose_every=1))
    with pytest.raises(AgentError, match="was lost 20 times"):
        league.run_turn()


def test_a_worker_that_cannot_play_stops_the_league_with_its_reason(tmp_path: Path) -> None:
    workers = StubWorkers()
    league = stub_league(tmp_path, CONFIG, workers)
    workers.completed = lambda timeout: [JobFailure("000000-00", "error", "ValueError: oh")]  # type: ignore[method-assign]
    with pytest.raises(GameilError, match="000000-00: ValueError: oh"):
        league.run_turn()


@pytest.mark.parametrize("damage", ["{", '{"format_version": 99}', '{"format_version": 1, "more": 1}', "[]"])
def test_damaged_states_are_one_line(tmp_path: Path, damage: str) -> None:
    play(tmp_path, 1)
    (tmp_path / STATE).write_text(damage)
    with pytest.raises(CheckpointError, match=r"state\.json"):
        stub_league(tmp_path, CONFIG)


def test_what_is_read_from_the_directory_is_what_the_league_knows(tmp_path: Path) -> None:
    with Run.open(tmp_path / "it", CONFIG, stage="league", resume=False, track=False, quiet=True):
        league = stub_league(tmp_path / "it", CONFIG)
        for _ in range(20):
            league.run_turn()
        found = read_league(tmp_path / "it")
    everybody = list(range(len(league.roster)))
    assert [each.name for each in found.roster.players] == [each.name for each in league.roster.players]
    assert (found.payoff.table(everybody) == league.payoff.table(everybody)).all()
    for learner in league.roster.learning():
        own = league.payoff.win_rates(learner, everybody)
        assert (found.payoff.win_rates(learner, everybody) == own).all()
    standings = league_standings(found.roster, found.payoff).values()
    assert Counter(row["player"] for row in standings["table"]).most_common(1)[0][1] == 1
    assert found.status()["turn"] == 20


def test_a_thousand_copies_in_flat_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", lambda handle: None)  # thousands of them take a minute on a slow disk
    config = LeagueConfig(
        game="tic_tac_toe",
        population=PopulationConfig(mains=1, main_exploiters=0, league_exploiters=0),
        play=PlayConfig(jobs=1, games=1, evaluation_games=0),
        snapshots=SnapshotConfig(min_steps=1, max_steps=1),
    )
    league = stub_league(tmp_path, config)
    for _ in range(500):
        league.run_turn()
    tracemalloc.start()
    league.run_turn()
    half, _ = tracemalloc.get_traced_memory()
    for _ in range(500):
        league.run_turn()
    whole, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(league.roster) == 1 + 1 + 1001
    # A player is a line of bookkeeping and its row and column of the table (three floats of four bytes a pair, grown
    # by doubling): no weights.
    assert (whole - half) / 500 < 60_000
    assert len(list((tmp_path / "live").iterdir())) <= 2
