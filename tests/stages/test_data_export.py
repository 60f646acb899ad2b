"""Ingest, export, ingest again: the same games, told by one digest; by made-up games and by real ones."""

import dataclasses
import itertools
import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.errors import RecordsError
from gameil.positions.played_game import PlayedGame
from gameil.positions.to_record import to_record
from gameil.positions.transcribe import transcribe
from gameil.records.formats import format_record, read_records
from gameil.records.record import GameRecord, PlayerInfo
from gameil.stages.data_export import export_games
from tests.records.strategies import any_text, dates, optional_lines, ratings
from tests.strategies import random_game, random_games

FORMATS = {
    "chess": ("pgn", "jsonl"),
    "go(board_size=5)": ("sgf", "jsonl"),
    "tic_tac_toe": ("jsonl",),
    "backgammon": ("jsonl",),
    "othello": ("othello", "jsonl"),
    "hex(board_size=4)": ("jsonl",),
}
EXTENSIONS = {"othello": "pgn"}


def ingest(source: Path, game: str, out: Path) -> Dataset:
    assert main(["ingest", str(source), "--game", game, "--out", str(out), "--workers", "1", "--quiet"]) == 0
    return Dataset(out)


def kept(dataset: Dataset) -> list[dict[str, object]]:
    """What a game must keep through people's formats, which have no place for everything."""
    names = ("game_id", "num_setup", "start", "returns", "players", "date", "event", "time_control")
    games = map(dataset.game, range(len(dataset)))
    return [{name: getattr(played, name) for name in names} | {"actions": played.actions.tolist()} for played in games]


@st.composite
def short_games(draw: st.DrawFn, game_id: str, text: st.SearchStrategy[str | None]) -> list[PlayedGame]:
    """Games cut short, so that names and dates are part of their identity; some differ in nothing else."""
    games = []
    for _ in range(draw(st.integers(1, 4))):
        whole = random_game(game_id, draw(st.integers(0, 20)))
        plies = draw(st.integers(1, min(24, len(whole.actions))))
        players = tuple(PlayerInfo(draw(text), draw(ratings)) for _ in whole.players)
        games.append(
            dataclasses.replace(
                whole,
                actions=whole.actions[:plies].copy(),
                termination="unknown",
                players=players,
                date=draw(dates),
                event=draw(text),
                tags={"Round": "3"} if draw(st.booleans()) else {},
                returns=draw(st.sampled_from([(1.0, -1.0), (-1.0, 1.0), (0.0, 0.0), None])),
            )
        )
    return games


@pytest.mark.parametrize(("game_id", "format"), [(name, known) for name, found in FORMATS.items() for known in found])
@settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_round_trip_keeps_every_game(
    game_id: str, format: str, data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    extension = EXTENSIONS.get(format, format)
    games = data.draw(short_games(game_id, st.none() | any_text if format == "jsonl" else optional_lines))
    source = folder / f"source.{extension}"
    source.write_text("".join(format_record(to_record(played), format) for played in games), encoding="utf-8")
    first = ingest(source, game_id, folder / "first")
    copy = folder / f"copy.{extension}"
    assert export_games(folder / "first", copy, None, None, format=format, workers=1) == len(first)
    second = ingest(copy, game_id, folder / "second")
    assert second.digest() == first.digest()
    assert kept(second) == kept(first)


def test_options_and_processes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "x"
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, played in enumerate(random_games("tic_tac_toe", 1000)):
            writer.add(dataclasses.replace(played, match_id=str(index), tags={"MATCH": str(index)}))
    for number in ("1", "2"):
        out = tmp_path / f"{number}.jsonl"
        assert main(["data", "export", str(path), "--out", str(out), "--workers", number, "--quiet"]) == 0
        assert "1,000 games written" in capsys.readouterr().out
    assert (tmp_path / "1.jsonl").read_bytes() == (tmp_path / "2.jsonl").read_bytes()
    odd = tmp_path / "odd.txt"
    options = ["--out", str(odd), "--limit", "7", "--split", "train", "--json"]
    assert main(["data", "export", str(path), *options]) == 2
    assert "cannot tell the format" in capsys.readouterr().err
    assert main(["data", "export", str(path), *options, "--format", "jsonl"]) == 0
    assert json.loads(capsys.readouterr().out) == {"out": str(odd), "games": 7}
    matches = [json.loads(line)["tags"]["MATCH"] for line in odd.read_text().splitlines()]
    assert matches == [str(game_id) for game_id in Dataset(path).game_ids("train")[:7].tolist()]


def test_a_format_that_cannot_carry_a_game_names_it(tmp_path: Path) -> None:
    path = tmp_path / "x"
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add(random_game("tic_tac_toe", 1))
    with pytest.raises(RecordsError, match="game 0: pgn holds"):
        export_games(path, tmp_path / "x.pgn", None, None, workers=1)
    with pytest.raises(RecordsError, match="wthor is only read"):
        export_games(path, tmp_path / "x.wtb", None, None, format="wthor", workers=1)
    assert [part.name for part in tmp_path.iterdir()] == ["x"]


@pytest.mark.parametrize(
    ("place", "game", "extension", "most"),
    [
        ("chess/twic-0920-0959.pgn.zst", "chess", "pgn", 150),
        ("chess/stress/*.pgn", "chess", "pgn", 60),
        ("go/kgs-2001.tar.gz", "go", "sgf", 40),
        ("go/tom-2003-2008.sgf.zst", "go", "sgf", 20),
        ("othello/wtb/WTH_2010.wtb", "othello", "pgn", 60),
        ("backgammon/galaxy-matches.tar.gz", "backgammon", "jsonl", 20),
    ],
)
def test_real_games_come_back(
    shared_data: Path, tmp_path: Path, place: str, game: str, extension: str, most: int
) -> None:
    sources = sorted(shared_data.glob(place))
    assert sources
    first = tmp_path / "first"
    with DatasetWriter(first, _family(game)) as writer:
        for source in sources:
            for record in itertools.islice(read_records(source), most):
                played = transcribe(record) if isinstance(record, GameRecord) else record
                if isinstance(played, PlayedGame) and played.game_id.partition("(")[0] == game:
                    writer.add(played)
    copy = tmp_path / f"copy.{extension}"
    number = export_games(first, copy, None, None, workers=1)
    assert number > 10
    second = ingest(copy, game, tmp_path / "second")
    assert second.digest() == Dataset(first).digest()
    assert kept(second) == kept(Dataset(first))


def _family(game: str) -> str:
    from gameil.games.registry import make_game

    return make_game(game).family
