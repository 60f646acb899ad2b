"""``gameil ingest SOURCES... --game G --out DATASET``: records of games into a dataset."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import tyro

from gameil.cli.arguments import common_flags, parse
from gameil.dataset.split import SplitRule
from gameil.positions.filters import FilterConfig

DESCRIPTION = (
    "Reads records of games (PGN, SGF, WTHOR, PDN, JSON lines and more; plain, compressed or in archives) into a "
    "dataset. Equal games are stored once, bad records are kept in quarantine with their reason. An interrupted run "
    "goes on with --resume."
)


@dataclass(frozen=True)
class IngestArguments:
    """Arguments of ``gameil ingest``."""

    __pydantic_config__ = {"extra": "forbid"}

    sources: tyro.conf.Positional[tuple[Path, ...]]
    """Files of records or archives of such files."""
    game: str
    """Game of the records, such as chess, go or connect_four; records of other games are rejected."""
    out: Path
    """The dataset: a new directory, or one to add to."""
    format: Annotated[str | None, tyro.conf.arg(metavar="pgn|sgf|jsonl|...")] = None
    """Format of the records; found out from the content where not given."""
    workers: int = 0
    """Processes that read records and play their moves, this one included; 0: one for each processor."""
    limit: int | None = None
    """Read at most so many records."""
    batch_records: int = 5000
    """Records committed together: what a killed run can lose."""
    filters: FilterConfig = field(default_factory=FilterConfig)
    """What games must pass to be let in; fixed when the dataset is made."""
    split: SplitRule = field(default_factory=SplitRule)
    """How games are divided into training, validation and test; fixed when the dataset is made."""
    pgn_extra: bool = True
    """Resolve chess moves by the Rust reader where the pgn extra is installed: the same games in less time."""
    seed: int = 0
    """Not used: the split follows from the games themselves."""


def main(argv: Sequence[str]) -> int:
    """Ingests and prints the manifest."""
    flags, rest = common_flags(argv)
    arguments = parse(IngestArguments, rest, prog="gameil ingest", description=DESCRIPTION)
    from gameil.stages.ingest import IngestConfig, ingest
    from gameil.tracking.progress import Progress, Screen

    class Console:
        """Tells progress without a run directory: ingest keeps all its state in the dataset."""

        screen = Screen(quiet=flags.quiet or flags.json)

        def say(self, line: str) -> None:
            self.screen.say(line)

        def progress(self, description: str, total: int | None, unit: str) -> Progress:
            return Progress(self.screen, description, total, unit)

    config = IngestConfig(**vars(arguments))
    results = ingest(config, Console(), resume=flags.resume)
    if flags.json:
        print(json.dumps(results))
    return 0
