"""Datasets of older schema versions: read as they are, migrated before writing, refused where nobody knows them."""

import gzip
import json
from pathlib import Path

import lmdb
import pytest

from gameil.cli.main import main
from gameil.dataset import migrations
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SCHEMA_VERSION, SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import DatasetError
from gameil.stages.data import verify_dataset
from tests.strategies import random_games

GOLDEN = Path(__file__).parents[1] / "goldens" / "dataset-v1.mdb.gz"
"""12 random games of tic-tac-toe, a duplicate, a rejected record and a label, written by the code of version 1."""
DIGEST = "8afa1d51f6be93494b4f99c88e653563"
"""What version 1 said its digest was."""


@pytest.fixture
def old_path(tmp_path: Path) -> Path:
    path = tmp_path / "old.lmdb"
    path.mkdir()
    (path / "data.mdb").write_bytes(gzip.decompress(GOLDEN.read_bytes()))
    return path


def set_meta(path: Path, name: bytes, value: bytes) -> None:
    with lmdb.open(str(path), max_dbs=20) as env, env.begin(write=True, db=env.open_db(b"meta")) as transaction:
        transaction.put(name, value)


def test_version_1_is_read_as_it_is(old_path: Path) -> None:
    dataset = Dataset(old_path)
    assert dataset.meta.schema_version == 1
    assert dataset.meta.split == SplitRule(0.2, 0.1)
    assert dataset.meta.filters == ()
    assert dataset.digest() == DIGEST
    total = dataset.counts().total
    assert (total.read, total.stored, total.duplicates, total.rejected, total.filtered) == (
        14,
        12,
        1,
        {"syntax": 1},
        {},
    )
    expected = [played.actions.tolist() for played in random_games("tic_tac_toe", 12)]
    assert [dataset.game(index).actions.tolist() for index in range(12)] == expected
    assert verify_dataset(old_path, workers=1) == []


def test_a_writer_migrates_and_changes_nothing_else(old_path: Path, tmp_path: Path) -> None:
    with DatasetWriter(old_path, "tic_tac_toe") as writer:
        assert writer.migrated_from == 1
    dataset = Dataset(old_path)
    assert dataset.meta.schema_version == SCHEMA_VERSION
    assert dataset.digest() == DIGEST
    assert verify_dataset(old_path, workers=1) == []
    with DatasetWriter(old_path, "tic_tac_toe") as writer:
        assert writer.migrated_from is None
        for played in random_games("tic_tac_toe", 3, first=50):
            writer.add(played)
    assert len(dataset) == 15
    assert verify_dataset(old_path, workers=1) == []


def test_the_commands(old_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--workers", "1", "--quiet"]
    assert main(["data", "verify", str(old_path), *options]) == 0
    assert "12 games replayed, everything holds (it has no checksums yet" in capsys.readouterr().out
    assert main(["data", "migrate", str(old_path)]) == 0
    assert capsys.readouterr().out == f"{old_path}: from schema version 1 to 2\n"
    assert main(["data", "migrate", str(old_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"dataset": str(old_path), "from": 2, "to": 2}
    assert main(["data", "verify", str(old_path), *options]) == 0
    assert capsys.readouterr().out.endswith("everything holds\n")


def test_a_migration_that_fails_has_changed_nothing(old_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class PowerCutError(Exception):
        pass

    def cut(*_: object) -> int:
        raise PowerCutError

    with monkeypatch.context() as patched:
        patched.setattr(migrations.checksums, "of_rows", cut)
        with pytest.raises(PowerCutError):
            DatasetWriter(old_path, "tic_tac_toe")
    assert Dataset(old_path).meta.schema_version == 1
    assert verify_dataset(old_path, workers=1) == []


def test_a_sealed_dataset_stays_of_its_version(old_path: Path) -> None:
    set_meta(old_path, b"sealed", b"true")
    with pytest.raises(DatasetError, match="sealed"):
        DatasetWriter(old_path, "tic_tac_toe")
    assert Dataset(old_path).meta.schema_version == 1


@pytest.mark.parametrize(("version", "advice"), [(b"3", "use a newer gameil"), (b"0", "ingest it again")])
def test_other_versions_are_refused_in_one_line(old_path: Path, version: bytes, advice: str) -> None:
    set_meta(old_path, b"schema_version", version)
    for opened in (lambda: Dataset(old_path), lambda: DatasetWriter(old_path, "tic_tac_toe")):
        with pytest.raises(DatasetError, match=f"version {version.decode()}, .*{advice}") as caught:
            opened()
        assert "\n" not in str(caught.value)


def test_checksums_do_not_depend_on_order_and_tell_each_change(tmp_path: Path) -> None:
    games = random_games("tic_tac_toe", 6)
    path = tmp_path / "x.lmdb"
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index, played in enumerate(games):
            writer.add(played)
            if index % 2:
                writer.commit()
        writer.add(games[0])
    once = tmp_path / "once.lmdb"
    with DatasetWriter(once, "tic_tac_toe") as writer:
        for played in [*games, games[0]]:
            writer.add(played)
    stated, found = zip(*Dataset(path).checksums().values(), strict=True)
    assert stated == found == tuple(number for number, _ in Dataset(once).checksums().values())
    assert sum(found) > 0
    assert verify_dataset(path, workers=1) == []
    with lmdb.open(str(path), max_dbs=20) as env:
        for name in (b"duplicates", b"strings"):
            opened = env.open_db(name)
            with env.begin(write=True, db=opened) as transaction:
                key, value = next(iter(transaction.cursor(db=opened)))
                transaction.put(key, value[:-1] + bytes([value[-1] ^ 1]))
    problems = verify_dataset(path, workers=1)
    assert [problem for problem in problems if "checksum" in problem] == [
        "the checksum of the sub-database duplicates is not that of its rows",
        "the checksum of the sub-database strings is not that of its rows",
    ]
