"""From a dataset to batches: whole games in shuffled order, replayed, their positions mixed in a pool.

An epoch is a random order of all games, cut into blocks (``blocks.py``). A block is replayed, its positions are
shuffled, and batches are cut from it. The batches are a pure function of dataset, configuration and place
(``walk.py``). Imports no torch, so that it runs in light processes of its own (``prefetch.py``).
"""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.blocks import Blocks, SplitSource
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.picture_shifts import shifted
from gameil.dataset.schema import Split
from gameil.dataset.walk import Walk, WalkingLoader
from gameil.positions.encoder import EncoderConfig
from gameil.positions.position_batch import PositionBatch
from gameil.positions.position_pool import PositionPool
from gameil.seeding import generator

_ONCE_POSITIONS = 4096
"""Positions that one pass replays at a time."""


class Loader(WalkingLoader[PositionBatch]):
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
        family: str | None = None,
    ) -> None:
        """Args:
        dataset: path of the dataset.
        split: which games.
        encoder: how positions are written.
        config: batch size, pool, seed.
        augment: map each position by a random symmetry of the game.
        labels: hand out labelled positions only, with the experts' policies as targets.
        family: game family that the dataset must be of; None for any.
        """
        self.config = config
        self._augment = augment
        self._source = SplitSource(Path(dataset), split, encoder, config, labels, family)
        super().__init__(Walk(self._source, self._cut))

    @property
    def batch_size(self) -> int:
        return self.config.batch_size

    def positions_per_epoch(self) -> int:
        """Decisions that an epoch takes (labelled ones with ``labels``), forced moves included."""
        return int(self._walk.open().taken.sum())

    def once(
        self,
        split: Split | None = None,
        *,
        max_positions: int | None = None,
        batch_size: int | None = None,
        whole_games: bool = False,
    ) -> Iterator[PositionBatch]:
        """One pass over a split in the order of ids: all positions, no shuffling, no symmetries, the last batch may be
        shorter.

        Args:
            split: default the loader's own.
            max_positions: take games of about so many positions, chosen by their content's hash.
            batch_size: default the configured one.
            whole_games: every position, for a memory: those with too few legal actions too, and those of others than
                the players asked for, which then have weight 0.
        """
        source = self._source
        blocks = Blocks(
            SplitSource(
                source.dataset, split or source.split, source.encoder, source.config, source.labels, source.family
            ),
            self.known_position(),
        )
        size = batch_size or self.config.batch_size
        games = np.arange(len(blocks.ids))
        if max_positions is not None and int(blocks.sizes.sum()) > max_positions:
            order = np.argsort(blocks.hashes, kind="stable")
            enough = int(np.searchsorted(np.cumsum(blocks.sizes[order]), max_positions)) + 1
            games = np.sort(order[:enough])
        waiting: list[PositionBatch] = []
        number = 0
        for some in _groups(games, blocks.sizes):
            pool = blocks.encode(blocks.ids[some].tolist(), [None] * len(some))
            waiting.append(pool.take(np.arange(len(pool)) if whole_games else _learned(pool, self.config)))
            number += len(waiting[-1])
            if number >= size:
                joined = PositionBatch.concatenate(waiting)
                whole = number - number % size
                for start in range(0, whole, size):
                    yield joined.take(np.arange(start, start + size))
                waiting = [joined.take(np.arange(whole, number))]
                number -= whole
        if number:
            yield PositionBatch.concatenate(waiting)

    def _cut(self, blocks: Blocks, epoch: int, number: int) -> "_Block":
        augmentation = blocks.augmentation if self._augment else None
        return _Block(epoch, number, blocks.block(epoch, number), self.config, augmentation)


class _Block:
    """The shuffled positions of some games, cut into whole batches; what is left over is dropped this time."""

    def __init__(
        self, epoch: int, number: int, pool: PositionPool, config: LoaderConfig, augmentation: Augmentation | None
    ) -> None:
        self._key = epoch, number
        self._pool = pool
        self._config = config
        self._augmentation = augmentation
        size = config.batch_size
        kept = _learned(pool, config)
        order = generator(config.seed, "positions", epoch, number).permutation(len(kept))
        if 0 < len(order) < size:  # too few for one batch: repeated until they fill it
            order = np.resize(order, size)
        self._order = kept[order]
        self.num_batches = len(order) // size

    def batch(self, number: int) -> PositionBatch:
        size = self._config.batch_size
        batch = self._pool.take(self._order[number * size : (number + 1) * size])
        if self._augmentation is None:
            return batch
        if self._config.shift_pixels and batch.observations.ndim == 4:
            rng = generator(self._config.seed, "shifts", *self._key, number)
            batch = shifted(batch, self._config.shift_pixels, rng)
        return self._augmentation.random(batch, generator(self._config.seed, "symmetries", *self._key, number))


def _learned(pool: PositionPool, config: LoaderConfig) -> NDArray[np.int64]:
    """Places of the positions with enough legal actions, of the players asked for."""
    enough = pool.rows.num_legal() >= config.min_legal
    return np.flatnonzero(enough & (pool.rows.weights > 0) if config.players else enough)


def _groups(games: NDArray[np.int64], sizes: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The games in groups of about ``_ONCE_POSITIONS`` positions."""
    if not len(games):
        return []
    ends = np.cumsum(sizes[games])
    return np.split(games, np.flatnonzero(np.diff(ends // _ONCE_POSITIONS)) + 1)
