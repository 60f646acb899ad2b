"""Datasets as a whole: what goes in comes out, once; counts add up; splits hold; wrong files are refused."""

import dataclasses
import os
import pickle
import shutil
from pathlib import Path

import lmdb
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import (
    INDEX_CHUNK,
    SCHEMA_VERSION,
    SHORT_GAME,
    Cursor,
    SplitRule,
    content_digest,
    dump_json,
    identity_digest,
)
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance, RecordError
from tests.strategies import played_games, random_game, random_games, random_label, same_game


def write(path: Path, games: list[PlayedGame], family: str = "connect_four") -> Path:
    with DatasetWriter(path, family) as writer:
        for played in games:
            writer.add(played)
    return path


def long_game() -> PlayedGame:
    """A game long enough to be known by its content alone."""
    return next(played for played in random_games("connect_four", 50) if len(played.actions) > SHORT_GAME)


@pytest.fixture(scope="module")
def games() -> list[PlayedGame]:
    return random_games("connect_four", 300)


@pytest.fixture(scope="module")
def dataset_path(games: list[PlayedGame], tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "games.lmdb", games)


def test_games_come_back_as_they_went_in(dataset_path: Path, games: list[PlayedGame]) -> None:
    dataset = Dataset(dataset_path, family="connect_four")
    assert len(dataset) == len(games)
    assert all(same_game(dataset.game(index), played) for index, played in enumerate(games))
    lengths = dataset.lengths(dataset.game_ids())
    assert lengths.tolist() == [len(played.actions) for played in games]


def test_a_handle_can_be_pickled_before_and_after_use(dataset_path: Path, games: list[PlayedGame]) -> None:
    dataset = Dataset(dataset_path)
    copy = pickle.loads(pickle.dumps(dataset))
    assert same_game(copy.game(3), games[3])
    dataset.close()
    assert same_game(dataset.game(3), games[3])


@given(played_games)
def test_games_of_any_kind_are_stored(tmp_path_factory: pytest.TempPathFactory, played: PlayedGame) -> None:
    path = tmp_path_factory.mktemp("one") / "x.lmdb"
    from gameil.games.registry import make_game
    from gameil.positions.replay import replay

    write(path, [played], make_game(played.game_id).family)
    dataset = Dataset(path)
    assert same_game(dataset.game(0), played)
    assert dataset.lengths(dataset.game_ids()).tolist() == [sum(1 for _ in replay(played))]
    dataset.close()


def test_equal_games_are_stored_once_and_the_copy_leaves_its_provenance(tmp_path: Path) -> None:
    first = dataclasses.replace(long_game(), source=Provenance("a.jsonl", 5))
    copy = dataclasses.replace(first, source=Provenance("b.jsonl", 77), players=(PlayerInfo("somebody else"),))
    with DatasetWriter(tmp_path / "x.lmdb", "connect_four") as writer:
        assert writer.add(first).duplicate is False
        assert writer.add(copy) == (result := writer.add(copy))
        assert (result.game_id, result.duplicate) == (0, True)
        writer.commit()
        assert writer.add(copy).duplicate, "found again after a commit"
    dataset = Dataset(tmp_path / "x.lmdb")
    assert len(dataset) == 1
    assert dataset.provenance(0) == [first.source] + 3 * [copy.source]
    total = dataset.counts().total
    assert (total.read, total.stored, total.duplicates) == (4, 1, 3)
    assert dataset.counts().sources["b.jsonl"].duplicates == 3


def test_short_games_of_other_people_are_not_duplicates(tmp_path: Path) -> None:
    short = random_game("tic_tac_toe", 1)
    other = dataclasses.replace(short, players=(PlayerInfo("x"), PlayerInfo("y")))
    later = dataclasses.replace(short, date="2021-01-01")
    path = write(tmp_path / "x.lmdb", [short, other, later, short], "tic_tac_toe")
    dataset = Dataset(path)
    assert len(dataset) == 3
    assert dataset.counts().total.duplicates == 1
    assert len({int(entry["split"]) for entry in dataset.index()}) == 1, "equal content is always in one split"


def test_generated_games_are_known_by_their_match(tmp_path: Path) -> None:
    played = random_game("connect_four", 1)
    one, two = (dataclasses.replace(played, match_id=name) for name in ("match 1", "match 2"))
    path = write(tmp_path / "x.lmdb", [one, two, one, played])
    dataset = Dataset(path)
    assert len(dataset) == 3
    assert len(set(dataset.index()["split"].tolist())) == 1


def test_digests_tell_rules_start_and_setup_apart() -> None:
    played = long_game()
    others = [
        dataclasses.replace(played, start="x"),
        dataclasses.replace(played, num_setup=1),
        dataclasses.replace(played, game_id="connect_four(x)"),
        dataclasses.replace(played, actions=played.actions[:-1].copy()),
    ]
    assert len({content_digest(other) for other in [played, *others]}) == 5
    renamed = dataclasses.replace(played, event="other", players=())
    assert identity_digest(renamed, content_digest(renamed)) == identity_digest(played, content_digest(played))


def test_counts_add_up_over_sources_and_reasons(tmp_path: Path) -> None:
    games = random_games("connect_four", 12)
    with DatasetWriter(tmp_path / "x.lmdb", "connect_four") as writer:
        for index, played in enumerate(games + games[:5]):
            writer.add(dataclasses.replace(played, after_end=2), source="ab"[index % 2])
        for reason in ("illegal move", "syntax", "syntax"):
            writer.reject(RecordError(Provenance("a!member", 9), reason, "detail", "excerpt"))
    dataset = Dataset(tmp_path / "x.lmdb")
    counts = dataset.counts()
    total = counts.total
    assert total.read == 20 == total.stored + total.duplicates + total.num_rejected
    assert (total.stored, total.duplicates, total.rejected) == (12, 5, {"illegal move": 1, "syntax": 2})
    assert total.plies == total.positions == sum(len(played.actions) for played in games)
    assert total.after_end == 24
    for name in ("read", "stored", "duplicates", "plies", "positions", "after_end", "num_rejected"):
        assert getattr(total, name) == sum(getattr(source, name) for source in counts.sources.values())
    assert [error.reason for error in dataset.rejected()] == ["illegal move", "syntax", "syntax"]
    assert next(dataset.rejected()).source == Provenance("a!member", 9)


def test_the_quarantine_is_read_in_chunks_without_losing_any(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "x.lmdb", "connect_four") as writer:
        for index in range(600):
            writer.reject(RecordError(Provenance("a", index), "syntax", f"detail {index}"))
    assert [error.source.offset for error in Dataset(tmp_path / "x.lmdb").rejected()] == list(range(600))


def test_splits_are_shares_of_the_games_and_do_not_depend_on_order(tmp_path: Path) -> None:
    games = random_games("tic_tac_toe", 2 * INDEX_CHUNK + 100)
    games = [dataclasses.replace(played, match_id=str(index)) for index, played in enumerate(games)]
    rule = SplitRule(validation=0.2, test=0.1)
    members: list[dict[str, set[bytes]]] = []
    for name, order in (("forward", games), ("backward", games[::-1])):
        with DatasetWriter(tmp_path / name, "tic_tac_toe", split=rule) as writer:
            for played in order:
                writer.add(played)
                if played.match_id == "700":
                    writer.commit()  # a chunk of the index is written in parts
        dataset = Dataset(tmp_path / name)
        splits = {split: dataset.game_ids(split) for split in ("train", "validation", "test")}
        assert sorted(np.concatenate(list(splits.values())).tolist()) == list(range(len(games)))
        members.append({k: {dataset.game(i).actions.tobytes() for i in ids.tolist()} for k, ids in splits.items()})
        assert 0.15 < len(splits["validation"]) / len(games) < 0.25
        assert 0.06 < len(splits["test"]) / len(games) < 0.14
        lengths = dataset.lengths(dataset.game_ids())
        assert lengths.tolist() == [len(played.actions) for played in order]
    assert members[0] == members[1]
    train, validation, test = members[0].values()
    assert not train & validation
    assert not train & test
    assert not validation & test


def test_impossible_split_shares_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"0.6 and 0.5"):
        SplitRule(0.6, 0.5)


def test_the_digest_is_that_of_the_content(tmp_path: Path, games: list[PlayedGame], dataset_path: Path) -> None:
    backwards = Dataset(write(tmp_path / "backwards.lmdb", games[::-1]))
    assert backwards.digest() == Dataset(dataset_path).digest()
    before = backwards.digest()
    with DatasetWriter(tmp_path / "backwards.lmdb", "connect_four") as writer:
        writer.add_label(0, 3, random_label([1, 2], 0))
    labelled = backwards.digest()
    assert labelled != before
    with DatasetWriter(tmp_path / "backwards.lmdb", "connect_four") as writer:
        writer.add_label(0, 3, random_label([1, 2], 0))
    assert backwards.digest() == labelled, "the same label again changes nothing"
    with DatasetWriter(tmp_path / "backwards.lmdb", "connect_four") as writer:
        writer.add_label(0, 3, random_label([1, 2], 5))
    assert backwards.digest() != labelled


def test_labels_are_stored_by_game_ply_expert_and_round(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", random_games("connect_four", 3))
    first, second = random_label([0, 3], 1, round=0), random_label([3, 4], 2, round=1)
    other = random_label([2], 3, expert="another", round=0)
    with DatasetWriter(path, "connect_four") as writer:
        for label in (first, second, other):
            writer.add_label(1, 4, label)
        writer.add_label(1, 2, first)
        with pytest.raises(DatasetError, match="no game 3 to label"):
            writer.add_label(3, 0, first)
    dataset = Dataset(path)
    assert dataset.labels(0) == {}
    assert list(dataset.labels(1)) == [2, 4]
    assert dataset.labels(1)[4].round == 1
    assert dataset.labels(1)[4].actions.tolist() == [3, 4]
    assert [label.expert for _, label in dataset.all_labels(1)] == ["mcts:10", "another", "mcts:10", "mcts:10"]
    assert dataset.label_counts() == {1: 2}
    mixed: Label = dataset.labels(1, "all")[4]
    expected = dict.fromkeys([0, 2, 3, 4], 0.0)
    for label in (first, second, other):
        for action, prob in zip(label.actions.tolist(), label.probs.tolist(), strict=True):
            expected[action] += prob / 3
    assert mixed.actions.tolist() == [0, 2, 3, 4]
    assert mixed.probs.tolist() == pytest.approx(list(expected.values()))


def test_a_dataset_grows_beyond_its_first_map(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gameil.dataset.environment.FIRST_MAP_SIZE", 1 << 17)
    games = random_games("connect_four", 40)
    padded = [dataclasses.replace(played, tags={"note": "x" * 20_000}) for played in games]
    path = write(tmp_path / "x.lmdb", padded)
    assert (path / "data.mdb").stat().st_size > 1 << 19
    assert same_game(Dataset(path).game(39), padded[39])


def test_an_exception_drops_what_is_uncommitted(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = tmp_path / "x.lmdb"
    with pytest.raises(RuntimeError, match="stop"), DatasetWriter(path, "connect_four") as writer:  # noqa: PT012
        writer.add(games[0])
        writer.commit()
        writer.add(games[1])
        raise RuntimeError("stop")
    assert len(Dataset(path)) == 1


def test_cursors_are_committed_with_the_games(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "connect_four") as writer:
        assert writer.cursor("a.pgn") is None
        writer.set_cursor("a.pgn", Cursor(10, "hash", 3))
        assert writer.cursor("a.pgn") == Cursor(10, "hash", 3)
        writer.close()
    with DatasetWriter(path, "connect_four") as writer:
        assert writer.cursor("a.pgn") is None
        writer.add(games[0], source="a.pgn")
        writer.set_cursor("a.pgn", Cursor(10, "hash", 4, done=True))
    with DatasetWriter(path, "connect_four") as writer:
        assert writer.cursor("a.pgn") == Cursor(10, "hash", 4, done=True)
    assert Dataset(path).cursors() == {"a.pgn": Cursor(10, "hash", 4, done=True)}


def test_a_reader_of_the_same_process_sees_what_a_writer_commits(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = write(tmp_path / "x.lmdb", games[:2])
    dataset = Dataset(path)
    assert len(dataset) == 2
    with DatasetWriter(path, "connect_four") as writer:
        writer.add(games[2])
        assert len(dataset) == 2
        writer.commit()
        assert len(dataset) == 3
        assert same_game(dataset.game(2), games[2])
    assert len(dataset) == 3


def test_a_dataset_made_anew_at_the_same_path_is_the_new_one(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = write(tmp_path / "x.lmdb", games[:5])
    old = Dataset(path)
    assert len(old) == 5
    shutil.rmtree(path)
    with pytest.raises(DatasetError, match="no such dataset"):
        Dataset(path)
    write(path, games[:2])
    assert len(Dataset(path)) == 2


def test_a_sealed_dataset_cannot_be_written_and_needs_no_lock(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = write(tmp_path / "x.lmdb", games[:5])
    with DatasetWriter(path, "connect_four") as writer:
        writer.seal()
    with pytest.raises(DatasetError, match="sealed"):
        DatasetWriter(path, "connect_four")
    (path / "lock.mdb").unlink()
    dataset = Dataset(path)
    assert dataset.meta.sealed
    assert len(dataset) == 5
    assert not (path / "lock.mdb").exists()


def one_line(error: pytest.ExceptionInfo[DatasetError], path: Path) -> bool:
    return "\n" not in str(error.value) and str(path) in str(error.value)


def test_another_game_is_refused(dataset_path: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="a dataset of connect_four, not of chess") as error:
        Dataset(dataset_path, family="chess")
    assert one_line(error, dataset_path)
    with pytest.raises(DatasetError, match="a dataset of connect_four, not of chess"):
        DatasetWriter(dataset_path, "chess")
    with (
        DatasetWriter(tmp_path / "x.lmdb", "chess") as writer,
        pytest.raises(DatasetError, match="a dataset of chess cannot take a game of tic_tac_toe"),
    ):
        writer.add(random_game("tic_tac_toe", 1))


def test_another_split_rule_is_refused(dataset_path: Path) -> None:
    with pytest.raises(DatasetError, match="split rule"):
        DatasetWriter(dataset_path, "connect_four", split=SplitRule(0.3, 0.3))


def test_another_version_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", random_games("connect_four", 2))
    with lmdb.open(str(path), max_dbs=20) as env:
        meta = env.open_db(b"meta")
        with env.begin(write=True, db=meta) as transaction:
            transaction.put(b"schema_version", dump_json(SCHEMA_VERSION + 1))
    with pytest.raises(DatasetError, match=f"version {SCHEMA_VERSION + 1}") as error:
        Dataset(path)
    assert one_line(error, path)


def test_what_is_no_dataset_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no such dataset"):
        Dataset(tmp_path / "nothing")
    file = tmp_path / "file.lmdb"
    file.write_bytes(b"text")
    with pytest.raises(DatasetError, match="a dataset is a directory"):
        Dataset(file)
    with pytest.raises(DatasetError):
        DatasetWriter(file, "chess")
    with pytest.raises(DatasetError, match=r"no file data\.mdb"):
        Dataset(tmp_path)
    with pytest.raises(DatasetError, match="not empty"):
        DatasetWriter(tmp_path, "chess")


@given(noise=st.binary(max_size=20_000))
def test_noise_is_refused(tmp_path_factory: pytest.TempPathFactory, noise: bytes) -> None:
    path = tmp_path_factory.mktemp("noise")
    (path / "data.mdb").write_bytes(noise)
    with pytest.raises(DatasetError) as error:
        Dataset(path)
    assert one_line(error, path)


def test_an_lmdb_file_of_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.lmdb"
    with lmdb.open(str(path)) as env, env.begin(write=True) as transaction:
        transaction.put(b"key", b"value")
    before = (path / "data.mdb").read_bytes()
    with pytest.raises(DatasetError, match="not a dataset of gameil"):
        Dataset(path)
    with pytest.raises(DatasetError, match="not a dataset of gameil"):
        DatasetWriter(path, "chess")
    assert (path / "data.mdb").read_bytes() == before


def test_a_torn_dataset_is_refused(tmp_path: Path, games: list[PlayedGame]) -> None:
    path = write(tmp_path / "x.lmdb", games)
    size = (path / "data.mdb").stat().st_size
    os.truncate(path / "data.mdb", size // 2)
    with pytest.raises(DatasetError, match="torn") as error:
        Dataset(path)
    assert one_line(error, path)


def test_missing_games_and_splits_are_named(dataset_path: Path) -> None:
    dataset = Dataset(dataset_path)
    with pytest.raises(DatasetError, match="no game 300: ids are below 300"):
        dataset.game(300)
    with pytest.raises(DatasetError, match="no game 999"):
        dataset.lengths(np.array([999], np.uint64))
    with pytest.raises(DatasetError, match="'holdout'"):
        dataset.game_ids("holdout")  # type: ignore[arg-type]
