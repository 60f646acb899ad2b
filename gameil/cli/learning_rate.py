"""``gameil learning-rate CONFIG.toml``: which learning rate a pretraining configuration stands."""

import json
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Prints the running loss at rising rates and a suggestion."""
    from gameil.cli.arguments import common_flags, parse
    from gameil.stages.learning_rate import learning_rate
    from gameil.stages.pretrain import PretrainConfig

    flags, rest = common_flags(argv)
    config = parse(
        PretrainConfig,
        rest,
        prog="gameil learning-rate",
        description="Trains a hundred updates at rising learning rates and suggests one. Takes what pretrain takes.",
        config_file=True,
    )
    results = learning_rate(config)
    if flags.json:
        print(json.dumps(results))
        return 0
    for rate, loss in list(zip(results["rates"], results["losses"], strict=True))[::5]:
        print(f"  {rate:9.2e}  loss {loss:.3f}")
    print(f"suggested learner.learning_rate {results['suggestion']:.1e}; configured {results['configured']:.1e}")
    return 0
