"""The bar of a command that goes through the games of a dataset."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gameil.cli.arguments import CommonFlags


@contextmanager
def counting_games(flags: CommonFlags, what: str, games: int) -> Iterator[Callable[[int], None]]:
    """Shows how many of ``games`` are done; gives the function to be told of more."""
    from gameil.tracking.progress import Progress, Screen

    with Progress(Screen(quiet=flags.quiet or flags.json), what, games, "games") as bar:
        yield bar.advance
