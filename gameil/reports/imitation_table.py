"""Pretraining results as a text table: several networks on the same games, side by side."""

from collections.abc import Mapping
from typing import Any

_COLUMNS = ("network", "top-1", "NLL", "positions seen", "positions/s", "parameters", "MFLOP")


def imitation_table(results: Mapping[str, Mapping[str, Any]]) -> str:
    """One line for each of some pretraining results, by name; held-out figures of the test split, or else of the
    validation split."""
    rows = [_COLUMNS, *(_row(name, done) for name, done in results.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_COLUMNS))]
    lines = []
    for number, row in enumerate(rows):
        cells = [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        lines.append("  ".join(cells).rstrip())
        if not number:
            lines.append("  ".join("-" * width for width in widths))
    return "\n".join(lines)


def _row(name: str, done: Mapping[str, Any]) -> tuple[str, ...]:
    measured = done.get("test") or done.get("validation") or {}
    return (
        name,
        f"{measured['top1']:.1%}" if "top1" in measured else "",
        f"{measured['nll']:.3f}" if "nll" in measured else "",
        f"{done['positions']:,}",
        f"{done['positions_per_second']:,.0f}",
        f"{done['parameters']:,}",
        f"{done['mflops']:.0f}",
    )
