"""From a dataset to batches: whole games in shuffled order, replayed, their positions mixed in a pool.

An epoch is a random order of all games, cut into *blocks* of about ``pool_positions`` positions. A block is replayed,
its positions are shuffled, and batches are cut from it. So a loader's place is three numbers, and going there costs at
most the replay of one block. Everything random is keyed by what it is for: the batches are a pure function of dataset,
configuration and place. Imports no torch, so that it runs in a light process of its own (``prefetch``).
"""

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import Split
from gameil.errors import ConfigError, DatasetError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import PositionBatch
from gameil.positions.replay import encode_game
from gameil.seeding import generator


@dataclass(frozen=True)
class LoaderConfig:
    """How positions are mixed."""

    __pydantic_config__ = {"extra": "forbid"}

    batch_size: int = 512
    """Positions a batch."""
    pool_positions: int = 32768
    """Positions shuffled together; more decorrelate better and take more memory (chess: about 4 kB each)."""
    min_legal: int = 2
    """Positions with fewer legal actions are left out: a forced move teaches nothing."""
    symmetries: Literal["start", "all"] = "start"
    """Which symmetries augment: those that keep the start position, or all."""
    which_labels: Literal["latest", "all"] = "latest"
    """Where labels are learned: of each position the latest round's, or the mean of all."""
    seed: int = 0
    """Seed of the order of games and positions and of the symmetries."""

    def __post_init__(self) -> None:
        if self.batch_size < 1:
            raise ConfigError(f"loader.batch_size must be at least 1, got {self.batch_size}")
        if self.pool_positions < self.batch_size:
            raise ConfigError(
                f"loader.pool_positions must be at least batch_size {self.batch_size}, got {self.pool_positions}"
            )
        if self.min_legal < 1:
            raise ConfigError(f"loader.min_legal must be at least 1, got {self.min_legal}")


class Loader:
    """Endless batches of one split. Picklable (goes on at its place in the other process); opened at first use."""

    def __init__(
        self,
        dataset: Path,
        split: Split,
        encoder: EncoderConfig,
        config: LoaderConfig,
        *,
        augment: bool,
        labels: bool = False,
    ) -> None:
        """Args:
        dataset: path of the dataset.
        split: which games.
        encoder: how positions are written.
        config: batch size, pool, seed.
        augment: map each position by a random symmetry of the game.
        labels: hand out labelled positions only, with the experts' policies as targets.
        """
        self.dataset_path = Path(dataset)
        self.split: Split = split
        self.encoder_config = encoder
        self.config = config
        self.augment = augment
        self.labels = labels
        self._position = {"epoch": 0, "block": 0, "batch": 0, "games": -1, "labels": -1, "content": -1}
        self._opened: _Opened | None = None
        self._block: _Block | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_opened": None, "_block": None}

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def __iter__(self) -> Iterator[PositionBatch]:
        return self

    def __next__(self) -> PositionBatch:
        opened = self._open()
        empty = 0
        while True:
            place = self._position
            block = self._load_block(opened)
            if place["batch"] < block.num_batches:
                batch = self._cut(block, place["batch"])
                place["batch"] += 1
                return batch
            empty += 1
            if not block.num_batches and empty > opened.num_blocks(place["epoch"]):
                raise DatasetError(
                    f"{self.dataset_path}: the {self.split} split has no position with {self.config.min_legal} or more "
                    f"legal actions"
                )
            place["block"] += 1
            place["batch"] = 0
            if place["block"] >= opened.num_blocks(place["epoch"]):
                place["epoch"] += 1
                place["block"] = 0

    def position(self) -> dict[str, int]:
        """The place of the next batch, for ``seek``. Games added to the dataset later do not change it."""
        self._open()
        return dict(self._position)

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave: the batches after it are the same as they were after that."""
        # Places of early checkpoints say nothing about the content; -1 is not compared.
        place = {"content": -1, **{name: int(value) for name, value in position.items()}}
        if place.keys() != self._position.keys():
            raise DatasetError(f"a loader's position has {sorted(self._position)}, got {sorted(position)}")
        self._position = place
        self._opened = None
        self._block = None

    def positions_per_epoch(self) -> int:
        """Decisions in the split's games (labelled ones with ``labels``), forced moves included."""
        return int(self._open().sizes.sum())

    def once(
        self, split: Split | None = None, *, max_positions: int | None = None, batch_size: int | None = None
    ) -> Iterator[PositionBatch]:
        """One pass over a split in the order of ids: no shuffling, no symmetries, the last batch may be shorter.

        Args:
            split: default the loader's own.
            max_positions: take about so many positions, from games chosen by their content's hash.
            batch_size: default the configured one.
        """
        opened = _Opened(self, split or self.split)
        size = batch_size or self.config.batch_size
        ids = opened.ids
        if max_positions is not None and int(opened.sizes.sum()) > max_positions:
            order = np.argsort(opened.hashes, kind="stable")
            enough = int(np.searchsorted(np.cumsum(opened.sizes[order]), max_positions)) + 1
            ids = np.sort(ids[order[:enough]])
        waiting: list[PositionBatch] = []
        number = 0
        for game_id in ids.tolist():
            waiting.append(opened.encode(game_id))
            number += len(waiting[-1])
            while number >= size:
                joined = PositionBatch.concatenate(waiting)
                yield joined.take(np.arange(size))
                waiting = [joined.take(np.arange(size, number))]
                number -= size
        if number:
            yield PositionBatch.concatenate(waiting)

    def _open(self) -> "_Opened":
        if self._opened is None:
            self._opened = _Opened(self, self.split)
            if not len(self._opened.ids):
                what = "labelled games" if self.labels else "games"
                raise DatasetError(f"{self.dataset_path}: the {self.split} split has no {what}")
            self._position["games"] = self._opened.num_games
            self._position["labels"] = self._opened.num_labels
            self._position["content"] = self._opened.content
        return self._opened

    def _load_block(self, opened: "_Opened") -> "_Block":
        epoch, number = self._position["epoch"], self._position["block"]
        if self._block is None or (self._block.epoch, self._block.number) != (epoch, number):
            self._block = None  # frees the old pool before the new one is made
            parts = [opened.encode(game_id) for game_id in opened.games_of_block(epoch, number)]
            self._block = _Block(epoch, number, PositionBatch.concatenate(parts), self.config)
        return self._block

    def _cut(self, block: "_Block", number: int) -> PositionBatch:
        batch = block.batch(number)
        if not self.augment:
            return batch
        rng = generator(self.config.seed, "symmetries", block.epoch, block.number, number)
        return self._open().augmentation.random(batch, rng)


class _Block:
    """The shuffled positions of some games, cut into whole batches; what is left over is dropped this time."""

    def __init__(self, epoch: int, number: int, pool: PositionBatch, config: LoaderConfig) -> None:
        self.epoch = epoch
        self.number = number
        self._pool = pool
        self._size = config.batch_size
        order = generator(config.seed, "positions", epoch, number).permutation(len(pool))
        if 0 < len(order) < self._size:  # too few for one batch: repeated until they fill it
            order = np.resize(order, self._size)
        self._order = order
        self.num_batches = len(order) // self._size

    def batch(self, number: int) -> PositionBatch:
        return self._pool.take(self._order[number * self._size : (number + 1) * self._size])


class _Opened:
    """What a loader knows once it has looked into its dataset."""

    def __init__(self, loader: Loader, split: Split) -> None:
        self._loader = loader
        self._config = loader.config
        self._dataset = Dataset(loader.dataset_path)
        game = make_game(self._dataset.meta.family)
        if not game.capabilities.replayable:
            raise DatasetError(f"{loader.dataset_path}: {game.id} is not replayable, so the loader cannot read it")
        self._encoder = ObservationEncoder(game, loader.encoder_config)
        self.augmentation = Augmentation(game, only_keeping_start=loader.config.symmetries == "start")
        index = self._dataset.index()
        wanted = loader._position["games"]
        if wanted > len(index):
            raise DatasetError(f"{loader.dataset_path}: has {len(index)} games, but its position is one of {wanted}")
        self.num_games = len(index) if wanted < 0 else wanted
        self.content = _content_number(index[: self.num_games])
        wanted = loader._position["content"]
        if wanted not in (-1, self.content):
            raise DatasetError(
                f"{loader.dataset_path}: has changed: its first {self.num_games} games are not those that the position "
                f"was taken in; start a new run"
            )
        ids = self._dataset.game_ids(split)
        ids = ids[ids < self.num_games]
        sizes = index["decisions"][ids].astype(np.int64)
        self.num_labels = 0
        if loader.labels:
            counts = self._dataset.label_counts()
            sizes = np.array([counts.get(game_id, 0) for game_id in ids.tolist()], np.int64)
            self.num_labels = self._dataset.num_labels()
            wanted = loader._position["labels"]
            if wanted not in (-1, self.num_labels):
                raise DatasetError(
                    f"{loader.dataset_path}: has {self.num_labels} labels, but the position was taken with {wanted}"
                )
        self.ids = ids[sizes > 0]
        self.sizes = sizes[sizes > 0]
        self.hashes = index["hash"][self.ids]
        self._epoch = -1
        self._order: NDArray[np.uint64] = np.empty(0, np.uint64)
        self._bounds: list[int] = []

    def num_blocks(self, epoch: int) -> int:
        self._shuffle(epoch)
        return len(self._bounds) - 1

    def games_of_block(self, epoch: int, number: int) -> list[int]:
        """Ids of the block's games."""
        self._shuffle(epoch)
        if not 0 <= number < len(self._bounds) - 1:
            raise DatasetError(f"no block {number}: the epoch has {len(self._bounds) - 1}")
        ids: list[int] = self._order[self._bounds[number] : self._bounds[number + 1]].tolist()
        return ids

    def encode(self, game_id: int) -> PositionBatch:
        """One game's positions that have enough legal actions."""
        played = self._dataset.game_for_replay(game_id)
        labels = self._dataset.labels(game_id, self._config.which_labels) if self._loader.labels else None
        batch = encode_game(played, self._encoder, game_id=game_id, labels=labels)
        enough = batch.num_legal() >= self._config.min_legal
        return batch if enough.all() else batch.take(np.flatnonzero(enough))

    def _shuffle(self, epoch: int) -> None:
        """The epoch's order of games, and where its blocks begin; a last one of less than half a pool is joined."""
        if epoch == self._epoch:
            return
        order = generator(self._config.seed, "games", epoch).permutation(len(self.ids))
        ends = np.cumsum(self.sizes[order])
        bounds = [0]
        while bounds[-1] < len(order):
            before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
            bounds.append(min(len(order), int(np.searchsorted(ends, before + self._config.pool_positions)) + 1))
        if len(bounds) > 2 and int(ends[-1] - ends[bounds[-2] - 1]) < self._config.pool_positions // 2:
            del bounds[-2]
        self._epoch, self._order, self._bounds = epoch, self.ids[order], bounds


def _content_number(index: NDArray[np.void]) -> int:
    """A number of 63 bits that tells these games, their order and their splits from any others."""
    digest = hashlib.blake2b(np.ascontiguousarray(index).tobytes(), digest_size=8, person=b"loader").digest()
    return int.from_bytes(digest, "big") >> 1
