"""``gameil data filter|merge|forget|migrate|seal``: making datasets of datasets, and changing one for good."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import tyro

from gameil.cli.arguments import CommonFlags, parse
from gameil.cli.data_progress import counting_games
from gameil.dataset.split import SplitRule
from gameil.errors import ConfigError
from gameil.positions.filters import FilterConfig


@dataclass(frozen=True)
class FilterArguments:
    """Arguments of ``gameil data filter``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset; it stays as it is."""
    out: Path
    """The new dataset; nothing may be there yet."""
    filters: FilterConfig = field(default_factory=FilterConfig)
    """What games must pass to be let in."""
    split: SplitRule = field(default_factory=SplitRule)
    """With another rule than the usual one the games are divided anew by it."""
    resplit: bool = False
    """Divide the games anew by the rule in --split, be it the usual one."""
    workers: int = 0
    """Processes that read games; 0: one for each processor."""


@dataclass(frozen=True)
class MergeArguments:
    """Arguments of ``gameil data merge``."""

    __pydantic_config__ = {"extra": "forbid"}

    datasets: tyro.conf.Positional[tuple[Path, ...]]
    """Datasets of one game and one split rule; they stay as they are."""
    out: Path
    """The new dataset; nothing may be there yet."""
    workers: int = 0
    """Processes that read games; 0: one for each processor."""


@dataclass(frozen=True)
class ForgetArguments:
    """Arguments of ``gameil data forget``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""
    players: tyro.conf.Positional[tuple[str, ...]]
    """Names exactly as games state them; name each spelling of one person."""
    mode: Literal["pseudonymise", "remove"] = "pseudonymise"
    """pseudonymise: their games stay, under names drawn at random; remove: they go, counted as forgotten."""
    workers: int = 0
    """Processes that read games; 0: one for each processor."""


@dataclass(frozen=True)
class MigrateArguments:
    """Arguments of ``gameil data migrate``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""


@dataclass(frozen=True)
class SealArguments:
    """Arguments of ``gameil data seal``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""


def filter_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Makes the filtered dataset."""
    about = (
        f"{description}. Games keep their order and get new ids 0, 1, 2 ...; labels, duplicates, quarantine, sources "
        f"and cursors are kept, and games left out are counted as filtered, by predicate. A game that does not state "
        f"what a predicate asks for passes, unless --filters.require-known is set."
    )
    arguments = parse(FilterArguments, argv, prog="gameil data filter", description=about)
    from gameil.dataset.dataset import Dataset
    from gameil.stages.filtering import filter_dataset

    split = arguments.split if arguments.resplit or arguments.split != SplitRule() else None
    with counting_games(flags, "filtering", len(Dataset(arguments.dataset))) as progress:
        results = filter_dataset(
            arguments.dataset,
            arguments.out,
            arguments.filters,
            split=split,
            workers=arguments.workers,
            progress=progress,
        )
    line = f"{results['dataset']}: {results['games']:,} of {results['of']:,} games, {results['labels']:,} labels"
    _tell(flags, results, [line])
    return 0


def merge_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Makes the merged dataset."""
    about = (
        f"{description}. Equal games are stored once; the first dataset's games keep their ids, the others' follow "
        f"in order. Labels, duplicates, quarantine, sources and cursors are kept. Where two have different files under "
        f"one name, the second is called NAME (2)."
    )
    arguments = parse(MergeArguments, argv, prog="gameil data merge", description=about)
    if len(arguments.datasets) < 2:
        raise ConfigError("name at least two datasets to merge")
    from gameil.dataset.dataset import Dataset
    from gameil.stages.filtering import merge_datasets

    games = sum(len(Dataset(path)) for path in arguments.datasets)
    with counting_games(flags, "merging", games) as progress:
        results = merge_datasets(arguments.datasets, arguments.out, workers=arguments.workers, progress=progress)
    _tell(flags, results, [f"{results['dataset']}: {results['games']:,} games, {results['labels']:,} labels"])
    return 0


def forget_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Forgets players."""
    about = (
        f"{description}. The dataset is written anew without the names and takes the old one's place in one step: no "
        f"freed page keeps them, and an interrupted run leaves the dataset as it was. Also from events, tags, names of "
        f"sources and the quarantine the name goes, and from the player's games his or her own tags (FIDE id, team) "
        f"and web addresses. Title, rating, event and date stay with --mode pseudonymise, so who knows these may still "
        f"tell who it was; ids of games stay too, while --mode remove numbers them anew. Copies, exported files and "
        f"the records themselves are not touched: ingesting them again brings the person back."
    )
    arguments = parse(ForgetArguments, argv, prog="gameil data forget", description=about)
    from gameil.dataset.dataset import Dataset
    from gameil.stages.data import printable
    from gameil.stages.forget import forget_players

    with counting_games(flags, "searching and rewriting", 2 * len(Dataset(arguments.dataset))) as progress:
        results = forget_players(
            arguments.dataset, arguments.players, arguments.mode, workers=arguments.workers, progress=progress
        )
    done = "removed" if arguments.mode == "remove" else "now of {}"
    lines = [
        f"{name!r}: {found['games']:,} games {done.format(found['pseudonym'])}, {found['mentions']:,} other mentions"
        for name, found in results["forgotten"].items()
    ]
    lines += [f"  not forgotten: {name!r}, {games:,} games" for name, games in results["like_them"].items()]
    _tell(flags, results, [printable(line) for line in lines])
    return 0


def migrate_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Migrates a dataset in place."""
    about = (
        f"{description}, in one transaction. Games, ids and digest stay as they are. Older versions are read as they "
        f"are, and whatever writes to a dataset migrates it first; a sealed one stays of its version."
    )
    arguments = parse(MigrateArguments, argv, prog="gameil data migrate", description=about)
    from gameil.stages.data import migrate_dataset

    before, now = migrate_dataset(arguments.dataset)
    line = f"of schema version {now} already" if before == now else f"from schema version {before} to {now}"
    _tell(flags, {"dataset": str(arguments.dataset), "from": before, "to": now}, [f"{arguments.dataset}: {line}"])
    return 0


def seal_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Seals a dataset."""
    arguments = parse(SealArguments, argv, prog="gameil data seal", description=description)
    from gameil.stages.data import seal_dataset

    seal_dataset(arguments.dataset)
    _tell(flags, {"sealed": str(arguments.dataset)}, [f"{arguments.dataset}: sealed"])
    return 0


def _tell(flags: CommonFlags, results: dict[str, Any], lines: list[str]) -> None:
    print(json.dumps(results) if flags.json else "\n".join(lines))
