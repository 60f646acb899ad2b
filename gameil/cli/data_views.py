"""``gameil data stats|verify|show|export``: looking into a dataset without changing it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from gameil.cli.arguments import CommonFlags, parse
from gameil.cli.data_progress import counting_games


@dataclass(frozen=True)
class StatsArguments:
    """Arguments of ``gameil data stats``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""
    picture: Annotated[Path | None, tyro.conf.arg(metavar="FILE.html")] = None
    """Write a page with histograms of ratings, lengths, results, dates, time controls and endings: one HTML file."""
    workers: int = 0
    """Processes that read games; 0: one for each processor."""


@dataclass(frozen=True)
class VerifyArguments:
    """Arguments of ``gameil data verify``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""
    workers: int = 0
    """Processes that replay games; 0: one for each processor."""


@dataclass(frozen=True)
class ShowArguments:
    """Arguments of ``gameil data show``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""
    game: tyro.conf.Positional[int]
    """Id of the game: 0, 1, 2 ..."""
    ply: int | None = None
    """Show the board before this ply; default: at the end."""


@dataclass(frozen=True)
class ExportArguments:
    """Arguments of ``gameil data export``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""
    out: Path
    """New file to write, never one that is there; its extension tells the format (.pgn, .sgf, .jsonl ...)."""
    format: Annotated[str | None, tyro.conf.arg(metavar="pgn|sgf|jsonl|...")] = None
    """Format to write, whatever the extension."""
    split: Literal["train", "validation", "test"] | None = None
    """Only the games of this split."""
    limit: int | None = None
    """At most so many games."""
    workers: int = 0
    """Processes that write the text; 0: one for each processor."""


def stats_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Prints statistics, and writes their picture where asked for."""
    arguments = parse(StatsArguments, argv, prog="gameil data stats", description=description)
    from gameil.dataset.dataset import Dataset
    from gameil.stages.dataset_stats import dataset_stats, stats_lines, write_picture

    with counting_games(flags, "reading", len(Dataset(arguments.dataset))) as progress:
        stats = dataset_stats(arguments.dataset, workers=arguments.workers, progress=progress)
    if arguments.picture is not None:
        write_picture(stats, arguments.picture)
    print(json.dumps(stats) if flags.json else "\n".join(stats_lines(stats)))
    return 0


def verify_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Prints the problems found; exit code 2 where there are any."""
    arguments = parse(VerifyArguments, argv, prog="gameil data verify", description=description)
    from gameil.dataset.dataset import Dataset
    from gameil.stages.data import verify_dataset

    dataset = Dataset(arguments.dataset)
    games = len(dataset)
    unchecked = "" if dataset.checksums_stated() else " (it has no checksums yet: gameil data migrate adds them)"
    with counting_games(flags, "verifying", games) as progress:
        problems = verify_dataset(arguments.dataset, workers=arguments.workers, progress=progress)
    if flags.json:
        print(json.dumps({"dataset": str(arguments.dataset), "games": games, "problems": problems}))
    else:
        print("\n".join(problems) or f"{arguments.dataset}: {games:,} games replayed, everything holds{unchecked}")
    return 2 if problems else 0


def show_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Prints one game."""
    arguments = parse(ShowArguments, argv, prog="gameil data show", description=description)
    from gameil.stages.data import show_game

    lines = show_game(arguments.dataset, arguments.game, arguments.ply)
    print(json.dumps({"text": lines}) if flags.json else "\n".join(lines))
    return 0


def export_command(flags: CommonFlags, argv: Sequence[str], description: str) -> int:
    """Writes games to a file."""
    about = (
        f"{description}. Ingesting the file again gives the same games with the same digest; labels, the quarantine "
        f"and moves after the rules' end are not written."
    )
    arguments = parse(ExportArguments, argv, prog="gameil data export", description=about)
    from gameil.dataset.dataset import Dataset
    from gameil.stages.data_export import export_games

    number = len(Dataset(arguments.dataset).game_ids(arguments.split)[: arguments.limit])
    with counting_games(flags, "exporting", number) as progress:
        export_games(
            arguments.dataset,
            arguments.out,
            arguments.split,
            arguments.limit,
            format=arguments.format,
            workers=arguments.workers,
            progress=progress,
        )
    print(json.dumps({"out": str(arguments.out), "games": number}) if flags.json else f"{number:,} games written")
    return 0
