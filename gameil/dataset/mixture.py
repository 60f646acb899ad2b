"""Batches whose rows come from several loaders: games that people played beside positions that experts labelled."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from gameil.errors import ConfigError, DatasetError
from gameil.positions.position_batch import PositionBatch


class BatchSource(Protocol):
    """An endless source of batches with an exact place."""

    @property
    def batch_size(self) -> int: ...

    def __next__(self) -> PositionBatch: ...

    def position(self) -> dict[str, int]: ...

    def seek(self, position: Mapping[str, int]) -> None: ...


class MixtureLoader:
    """Joins one batch of each loader; the shares are the loaders' batch sizes (see ``split_batch``)."""

    def __init__(self, loaders: Sequence[BatchSource]) -> None:
        if not loaders:
            raise ConfigError("a mixture needs at least one loader")
        self.loaders = list(loaders)

    @property
    def batch_size(self) -> int:
        return sum(loader.batch_size for loader in self.loaders)

    def __iter__(self) -> Iterator[PositionBatch]:
        return self

    def __next__(self) -> PositionBatch:
        return PositionBatch.concatenate([next(loader) for loader in self.loaders])

    def position(self) -> dict[str, int]:
        """The places of all loaders, named by their number."""
        return {
            f"{number}.{name}": value
            for number, loader in enumerate(self.loaders)
            for name, value in loader.position().items()
        }

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave."""
        places: list[dict[str, int]] = [{} for _ in self.loaders]
        for key, value in position.items():
            number, _, name = key.partition(".")
            if not number.isdigit() or int(number) >= len(places):
                raise DatasetError(f"a position with {key!r} does not belong to a mixture of {len(places)} loaders")
            places[int(number)][name] = value
        for loader, place in zip(self.loaders, places, strict=True):
            loader.seek(place)


def split_batch(batch_size: int, shares: Sequence[float]) -> list[int]:
    """Rows of each share, summing to ``batch_size``: largest remainders get the rows that rounding leaves.

    Raises:
        ConfigError: a share is not positive, or so small that it gets no row.
    """
    if not shares or min(shares) <= 0:
        raise ConfigError(f"shares must be positive, got {list(shares)}")
    exact = np.asarray(shares, np.float64) / sum(shares) * batch_size
    rows = np.floor(exact).astype(int)
    for index in np.argsort(rows - exact, kind="stable")[: batch_size - int(rows.sum())]:
        rows[index] += 1
    if rows.min() < 1:
        raise ConfigError(f"shares {list(shares)} of {batch_size} rows leave one without a row")
    return [int(number) for number in rows]
