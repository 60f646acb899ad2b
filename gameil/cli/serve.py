"""``gameil serve``: play against agents and watch games in a browser."""

import contextlib
from collections.abc import Sequence
from dataclasses import replace

from gameil.cli.arguments import CommonFlags, common_flags, parse
from gameil.errors import ConfigError


def main(argv: Sequence[str]) -> int:
    """Serves until Ctrl-C."""
    from gameil.serving.site import ServeConfig

    flags, rest = common_flags(argv)
    config = parse(
        ServeConfig,
        rest,
        prog="gameil serve",
        description="Play against agents, watch games, leave demonstrations and labels in a browser.",
        config_file=True,
    )
    if flags.runs != CommonFlags().runs:
        config = replace(config, runs=flags.runs)
    try:
        from gameil.serving.app import serve
    except ImportError as error:
        raise ConfigError(f"gameil serve needs the web extra: pip install 'gameil[web]' ({error})") from error
    with contextlib.suppress(KeyboardInterrupt):  # how a site is meant to end
        serve(config, lambda line: print(line, flush=True))
    return 0
