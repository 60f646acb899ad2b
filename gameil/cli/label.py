"""``gameil label --dataset D``: chooses positions that people are to label in the browser."""

import json
from collections.abc import Sequence


def main(argv: Sequence[str]) -> int:
    """Queues the positions and says how to label them."""
    from gameil.cli.arguments import common_flags, parse
    from gameil.stages.label import LabelConfig, label

    flags, rest = common_flags(argv)
    config = parse(
        LabelConfig,
        rest,
        prog="gameil label",
        description="Chooses positions of a dataset for people to label; gameil serve --labels DATASET shows them.",
        config_file=True,
    )
    results = label(config)
    if flags.json:
        print(json.dumps(results))
    else:
        print(
            f"{results['positions']:,} positions of {results['games']:,} games are queued (round {results['round']}): "
            f"label them with gameil serve --labels {results['dataset']}"
        )
    return 0
