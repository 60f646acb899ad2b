"""The newest labelled positions of self-play, from which an improving network learns.

The window grows with all that was ever played, slower than in proportion (Wu, "Accelerating Self-Play Learning in Go",
2019, appendix C): early positions, which a weak network played, leave it soon, and late ones are not forgotten at once.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.augmentation import Augmentation
from gameil.errors import ConfigError
from gameil.positions.position_batch import PositionBatch
from gameil.positions.position_pool import PositionPool
from gameil.seeding import generator


@dataclass(frozen=True)
class WindowConfig:
    """How many positions the window holds when ``N`` were made: c (1 + beta ((N / c)^alpha - 1) / alpha), at most N."""

    __pydantic_config__ = {"extra": "forbid"}

    positions: int = 30_000
    """c: all of so many are kept (KataGo: 250,000, for runs of days)."""
    alpha: float = 0.75
    """Exponent of the growth, in (0, 1]; KataGo's."""
    beta: float = 0.4
    """Growth at c: positions that the window gains for each one made. KataGo's."""
    most: int = 1_000_000
    """Never more than so many: a bound on memory."""

    def __post_init__(self) -> None:
        if self.positions < 1 or self.most < self.positions:
            raise ConfigError(f"window: 1 <= positions <= most must hold, got {self.positions} and {self.most}")
        if not 0.0 < self.alpha <= 1.0 or not 0.0 <= self.beta <= 1.0:
            raise ConfigError(f"window: alpha must be in (0, 1] and beta in [0, 1], got {self.alpha} and {self.beta}")

    def size(self, made: int) -> int:
        """Positions to keep of ``made``."""
        if made <= self.positions:
            return made
        growth = ((made / self.positions) ** self.alpha - 1.0) / self.alpha
        return min(made, self.most, int(self.positions * (1.0 + self.beta * growth)))


class ReplayWindow:
    """Positions in the order in which they were made; endless batches, drawn from them uniformly with replacement.

    A ``dataset.mixture.BatchSource``: batch ``n`` is drawn with numbers keyed by (seed, n) from what is here then.
    """

    def __init__(
        self, config: WindowConfig, augmentation: Augmentation | None, *, batch_size: int = 512, seed: int = 0
    ) -> None:
        """Args:
        config: how large.
        augmentation: maps each position drawn by a random symmetry; None for none.
        batch_size: positions of a batch.
        seed: of what is drawn.
        """
        self.config = config
        self.made = 0
        """Positions added so far, those of reanalysis left out."""
        self._augmentation = augmentation
        self._batch_size = batch_size
        self._seed = seed
        self._drawn = 0
        self._pool: PositionPool | None = None

    def __len__(self) -> int:
        return 0 if self._pool is None else len(self._pool)

    def add(self, parts: Sequence[PositionPool]) -> None:
        """Appends new positions; the oldest leave."""
        parts = [part for part in parts if len(part)]
        self.made += sum(map(len, parts))
        self._join(parts)

    def replace(self, part: PositionPool) -> None:
        """Puts positions of games that are here with their newest labels in the place of the old ones.

        They count as new: they leave last.
        """
        if self._pool is not None:
            stays = ~np.isin(self._pool.rows.game_ids, np.unique(part.rows.game_ids))
            self._pool = self._pool.select(np.flatnonzero(stays))
        self._join([part])

    def _join(self, parts: Sequence[PositionPool]) -> None:
        whole = [*([] if self._pool is None else [self._pool]), *parts]
        if not whole:
            return
        joined = PositionPool.concatenate(whole)
        over = len(joined) - self.config.size(self.made)
        self._pool = joined.select(np.arange(over, len(joined))) if over > 0 else joined

    def game_ids(self) -> NDArray[np.uint64]:
        """The games that have positions here, ascending."""
        return np.zeros(0, np.uint64) if self._pool is None else np.unique(self._pool.rows.game_ids)

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def __next__(self) -> PositionBatch:
        """The next batch. Raises ``ConfigError`` when there are no positions."""
        if self._pool is None or not len(self._pool):
            raise ConfigError("the replay window is empty: self-play made no position with a choice of moves")
        rng = generator(self._seed, "drawn", self._drawn)
        self._drawn += 1
        taken = self._pool.take(rng.integers(len(self._pool), size=self._batch_size))
        return taken if self._augmentation is None else self._augmentation.random(taken, rng)

    def observations(self, number: int) -> NDArray[np.float32] | None:
        """The newest ``number`` observations; None before there are so many."""
        if self._pool is None or len(self._pool) < number:
            return None
        newest = np.arange(len(self._pool) - number, len(self._pool))
        return self._pool.take(newest).observations.astype(np.float32)

    def position(self) -> dict[str, int]:
        """Number of batches drawn; the positions themselves are filled in from the dataset."""
        return {"drawn": self._drawn}

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes on with the batch of a number."""
        self._drawn = int(position["drawn"])
