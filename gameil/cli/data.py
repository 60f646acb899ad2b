"""``gameil data COMMAND DATASET ...``: looking into datasets, and making new ones of them."""

import importlib
from collections.abc import Sequence

from gameil.cli.arguments import common_flags
from gameil.errors import ConfigError

VIEWS, CHANGES = "gameil.cli.data_views", "gameil.cli.data_changes"
COMMANDS: dict[str, tuple[str, str]] = {
    "stats": (VIEWS, "counts, splits, lengths, ratings, results, dates, and what was left out and why"),
    "verify": (VIEWS, "replay every game and check checksums, digests, index, counts and labels"),
    "show": (VIEWS, "one game: players, result, board, moves"),
    "export": (VIEWS, "write games as records: PGN, SGF, JSON lines and others"),
    "filter": (CHANGES, "make a dataset of the games of another that pass a filter, or split them anew"),
    "merge": (CHANGES, "make a dataset of all games of several"),
    "forget": (CHANGES, "take people out of a dataset: their names, or their games too"),
    "migrate": (CHANGES, "bring a dataset made by an older gameil to today's schema version"),
    "seal": (CHANGES, "make a dataset read-only for ever; readers need no lock then"),
}
"""Subcommand -> (module with a function of its name, one line of help)."""


def main(argv: Sequence[str]) -> int:
    """Runs one of the subcommands."""
    flags, rest = common_flags(argv)
    if not rest or rest[0] in ("-h", "--help"):
        print("usage: gameil data COMMAND DATASET ...      gameil data COMMAND --help explains one command\n")
        print("\n".join(f"  {name:<8} {line}" for name, (_, line) in COMMANDS.items()))
        return 0
    if rest[0] not in COMMANDS:
        raise ConfigError(f"unknown command {rest[0]!r} of gameil data: one of {', '.join(COMMANDS)}")
    module, line = COMMANDS[rest[0]]
    code: int = getattr(importlib.import_module(module), f"{rest[0]}_command")(flags, rest[1:], line)
    return code
