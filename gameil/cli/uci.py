"""``gameil uci --agent A``: a chess agent as an engine for any board program that speaks UCI."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from gameil.cli.arguments import common_flags, parse


@dataclass(frozen=True)
class UciArguments:
    """Arguments of ``gameil uci``."""

    __pydantic_config__ = {"extra": "forbid"}

    agent: str
    """Spec of the agent, such as snapshot:runs/chess/snapshots/best,search=200."""
    seed: int = 0
    """Seed of the agent's random choices."""


def main(argv: Sequence[str]) -> int:
    """Speaks UCI on standard input and output until ``quit``."""
    _, rest = common_flags(argv)
    arguments = parse(UciArguments, rest, prog="gameil uci", description="A chess agent as a UCI engine.")
    from gameil.engines.lines import LineWriter, serve
    from gameil.engines.uci_engine import UciEngine

    serve(UciEngine(arguments.agent, LineWriter(sys.stdout.buffer), seed=arguments.seed))
    return 0
