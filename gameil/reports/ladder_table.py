"""Ladder results as rows and as a text table: the score against each built-in level, stage by stage."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gameil.errors import ConfigError


@dataclass(frozen=True)
class LadderRow:
    """One agent against one level."""

    level: str
    """Name of the level, such as ``medium``."""
    games: int
    wins: int
    draws: int
    losses: int
    score: float
    """Share of points, draws count half, in [0, 1]."""
    low: float
    """Lower end of the score's 95 % interval."""
    high: float
    """Upper end."""

    @property
    def text(self) -> str:
        """``62 % (53-71)``."""
        return f"{100 * self.score:.0f} % ({100 * self.low:.0f}-{100 * self.high:.0f})"


def ladder_rows(results: Mapping[str, Any]) -> list[LadderRow]:
    """The rows under ``table`` of a ladder stage's results. Raises ``ConfigError`` where they are not such rows."""
    rows = []
    for values in results.get("table", []):
        try:
            interval = values.get("interval") or (values["low"], values["high"])
            rows.append(
                LadderRow(
                    level=str(values["level"]),
                    games=int(values["games"]),
                    wins=int(values["wins"]),
                    draws=int(values["draws"]),
                    losses=int(values["losses"]),
                    score=float(values["score"]),
                    low=float(interval[0]),
                    high=float(interval[1]),
                )
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ConfigError(f"ladder results have a row without {error}: {values}") from error
    return rows


def measured_after(name: str) -> str:
    """What a ladder stage measured, from its name: ``after-imitation`` and ``ladder-imitation`` are ``imitation``."""
    for prefix in ("after-", "ladder-"):
        if name.startswith(prefix) and len(name) > len(prefix):
            return name[len(prefix) :]
    return name


def ladder_text(climb: Sequence[tuple[str, Sequence[LadderRow]]]) -> str:
    """A text table: one line an agent, one column a level, each cell the score with its 95 % interval."""
    levels = list(dict.fromkeys(row.level for _, rows in climb for row in rows))
    if not levels:
        return "    (no levels played)"
    games = {row.games for _, rows in climb for row in rows}
    counted = f"{min(games)}" if len(games) == 1 else f"{min(games)}-{max(games)}"
    cells = [["score after", *levels]]
    for name, rows in climb:
        by_level = {row.level: row.text for row in rows}
        cells.append([name, *(by_level.get(level, "") for level in levels)])
    widths = [max(len(line[column]) for line in cells) for column in range(len(cells[0]))]
    lines = ["    " + "   ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)) for line in cells]
    lines.insert(1, "    " + "   ".join("-" * width for width in widths))
    lines.append(f"    ({counted} games a cell, draws count half, 95 % intervals)")
    return "\n".join(line.rstrip() for line in lines)
