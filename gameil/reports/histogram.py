"""Bars over classes or steps of a number, as SVG."""

from collections.abc import Mapping

from gameil.reports.charts import BOTTOM, COLOURS, LEFT, RIGHT, TOP, number, ticks
from gameil.reports.svg import Drawing

WIDTH, HEIGHT = 360.0, 190.0
WIDEST = 48.0
"""A bar's width where there are few."""
CHARACTER = 5.0
"""About the width of a character of an axis label."""


def histogram(bars: Mapping[str, int], *, label: str, x_name: str) -> str:
    """An SVG with one bar a name, in the order given; empty text where every bar is empty.

    Args:
        label: what it shows, for people who hear the page.
        x_name: what the names are, written under the axis.
    """
    if not any(bars.values()):
        return ""
    svg = Drawing(WIDTH, HEIGHT, label=label, css_class="chart")
    y_ticks = [tick for tick in ticks(0, max(bars.values())) if tick == int(tick)]
    top = max(y_ticks[-1], *bars.values())
    height = HEIGHT - TOP - BOTTOM
    for tick in y_ticks:
        y = HEIGHT - BOTTOM - tick / top * height
        svg.line(LEFT, y, WIDTH - RIGHT, y, class_="rule")
        svg.text(LEFT - 6, y + 3.5, number(tick), class_="tick", text_anchor="end")
    step = (WIDTH - LEFT - RIGHT) / len(bars)
    longest = max(map(len, bars))
    every = max(1, round(CHARACTER * (longest + 1) / step + 0.49))
    for index, (name, count) in enumerate(bars.items()):
        x = LEFT + index * step
        tall = count / top * height
        if count:
            width = min(WIDEST, 0.84 * step)
            svg.rect(x + (step - width) / 2, HEIGHT - BOTTOM - tall, width, max(tall, 0.7), fill=COLOURS[0])
        if index % every == 0:
            svg.text(x + step / 2, HEIGHT - BOTTOM + 14, name, class_="tick", text_anchor="middle")
    svg.text(WIDTH - RIGHT, HEIGHT - 3, x_name, class_="tick", text_anchor="end")
    return str(svg)
