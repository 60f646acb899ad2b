"""``gameil analyse --game G --agent A [--moves ... | --fen ...]``: what an agent thinks of a position."""

import json
from collections.abc import Sequence

from gameil.cli.arguments import common_flags, parse


def main(argv: Sequence[str]) -> int:
    """Prints the position and a table of moves; with ``--json`` one object and nothing else."""
    from gameil.reports.board_text import board_text
    from gameil.stages.analyse import AnalyseConfig, Analysis, analyse

    flags, rest = common_flags(argv)
    config = parse(AnalyseConfig, rest, prog="gameil analyse", description="Shows what an agent thinks of a position.")
    found = analyse(config)
    if flags.json:
        print(json.dumps(found.as_json()))
        return 0

    def table(analysis: Analysis) -> str:
        rows = [("move", "weight", "visits", "value", "prior", "line")]
        for move in analysis.moves:
            rows.append(
                (
                    move.move,
                    f"{move.weight:.1%}",
                    "-" if move.visits is None else f"{move.visits:,}",
                    "-" if move.value is None else f"{move.value:+.3f}",
                    "-" if move.prior is None else f"{move.prior:.1%}",
                    " ".join(move.line),
                )
            )
        widths = [max(len(row[column]) for row in rows) for column in range(5)]
        return "\n".join(
            "  ".join([row[0].ljust(widths[0]), *(row[c].rjust(widths[c]) for c in range(1, 5)), row[5]]).rstrip()
            for row in rows
        )

    print(board_text(config.game.partition("(")[0], found.position))
    value = "" if found.value is None else f", value {found.value:+.3f}{' (proven)' if found.known else ''}"
    print(f"seat {found.player} to move{value}; values are its own, from -1 to 1")
    print(table(found))
    return 0
