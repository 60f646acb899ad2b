"""``gameil pretrain CONFIG.toml``: imitation of a dataset's moves."""

from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Pretrains in ``runs/pretrain-NAME-NUMBER`` (``--name`` for another)."""
    from gameil.cli.stage_command import run_stage
    from gameil.stages.pretrain import PretrainConfig, pretrain

    return run_stage(
        "pretrain",
        PretrainConfig,
        pretrain,
        argv,
        description="Learns to imitate the moves of a dataset; held-out accuracy on the way, the best snapshot kept.",
        track=True,
    )
