"""What can be replayed: datasets and files of records, by numbers that the site gives; nothing else."""

from pathlib import Path

import numpy as np
import pytest

from gameil.errors import DatasetError, GameError, GameilError
from gameil.games.registry import make_game
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.kept_games import keep_game
from gameil.serving.library import Library, session_of
from gameil.serving.menu import LOOKS, PICTURED, GamesMenu, title


def finished(seed: int, name: str = "Ann") -> GameSession:
    session = GameSession(make_game("connect_four"), [Seat(name), Seat("Bob")], seed=seed)
    rng = np.random.default_rng(seed)
    while not session.is_over:
        session.apply(int(rng.choice(session.state.legal_actions())))
    return session


@pytest.fixture
def records(tmp_path: Path) -> Path:
    """A file of three games, the second of which no rules can play."""
    from gameil.positions.to_record import to_record
    from gameil.records.formats import format_record

    texts = [format_record(to_record(finished(seed).played()), "jsonl") for seed in (1, 2, 3)]
    texts[1] = texts[1].replace('"x', '"y')
    path = tmp_path / "run" / "records" / "games.jsonl"
    path.parent.mkdir(parents=True)
    path.write_text("".join(texts), encoding="utf-8")
    return path


def test_games_of_a_run_are_listed_and_replayed(records: Path, tmp_path: Path) -> None:
    library = Library([], tmp_path, tmp_path / "served")
    ((number, source),) = library.sources()
    assert source.title == "run/records/games.jsonl"
    assert not source.is_dataset
    entries, total = library.games(number, 0, 10)
    assert total is None
    assert [(entry.number, entry.players) for entry in entries] == [(0, "Ann – Bob"), (2, "Ann – Bob")]
    session = library.session(number, 2)
    assert [move.action for move in session.moves] == [move.action for move in finished(3).moves]
    assert session.is_over
    assert [seat.name for seat in session.seats] == ["Ann", "Bob"]
    for wrong in (1, 3, -1, 10**9):
        with pytest.raises(GameilError):
            library.session(number, wrong)


def test_datasets_are_listed_and_replayed(records: Path, tmp_path: Path) -> None:
    from gameil.cli.main import main

    dataset = tmp_path / "data" / "games.lmdb"
    dataset.parent.mkdir()
    assert (
        main(
            [
                "ingest",
                str(records),
                "--game",
                "connect_four",
                "--out",
                str(dataset),
                "--runs",
                str(tmp_path / "r"),
                "--quiet",
            ]
        )
        == 0
    )
    library = Library([dataset], tmp_path / "nowhere", tmp_path / "served")
    ((number, source),) = library.sources()
    assert source.is_dataset
    entries, total = library.games(number, 0, 10)
    assert total == len(entries) == 2
    assert library.games(number, 1, 10)[0] == entries[1:]
    assert library.session(number, 0).is_over
    with pytest.raises(DatasetError, match="no game 2"):
        library.session(number, 2)


def test_numbers_stay_when_games_are_added(records: Path, tmp_path: Path) -> None:
    library = Library([], tmp_path, tmp_path / "served")
    before = dict(library.sources())
    path = keep_game(tmp_path / "served", finished(4).played())
    after = dict(library.sources())
    assert {number: after[number] for number in before} == before
    assert len(after) == len(before) + 1
    assert path in [source.path for source in after.values()]


def test_only_listed_sources_can_be_opened(tmp_path: Path) -> None:
    library = Library([], tmp_path, tmp_path)
    assert library.sources() == []
    for number in (-1, 0, 1, 10**12):
        with pytest.raises(DatasetError, match="no such collection"):
            library.games(number, 0, 5)


def test_a_replay_keeps_every_move_with_its_text() -> None:
    session = finished(7)
    again = session_of(session.played())
    assert again.moves == session.moves
    assert str(again.state) == str(session.state)


def test_only_games_of_the_menu_can_be_chosen() -> None:
    menu = GamesMenu()
    assert [menu.game(game_id).id for game_id in menu.featured] == list(menu.featured)
    assert menu.game("kuhn_poker").id == "kuhn_poker"
    for wrong in ("go(board_size=5)", "no_such_game", "", "chess ", "../chess", "pettingzoo:connect_four_v3"):
        with pytest.raises(GameError, match="no game"):
            menu.game(wrong)
    own = GamesMenu(["go(board_size=5)"])
    assert own.game("go(board_size=5)").id == own.featured[0]
    with pytest.raises(GameError):
        GamesMenu(["no_such_game"])


def test_pictures_of_the_menu_are_legal_positions() -> None:
    for game_id, actions in LOOKS.items():
        state = make_game(game_id).initial_state()
        for action in actions:
            state.apply(action)
    assert set(LOOKS) <= set(PICTURED)
    assert title("go(board_size=9)") == "Go 9×9"
    assert title("tic_tac_toe") == "Tic-tac-toe"
