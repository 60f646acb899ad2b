"""Collected games on the disk: read back as they were played, whatever the players are called, and ingested."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.games.game import CHANCE_PLAYER
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import GameRecord, PlayerInfo, Provenance
from gameil.serving.collected_games import CollectedGames, Consent, game_slug

NOW = datetime(2026, 11, 23, 14, 25, 1, tzinfo=UTC)


def some_game(game_id: str, seed: int = 0, plies: int = 400) -> PlayedGame:
    game, rng = make_game(game_id), np.random.default_rng(seed)
    state = game.initial_state()
    while not state.is_terminal() and len(state.history) < plies:
        state.apply(int(rng.choice(state.legal_actions())))
    assert state.current_player() != CHANCE_PLAYER
    return PlayedGame(
        game.id,
        np.array(state.history, np.uint32),
        Provenance("gameil serve", 0),
        returns=tuple(map(float, state.returns())) if state.is_terminal() else None,
        players=(PlayerInfo("ann"), PlayerInfo("builtin:easy", title="BOT")),
        date="2026-11-23",
        event="gameil serve",
    )


@pytest.mark.parametrize(
    "game_id", ["connect_four", "chess", "go(board_size=9)", "othello", "hex(board_size=7)", "checkers", "breakthrough"]
)
def test_a_saved_game_comes_back(tmp_path: Path, game_id: str) -> None:
    played = some_game(game_id)
    path = CollectedGames(tmp_path, Consent("yes")).save(played, NOW)
    assert path.is_relative_to(tmp_path / "collected" / game_slug(game_id) / "2026-11-23")
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    again = transcribe(record)
    assert isinstance(again, PlayedGame)
    assert again.actions.tolist() == played.actions.tolist()
    assert (again.game_id, again.players, again.returns) == (played.game_id, played.players, played.returns)
    assert again.match_id == f"collected/2026-11-23/{path.stem}"
    assert record.tags["CONSENT"] == Consent("yes").version
    assert (tmp_path / "collected" / f"consent-{Consent('yes').version}.txt").read_text() == "yes\n"


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40))
def test_no_name_is_more_than_a_name(tmp_path: Path, name: str) -> None:
    """Names are checked before they come here; should one get through, it still is only text in its field."""
    directory = tmp_path / "data"
    played = replace(some_game("tic_tac_toe"), players=(PlayerInfo(name), PlayerInfo("x")))
    path = CollectedGames(directory, Consent("yes")).save(played, NOW)
    (record,) = read_records(path)
    assert isinstance(record, GameRecord)
    assert record.players[0].name == name
    assert path.read_text().count("\n") == 1
    assert {entry.name for entry in tmp_path.iterdir()} == {"data"}
    assert path.parent.parent.parent == directory / "collected"


def test_equal_games_of_several_people_are_all_ingested(tmp_path: Path) -> None:
    games = CollectedGames(tmp_path, Consent("yes"))
    paths = [games.save(some_game("connect_four"), NOW) for _ in range(3)]
    assert len(set(paths)) == games.count() == 3
    out = tmp_path / "out.lmdb"
    assert main(["ingest", *map(str, paths), "--game", "connect_four", "--out", str(out), "--quiet"]) == 0
    dataset = Dataset(out)
    assert len(dataset) == 3
    assert dataset.game(0).players[0].name == "ann"


def test_slugs_are_plain_directory_names() -> None:
    assert game_slug("connect_four") == "connect_four"
    assert game_slug("go(board_size=9,komi=5.5)") == game_slug("go(board_size=9)") == "go-board_size-9"


KILLED = """
import sys
from pathlib import Path
from gameil.serving.collected_games import CollectedGames, Consent
from tests.serving.test_collected_games import NOW, some_game
games, number = CollectedGames(Path(sys.argv[1]), Consent("yes")), 0
while True:
    print(games.save(some_game("connect_four", number), NOW), flush=True)
    number += 1
"""


def test_a_kill_loses_no_game_that_was_kept(tmp_path: Path, repository: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], cwd=repository, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    told = [process.stdout.readline().strip() for _ in range(25)]
    process.kill()
    told += process.stdout.read().split()
    process.stdout.close()
    process.wait()
    found = {str(path): list(read_records(path)) for path in (tmp_path / "collected").glob("*/*/*.jsonl")}
    assert set(told) <= set(found)
    assert len(found) <= len(told) + 1
    assert all(len(records) == 1 and isinstance(records[0], GameRecord) for records in found.values())
