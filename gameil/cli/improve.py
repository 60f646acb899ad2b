"""``gameil improve``: expert iteration and guided policy search, in self-play with search."""

from collections.abc import Sequence

DESCRIPTION = """Improves a network by playing itself with search and learning what the search found: expert iteration
(AlphaZero with Gumbel search), or guided policy search with a bounded step. Starts from a snapshot that imitates
people, or from fresh weights.

example: gameil improve configs/improve/connect_four.toml --name strong"""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.improve import improve
    from gameil.stages.improve_config import ImproveConfig

    return run_stage("improve", ImproveConfig, improve, argv, description=DESCRIPTION, track=True)
