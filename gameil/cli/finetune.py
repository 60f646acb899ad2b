"""``gameil finetune``: improves a pretrained agent by playing against its past selves."""

from collections.abc import Sequence

DESCRIPTION = """Improves a pretrained agent: policy gradient from self-play against its past selves, held near the
policy that it started from; the share of human moves that it still predicts is measured along the way.

example: gameil finetune configs/finetune/connect_four.toml --init runs/imitate/snapshots/best --name stronger"""


def main(argv: Sequence[str]) -> int:
    """Runs the command; returns its exit code."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.finetune import FinetuneConfig, finetune

    return run_stage("finetune", FinetuneConfig, finetune, argv, description=DESCRIPTION, track=True)
