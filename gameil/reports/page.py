"""The HTML page around a report's sections: one file, light or dark as the reader's system is, nothing fetched."""

import re
from collections.abc import Mapping, Sequence

from gameil.reports.svg import escape

_ANCHOR = re.compile(r'<h2 id="([a-z0-9-]+)">([^<]*)</h2>')
STYLE = """
:root { color-scheme: light dark; --ink: #23262b; --quiet: #646b75; --paper: #fff; --card: #f6f7f9; --line: #e1e5ea;
  --soft: #eceff2; --accent: #2563a8; --mine: #e8f0fa; --warn: #b3401f; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e7eb; --quiet: #9aa3ae; --paper: #16191d; --card: #1f242a;
  --line: #353c45; --soft: #292f37; --accent: #7db2ee; --mine: #1f3047; --warn: #f0a285; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1020px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 27px; line-height: 1.25; margin: 0 0 4px; overflow-wrap: anywhere; }
h2 { font-size: 20px; margin: 42px 0 10px; padding-top: 14px; border-top: 1px solid var(--line); }
h3 { font-size: 15px; margin: 22px 0 6px; overflow-wrap: anywhere; }
p { margin: 6px 0; max-width: 70ch; }
nav { display: flex; flex-wrap: wrap; gap: 4px 16px; margin: 14px 0 0; font-size: 14px; }
nav a { color: var(--accent); text-decoration: none; }
nav a:hover { text-decoration: underline; }
.quiet { color: var(--quiet); }
.lead { font-size: 17px; font-weight: 600; }
.warning summary { color: var(--warn); font-weight: 600; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; background: var(--card); padding: 1px 5px;
  border-radius: 4px; overflow-wrap: anywhere; }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: var(--quiet); border-bottom: 2px solid var(--line); }
th, td { padding: 4px 16px 4px 0; vertical-align: top; }
td { border-bottom: 1px solid var(--soft); }
td.n, th.n { text-align: right; }
.wide { overflow-x: auto; }
.cross td, .cross th { padding: 5px 9px; white-space: nowrap; }
.cross .c { text-align: center; min-width: 64px; }
.cross .self { background: var(--soft); }
.cross .who { white-space: normal; overflow-wrap: anywhere; min-width: 140px; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 8px 20px; margin: 10px 0; }
.facts dt { font-size: 12.5px; color: var(--quiet); }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 14px 22px; }
figure { margin: 0; overflow-x: auto; }
figcaption { font-size: 13px; color: var(--quiet); }
svg { display: block; width: 100%; height: auto; }
svg.climb { max-width: 820px; }
svg.ladder { max-width: 900px; min-width: 560px; margin: 10px 0; }
.rule { stroke: var(--line); stroke-width: 1; }
.even { stroke: var(--quiet); stroke-dasharray: 4 3; }
.tick { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: var(--quiet); }
.name { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: var(--ink); }
.edge { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: var(--quiet); }
.edge.on-wood { fill: #5d4a26; }
.mine { fill: var(--mine); }
.bar, .cap { stroke: var(--quiet); stroke-width: 1.6; }
.dot { fill: var(--quiet); }
.bar.agent, .cap.agent { stroke: var(--accent); stroke-width: 2.4; }
.dot.agent { fill: var(--accent); }
.name.agent { font-weight: 700; }
.unmet { opacity: 0.45; }
.replays { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 400px), 1fr)); gap: 20px;
  margin: 12px 0; }
.replay { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 14px; }
.replay:focus-visible { outline: 2px solid var(--accent); }
.replay h3 { margin: 0 0 2px; font-size: 14px; }
.replay .quiet { font-size: 13px; margin: 0 0 8px; }
.replay .stage svg { max-height: 380px; }
.replay .moves { max-height: 108px; overflow-y: auto; margin: 6px 0 0; }
.replay .moves a { cursor: pointer; padding: 1px 3px; border-radius: 4px; }
.replay .moves a:hover { background: var(--soft); }
.replay .moves a.now { background: var(--accent); color: var(--paper); }
.steps { display: flex; gap: 4px; align-items: center; margin-top: 8px; }
.steps[hidden] { display: none; }
.steps button { font: 13px/1 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  border: 1px solid var(--line); border-radius: 6px; padding: 6px 8px; min-width: 34px; cursor: pointer; }
.steps button:hover { border-color: var(--accent); }
.steps input { flex: 1; min-width: 0; width: 40px; accent-color: var(--accent); }
.steps output { font-size: 12.5px; color: var(--quiet); min-width: 58px; text-align: right;
  font-variant-numeric: tabular-nums; }
pre.board, pre.file { font: 12px/1.3 ui-monospace, "DejaVu Sans Mono", monospace; background: var(--card);
  padding: 10px; overflow: auto; border-radius: 6px; }
.moves { font: 13.5px/1.7 ui-monospace, "DejaVu Sans Mono", monospace; max-width: none; }
.moves .number { color: var(--quiet); margin-left: 6px; }
details summary { cursor: pointer; color: var(--quiet); font-size: 13px; margin: 6px 0; }
@media print { body { max-width: none; padding: 0; font-size: 11.5px; } h2 { break-after: avoid; }
  figure, table, .replay { break-inside: avoid; } details:not([open]), nav, .steps { display: none; } }
@media (max-width: 560px) { body { padding: 18px 14px 40px; } h1 { font-size: 22px; } }
"""


def page(title: str, subtitle: str, sections: Sequence[str], *, script: str = "") -> str:
    """A whole HTML document. ``sections`` and ``script`` are trusted; ``title`` and ``subtitle`` are escaped.

    Sections whose heading has an ``id`` are listed at the top.
    """
    anchors = [found for section in sections for found in _ANCHOR.findall(section)]
    links = "".join(f'<a href="#{anchor}">{text}</a>' for anchor, text in anchors)
    nav = f"<nav>{links}</nav>" if len(anchors) > 1 else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="quiet">{escape(subtitle)}</p>{nav}\n'
        + "\n".join(section for section in sections if section)
        + (f"\n<script>{script}</script>" if script else "")
        + "\n</body>\n</html>\n"
    )


def table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """An HTML table; numbers are set right, everything is escaped."""
    numeric = [all(isinstance(row[column], int | float) for row in rows) for column in range(len(header))]
    kinds = [' class="n"' if right else "" for right in numeric]
    head = "".join(f"<th{kind}>{escape(name)}</th>" for name, kind in zip(header, kinds, strict=True))
    body = "".join(
        "<tr>"
        + "".join(f"<td{kind}>{escape(shown(cell))}</td>" for cell, kind in zip(row, kinds, strict=True))
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def facts(values: Sequence[tuple[str, object]]) -> str:
    """Names with their values, side by side as far as the page is wide."""
    items = "".join(f"<div><dt>{escape(name)}</dt><dd>{escape(shown(value))}</dd></div>" for name, value in values)
    return f'<dl class="facts">{items}</dl>'


def shown(value: object) -> str:
    """A value as people read it: ``1,234``, ``0.3721``, ``yes``."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        if value.is_integer() and abs(value) < 1e15:
            return f"{value:,.0f}"
        return f"{value:,.1f}" if abs(value) >= 1000 else f"{value:.4g}"
    if isinstance(value, list | tuple):
        return ", ".join(shown(item) for item in value)
    return "" if value is None else str(value)


def flat_values(values: Mapping[str, object], prefix: str = "") -> list[tuple[str, object]]:
    """Nested results as ``(name, value)`` rows; lists become a comma-separated text."""
    rows: list[tuple[str, object]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows.extend(flat_values(value, f"{prefix}{name}."))
        elif isinstance(value, list | tuple):
            if all(not isinstance(item, Mapping | list) for item in value):
                rows.append((f"{prefix}{name}", ", ".join(shown(item) for item in value)))
        else:
            rows.append((f"{prefix}{name}", value))
    return rows
