"""What training reads: one dataset or a mixture of several, always from processes of their own."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.mixture import ScheduledMixture
from gameil.dataset.prefetch import PrefetchedLoader
from gameil.positions.encoder import EncoderConfig
from gameil.positions.position_batch import PositionBatch
from gameil.seeding import stream_seed


class TrainingSource(Protocol):
    """Endless batches with an exact place, from processes that end with the ``with`` block."""

    @property
    def wait_seconds(self) -> float:
        """Time spent waiting for batches."""

    def __next__(self) -> PositionBatch: ...

    def position(self) -> dict[str, int]: ...

    def seek(self, position: Mapping[str, int]) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class _PrefetchedMixture:
    """Several datasets, each prefetched."""

    def __init__(self, loaders: list[PrefetchedLoader[PositionBatch]], config: LoaderConfig) -> None:
        self._loaders = loaders
        others = [one.schedule() for one in config.also]

        def rest(batch: int) -> float:
            return 1.0 - sum(share(batch) for share in others)

        shares: list[Callable[[int], float]] = [rest, *others]
        self._mixture = ScheduledMixture(loaders, shares, config.batch_size)

    @property
    def wait_seconds(self) -> float:
        return sum(loader.wait_seconds for loader in self._loaders)

    def __next__(self) -> PositionBatch:
        return next(self._mixture)

    def position(self) -> dict[str, int]:
        return self._mixture.position()

    def seek(self, position: Mapping[str, int]) -> None:
        self._mixture.seek(position)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for loader in self._loaders:
            loader.close()


def training_source(
    dataset: Path, family: str, encoder: EncoderConfig, config: LoaderConfig, *, augment: bool
) -> TrainingSource:
    """The train split of ``dataset`` (there ``config.players`` only), and of those in ``config.also``; each must be of
    the game ``family``."""
    main = PrefetchedLoader(
        Loader(dataset, "train", encoder, config, augment=augment, family=family), workers=config.workers
    )
    if not config.also:
        return main
    loaders = [main]
    for number, one in enumerate(config.also):
        own = replace(config, also=(), players=(), seed=stream_seed(config.seed, "also", number))
        also = Loader(one.dataset, "train", encoder, own, augment=augment, labels=one.labels, family=family)
        loaders.append(PrefetchedLoader(also))
    return _PrefetchedMixture(loaders, config)
