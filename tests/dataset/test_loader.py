"""Loaders: every position once an epoch, exact places, right augmentation, the same batches from another process."""

import collections
import dataclasses
import itertools
import pickle
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.mixture import MixtureLoader, split_batch
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.dataset.schema import SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.games.registry import make_game
from gameil.positions.context import with_context
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import encode_game, replay
from tests.strategies import random_game, random_games, random_label

ENCODER = EncoderConfig()
SMALL = LoaderConfig(batch_size=16, pool_positions=200, seed=3)


def write(path: Path, family: str, number: int) -> Path:
    with DatasetWriter(path, family, split=SplitRule(0.1, 0.1)) as writer:
        for index in range(number):
            writer.add(dataclasses.replace(random_game(family, index), match_id=str(index)))
    return path


@pytest.fixture(scope="module")
def dataset_path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("data") / "games.lmdb", "tic_tac_toe", 120)


def same(first: PositionBatch, second: PositionBatch) -> bool:
    return all(
        np.array_equal(getattr(first, field.name), getattr(second, field.name))
        for field in dataclasses.fields(PositionBatch)
        if getattr(first, field.name) is not None or getattr(second, field.name) is not None
    )


def places(batch: PositionBatch) -> list[tuple[int, int]]:
    return list(zip(batch.game_ids.tolist(), batch.plies.tolist(), strict=True))


def test_an_epoch_holds_each_position_at_most_once_and_nearly_all(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    seen: Counter[tuple[int, int]] = Counter()
    while loader.position()["epoch"] == 0:
        batch = next(loader)
        assert len(batch) == 16
        if loader.position()["epoch"] == 0:
            seen.update(places(batch))
    assert max(seen.values()) == 1
    train = set(Dataset(dataset_path).game_ids("train").tolist())
    assert {game for game, _ in seen} <= train
    with_choice = sum(len(batch) for batch in loader.once())
    assert with_choice - 16 * 5 < len(seen) <= with_choice


def test_batches_are_what_replay_says(dataset_path: Path) -> None:
    dataset = Dataset(dataset_path)
    encoder = ObservationEncoder(make_game("tic_tac_toe"), ENCODER)
    batch = next(Loader(dataset_path, "train", ENCODER, SMALL, augment=False))
    for index, (game_id, ply) in enumerate(places(batch)):
        played = dataset.game(game_id)
        whole = encode_game(played, encoder, game_id=game_id)
        whole = with_context(whole, [game_id], [played], final_boards=False)
        expected = whole.take(np.flatnonzero(whole.plies == ply))
        assert same(batch.take(np.array([index])), expected)


def test_forced_moves_are_left_out(dataset_path: Path) -> None:
    for min_legal in (1, 2, 4):
        config = dataclasses.replace(SMALL, min_legal=min_legal)
        sizes = [
            int(n) for b in Loader(dataset_path, "train", ENCODER, config, augment=False).once() for n in b.num_legal()
        ]
        assert min(sizes) == min_legal


@settings(max_examples=15)
@given(skipped=st.integers(0, 200))
def test_after_seek_the_same_batches_follow(dataset_path: Path, skipped: int) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=True)
    for _ in range(skipped):
        next(loader)
    position = loader.position()
    expected = [next(loader) for _ in range(5)]
    fresh = Loader(dataset_path, "train", ENCODER, SMALL, augment=True)
    fresh.seek(position)
    assert all(same(next(fresh), batch) for batch in expected)
    assert fresh.position() == loader.position()


def test_epochs_and_seeds_have_other_orders(dataset_path: Path) -> None:
    first = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    second = Loader(dataset_path, "train", ENCODER, dataclasses.replace(SMALL, seed=4), augment=False)
    later = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    later.seek({**later.position(), "epoch": 1})
    batches = [places(next(loader)) for loader in (first, second, later)]
    assert batches[0] != batches[1]
    assert batches[0] != batches[2]


def test_games_added_later_do_not_change_a_resumed_order(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", "tic_tac_toe", 60)
    loader = Loader(path, "train", ENCODER, SMALL, augment=False)
    next(loader)
    position = loader.position()
    expected = [next(loader) for _ in range(30)]
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for index in range(40):
            writer.add(dataclasses.replace(random_game("tic_tac_toe", index), match_id=f"later {index}"))
    loader.seek(position)
    assert all(same(next(loader), batch) for batch in expected)
    assert Loader(path, "train", ENCODER, SMALL, augment=False).position()["games"] == 100


def test_a_place_in_a_larger_dataset_is_refused(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    loader.seek({**loader.position(), "games": 10_000})
    with pytest.raises(DatasetError, match="120 games"):
        next(loader)
    with pytest.raises(DatasetError, match="position has"):
        loader.seek({"epoch": 0})


def test_a_place_in_another_dataset_of_the_same_size_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", "tic_tac_toe", 60)
    loader = Loader(path, "train", ENCODER, SMALL, augment=False)
    next(loader)
    position = loader.position()
    old = dict(position)
    del old["content"]
    shutil.rmtree(path)
    with DatasetWriter(path, "tic_tac_toe", split=SplitRule(0.1, 0.1)) as writer:
        for index in range(100, 160):
            writer.add(random_game("tic_tac_toe", index, match_id=str(index)))
    fresh = Loader(path, "train", ENCODER, SMALL, augment=False)
    fresh.seek(position)
    with pytest.raises(DatasetError, match="has changed: its first 60 games"):
        next(fresh)
    fresh.seek(old)
    assert len(next(fresh)) == SMALL.batch_size, "a place without the content is taken as it is"


def test_fewer_positions_than_a_batch_are_repeated(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "x.lmdb", "tic_tac_toe", split=SplitRule(0, 0)) as writer:
        writer.add(random_game("tic_tac_toe", 1))
    config = LoaderConfig(batch_size=64, pool_positions=64)
    loader = Loader(tmp_path / "x.lmdb", "train", ENCODER, config, augment=False)
    assert [len(next(loader)) for _ in range(3)] == [64, 64, 64]
    with pytest.raises(DatasetError, match="the test split has no games"):
        next(Loader(tmp_path / "x.lmdb", "test", ENCODER, config, augment=False))
    strict = dataclasses.replace(config, min_legal=10)
    with pytest.raises(DatasetError, match="10 or more"):
        next(Loader(tmp_path / "x.lmdb", "train", ENCODER, strict, augment=False))


def test_once_gives_every_position_in_order(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=True)
    batches = list(loader.once("validation", batch_size=10))
    assert all(len(batch) == 10 for batch in batches[:-1])
    found = [place for batch in batches for place in places(batch)]
    assert found == sorted(found)
    ids = Dataset(dataset_path).game_ids("validation")
    encoder = ObservationEncoder(make_game("tic_tac_toe"), ENCODER)
    whole = PositionBatch.concatenate([encode_game(Dataset(dataset_path).game(i), encoder, game_id=i) for i in ids])
    assert len(found) == int((whole.num_legal() >= 2).sum())


def test_once_can_be_thinned_evenly_and_always_alike(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    thin = [place for batch in loader.once(max_positions=100) for place in places(batch)]
    again = [place for batch in loader.once(max_positions=100) for place in places(batch)]
    assert thin == again
    assert 80 <= len(thin) <= 110
    games = {game for game, _ in thin}
    assert max(games) > 60, "not the first games only"


def test_unknown_results_have_no_weight(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path / "x.lmdb", "tic_tac_toe", split=SplitRule(0, 0)) as writer:
        for index, played in enumerate(random_games("tic_tac_toe", 40)):
            writer.add(dataclasses.replace(played, returns=None if index % 2 else played.returns, match_id=str(index)))
    batch = next(Loader(tmp_path / "x.lmdb", "train", ENCODER, SMALL, augment=False))
    assert batch.return_weights.tolist() == [float(game_id % 2 == 0) for game_id in batch.game_ids.tolist()]


def test_labels_replace_the_moves_that_were_played(tmp_path: Path) -> None:
    path = write(tmp_path / "x.lmdb", "tic_tac_toe", 60)
    dataset = Dataset(path)
    expected = {}
    with DatasetWriter(path, "tic_tac_toe") as writer:
        for game_id in dataset.game_ids("train").tolist()[::2]:
            for ply, state, _ in replay(dataset.game(game_id)):
                if ply in (1, 3):
                    label = random_label(state.legal_actions(), game_id + ply)
                    writer.add_label(game_id, ply, label)
                    expected[game_id, ply] = label
    loader = Loader(path, "train", ENCODER, SMALL, augment=False, labels=True)
    batch = next(loader)
    assert batch.target_probs is not None
    for index, place in enumerate(places(batch)):
        label = expected[place]
        one = slice(batch.offsets[index], batch.offsets[index + 1])
        assert batch.target_probs[one].tolist() == pytest.approx(label.probs.tolist())
        assert batch.legal[one].tolist() == label.actions.tolist()
        assert batch.actions[index] == label.actions[np.argmax(label.probs)]
    assert loader.positions_per_epoch() == len(expected)
    position = loader.position()
    with DatasetWriter(path, "tic_tac_toe") as writer:
        writer.add_label(*next(iter(expected)), random_label([0], 1, round=5))
    loader.seek(position)
    with pytest.raises(DatasetError, match="labels"):
        next(loader)


@pytest.mark.parametrize("game_id", ["tic_tac_toe", "connect_four", "othello", "go(board_size=5)"])
def test_augmented_positions_are_positions_of_the_mapped_game(game_id: str) -> None:
    """Mapping a game's actions and replaying them gives the same batch as replaying and mapping the batch."""
    game = make_game(game_id)
    played = random_game(game_id, 5)
    played = dataclasses.replace(played, actions=played.actions[:30].copy())
    encoder = ObservationEncoder(game, ENCODER)
    batch = encode_game(played, encoder)
    rng = np.random.default_rng(0)
    probs = rng.random(len(batch.legal)).astype(np.float32)
    augmentation = Augmentation(game, only_keeping_start=True)
    assert len(augmentation.symmetries) >= 2
    for number, symmetry in enumerate(augmentation.symmetries):
        mapped_game = dataclasses.replace(played, actions=symmetry.actions[played.actions].astype(np.uint32))
        expected = encode_game(mapped_game, encoder)
        found = augmentation.apply(batch, np.full(len(batch), number))
        assert same(found, expected), symmetry.name
        soft = augmentation.apply(dataclasses.replace(batch, target_probs=probs), np.full(len(batch), number))
        assert soft.target_probs is not None
        before = {(i, int(symmetry.actions[a])): p for i, a, p in owned(batch, probs)}
        assert {(i, a): p for i, a, p in owned(soft, soft.target_probs)} == before


def owned(batch: PositionBatch, probs: np.ndarray) -> list[tuple[int, int, float]]:
    owners = np.repeat(np.arange(len(batch)), batch.num_legal())
    return list(zip(owners.tolist(), batch.legal.tolist(), probs.tolist(), strict=True))


def test_random_augmentation_uses_every_symmetry_and_each_position_its_own(dataset_path: Path) -> None:
    game = make_game("tic_tac_toe")
    augmentation = Augmentation(game, only_keeping_start=False)
    encoder = ObservationEncoder(game, ENCODER)
    batch = encode_game(random_game("tic_tac_toe", 2), encoder)
    one = batch.take(np.full(400, 3))
    mapped = augmentation.random(one, np.random.default_rng(0))
    counts = Counter(mapped.actions.tolist())
    orbit = {int(symmetry.actions[one.actions[0]]) for symmetry in augmentation.symmetries}
    assert set(counts) == orbit
    assert len({row.tobytes() for row in mapped.observations}) > 2


def test_a_loader_goes_on_at_its_place_after_pickling(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=True)
    next(loader)
    copy = pickle.loads(pickle.dumps(loader))
    assert same(next(copy), next(loader))


def test_a_prefetched_loader_gives_the_same_batches_and_places(dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=True)
    expected = []
    for _ in range(12):
        batch = next(loader)
        expected.append((batch, loader.position()))
    with PrefetchedLoader(Loader(dataset_path, "train", ENCODER, SMALL, augment=True), depth=3) as prefetched:
        for batch, position in expected[:6]:
            found, place = prefetched.next_with_position()
            assert same(found, batch)
            assert place == position
        prefetched.seek(expected[2][1])
        assert same(next(prefetched), expected[3][0])
        prefetched.close()
        assert prefetched.position() == expected[3][1]
        assert same(next(prefetched), expected[4][0]), "goes on after closing"
        assert prefetched.wait_seconds >= 0


def test_an_error_in_the_child_is_raised_with_its_text(tmp_path: Path, dataset_path: Path) -> None:
    loader = Loader(dataset_path, "train", ENCODER, SMALL, augment=False)
    loader.seek({**loader.position(), "games": 10_000})
    with PrefetchedLoader(loader) as prefetched, pytest.raises(DatasetError, match="120 games"):
        next(prefetched)
    missing = Loader(tmp_path / "none.lmdb", "train", ENCODER, SMALL, augment=False)
    with PrefetchedLoader(missing) as prefetched, pytest.raises(DatasetError, match="no such dataset"):
        next(prefetched)


def test_a_child_that_was_killed_is_an_error_not_a_hang(dataset_path: Path) -> None:
    with PrefetchedLoader(Loader(dataset_path, "train", ENCODER, SMALL, augment=False), depth=2) as prefetched:
        next(prefetched)
        assert prefetched._workers
        prefetched._workers[0]._process.kill()
        with pytest.raises(DatasetError, match="exit code -9"):
            collections.deque(itertools.islice(prefetched, 1000), maxlen=0)


def test_the_child_dies_with_its_parent(dataset_path: Path, repository: Path) -> None:
    program = (
        "import os, sys\n"
        "from pathlib import Path\n"
        "from gameil.dataset.loader import Loader\n"
        "from gameil.dataset.loader_config import LoaderConfig\n"
        "from gameil.dataset.prefetch import PrefetchedLoader\n"
        "from gameil.positions.encoder import EncoderConfig\n"
        "if __name__ == '__main__':\n"
        "    config = LoaderConfig(batch_size=16, pool_positions=200)\n"
        "    loader = PrefetchedLoader(Loader(Path(sys.argv[1]), 'train', EncoderConfig(), config, augment=False))\n"
        "    next(loader)\n"
        "    assert 'torch' not in sys.modules\n"
        "    print(loader._workers[0].pid, flush=True)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    # The child inherits stdout: `run` returns only when it, too, has ended and closed it.
    done = subprocess.run(
        [sys.executable, "-c", program, str(dataset_path)],
        cwd=repository,
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == -9
    assert int(done.stdout) > 0


def test_a_mixture_has_rows_of_every_loader_and_an_exact_place(dataset_path: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.lmdb", "tic_tac_toe", 30)
    rows = split_batch(16, [0.75, 0.25])
    assert rows == [12, 4]

    def mixture() -> MixtureLoader:
        return MixtureLoader(
            [
                Loader(path, "train", ENCODER, dataclasses.replace(SMALL, batch_size=size), augment=True)
                for path, size in zip((dataset_path, other), rows, strict=True)
            ]
        )

    loader = mixture()
    assert loader.batch_size == 16
    assert len(next(loader)) == 16
    position = loader.position()
    expected = [next(loader) for _ in range(3)]
    fresh = mixture()
    fresh.seek(position)
    assert all(same(next(fresh), batch) for batch in expected)
    with pytest.raises(DatasetError, match="mixture"):
        fresh.seek({"2.epoch": 0})


@given(st.integers(8, 600), st.lists(st.floats(0.2, 1), min_size=1, max_size=4))
def test_split_batches_add_up_and_are_near_their_shares(size: int, shares: list[float]) -> None:
    rows = split_batch(size, shares)
    assert sum(rows) == size
    assert all(abs(number - share / sum(shares) * size) < 1 for number, share in zip(rows, shares, strict=True))


def test_impossible_configurations_are_refused() -> None:
    with pytest.raises(ConfigError, match="batch_size"):
        LoaderConfig(batch_size=0)
    with pytest.raises(ConfigError, match="at least batch_size 512, got 100"):
        LoaderConfig(pool_positions=100)
    with pytest.raises(ConfigError, match="without a row"):
        split_batch(4, [1, 1000])
    with pytest.raises(ConfigError, match="positive"):
        split_batch(4, [1, 0])
    with pytest.raises(ConfigError, match="at least one loader"):
        MixtureLoader([])
