"""``gameil pretrain CONFIG.toml``: imitation of a dataset's moves; under ``torchrun``, by several processes."""

import os
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Pretrains in ``runs/pretrain-NAME-NUMBER`` (``--name`` for another).

    ``torchrun --nproc-per-node 2 -m gameil pretrain CONFIG.toml --name NAME`` shares each batch between
    processes; the first of them writes the run.
    """
    from gameil.cli.stage_command import run_stage
    from gameil.stages.pretrain import PretrainConfig, pretrain

    description = "Learns to imitate the moves of a dataset; held-out accuracy on the way, the best snapshot kept."
    if int(os.environ.get("RANK", "0")) > 0:
        return _follow(argv, description)
    return run_stage("pretrain", PretrainConfig, pretrain, argv, description=description, track=True)


def _follow(argv: Sequence[str], description: str) -> int:
    """Takes part in the run of the first process, whose name must be given: a number would be drawn twice."""
    from gameil.cli.arguments import common_flags, parse
    from gameil.errors import ConfigError
    from gameil.stages.pretrain import PretrainConfig, follow_pretrain

    flags, rest = common_flags(argv)
    if flags.name is None:
        raise ConfigError("torchrun starts several processes of one run: name it with --name")
    config = parse(PretrainConfig, rest, prog="gameil pretrain", description=description, config_file=True)
    follow_pretrain(config, flags.runs / flags.name, resume=flags.resume)
    return 0
