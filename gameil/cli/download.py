"""``gameil download [SOURCE:PART ...]``: public collections of records, with their terms."""

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from gameil.cli.arguments import common_flags, parse
from gameil.download.client import Client
from gameil.download.sources import SOURCES, PublicSource, find_source
from gameil.download.transfer import Plan, fetch, free_bytes, plan
from gameil.errors import ConfigError

if TYPE_CHECKING:
    from gameil.tracking.progress import Progress

DESCRIPTION = (
    "Fetches public collections of game records. Without arguments it lists them. Sizes and terms are shown first; "
    "what was interrupted goes on with the same command."
)


@dataclass(frozen=True)
class DownloadArguments:
    """Arguments of ``gameil download``."""

    __pydantic_config__ = {"extra": "forbid"}

    sources: tyro.conf.Positional[tuple[str, ...]] = ()
    """What to fetch, such as lichess:2013-01; none: list the sources."""
    out: Path = Path("replays/downloads")
    """Directory for the files."""
    yes: bool = False
    """Do not ask: the terms shown are agreed to."""
    limit_rate: float | None = None
    """Fetch at most so many MiB a second."""

    def __post_init__(self) -> None:
        if self.limit_rate is not None and not self.limit_rate > 0:
            raise ConfigError(f"limit_rate must be above 0, got {self.limit_rate}")


def main(argv: Sequence[str]) -> int:
    """Lists the sources, or fetches what is named."""
    flags, rest = common_flags(argv)
    arguments = parse(DownloadArguments, rest, prog="gameil download", description=DESCRIPTION)
    quiet = flags.quiet or flags.json
    if not arguments.sources:
        rows = [_row(source) for source in SOURCES.values()]
        print(json.dumps(rows) if flags.json else "\n\n".join(map(_text, rows)))
        return 0
    from gameil.tracking.progress import Progress, Screen

    screen = Screen(quiet=quiet)
    rate = None if arguments.limit_rate is None else arguments.limit_rate * (1 << 20)
    client = Client(limit_rate=rate, say=screen.say)
    chosen = [find_source(spec) for spec in dict.fromkeys(arguments.sources)]
    files = [file for source, selection in chosen for file in source.locate(source, selection, client.text)]
    plans = [plan(client, file, arguments.out) for file in dict.fromkeys(files)]
    if not quiet:
        print("\n".join(_announcement([source for source, _ in chosen], plans, arguments.out)))
    if not arguments.yes and any(planned.state != "there" for planned in plans) and not _agreed(quiet):
        return 1
    for planned in plans:
        with Progress(screen, f"fetching {planned.file.name}", planned.size, "bytes") as bar:
            bar.start_at(planned.have)
            fetch(client, planned, arguments.out, partial(_show, bar))
    if flags.json:
        print(json.dumps({"files": [_result(planned, arguments.out) for planned in plans]}))
    return 0


def _show(bar: "Progress", have: int) -> None:
    bar.advance(max(0, have - bar.count))


def _row(source: PublicSource) -> dict[str, str]:
    return {
        "name": source.name,
        "selection": f"{source.name}:{source.selection}",
        "example": source.example,
        "game": source.game,
        "title": source.title,
        "terms": source.terms,
        "terms_page": source.terms_page,
    }


def _text(row: dict[str, str]) -> str:
    return (
        f"{row['selection']}      gameil download {row['example']}\n  {row['title']} ({row['game']})\n"
        f"  terms: {row['terms']}; see {row['terms_page']}"
    )


def _announcement(sources: list[PublicSource], plans: list[Plan], out: Path) -> list[str]:
    lines = []
    for source in dict.fromkeys(sources):
        lines += [f"{source.name}: {source.title}", f"  terms: {source.terms}; see {source.terms_page}"]
    for planned in plans:
        size = "of unknown size" if planned.size is None else _bytes(planned.size)
        state = {
            "new": "",
            "there": ", here already",
            "partial": f", {_bytes(planned.have)} of it here already",
        }[planned.state]
        checked = "" if planned.sha256 is None else ", SHA-256 published"
        lines.append(f"  {planned.file.url} -> {planned.file.name}, {size}{checked}{state}")
    needed = sum(planned.remaining for planned in plans)
    lines.append(f"{_bytes(needed)} to fetch into {out}, {_bytes(free_bytes(out))} free there")
    return lines


def _agreed(quiet: bool) -> bool:
    if quiet or not sys.stdin.isatty():
        raise ConfigError("nobody is here to agree to the terms: read them (gameil download) and say --yes")
    return input("Fetch them, under these terms? [y/N] ").strip().lower() in ("y", "yes")


def _result(planned: Plan, out: Path) -> dict[str, object]:
    path = out / planned.file.name
    return {
        "path": str(path),
        "url": planned.file.url,
        "bytes": path.stat().st_size,
        "sha256_verified": planned.sha256 is not None,
        "was_there": planned.state == "there",
    }


def _bytes(count: int) -> str:
    if count < 10_000:
        return f"{count:,} bytes"
    for factor, unit in ((1e9, "GB"), (1e6, "MB")):
        if count >= factor:
            return f"{count / factor:,.1f} {unit}"
    return f"{count / 1e3:,.0f} kB"
