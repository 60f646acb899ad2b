"""``gameil export SNAPSHOT --out X.onnx``: a network for other programs."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import tyro

from gameil.cli.arguments import common_flags, parse


@dataclass(frozen=True)
class ExportArguments:
    """Arguments of ``gameil export``."""

    __pydantic_config__ = {"extra": "forbid"}

    snapshot: tyro.conf.Positional[Path]
    """Snapshot directory, such as runs/x/snapshots/best."""
    out: Path
    """File to write; its name ends in .onnx."""


def main(argv: Sequence[str]) -> int:
    """Writes the file and prints how exactly it agrees."""
    flags, rest = common_flags(argv)
    arguments = parse(
        ExportArguments,
        rest,
        prog="gameil export",
        description="Writes a snapshot's network as an ONNX file, after a check that it computes the same as torch.",
    )
    from gameil.stages.export import ExportConfig, export

    results = export(ExportConfig(arguments.snapshot, arguments.out))
    if flags.json:
        print(json.dumps(results))
    else:
        print(
            f"{results['out']}: {results['bytes']:,} bytes; differs from torch by at most {results['difference']:.1e} "
            f"on {results['positions']} positions"
        )
    return 0
