"""``gameil data stats|verify|show|export|seal DATASET``: looking into a dataset."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import tyro

from gameil.cli.arguments import CommonFlags, common_flags, parse
from gameil.errors import ConfigError


@dataclass(frozen=True)
class StatsArguments:
    """Arguments of ``gameil data stats``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""


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
    """File to write: .pgn, .sgf or .jsonl."""
    split: Literal["train", "validation", "test"] | None = None
    """Only the games of this split."""
    limit: int | None = None
    """At most so many games."""


@dataclass(frozen=True)
class SealArguments:
    """Arguments of ``gameil data seal``."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: tyro.conf.Positional[Path]
    """The dataset."""


def main(argv: Sequence[str]) -> int:
    """Runs one of the subcommands."""
    flags, rest = common_flags(argv)
    if not rest or rest[0] in ("-h", "--help"):
        print("usage: gameil data COMMAND DATASET ...      gameil data COMMAND --help explains one command\n")
        print("\n".join(f"  {name:<8} {line}" for name, (_, line) in COMMANDS.items()))
        return 0
    if rest[0] not in COMMANDS:
        raise ConfigError(f"unknown command {rest[0]!r} of gameil data: one of {', '.join(COMMANDS)}")
    return COMMANDS[rest[0]][0](flags, rest[1:])


def _stats(flags: CommonFlags, argv: Sequence[str]) -> int:
    arguments = parse(StatsArguments, argv, prog="gameil data stats", description=COMMANDS["stats"][1])
    from gameil.stages.data import dataset_stats, stats_lines

    stats = dataset_stats(arguments.dataset)
    print(json.dumps(stats) if flags.json else "\n".join(stats_lines(stats)))
    return 0


def _verify(flags: CommonFlags, argv: Sequence[str]) -> int:
    arguments = parse(VerifyArguments, argv, prog="gameil data verify", description=COMMANDS["verify"][1])
    from gameil.dataset.dataset import Dataset
    from gameil.stages.data import verify_dataset
    from gameil.tracking.progress import Progress, Screen

    games = len(Dataset(arguments.dataset))
    screen = Screen(quiet=flags.quiet or flags.json)
    with Progress(screen, "verifying", games, "games") as bar:
        problems = verify_dataset(
            arguments.dataset,
            workers=arguments.workers,
            progress=lambda number: bar.advance(min(number, games - bar.count)),
        )
    if flags.json:
        print(json.dumps({"dataset": str(arguments.dataset), "games": games, "problems": problems}))
    else:
        print("\n".join(problems) or f"{arguments.dataset}: {games:,} games replayed, everything holds")
    return 2 if problems else 0


def _show(flags: CommonFlags, argv: Sequence[str]) -> int:
    arguments = parse(ShowArguments, argv, prog="gameil data show", description=COMMANDS["show"][1])
    from gameil.stages.data import show_game

    lines = show_game(arguments.dataset, arguments.game, arguments.ply)
    print(json.dumps({"text": lines}) if flags.json else "\n".join(lines))
    return 0


def _export(flags: CommonFlags, argv: Sequence[str]) -> int:
    arguments = parse(ExportArguments, argv, prog="gameil data export", description=COMMANDS["export"][1])
    from gameil.stages.data import export_games

    number = export_games(arguments.dataset, arguments.out, arguments.split, arguments.limit)
    print(json.dumps({"out": str(arguments.out), "games": number}) if flags.json else f"{number:,} games written")
    return 0


def _seal(flags: CommonFlags, argv: Sequence[str]) -> int:
    arguments = parse(SealArguments, argv, prog="gameil data seal", description=COMMANDS["seal"][1])
    from gameil.stages.data import seal_dataset

    seal_dataset(arguments.dataset)
    print(json.dumps({"sealed": str(arguments.dataset)}) if flags.json else f"{arguments.dataset}: sealed")
    return 0


COMMANDS: dict[str, tuple[Callable[[CommonFlags, Sequence[str]], int], str]] = {
    "stats": (_stats, "counts, splits, lengths, ratings, outcomes, and what was rejected and why"),
    "verify": (_verify, "replay every game and check digests, index, counts and labels"),
    "show": (_show, "one game: players, result, board, moves"),
    "export": (_export, "write games as PGN, SGF or JSON lines"),
    "seal": (_seal, "make a dataset read-only for ever; readers need no lock then"),
}
"""Subcommand -> (function, one line of help)."""
