"""The endless way through the blocks of a split: where a loader is, and how it goes on.

A place is three numbers, epoch, block and batch, beside what tells the dataset from others. Going there costs at most
the replay of one block. Several processes may share the way: each makes every so-manieth block.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from gameil.dataset.blocks import UNKNOWN, Blocks, SplitSource
from gameil.errors import DatasetError

Batch_co = TypeVar("Batch_co", covariant=True)
Batch = TypeVar("Batch")


class CutBlock(Protocol[Batch_co]):
    """A block, shuffled and ready to be cut into whole batches."""

    @property
    def num_batches(self) -> int: ...

    def batch(self, number: int) -> Batch_co: ...


class Walk(Generic[Batch]):
    """Batches of endless epochs. Picklable: goes on at its place in another process; opened at first use."""

    def __init__(self, source: SplitSource, cut: Callable[[Blocks, int, int], CutBlock[Batch]]) -> None:
        """Args:
        source: the split.
        cut: makes a block from its epoch and number.
        """
        self._source = source
        self._cut = cut
        self._place = {"epoch": 0, "block": 0, "batch": 0, "games": UNKNOWN, "labels": UNKNOWN, "content": UNKNOWN}
        self._blocks: Blocks | None = None
        self._block: CutBlock[Batch] | None = None

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": None, "_block": None}

    def __next__(self) -> Batch:
        blocks = self.open()
        place = self._place
        empty = 0
        while True:
            if self._block is None:
                self._block = self._cut(blocks, place["epoch"], place["block"])
            if place["batch"] < self._block.num_batches:
                batch = self._block.batch(place["batch"])
                place["batch"] += 1
                return batch
            empty = 0 if self._block.num_batches else empty + 1
            self._refuse_nothing(blocks, empty)
            self._go_on(blocks, 1)

    def shared(self, first: int, step: int) -> Iterator[tuple[Batch, dict[str, int]] | None]:
        """Every ``step``-th block from the ``first`` one after this place: batches with the place after each.

        None stands behind the last batch of each block. ``step`` such walks, one block of each in turn, give the
        batches that ``__next__`` gives, in the same order.
        """
        blocks = self.open()
        if first:
            self._go_on(blocks, first)
        empty = 0
        while True:
            block = self._cut(blocks, self._place["epoch"], self._place["block"])
            for number in range(self._place["batch"], block.num_batches):
                self._place["batch"] = number + 1
                yield block.batch(number), dict(self._place)
            yield None
            empty = 0 if block.num_batches else empty + 1
            self._refuse_nothing(blocks, empty)
            del block  # before the next one is made
            self._go_on(blocks, step)

    def place(self) -> dict[str, int]:
        """The place of the next batch, for ``seek``. Games added to the dataset later do not change it."""
        self.open()
        return dict(self._place)

    def known_place(self) -> dict[str, int]:
        """The place as far as it is known: nothing is opened for it."""
        return dict(self._place)

    def seek(self, place: Mapping[str, int]) -> None:
        """Goes to a place that ``place`` gave: the batches after it are the same as they were after that."""
        # Places of early checkpoints say nothing about the content.
        full = {"content": UNKNOWN, **{name: int(value) for name, value in place.items()}}
        if full.keys() != self._place.keys():
            raise DatasetError(f"a loader's position has {sorted(self._place)}, got {sorted(place)}")
        self._place = full
        self._blocks = None
        self._block = None

    def open(self) -> Blocks:
        """The dataset as it was at the place. Raises ``DatasetError`` where there is nothing to hand out."""
        if self._blocks is None:
            self._blocks = Blocks(self._source, self._place)
            self._blocks.require_games()
            self._place["games"] = self._blocks.num_games
            self._place["labels"] = self._blocks.num_labels
            self._place["content"] = self._blocks.content
        return self._blocks

    def _go_on(self, blocks: Blocks, number: int) -> None:
        """To the beginning of the ``number``-th block from here."""
        place = self._place
        place["block"] += number
        place["batch"] = 0
        while place["block"] >= blocks.num_blocks(place["epoch"]):
            place["block"] -= blocks.num_blocks(place["epoch"])
            place["epoch"] += 1
        self._block = None  # frees the old pool before the new one is made

    def _refuse_nothing(self, blocks: Blocks, empty: int) -> None:
        if empty > blocks.num_blocks(self._place["epoch"]):
            raise DatasetError(
                f"{self._source.dataset}: the {self._source.split} split has no position with "
                f"{self._source.config.min_legal} or more legal actions"
            )


class WalkingLoader(Generic[Batch]):
    """Endless batches along a walk: what the loaders of positions and of windows have in common."""

    def __init__(self, walk: Walk[Batch]) -> None:
        self._walk = walk

    def __iter__(self) -> Iterator[Batch]:
        return self

    def __next__(self) -> Batch:
        return next(self._walk)

    def position(self) -> dict[str, int]:
        """The place of the next batch, for ``seek``. Games added to the dataset later do not change it."""
        return self._walk.place()

    def known_position(self) -> dict[str, int]:
        """The place without what is known only after opening the dataset (-1)."""
        return self._walk.known_place()

    def seek(self, position: Mapping[str, int]) -> None:
        """Goes to a place that ``position`` gave: the batches after it are the same as they were after that."""
        self._walk.seek(position)

    def shared(self, first: int, step: int) -> Iterator[tuple[Batch, dict[str, int]] | None]:
        """Every ``step``-th block from the ``first`` one on, for one of ``step`` processes; see ``Walk.shared``."""
        return self._walk.shared(first, step)
