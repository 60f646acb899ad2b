"""A dataset made of the games of another that pass a filter, or of the games of several."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.dataset.dataset import Dataset
from gameil.dataset.players import require_players
from gameil.dataset.replacement import new_dataset
from gameil.dataset.schema import DatasetMeta, SplitRule
from gameil.dataset.writer import DatasetWriter
from gameil.errors import ConfigError, DatasetError
from gameil.positions.filters import FilterConfig, refusal
from gameil.positions.played_game import PlayedGame
from gameil.records.record import RecordError
from gameil.stages.rewriting import copy_dataset


@dataclass(frozen=True)
class _Filtering:
    """Refuses games that do not pass."""

    config: FilterConfig

    def game(self, played: PlayedGame) -> PlayedGame | str:
        return refusal(played, self.config) or played

    def file(self, name: str) -> str:
        return name

    def error(self, error: RecordError) -> RecordError:
        return error


@dataclass(frozen=True)
class _RenamingSources:
    """Gives sources other names, where two datasets have different files under one name."""

    names: Mapping[str, str]

    def game(self, played: PlayedGame) -> PlayedGame | str:
        return played

    def file(self, name: str) -> str:
        source, exclamation, member = name.partition("!")
        return self.names.get(source, source) + exclamation + member

    def error(self, error: RecordError) -> RecordError:
        place = error.source
        return RecordError(type(place)(self.file(place.file), place.offset), error.reason, error.detail, error.excerpt)


def filter_dataset(
    path: Path,
    out: Path,
    config: FilterConfig,
    *,
    split: SplitRule | None = None,
    workers: int = 0,
    progress: Callable[[int], None] = lambda number: None,
) -> dict[str, Any]:
    """Makes ``out`` of the games in ``path`` that pass, in the same order under new ids, and counts the others.

    Args:
        split: the new dataset's split rule; None for the old one's.

    Raises:
        ConfigError: neither a filter nor another split is asked for.
        DatasetError: a dataset cannot be read or written, ``out`` exists, no game passes, or a player asked for has
            no game.
    """
    dataset = Dataset(path)
    meta = dataset.meta
    if config == FilterConfig() and (split is None or split == meta.split):
        raise ConfigError("nothing to filter by: set at least one predicate, or another split rule")
    filters = meta.filters if config == FilterConfig() or config in meta.filters else (*meta.filters, config)
    require_players(path, config.players)
    with new_dataset(out) as temporary:
        with DatasetWriter(temporary, meta.family, split=split or meta.split, filters=filters) as writer:
            copy_dataset(path, writer, _Filtering(config), workers=workers, progress=progress)
            kept = writer.total().stored
        if not kept:
            raise DatasetError(f"{path}: none of its {len(dataset):,} games passes the filter, so {out} was not made")
    return {"dataset": str(out), "games": kept, "of": len(dataset), "labels": Dataset(out).num_labels()}


def merge_datasets(
    paths: Sequence[Path], out: Path, *, workers: int = 0, progress: Callable[[int], None] = lambda number: None
) -> dict[str, Any]:
    """Makes ``out`` of all games of several datasets of one family; equal games are stored once.

    The first dataset's games keep their ids; those of the others follow. The filters of the new one are those that all
    of them have. Of equal labels (game, ply, expert, round) the last counts.

    Raises:
        DatasetError: the datasets are of different families or split rules, or cannot be read or written.
    """
    if len(paths) < 2:
        raise ConfigError("name at least two datasets to merge")
    metas = [Dataset(path).meta for path in paths]
    first = metas[0]
    for path, meta in zip(paths, metas, strict=True):
        if meta.family != first.family:
            raise DatasetError(f"{path}: a dataset of {meta.family} cannot be merged with {paths[0]} of {first.family}")
        if meta.split != first.split:
            raise DatasetError(
                f"{path}: its split rule is {meta.split}, that of {paths[0]} is {first.split}: "
                f"give one of them the other's rule first (gameil data filter --split)"
            )
    filters = _common_filters(metas)
    with (
        new_dataset(out) as temporary,
        DatasetWriter(temporary, first.family, split=first.split, filters=filters) as writer,
    ):
        for path in paths:
            change = _RenamingSources(_other_names(path, writer))
            copy_dataset(path, writer, change, workers=workers, progress=progress)
        total = writer.total()
    return {
        "dataset": str(out),
        "games": total.stored,
        "duplicates": total.duplicates,
        "labels": Dataset(out).num_labels(),
    }


def _common_filters(metas: Sequence[DatasetMeta]) -> tuple[FilterConfig, ...]:
    return tuple(one for one in metas[0].filters if all(one in meta.filters for meta in metas))


def _other_names(path: Path, writer: DatasetWriter) -> dict[str, str]:
    """Names for the sources of ``path`` that are other files than those of the same names written before."""
    names = {}
    known = writer.sources()
    cursors = Dataset(path).cursors()
    for name, cursor in cursors.items():
        if name not in known or cursor is None or known[name].hash == cursor.hash:
            continue
        number = 2
        while f"{name} ({number})" in known or f"{name} ({number})" in cursors:
            number += 1
        names[name] = f"{name} ({number})"
    return names
