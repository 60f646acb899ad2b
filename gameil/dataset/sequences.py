"""Batches of windows of whole games, for networks with a memory.

A game of ``D`` positions is cut into windows of ``length`` positions, from a place drawn anew each epoch. Before each
window stand up to ``burn_in`` positions that only fill the memory: their weights are 0 (Kapturowski et al., "Recurrent
experience replay in distributed reinforcement learning", 2019, section 3). Positions follow one another as they were
played, both seats in turn, each in the mover's frame.

Letters: ``T = burn_in + length`` steps, ``B`` windows.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.blocks import Blocks, SplitSource
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.schema import Split
from gameil.dataset.walk import Walk, WalkingLoader
from gameil.errors import ConfigError, ShapeError
from gameil.positions.encoder import EncoderConfig
from gameil.positions.position_batch import PositionBatch
from gameil.positions.position_pool import PositionPool
from gameil.seeding import generator


@dataclass(frozen=True)
class SequenceConfig:
    """How games are cut into windows."""

    __pydantic_config__ = {"extra": "forbid"}

    length: int = 64
    """Positions of a window that are learned from."""
    burn_in: int = 16
    """Positions before a window that only fill the memory; fewer where the game begins."""

    def __post_init__(self) -> None:
        if self.length < 1 or self.burn_in < 0:
            raise ConfigError(
                f"sequences need a length of at least 1 and a burn_in of at least 0, got {self.length}, {self.burn_in}"
            )


@dataclass(frozen=True, slots=True, eq=False)
class SequenceBatch:
    """``B`` windows of ``T`` steps; step ``t`` of window ``b`` is row ``t * B + b`` of ``positions``."""

    positions: PositionBatch
    """``T * B`` positions. ``weights`` and ``return_weights`` are 0 in burn-in and in padding, which repeats a window's
    last position, and ``weights`` where there are fewer than ``loader.min_legal`` legal actions."""
    valid: NDArray[np.bool_]
    """``[T, B]``: False in padding, which stands behind a window only."""
    first: NDArray[np.bool_]
    """``[T, B]``: the position is its game's first, so that the memory is empty before it."""

    def __post_init__(self) -> None:
        if self.valid.shape != self.first.shape or self.valid.size != len(self.positions):
            raise ShapeError(
                f"{len(self.positions)} positions for windows of {self.valid.shape} and {self.first.shape}"
            )

    def __len__(self) -> int:
        """``B``."""
        return int(self.valid.shape[1])


class SequenceLoader(WalkingLoader[SequenceBatch]):
    """Endless batches of windows; deterministic, resumable and shared by processes as ``Loader`` is."""

    def __init__(
        self,
        dataset: Path,
        split: Split,
        encoder: EncoderConfig,
        config: LoaderConfig,
        sequences: SequenceConfig,
        *,
        augment: bool,
    ) -> None:
        """Args:
        dataset: path of the dataset.
        split: which games.
        encoder: how positions are written.
        config: ``batch_size // sequences.length`` windows make a batch; a block's windows are shuffled.
        sequences: how games are cut.
        augment: map each window by a random symmetry of the game, the same for all its steps.

        Raises:
            ConfigError: a batch holds no window, or positions are to be drawn from games.
        """
        if config.batch_size < sequences.length:
            raise ConfigError(f"a batch of {config.batch_size} positions holds no window of {sequences.length}")
        if config.samples:
            raise ConfigError("sequences are whole games: positions_per_game and position_share must be left alone")
        self._config = config
        self._sequences = sequences
        self._augment = augment
        super().__init__(Walk(SplitSource(Path(dataset), split, encoder, config, labels=False), self._cut))

    @property
    def batch_size(self) -> int:
        """``B``."""
        return self._config.batch_size // self._sequences.length

    def _cut(self, blocks: Blocks, epoch: int, number: int) -> "_Windows":
        augmentation = blocks.augmentation if self._augment else None
        pool = blocks.block(epoch, number)
        return _Windows((epoch, number), pool, self._config, self._sequences, self.batch_size, augmentation)


class _Windows:
    """The shuffled windows of a block's games, cut into whole batches."""

    def __init__(
        self,
        key: tuple[int, int],
        pool: PositionPool,
        config: LoaderConfig,
        sequences: SequenceConfig,
        size: int,
        augmentation: Augmentation | None,
    ) -> None:
        self._key = key
        self._pool = pool
        self._config = config
        self._steps = sequences.burn_in + sequences.length
        self._size = size
        self._augmentation = augmentation
        ids = pool.rows.game_ids
        games = np.flatnonzero(np.diff(ids, prepend=ids[:1] + 1)) if len(ids) else np.zeros(0, np.int64)
        sizes = np.diff(games, append=len(ids))
        shifts = generator(config.seed, "windows", *key).integers(sequences.length, size=len(games))
        counts = -(-(sizes + shifts) // sequences.length)
        owners = np.repeat(np.arange(len(games)), counts)
        ranks = np.arange(len(owners)) - np.repeat(np.cumsum(counts) - counts, counts)
        learned = ranks * sequences.length - shifts[owners]
        self._game = games[owners]
        self._end = self._game + np.minimum(sizes[owners], learned + sequences.length)
        self._learned = self._game + np.maximum(learned, 0)
        self._begin = np.maximum(self._game, self._learned - sequences.burn_in)
        order = generator(config.seed, "positions", *key).permutation(len(owners))
        if 0 < len(order) < size:  # too few for one batch: repeated until they fill it
            order = np.resize(order, size)
        self._order = order
        self.num_batches = len(order) // size

    def batch(self, number: int) -> SequenceBatch:
        windows = self._order[number * self._size : (number + 1) * self._size]
        rows = self._begin[windows] + np.arange(self._steps)[:, None]
        valid = rows < self._end[windows]
        taken = self._pool.take(np.minimum(rows, self._end[windows] - 1).ravel())
        learned = (valid & (rows >= self._learned[windows])).ravel()
        enough = taken.num_legal() >= self._config.min_legal
        positions = replace(
            taken,
            weights=taken.weights * (learned & enough).astype(np.float32),
            return_weights=taken.return_weights * learned.astype(np.float32),
        )
        if self._augmentation is not None and len(self._augmentation.symmetries) > 1:
            rng = generator(self._config.seed, "symmetries", *self._key, number)
            choices = rng.integers(len(self._augmentation.symmetries), size=self._size)
            positions = self._augmentation.apply(positions, np.tile(choices, self._steps))
        return SequenceBatch(positions, valid, (rows == self._game[windows]) & valid)
