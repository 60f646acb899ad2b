"""What is drawn over a board: cells that answer to clicks, where a click may lead, what was clicked, a hint."""

from collections.abc import Collection, Sequence

from gameil.reports.backgammon_board import BARS, OFFS, STEP, place_centre
from gameil.reports.boards import Position
from gameil.serving.boards.clicks import Cell


def overlay(
    position: Position,
    *,
    turned: bool,
    live: Collection[Cell],
    chosen: Sequence[Cell] = (),
    hint: Sequence[Cell] = (),
) -> str:
    """SVG markup over the picture of ``position``; ``data-cell`` names a cell, ``data-at`` where it is seen.

    Args:
        position: as drawn.
        turned: as drawn.
        live: cells that a click goes on with; dotted once something was clicked.
        chosen: cells clicked so far.
        hint: cells of a move that is advised.
    """
    parts = []
    for cell in chosen:
        x, y, across, tall = _area(position, cell, turned)
        parts.append(
            f'<rect class="chosen" x="{x - across:g}" y="{y - tall:g}" width="{2 * across:g}" height="{2 * tall:g}"/>'
        )
    if chosen:
        for cell in sorted(live):
            x, y, across, _ = _area(position, cell, turned)
            parts.append(f'<circle class="goal" cx="{x:g}" cy="{y:g}" r="{across * 0.3:g}"/>')
    parts.append(_arrow(position, hint, turned))
    for row in range(len(position.cells)):
        for column in range(len(position.cells[0])):
            x, y, across, tall = _area(position, (row, column), turned)
            seen = position.sheet(turned=turned).seen(row, column)
            kind = "hit live" if (row, column) in live else "hit"
            parts.append(
                f'<rect class="{kind}" data-cell="{row},{column}" data-at="{seen[0]},{seen[1]}" '
                f'x="{x - across:g}" y="{y - tall:g}" width="{2 * across:g}" height="{2 * tall:g}"/>'
            )
    return "".join(parts)


def _area(position: Position, cell: Cell, turned: bool) -> tuple[float, float, float, float]:
    """Middle, half width and half height of a cell's area."""
    if position.kind == "backgammon":
        x, y = place_centre(cell[1], turned=turned)
        tall = STEP * (2.0 if cell[1] in BARS or cell[1] in OFFS else 2.25)
        return x, y, STEP / 2, tall
    sheet = position.sheet(turned=turned)
    x, y = sheet.centre(*cell)
    return x, y, sheet.half, sheet.half


def _arrow(position: Position, cells: Sequence[Cell], turned: bool) -> str:
    """A ring on a single cell, arrows along pairs of cells."""
    if not cells:
        return ""
    spots = [_area(position, cell, turned) for cell in cells]
    if len(spots) == 1:
        x, y, across, _ = spots[0]
        return f'<circle class="hint" cx="{x:g}" cy="{y:g}" r="{across * 0.72:g}"/>'
    parts = []
    for (x1, y1, _, _), (x2, y2, across, _) in zip(spots[::2], spots[1::2], strict=False):
        length = max(1.0, ((x2 - x1) ** 2 + (y2 - y1) ** 2) ** 0.5)
        dx, dy = (x2 - x1) / length, (y2 - y1) / length
        head = across * 0.55
        bx, by = x2 - dx * head, y2 - dy * head
        wing = head * 0.6
        points = f"{x2:g},{y2:g} {bx - dy * wing:g},{by + dx * wing:g} {bx + dy * wing:g},{by - dx * wing:g}"
        parts.append(f'<line class="hint" x1="{x1:g}" y1="{y1:g}" x2="{bx:g}" y2="{by:g}"/>')
        parts.append(f'<polygon class="hint-head" points="{points}"/>')
    return "".join(parts)
