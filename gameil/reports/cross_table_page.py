"""A tournament's or league's standings as HTML: ratings, points, and every encounter, tinted by its score."""

from collections.abc import Mapping, Sequence
from typing import Any

from gameil.reports.ladder_chart import ladder_chart, table_rows_of
from gameil.reports.svg import escape

MOST_COLUMNS = 24
"""Opponents that have a column of their own."""


def standings_html(results: Mapping[str, Any]) -> str:
    """``arena.cross_table.standing_values`` under ``table``: chart, cross table, failures."""
    rows = results["table"]
    anchor = results.get("anchor")
    scale = f"{anchor} is held at {results.get('anchor_elo', 0):g}" if anchor else "the mean is 0"
    chart = ladder_chart(table_rows_of(rows))
    parts = []
    if chart:
        parts.append(f'<figure>{chart}<figcaption class="quiet">Elo with 95 % intervals; {escape(scale)}.</figcaption>')
        parts.append("</figure>")
    parts.append(cross_table_html(rows))
    failed = results.get("failures") or []
    if failed:
        reasons = "".join(
            f"<li>game {int(each['match'])}: {escape(str(each['agent']))}, {escape(str(each['kind']))}: "
            f"{escape(str(each['reason']))}</li>"
            for each in failed[:20]
        )
        parts.append(
            f'<details open class="warning"><summary>{len(failed)} games failed and count for nobody</summary>'
            f"<ul>{reasons}</ul></details>"
        )
    return "".join(parts)


def cross_table_html(rows: Sequence[Mapping[str, Any]]) -> str:
    """One row an agent, one column an opponent: wins-draws-losses, tinted from red over nothing to green."""
    shown = rows[:MOST_COLUMNS]
    extra = [key for key in ("nash_share", "alpha_rank") if any(key in row for row in rows)]
    names = {"nash_share": "Nash", "alpha_rank": "α-rank"}
    head = "".join(f'<th class="n">{escape(title)}</th>' for title in ("Elo", "points", "games"))
    head += "".join(f'<th class="n">{names[key]}</th>' for key in extra)
    head += "".join(f'<th class="c">{place}</th>' for place in range(1, len(shown) + 1))
    body = []
    for place, row in enumerate(rows, 1):
        elo = f"{row['elo']:+.0f}" if "elo" in row else "?"
        cells = f'<td class="n">{elo}</td><td class="n">{row["points"]:g}</td><td class="n">{row["games"]}</td>'
        cells += "".join(f'<td class="n">{row[key]:.2f}</td>' if key in row else "<td></td>" for key in extra)
        for other in shown:
            cells += _encounter(row["against"].get(other["agent"]), same=other is row)
        body.append(f'<tr><td>{place}</td><td class="who">{escape(str(row["agent"]))}</td>{cells}</tr>')
    return (
        f'<div class="wide"><table class="cross"><thead><tr><th></th><th>agent</th>{head}</tr></thead>'
        f"<tbody>{''.join(body)}</tbody></table></div>"
        '<p class="quiet">Columns: wins-draws-losses against the agent of that place.</p>'
    )


def _encounter(counts: Sequence[int] | None, *, same: bool) -> str:
    if same:
        return '<td class="c self"></td>'
    if counts is None:
        return '<td class="c"></td>'
    wins, draws, losses = (int(count) for count in counts)
    score = (wins + draws / 2) / max(1, wins + draws + losses)
    colour = "46 140 87" if score >= 0.5 else "205 70 50"
    return (
        f'<td class="c" style="background:rgb({colour} / {abs(score - 0.5) * 1.1:.2f})" '
        f'title="{100 * score:.0f} %">{wins}-{draws}-{losses}</td>'
    )
