"""Filtering and merging: rows keep all they have, every record stays counted, and nothing half-made is left."""

import dataclasses
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gameil.cli.main import main
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Cursor, SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.filters import FilterConfig
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance, RecordError
from gameil.stages import rewriting
from gameil.stages.data import verify_dataset
from gameil.stages.filtering import filter_dataset, merge_datasets
from tests.strategies import any_played_games, random_games, random_label, record_errors


def rated_games(number: int, *, first: int = 0, file: str = "a.pgn") -> list[PlayedGame]:
    """Games whose players are rated 1500, 1510, 1520 ..."""
    return [
        dataclasses.replace(
            played,
            players=(PlayerInfo(f"p{index}", 1500 + 10 * index), PlayerInfo("q", 1500 + 10 * index)),
            source=Provenance(file, index),
            tags={"Round": str(index)},
        )
        for index, played in enumerate(random_games("tic_tac_toe", number, first=first))
    ]


def write(path: Path, games: list[PlayedGame], *, file: str = "a.pgn", **options: Any) -> Path:
    """A dataset with games of one source, each even one twice, labels, a rejected and a filtered record."""
    with DatasetWriter(path, "tic_tac_toe", **options) as writer:
        for index, played in enumerate(games):
            game_id = writer.add(played).game_id
            if index % 2 == 0:
                assert writer.add(dataclasses.replace(played, source=Provenance(file, 1000 + index))).duplicate
            writer.add_label(game_id, 1, random_label([0, 4], index))
        writer.reject(RecordError(Provenance(file, 77), "syntax", "a bad one", "excerpt"))
        writer.count_filtered("bot", source=file)
        writer.count_tolerances({"unclosed": 3}, source=file)
        writer.set_cursor(file, Cursor(123, "aa", 99, done=True))
    return path


def facts(path: Path) -> dict[str, Any]:
    """Everything in a dataset but its ids."""
    dataset = Dataset(path)
    games = []
    for game_id in range(len(dataset)):
        played = dataset.game(game_id)
        labels = [(ply, label.round, label.probs.tolist()) for ply, label in dataset.all_labels(game_id)]
        values = {item.name: getattr(played, item.name) for item in dataclasses.fields(played)}
        games.append(values | {"actions": played.actions.tolist(), "labels": labels} |
                     {"places": dataset.provenance(game_id)})  # fmt: skip
    return {
        "games": games,
        "rejected": list(dataset.rejected()),
        "cursors": dataset.cursors(),
        "counts": dataset.counts(),
        "digest": dataset.digest(),
    }


def test_games_that_pass_keep_everything(tmp_path: Path) -> None:
    source = write(tmp_path / "a", rated_games(40))
    before = facts(source)
    config = FilterConfig(min_rating=1700)
    results = filter_dataset(source, tmp_path / "b", config, workers=1)
    after = facts(tmp_path / "b")
    assert results == {"dataset": str(tmp_path / "b"), "games": 20, "of": 40, "labels": 20}
    assert after["games"] == [game for game in before["games"] if game["players"][0].rating >= 1700]
    assert after["rejected"] == before["rejected"]
    assert after["cursors"] == before["cursors"]
    old, new = before["counts"].total, after["counts"].total
    assert (old.read, old.stored, old.duplicates, old.filtered) == (62, 40, 20, {"bot": 1})
    assert (new.read, new.stored, new.duplicates) == (62, 20, 10)
    assert new.filtered == {"bot": 1, "rating": 30}
    assert (new.rejected, new.tolerances) == (old.rejected, old.tolerances)
    assert new.adds_up
    assert after["counts"].sources == {"a.pgn": new}
    assert Dataset(tmp_path / "b").meta.filters == (config,)
    assert verify_dataset(tmp_path / "b", workers=1) == []
    assert facts(source) == before


def test_filters_add_up_and_must_do_something(tmp_path: Path) -> None:
    source = write(tmp_path / "a", rated_games(30))
    first, second = FilterConfig(min_rating=1600), FilterConfig(max_rating=1700)
    filter_dataset(source, tmp_path / "b", first, workers=1)
    filter_dataset(tmp_path / "b", tmp_path / "c", second, workers=1)
    assert Dataset(tmp_path / "c").meta.filters == (first, second)
    assert len(Dataset(tmp_path / "c")) == 11
    with pytest.raises(ConfigError, match="nothing to filter by"):
        filter_dataset(source, tmp_path / "d", FilterConfig(), workers=1)
    with pytest.raises(DatasetError, match="none of its 30 games passes"):
        filter_dataset(source, tmp_path / "d", FilterConfig(min_rating=9999), workers=1)
    with pytest.raises(DatasetError, match="is there already"):
        filter_dataset(source, tmp_path / "b", first, workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b", "c"]


def test_a_dataset_can_be_split_anew(tmp_path: Path) -> None:
    source = write(tmp_path / "a", rated_games(30))
    rule = SplitRule(0.3, 0.3, by="player")
    filter_dataset(source, tmp_path / "b", FilterConfig(), split=rule, workers=1)
    assert Dataset(tmp_path / "b").meta.split == rule
    assert verify_dataset(tmp_path / "b", workers=1) == []
    assert facts(tmp_path / "b")["games"] == facts(source)["games"]
    assert len(Dataset(tmp_path / "b").game_ids("train")) < 30


def test_merging_stores_equal_games_once(tmp_path: Path) -> None:
    first = write(tmp_path / "a", rated_games(20))
    second = write(tmp_path / "b", rated_games(20, first=15, file="b.pgn"), file="b.pgn")
    # tic-tac-toe games are short, so they are told apart by names too: let the five common ones have the same.
    names = {tuple(game["actions"]): game["players"] for game in facts(first)["games"]}
    games = [dataclasses.replace(played, players=names.get(tuple(played.actions.tolist()), played.players))
             for played in map(Dataset(second).game, range(20))]  # fmt: skip
    third = write(tmp_path / "c", games, file="b.pgn")
    results = merge_datasets([first, third], tmp_path / "m", workers=1)
    merged, mine, theirs = facts(tmp_path / "m"), facts(first), facts(third)
    common = Counter(str(game["actions"]) for game in mine["games"]) & Counter(
        str(g["actions"]) for g in theirs["games"]
    )
    assert len(common) == 5
    assert results["games"] == 35
    assert [game["actions"] for game in merged["games"]][:20] == [game["actions"] for game in mine["games"]]
    assert merged["games"][20:] == [game for game in theirs["games"] if str(game["actions"]) not in common]
    old, new = mine["counts"].total, merged["counts"].total
    assert new.read == old.read + theirs["counts"].total.read
    assert new.duplicates == old.duplicates + theirs["counts"].total.duplicates + 5
    assert new.adds_up
    assert merged["rejected"] == mine["rejected"] + theirs["rejected"]
    assert set(merged["cursors"]) == {"a.pgn", "b.pgn"}
    assert verify_dataset(tmp_path / "m", workers=1) == []
    backwards = merge_datasets([third, first], tmp_path / "n", workers=1)
    assert backwards["games"] == 35
    assert verify_dataset(tmp_path / "n", workers=1) == []


def test_other_files_of_the_same_name_stay_apart(tmp_path: Path) -> None:
    first = write(tmp_path / "a", rated_games(4))
    second = write(tmp_path / "b", rated_games(4, first=50))
    with DatasetWriter(second, "tic_tac_toe") as writer:
        writer.set_cursor("a.pgn", Cursor(124, "bb", 10))
    merge_datasets([first, second], tmp_path / "m", workers=1)
    merged = facts(tmp_path / "m")
    assert {name: cursor.hash for name, cursor in merged["cursors"].items()} == {"a.pgn": "aa", "a.pgn (2)": "bb"}
    assert merged["counts"].sources["a.pgn"] == facts(first)["counts"].total
    assert merged["counts"].sources["a.pgn (2)"] == facts(second)["counts"].total
    assert [place.file for place in merged["games"][4]["places"]] == ["a.pgn (2)"] * 2
    assert merged["rejected"][1].source.file == "a.pgn (2)"


def test_only_like_datasets_are_merged_and_common_filters_stay(tmp_path: Path) -> None:
    one, other = FilterConfig(min_plies=1), FilterConfig(max_plies=99)
    first = write(tmp_path / "a", rated_games(3), filters=(one, other))
    second = write(tmp_path / "b", rated_games(3, first=9), filters=(other,))
    merge_datasets([first, second], tmp_path / "m", workers=1)
    assert Dataset(tmp_path / "m").meta.filters == (other,)
    apart = write(tmp_path / "c", rated_games(3), split=SplitRule(0.5))
    with pytest.raises(DatasetError, match="its split rule is"):
        merge_datasets([first, apart], tmp_path / "n", workers=1)
    DatasetWriter(tmp_path / "d", "connect_four").close()
    with pytest.raises(DatasetError, match="of connect_four cannot be merged"):
        merge_datasets([first, tmp_path / "d"], tmp_path / "n", workers=1)
    assert not (tmp_path / "n").exists()


def test_what_a_failure_leaves_is_cleaned_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a", rated_games(10))

    class PowerCutError(BaseException):
        pass

    def cut(*_: object) -> None:
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(rewriting, "_store", cut)
        with pytest.raises(PowerCutError):
            filter_dataset(source, tmp_path / "b", FilterConfig(min_plies=1), workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    leftover = tmp_path / ".b.unfinished"
    DatasetWriter(leftover, "tic_tac_toe").close()
    with DatasetWriter(leftover, "tic_tac_toe"), pytest.raises(DatasetError, match="another process is writing"):
        filter_dataset(source, tmp_path / "b", FilterConfig(min_plies=1), workers=1)
    filter_dataset(source, tmp_path / "b", FilterConfig(min_plies=1), workers=1)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


def test_processes_give_the_same_dataset_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a", rated_games(60))
    monkeypatch.setattr(rewriting, "_CHUNK", 4)
    config = FilterConfig(max_rating=2000)
    filter_dataset(source, tmp_path / "b", config, workers=1)
    filter_dataset(source, tmp_path / "c", config, workers=2)
    assert facts(tmp_path / "b") == facts(tmp_path / "c")


def test_a_source_that_grows_meanwhile_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = write(tmp_path / "a", rated_games(10))
    real = rewriting._store

    def store_and_write(*arguments: Any) -> None:
        real(*arguments)
        with DatasetWriter(source, "tic_tac_toe") as writer:
            writer.count_filtered("bot", source="a.pgn")

    monkeypatch.setattr(rewriting, "_store", store_and_write)
    with pytest.raises(DatasetError, match="another process wrote to it meanwhile"):
        filter_dataset(source, tmp_path / "b", FilterConfig(min_plies=1), workers=1)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(any_played_games(), min_size=1, max_size=4), st.lists(record_errors, max_size=2))
def test_copying_is_exact_whatever_stands_in_the_fields(
    tmp_path_factory: pytest.TempPathFactory, games: list[PlayedGame], errors: list[RecordError]
) -> None:
    folder = tmp_path_factory.mktemp("copy")
    with DatasetWriter(folder / "a", "connect_four") as writer:
        for played in games:
            writer.add(played)
        for error in errors:
            writer.reject(error)
    filter_dataset(folder / "a", folder / "b", FilterConfig(max_plies=10**6), workers=1)
    assert facts(folder / "a") == facts(folder / "b")


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second = write(tmp_path / "a", rated_games(10)), write(tmp_path / "b", rated_games(10, first=40), file="b")
    options = ["--workers", "1", "--quiet"]
    out = str(tmp_path / "f")
    filters = ["--filters.min-rating", "1550", "--filters.events-out", "*blitz*", "*rapid*", "--filters.engines-out"]
    assert main(["data", "filter", str(first), "--out", out, *filters, *options]) == 0
    assert "5 of 10 games, 5 labels" in capsys.readouterr().out
    assert main(["data", "stats", out, *options]) == 0
    text = capsys.readouterr().out
    assert "filter: min_rating 1550, events_out ['*blitz*', '*rapid*'], engines_out True" in text
    assert "filtered by\n  bot " in text
    assert main(["data", "merge", str(first), str(second), "--out", str(tmp_path / "m"), "--json", *options]) == 0
    assert json.loads(capsys.readouterr().out)["games"] == 20
    split = ["--split.by", "date", "--split.test-from", "2019"]
    assert main(["data", "filter", str(first), "--out", str(tmp_path / "s"), *split, *options]) == 0
    assert len(Dataset(tmp_path / "s").game_ids("test")) == 10
    assert main(["data", "merge", str(first), "--out", out, *options]) == 2
    assert "at least two" in capsys.readouterr().err
