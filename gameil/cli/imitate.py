"""``gameil imitate``: imitates people by a learned reward."""

from collections.abc import Sequence

DESCRIPTION = """Imitates people by a reward learned from their games: GAIL, AIRL, guided cost learning, or following
reference games. The game's own result is not read.

example: gameil imitate configs/imitate/gail.toml --init runs/start/snapshots/best --demonstrations.dataset o.lmdb"""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.imitate import ImitateConfig, imitate

    return run_stage("imitate", ImitateConfig, imitate, argv, description=DESCRIPTION, track=True)
