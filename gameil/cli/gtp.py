"""``gameil gtp --agent A --game go(board_size=9)``: a Go agent as an engine for any program that speaks GTP."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass

from gameil.cli.arguments import common_flags, parse
from gameil.errors import ConfigError


@dataclass(frozen=True)
class GtpArguments:
    """Arguments of ``gameil gtp``."""

    __pydantic_config__ = {"extra": "forbid"}

    agent: str
    """Spec of the agent, such as snapshot:runs/go/snapshots/best,search=200."""
    game: str = ""
    """Game id, such as go(board_size=9); empty: the one that a snapshot learned, go for any other agent."""
    seed: int = 0
    """Seed of the agent's random choices."""
    resign_value: float | None = None
    """The agent gives up where its expected return is at or below minus this, in (0, 1]; None: never."""

    def __post_init__(self) -> None:
        if self.resign_value is not None and not 0.0 < self.resign_value <= 1.0:
            raise ConfigError(f"resign_value must be above 0 and at most 1, got {self.resign_value:g}")


def main(argv: Sequence[str]) -> int:
    """Speaks GTP on standard input and output until ``quit``."""
    _, rest = common_flags(argv)
    arguments = parse(GtpArguments, rest, prog="gameil gtp", description="A Go agent as a GTP engine.")
    from gameil.engines.gtp_engine import GtpEngine
    from gameil.engines.lines import LineWriter, serve

    writer = LineWriter(sys.stdout.buffer)
    serve(GtpEngine(arguments.agent, arguments.game, writer, seed=arguments.seed, resign_value=arguments.resign_value))
    return 0
