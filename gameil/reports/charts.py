"""Line charts of what a run measured, and the climb: the score against each level, stage by stage."""

import math
from collections.abc import Mapping, Sequence

from gameil.reports.ladder_table import LadderRow
from gameil.reports.svg import Drawing

COLOURS = ("#2563a8", "#c2571a", "#2f8554", "#8a4fa3", "#a8842c", "#4a6b78")
"""Told apart in print and by the colour-blind: they differ in lightness too."""
MAX_POINTS = 400
"""Points drawn of one curve; longer ones are averaged in groups."""

LEFT, RIGHT, TOP, BOTTOM = 46.0, 12.0, 12.0, 30.0


def line_chart(
    curves: Mapping[str, Sequence[tuple[float, float]]],
    *,
    label: str,
    x_name: str = "step",
    bands: Mapping[str, Sequence[tuple[float, float, float]]] | None = None,
) -> str:
    """An SVG of one or more ``(x, y)`` curves that share their axes; empty text where there is nothing to draw.

    Args:
        curves: by name.
        label: what it shows, for people who hear the page.
        x_name: what x is, written under the axis.
        bands: ``(x, low, high)`` around the curve of the name, such as its 95 % intervals.
    """
    around = {name: _band(points) for name, points in (bands or {}).items() if name in curves}
    drawn = {name: _thinned(_finite(points)) for name, points in curves.items()}
    drawn = {name: points for name, points in drawn.items() if points}
    if not drawn:
        return ""
    width, height = 360.0, 190.0
    legend = _legend(list(drawn), width - RIGHT) if len(drawn) > 1 else []
    rows = legend[-1][1] + 1 if legend else 0
    svg = Drawing(width, height + 14 * rows, label=label, css_class="chart")
    xs = [x for points in drawn.values() for x, _ in points]
    ys = [y for points in drawn.values() for _, y in points]
    ys += [y for points in around.values() for _, *ends in points for y in ends]
    x_low, x_high = min(xs), max(xs)
    y_ticks = ticks(min(ys), max(ys))
    y_low, y_high = min(y_ticks[0], *ys), max(y_ticks[-1], *ys)

    def place(x: float, y: float) -> tuple[float, float]:
        across = 0.5 if x_high == x_low else (x - x_low) / (x_high - x_low)
        up = 0.5 if y_high == y_low else (y - y_low) / (y_high - y_low)
        return LEFT + across * (width - LEFT - RIGHT), height - BOTTOM - up * (height - TOP - BOTTOM)

    for tick in y_ticks:
        _, y = place(x_low, tick)
        svg.line(LEFT, y, width - RIGHT, y, class_="rule")
        svg.text(LEFT - 6, y + 3.5, number(tick), class_="tick", text_anchor="end")
    for tick in ticks(x_low, x_high, about=4):
        if x_low <= tick <= x_high:
            x, _ = place(tick, y_low)
            svg.text(x, height - BOTTOM + 14, number(tick), class_="tick", text_anchor="middle")
    svg.text(width - RIGHT, height - 3, x_name, class_="tick", text_anchor="end")
    for index, (name, points) in enumerate(drawn.items()):
        colour = COLOURS[index % len(COLOURS)]
        _draw_band(svg, [(place(x, low), place(x, high)) for x, low, high in around.get(name, ())], colour)
        spots = [place(x, y) for x, y in points]
        if len(spots) == 1:
            svg.circle(*spots[0], 3, fill=colour)
        else:
            path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
            svg.add("polyline", points=path, fill="none", stroke=colour, stroke_width=1.6, stroke_linejoin="round")
    for index, (name, (x, row)) in enumerate(zip(drawn, legend, strict=False)):
        y = height + 7 + 14 * row
        svg.line(x, y, x + 14, y, stroke=COLOURS[index % len(COLOURS)], stroke_width=2.5)
        svg.text(x + 19, y + 3.5, name, class_="tick")
    return str(svg)


def _legend(names: Sequence[str], right: float) -> list[tuple[float, int]]:
    """Where each name stands: ``x`` and row; in columns as wide as the longest name, as many as there is room for."""
    wide = 30.0 + 5.8 * max(map(len, names))
    columns = max(1, min(len(names), int((right - LEFT) // wide)))
    wide = max(wide, (right - LEFT) / columns)
    return [(LEFT + wide * (index % columns), index // columns) for index in range(len(names))]


def climb_chart(climb: Sequence[tuple[str, Sequence[LadderRow]]]) -> str:
    """An SVG with one line a level: the score of each agent in turn, with its 95 % interval as an error bar."""
    levels = list(dict.fromkeys(row.level for _, rows in climb for row in rows))
    if not levels:
        return ""
    width, height, left, right, bottom = 720.0, 300.0, 46.0, 92.0, 34.0
    svg = Drawing(width, height, label="score against each level after each stage", css_class="climb")

    def y_of(score: float) -> float:
        return TOP + (1.0 - score) * (height - TOP - bottom)

    def x_of(index: int, shift: float = 0.0) -> float:
        step = (width - left - right) / max(1, len(climb))
        return left + step * (index + 0.5) + shift

    for percent in (0, 25, 50, 75, 100):
        y = y_of(percent / 100)
        svg.line(left, y, width - right, y, class_="rule" if percent != 50 else "rule even")
        svg.text(left - 6, y + 3.5, f"{percent} %", class_="tick", text_anchor="end")
    for index, (name, _) in enumerate(climb):
        svg.text(x_of(index), height - bottom + 20, name, class_="name", text_anchor="middle")
    labels: list[tuple[float, str, str]] = []
    for number_, level in enumerate(levels):
        colour = COLOURS[number_ % len(COLOURS)]
        shift = (number_ - (len(levels) - 1) / 2) * 7
        spots = []
        for index, (_, rows) in enumerate(climb):
            for row in rows:
                if row.level == level:
                    x, y = x_of(index, shift), y_of(row.score)
                    svg.line(x, y_of(row.high), x, y_of(row.low), stroke=colour, stroke_width=1.4)
                    for end in (row.high, row.low):
                        svg.line(x - 3, y_of(end), x + 3, y_of(end), stroke=colour, stroke_width=1.4)
                    spots.append((x, y))
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in spots)
        svg.add("polyline", points=path, fill="none", stroke=colour, stroke_width=1.2, stroke_opacity=0.55)
        for x, y in spots:
            svg.circle(x, y, 3.6, fill=colour)
        if spots:
            labels.append((spots[-1][1], level, colour))
    for y, level, colour in _spread(labels, 15.0, TOP + 4, height - bottom):
        svg.text(width - right + 8, y + 4, level, class_="name", style=f"fill:{colour}")
    return str(svg)


def ticks(low: float, high: float, about: int = 4) -> list[float]:
    """Round numbers (1, 2 or 5 times a power of ten apart) from at or below ``low`` to at or above ``high``."""
    if not high > low:
        spread = abs(low) * 0.1 or 1.0
        low, high = low - spread, high + spread
    raw = (high - low) / about
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= raw * 0.999)
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    return [index * step for index in range(first, last + 1)]


def number(value: float) -> str:
    """A short number for an axis: ``0.25``, ``1,200``, ``35k``, ``2.5M``."""
    if value != 0 and abs(value) < 0.001:
        return f"{value:.0e}"
    for bound, letter in ((1e6, "M"), (1e4, "k")):
        if abs(value) >= bound:
            return f"{value / (1e6 if letter == 'M' else 1e3):.4g}{letter}"
    return f"{value:,.4g}" if abs(value) < 1000 else f"{value:,.0f}"


def _band(points: Sequence[tuple[float, float, float]]) -> list[tuple[float, float, float]]:
    finite = [point for point in points if all(map(math.isfinite, point))]
    return finite[:: max(1, math.ceil(len(finite) / MAX_POINTS))]


def _draw_band(svg: Drawing, ends: list[tuple[tuple[float, float], tuple[float, float]]], colour: str) -> None:
    """An area over several places, a bar over one; nothing over none."""
    if len(ends) == 1:
        (x, low), (_, high) = ends[0]
        svg.line(x, low, x, high, stroke=colour, stroke_width=1.4)
    elif ends:
        outline = [low for low, _ in ends] + [high for _, high in reversed(ends)]
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
        svg.add("polygon", points=path, fill=colour, fill_opacity=0.16, stroke="none")


def _finite(points: Sequence[tuple[float, float]]) -> list[tuple[float, float]]:
    return [(x, y) for x, y in points if math.isfinite(x) and math.isfinite(y)]


def _thinned(points: list[tuple[float, float]]) -> list[tuple[float, float]]:
    size = math.ceil(len(points) / MAX_POINTS)
    if size <= 1:
        return points
    groups = [points[first : first + size] for first in range(0, len(points), size)]
    return [(group[-1][0], math.fsum(y for _, y in group) / len(group)) for group in groups]


def _spread(
    labels: Sequence[tuple[float, str, str]], gap: float, top: float, bottom: float
) -> list[tuple[float, str, str]]:
    """Moves labels apart so that none covers another, and back inside where they run out at the bottom."""
    placed: list[tuple[float, str, str]] = []
    for y, text, colour in sorted(labels):
        placed.append((max(y, placed[-1][0] + gap if placed else top), text, colour))
    over = max(0.0, placed[-1][0] - bottom) if placed else 0.0
    lifted: list[tuple[float, str, str]] = []
    for y, text, colour in reversed(placed):
        limit = lifted[-1][0] - gap if lifted else bottom
        lifted.append((min(y, limit) if over else y, text, colour))
    return lifted[::-1]
