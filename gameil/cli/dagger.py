"""``gameil dagger``: lets an expert label the positions an agent gets into, and learns from the labels."""

from collections.abc import Sequence

DESCRIPTION = """Lets an expert (OpenSpiel's tree search, or a network's own search) label the positions that the agent
gets into, and learns from these labels and the games it was pretrained on (DAgger).

example: gameil dagger configs/dagger/connect_four.toml --init runs/imitate/snapshots/best --name taught"""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.dagger import dagger
    from gameil.stages.dagger_config import DaggerConfig

    return run_stage("dagger", DaggerConfig, dagger, argv, description=DESCRIPTION, track=True)
