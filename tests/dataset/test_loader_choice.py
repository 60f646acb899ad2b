"""What loaders choose and weigh: draws of each game, ratings, dates, experts, mixtures, and processes that share."""

import dataclasses
import gc
import itertools
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from gameil.dataset import environment
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import DatasetShare, LoaderConfig
from gameil.dataset.mixture import ScheduledMixture
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.dataset.schema import SplitRule
from gameil.dataset.training_source import training_source
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.encoder import EncoderConfig
from gameil.positions.label import Label
from gameil.positions.position_batch import PositionBatch
from gameil.records.record import PlayerInfo
from gameil.schedules import Schedule
from tests.strategies import random_game

ENCODER = EncoderConfig()
SMALL = LoaderConfig(batch_size=16, pool_positions=200, min_legal=1, seed=3)


def write(path: Path, family: str, number: int) -> Path:
    with DatasetWriter(path, family, split=SplitRule(0, 0)) as writer:
        for index in range(number):
            played = dataclasses.replace(
                random_game(family, index),
                match_id=str(index),
                players=(PlayerInfo("a", 1000 + 100 * (index % 10)), PlayerInfo("b", 1800 if index % 2 else None)),
                date=None if index % 5 == 0 else f"{2000 + index % 4}-01-01",
            )
            writer.add(played)
    return path


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "games.lmdb", "connect_four", 60)


def loader(path: Path, **changes: object) -> Loader:
    return Loader(path, "train", ENCODER, dataclasses.replace(SMALL, **changes), augment=False)


def same(one: PositionBatch, other: PositionBatch) -> bool:
    return all(
        np.array_equal(getattr(one, field.name), getattr(other, field.name))
        for field in dataclasses.fields(PositionBatch)
        if getattr(one, field.name) is not None
    )


def epoch_places(source: Loader, epoch: int) -> list[tuple[int, int]]:
    source.seek({**source.known_position(), "epoch": epoch, "block": 0, "batch": 0})
    found = []
    while True:
        batch = next(source)
        if source.position()["epoch"] != epoch:
            return found
        found += list(zip(batch.game_ids.tolist(), batch.plies.tolist(), strict=True))


def test_an_epoch_takes_so_many_positions_of_a_game_and_draws_anew(path: Path) -> None:
    source = loader(path, positions_per_game=3, batch_size=4, pool_positions=40)
    first, second = epoch_places(source, 0), epoch_places(source, 1)
    assert source.positions_per_epoch() == 180
    for places in (first, second):
        assert len(places) == len(set(places)) > 160
        assert set(Counter(game for game, _ in places).values()) <= {1, 2, 3}
    assert len(set(first) & set(second)) < 60
    assert epoch_places(source, 0) == first
    plies = [ply for _, ply in first]
    assert 0 in plies
    assert max(plies) > 20


def test_a_share_of_each_game(path: Path) -> None:
    sizes = Dataset(path).lengths(Dataset(path).game_ids())
    counts = Counter(game for game, _ in epoch_places(loader(path, position_share=0.25, batch_size=1), 0))
    assert all(counts[game] == -(-int(size) // 4) for game, size in enumerate(sizes))


def test_evaluation_sees_all_positions_whatever_training_draws(path: Path) -> None:
    number = sum(len(batch) for batch in loader(path, positions_per_game=1).once())
    assert number == int(Dataset(path).lengths(Dataset(path).game_ids()).sum())


def test_ratings_and_dates_weigh_by_their_formula(path: Path) -> None:
    dataset = Dataset(path)
    batch = next(loader(path, rating_doubling=200.0, rating_unknown=1400, recency_halving=2.0, recency_unknown="2001"))
    for game_id, ply, weight in zip(batch.game_ids.tolist(), batch.plies.tolist(), batch.weights.tolist(), strict=True):
        game = dataset.game(game_id)
        rating = game.players[ply % 2].rating or 1400
        year = 2001 if game.date is None else int(game.date[:4])
        assert weight == pytest.approx(2 ** ((rating - 1400) / 200 + (year - 2001) / 2), rel=1e-5)
    assert set(next(loader(path)).weights.tolist()) == {1.0}


def test_the_best_experts_labels_are_learned(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", "connect_four", 5)
    with DatasetWriter(path, "connect_four") as writer:
        for number, (expert, round_) in enumerate([("weak", 3), ("strong", 0), ("strong", 1), ("other", 9)]):
            for game_id in range(5):
                writer.add_label(
                    game_id, 1, Label(expert, round_, np.array([number], np.int32), np.ones(1, np.float32))
                )
    config = dataclasses.replace(SMALL, which_labels="best", experts=("strong", "weak"))
    batch = next(Loader(path, "train", ENCODER, config, augment=False, labels=True))
    assert set(batch.actions.tolist()) == {2}
    config = dataclasses.replace(config, experts=("weak",))
    batch = next(Loader(path, "train", ENCODER, config, augment=False, labels=True))
    assert set(batch.actions.tolist()) == {0}


def test_processes_that_share_give_the_same_batches_and_places(path: Path) -> None:
    source = loader(path, pool_positions=60)
    expected = []
    for _ in range(120):  # over the end of the epoch
        batch = next(source)
        expected.append((batch, source.position()))
    assert expected[-1][1]["epoch"] >= 1
    with PrefetchedLoader(loader(path, pool_positions=60), workers=3, depth=2) as shared:
        held = []
        for _ in range(40):  # held on to, so that the shared memory runs out of free slots
            held.append(shared.next_with_position())
        assert all(
            same(batch, other) and place == after
            for (batch, place), (other, after) in zip(held, expected[:40], strict=True)
        )
        shared.seek(expected[57][1])
        del held
        assert all(same(next(shared), batch) for batch, _ in expected[58:])
        shared.close()
        gc.collect()


def test_batches_outlive_their_loader(path: Path) -> None:
    with PrefetchedLoader(loader(path), depth=4) as prefetched:
        batches = [next(prefetched) for _ in range(6)]
    assert all(same(batch, expected) for batch, expected in zip(batches, loader(path), strict=False))


def test_this_process_opens_no_dataset_for_its_loaders(tmp_path: Path, path: Path) -> None:
    own = write(tmp_path / "own.lmdb", "connect_four", 8)
    gc.collect()
    before = dict(environment._environments)
    with training_source(own, "connect_four", ENCODER, dataclasses.replace(SMALL, workers=2), augment=True) as source:
        next(source)
        assert source.position()["games"] == 8
        assert environment._environments.keys() == before.keys()


def test_further_datasets_have_their_share_and_the_mixture_goes_on_at_its_place(tmp_path: Path, path: Path) -> None:
    other = write(tmp_path / "other.lmdb", "connect_four", 1)  # its only game has id 0 and returns of its own
    config = dataclasses.replace(SMALL, also=(DatasetShare(other, 0.25, 0.5, batches=2),))
    with training_source(path, "connect_four", ENCODER, config, augment=False) as source:
        batches = [next(source) for _ in range(3)]
        position = source.position()
        expected = [next(source) for _ in range(4)]
        source.seek(position)
        assert all(same(next(source), batch) for batch in expected)
        assert source.wait_seconds > 0
    rows = [int((batch.game_ids[-8:] == 0).sum()) for batch in batches]
    assert rows[0] >= 4
    assert rows[2] == 8


def test_a_mixture_of_another_game_is_refused(tmp_path: Path, path: Path) -> None:
    other = write(tmp_path / "other.lmdb", "tic_tac_toe", 4)
    config = dataclasses.replace(SMALL, also=(DatasetShare(other, 0.5),))
    with (
        training_source(path, "connect_four", ENCODER, config, augment=False) as source,
        pytest.raises(DatasetError, match="tic_tac_toe"),
    ):
        next(source)


def test_a_schedule_moves_the_shares_and_wastes_no_row(path: Path) -> None:
    def mixture() -> ScheduledMixture:
        loaders = [loader(path, seed=seed, batch_size=10, pool_positions=50) for seed in (1, 2)]
        return ScheduledMixture(loaders, [Schedule(1.0, 0.0, 8), Schedule(0.0, 1.0, 8)], 12)

    source, own = mixture(), loader(path, seed=1, batch_size=10, pool_positions=50)
    rows = [12, 11, 9, 8, 6, 5, 3, 2]  # of 12, an eighth less each time, halves up
    stream = itertools.chain.from_iterable(
        zip(batch.game_ids.tolist(), batch.plies.tolist(), strict=True) for batch in own
    )
    places = []
    for wanted in rows:
        places.append(source.position())
        batch = next(source)
        found = list(zip(batch.game_ids.tolist(), batch.plies.tolist(), strict=True))
        assert len(found) == 12
        taken = list(itertools.islice(stream, wanted))
        assert found[:wanted] == taken
    for place in places:
        fresh, again = mixture(), mixture()
        fresh.seek(place)
        for _ in range(places.index(place)):
            next(again)
        assert same(next(fresh), next(again))
    with pytest.raises(DatasetError, match="fixed shares"):
        source.seek({"0.epoch": 0})


def test_impossible_choices_are_refused() -> None:
    for changes, text in [
        ({"position_share": 0.0}, "position_share"),
        ({"positions_per_game": -1}, "positions_per_game"),
        ({"rating_doubling": float("nan")}, "rating_doubling"),
        ({"recency_unknown": "soon"}, "recency_unknown"),
        ({"which_labels": "best"}, "experts"),
        ({"workers": 0}, "workers"),
        ({"also": (DatasetShare(Path("x"), 0.6), DatasetShare(Path("y"), 0.4))}, "leaves the main dataset nothing"),
    ]:
        with pytest.raises(ConfigError, match=text):
            LoaderConfig(**changes)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="share of x"):
        DatasetShare(Path("x"), 1.0)
    with pytest.raises(ConfigError, match="workers"):
        PrefetchedLoader(Loader(Path("x"), "train", ENCODER, SMALL, augment=False), workers=0)
