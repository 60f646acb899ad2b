"""The HTML page around a report's sections: one file, no scripts, nothing fetched from anywhere."""

from collections.abc import Mapping, Sequence

from gameil.reports.svg import escape

STYLE = """
:root { color-scheme: light; }
body { font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; color: #23262b; background: #fff;
  max-width: 980px; margin: 0 auto; padding: 28px 24px 60px; }
h1 { font-size: 26px; line-height: 1.25; margin: 0 0 4px; }
h2 { font-size: 19px; margin: 40px 0 10px; padding-top: 14px; border-top: 1px solid #dfe3e8; }
h3 { font-size: 15px; margin: 22px 0 6px; }
p { margin: 6px 0; max-width: 70ch; }
.quiet { color: #646b75; }
code { font: 13px ui-monospace, "DejaVu Sans Mono", monospace; background: #f3f5f7;
  padding: 1px 5px; border-radius: 4px; }
table { border-collapse: collapse; margin: 10px 0; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 600; color: #4a515b; border-bottom: 2px solid #c9d0d8; }
th, td { padding: 4px 16px 4px 0; vertical-align: top; }
td { border-bottom: 1px solid #eceff2; }
td.n, th.n { text-align: right; }
.facts { display: grid; grid-template-columns: repeat(auto-fill, minmax(190px, 1fr)); gap: 8px 20px; margin: 10px 0; }
.facts dt { font-size: 12.5px; color: #646b75; }
.facts dd { margin: 0; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(290px, 1fr)); gap: 14px 22px; }
figure { margin: 0; }
figcaption { font-size: 13px; color: #4a515b; }
svg { display: block; width: 100%; height: auto; }
svg.climb { max-width: 820px; }
.rule { stroke: #e4e8ec; stroke-width: 1; }
.even { stroke: #aab2bc; stroke-dasharray: 4 3; }
.tick { font: 10.5px system-ui, "DejaVu Sans", sans-serif; fill: #646b75; }
.name { font: 12px system-ui, "DejaVu Sans", sans-serif; fill: #23262b; }
.edge { font: 11px system-ui, "DejaVu Sans", sans-serif; fill: #646b75; }
.boards { display: grid; grid-template-columns: repeat(auto-fill, minmax(240px, 1fr)); gap: 16px; margin: 12px 0; }
.boards figcaption { text-align: center; }
pre.board { font: 12px/1.25 ui-monospace, "DejaVu Sans Mono", monospace; background: #f6f7f9;
  padding: 10px; overflow: auto; }
.moves { font: 13.5px/1.7 ui-monospace, "DejaVu Sans Mono", monospace; max-width: none; }
.moves .number { color: #8b929c; margin-left: 6px; }
details summary { cursor: pointer; color: #4a515b; font-size: 13px; margin: 6px 0; }
@media print { body { max-width: none; padding: 0; font-size: 11.5px; } h2 { break-after: avoid; }
  figure, table, .boards figure { break-inside: avoid; } details:not([open]) { display: none; } }
"""


def page(title: str, subtitle: str, sections: Sequence[str]) -> str:
    """A whole HTML document. ``sections`` are trusted HTML; ``title`` and ``subtitle`` are escaped."""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n"
        f'<h1>{escape(title)}</h1>\n<p class="quiet">{escape(subtitle)}</p>\n'
        + "\n".join(section for section in sections if section)
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
