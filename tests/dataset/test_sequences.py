"""Windows of whole games: every position learned from once an epoch, behind the positions before it."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from gameil.dataset.dataset import Dataset
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.dataset.schema import SplitRule
from gameil.dataset.sequences import SequenceBatch, SequenceConfig, SequenceLoader
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, ShapeError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.replay import encode_game
from tests.strategies import random_game

ENCODER = EncoderConfig()
WINDOWS = SequenceConfig(length=6, burn_in=3)
CONFIG = LoaderConfig(batch_size=12, pool_positions=100, min_legal=2, seed=3)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "games.lmdb"
    with DatasetWriter(path, "connect_four", split=SplitRule(0, 0)) as writer:
        for index in range(25):
            writer.add(dataclasses.replace(random_game("connect_four", index), match_id=str(index)))
    return path


def loader(path: Path, **changes: object) -> SequenceLoader:
    values: dict[str, object] = {"augment": False} | changes
    return SequenceLoader(path, "train", ENCODER, CONFIG, WINDOWS, **values)  # type: ignore[arg-type]


def same(one: SequenceBatch, other: SequenceBatch) -> bool:
    names = ("observations", "legal", "actions", "weights", "return_weights", "game_ids", "plies")
    return (
        np.array_equal(one.valid, other.valid)
        and np.array_equal(one.first, other.first)
        and all(np.array_equal(getattr(one.positions, name), getattr(other.positions, name)) for name in names)
    )


def test_windows_are_runs_of_a_game_behind_their_burn_in(path: Path) -> None:
    source = loader(path)
    dataset = Dataset(path)
    encoder = ObservationEncoder(make_game("connect_four"), ENCODER)
    for _ in range(40):
        batch = next(source)
        steps, size = batch.valid.shape
        assert (steps, size, len(batch)) == (9, 2, 2)
        plies = batch.positions.plies.reshape(steps, size)
        games = batch.positions.game_ids.reshape(steps, size)
        learned = batch.positions.return_weights.reshape(steps, size) > 0
        weights = batch.positions.weights.reshape(steps, size)
        enough = batch.positions.num_legal().reshape(steps, size) >= 2
        for window in range(size):
            valid = batch.valid[:, window]
            number = int(valid.sum())
            assert valid[:number].all(), "padding stands behind"
            assert len(set(games[:, window].tolist())) == 1
            begin = int(plies[0, window])
            assert plies[:number, window].tolist() == list(range(begin, begin + number))
            assert batch.first[:, window].tolist() == [begin == 0 and step == 0 for step in range(steps)]
            burned = int(np.flatnonzero(learned[:, window])[0])
            assert burned == min(3, begin + burned)
            assert learned[burned:number, window].all()
            assert not learned[number:, window].any()
            assert (weights[:, window] > 0).tolist() == (learned[:, window] & enough[:, window]).tolist()
            expected = encode_game(dataset.game(int(games[0, window])), encoder).observations[begin : begin + number]
            found = batch.positions.observations.reshape(steps, size, *encoder.shape)[:number, window]
            assert np.array_equal(found, expected)


def test_an_epoch_learns_from_every_position_at_most_once_and_moves_its_windows(path: Path) -> None:
    source = loader(path)
    seen: dict[int, list[tuple[int, int]]] = {0: [], 1: []}
    begins: dict[int, set[tuple[int, int]]] = {0: set(), 1: set()}
    while (epoch := source.position()["epoch"]) < 2:
        batch = next(source)
        if (epoch := source.position()["epoch"]) > 1:
            break
        learned = batch.positions.return_weights > 0
        places = list(zip(batch.positions.game_ids.tolist(), batch.positions.plies.tolist(), strict=True))
        seen[epoch] += [place for place, one in zip(places, learned.tolist(), strict=True) if one]
        begins[epoch] |= set(places[: len(batch)])
    total = sum(len(Dataset(path).game(game_id).actions) for game_id in range(25))
    for places in seen.values():
        assert len(places) == len(set(places))
        assert len(places) > 0.85 * total
    assert begins[0] != begins[1]


def test_places_and_processes_change_nothing(path: Path) -> None:
    source = loader(path, augment=True)
    expected = []
    for _ in range(30):
        batch = next(source)
        expected.append((batch, source.position()))
    again = loader(path, augment=True)
    again.seek(expected[9][1])
    assert all(same(next(again), batch) for batch, _ in expected[10:])
    with PrefetchedLoader(loader(path, augment=True), workers=2, depth=2) as prefetched:
        for batch, position in expected:
            found, place = prefetched.next_with_position()
            assert same(found, batch)
            assert place == position


def test_one_symmetry_a_window(path: Path) -> None:
    plain, mapped = loader(path), loader(path, augment=True)
    turned = 0
    for _ in range(10):
        one, other = next(plain), next(mapped)
        steps, size = one.valid.shape
        for window in range(size):
            rows = np.arange(steps) * size + window
            before, after = one.positions.observations[rows], other.positions.observations[rows]
            flipped = np.array_equal(before[..., ::-1], after)
            assert flipped or np.array_equal(before, after)
            turned += flipped
    assert 0 < turned < 20


def test_what_cannot_be_is_refused(path: Path) -> None:
    with pytest.raises(ConfigError, match="holds no window"):
        SequenceLoader(path, "train", ENCODER, CONFIG, SequenceConfig(length=64), augment=False)
    config = dataclasses.replace(CONFIG, position_share=0.5)
    with pytest.raises(ConfigError, match="whole games"):
        SequenceLoader(path, "train", ENCODER, config, WINDOWS, augment=False)
    with pytest.raises(ConfigError, match="burn_in"):
        SequenceConfig(burn_in=-1)
    batch = next(loader(path))
    with pytest.raises(ShapeError, match="windows"):
        SequenceBatch(batch.positions, batch.valid[1:], batch.first[1:])
