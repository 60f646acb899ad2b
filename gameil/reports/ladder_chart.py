"""Ratings with their intervals on one scale, as SVG: an agent among levels, or everybody of a tournament or league."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gameil.reports.charts import number, ticks
from gameil.reports.svg import Drawing

_ROW = 26.0
_NAMES, _VALUES = 262.0, 155.0
_WIDTH = 900.0
_LONGEST_NAME = 34


@dataclass(frozen=True)
class RatedRow:
    """One line of the chart."""

    name: str
    elo: float
    low: float
    high: float
    kind: str = ""
    """``agent``: the one that is measured; ``unmet``: a level that was not played, where it would be expected."""


def ladder_rows_of(results: Mapping[str, Any]) -> list[RatedRow]:
    """The agent and the levels of a ladder stage's results, strongest first; nothing where it rated nobody."""
    if not results.get("levels") or "elo" not in results:
        return []
    rows = [_row(row, "level", "" if row["met"] else "unmet") for row in results["levels"]]
    rows.append(_row(results, "agent", "agent"))
    return sorted(rows, key=lambda row: -row.elo)


def table_rows_of(table: Sequence[Mapping[str, Any]], name: str = "agent") -> list[RatedRow]:
    """Those of a table of standings who have an Elo, in its order."""
    return [_row(row, name) for row in table if "elo" in row]


def _row(values: Mapping[str, Any], name: str, kind: str = "") -> RatedRow:
    low, high = values["elo_interval"]
    return RatedRow(str(values.get(name, name)), float(values["elo"]), float(low), float(high), kind)


def ladder_chart(rows: Sequence[RatedRow]) -> str:
    """One row each, as given: a dot at the rating, a bar over its 95 % interval. Empty text without any row."""
    if not rows:
        return ""
    shown = [row for row in rows if row.kind != "unmet"]
    ends = [row.elo for row in rows] + [end for row in shown for end in (row.low, row.high)]
    marks = ticks(min(ends), max(ends), about=6)
    low, high = min(marks[0], *ends), max(marks[-1], *ends)
    height = _ROW * len(rows) + 30
    svg = Drawing(_WIDTH, height, label="Elo with 95 % intervals", css_class="ladder")

    def x_of(elo: float) -> float:
        return _NAMES + (elo - low) / max(1e-9, high - low) * (_WIDTH - _NAMES - _VALUES - 12)

    for tick in marks:
        svg.line(x_of(tick), 4, x_of(tick), height - 24, class_="rule")
        svg.text(x_of(tick), height - 8, number(tick), class_="tick", text_anchor="middle")
    for index, row in enumerate(rows):
        y = _ROW * (index + 0.5) + 4
        kind = f"rated {row.kind}".strip()
        if row.kind == "agent":
            svg.rect(0, y - _ROW / 2 + 1, _WIDTH, _ROW - 2, rx=5, class_="mine")
        name = row.name if len(row.name) <= _LONGEST_NAME else f"…{row.name[-_LONGEST_NAME + 1 :]}"
        svg.text(_NAMES - 14, y + 4, name, class_=f"name {kind}", text_anchor="end")
        value = f"{row.elo:+.0f}" if round(row.elo) else "0"
        if row.kind != "unmet":
            if row.high > row.low:
                svg.line(x_of(row.low), y, x_of(row.high), y, class_=f"bar {kind}")
                for end in (row.low, row.high):
                    svg.line(x_of(end), y - 5, x_of(end), y + 5, class_=f"cap {kind}")
                value += f"  ({row.low:+.0f} to {row.high:+.0f})"
            else:
                value += "  held"
        else:
            value = "not met"
        svg.circle(x_of(row.elo), y, 5.5 if row.kind == "agent" else 4.2, class_=f"dot {kind}")
        svg.text(_WIDTH - _VALUES, y + 4, value, class_=f"name {kind}")
    return str(svg)
