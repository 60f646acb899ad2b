"""Batches whose rows come from several loaders: games that people played beside positions that experts labelled, or
several datasets, in shares that may change as training goes on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Protocol

import numpy as np

from gameil.errors import ConfigError, DatasetError
from gameil.positions.position_batch import PositionBatch

_USED, _BATCHES = "used", "batches"


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
        return _named([loader.position() for loader in self.loaders])

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave."""
        for loader, place in zip(self.loaders, _by_number(position, len(self.loaders)), strict=True):
            loader.seek(place)


class ScheduledMixture:
    """Rows of several loaders in shares that follow the number of the batch; each loader's rows are all used, in order.

    Its place is that of each loader's current batch, how many of its rows are used, and the number of batches so far.
    """

    def __init__(
        self, loaders: Sequence[BatchSource], shares: Sequence[Callable[[int], float]], batch_size: int
    ) -> None:
        """Args:
        loaders: where rows come from, in batches of any size.
        shares: of each loader at a batch's number (0-based; a ``Schedule`` is one), in any unit, not negative.
        batch_size: rows of a batch.
        """
        if not loaders or len(loaders) != len(shares):
            raise ConfigError(f"a mixture needs a share for each of at least one loader, got {len(shares)}")
        self.loaders = list(loaders)
        self._shares = list(shares)
        self._batch_size = batch_size
        self._batches = 0
        self._current: list[PositionBatch | None] = [None] * len(loaders)
        self._used = [0] * len(loaders)
        self._places: list[dict[str, int] | None] = [None] * len(loaders)

    @property
    def batch_size(self) -> int:
        return self._batch_size

    def __iter__(self) -> Iterator[PositionBatch]:
        return self

    def __next__(self) -> PositionBatch:
        shares = [share(self._batches) for share in self._shares]
        if min(shares) < 0:
            raise ConfigError(f"batch {self._batches}: shares must not be negative, got {shares}")
        if not sum(shares) > 0:
            raise ConfigError(f"batch {self._batches}: one share must be above 0, got {shares}")
        rows = _apportion(self._batch_size, shares)
        parts = [part for number, wanted in enumerate(rows) for part in self._draw(number, wanted)]
        self._batches += 1
        return PositionBatch.concatenate(parts)

    def position(self) -> dict[str, int]:
        """The places of all loaders, named by their number, with the rows used of their batches."""
        places = [
            {**(place if place is not None else loader.position()), _USED: used}
            for loader, place, used in zip(self.loaders, self._places, self._used, strict=True)
        ]
        return {**_named(places), _BATCHES: self._batches}

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave."""
        if _BATCHES not in position:
            raise DatasetError("the position is one of a mixture of fixed shares, but this one's shares are scheduled")
        rest = {name: value for name, value in position.items() if name != _BATCHES}
        for number, place in enumerate(_by_number(rest, len(self.loaders))):
            used = place.pop(_USED, 0)
            self.loaders[number].seek(place)
            self._current[number], self._places[number], self._used[number] = None, None, 0
            if used:
                self._next_batch(number)
                self._used[number] = used
        self._batches = int(position[_BATCHES])

    def _next_batch(self, number: int) -> PositionBatch:
        loader = self.loaders[number]
        self._places[number] = loader.position()
        self._used[number] = 0
        batch = self._current[number] = next(loader)
        return batch

    def _draw(self, number: int, wanted: int) -> Iterator[PositionBatch]:
        """The next ``wanted`` rows of a loader."""
        while wanted:
            batch = self._current[number]
            if batch is None or self._used[number] == len(batch):
                batch = self._next_batch(number)
            start = self._used[number]
            taken = min(wanted, len(batch) - start)
            yield batch.take(np.arange(start, start + taken))
            self._used[number] += taken
            wanted -= taken


def _named(places: Sequence[Mapping[str, int]]) -> dict[str, int]:
    """Places of several loaders as one, each name behind its loader's number."""
    return {f"{number}.{name}": value for number, place in enumerate(places) for name, value in place.items()}


def _by_number(position: Mapping[str, int], number: int) -> list[dict[str, int]]:
    """Reverse of ``_named``. Raises ``DatasetError`` where the position is another mixture's."""
    places: list[dict[str, int]] = [{} for _ in range(number)]
    for key, value in position.items():
        head, _, name = key.partition(".")
        if not head.isdigit() or int(head) >= number:
            raise DatasetError(f"a position with {key!r} does not belong to a mixture of {number} loaders")
        places[int(head)][name] = int(value)
    return places


def split_batch(batch_size: int, shares: Sequence[float]) -> list[int]:
    """Rows of each share, summing to ``batch_size``: largest remainders get the rows that rounding leaves.

    Raises:
        ConfigError: a share is not positive, or so small that it gets no row.
    """
    if not shares or min(shares) <= 0:
        raise ConfigError(f"shares must be positive, got {list(shares)}")
    rows = _apportion(batch_size, shares)
    if min(rows) < 1:
        raise ConfigError(f"shares {list(shares)} of {batch_size} rows leave one without a row")
    return rows


def _apportion(batch_size: int, shares: Sequence[float]) -> list[int]:
    """Rows by largest remainders; a share that comes to less than half a row may get none."""
    exact = np.asarray(shares, np.float64) / sum(shares) * batch_size
    rows = np.floor(exact).astype(int)
    for index in np.argsort(rows - exact, kind="stable")[: batch_size - int(rows.sum())]:
        rows[index] += 1
    return [int(number) for number in rows]
