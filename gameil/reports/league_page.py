"""The league on a page: payoff heat map, Elo over the league's turns, lineage, who beats whom."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gameil.league.players import LeaguePlayer
from gameil.league.reading import read_league
from gameil.league.standings import Standings, league_standings
from gameil.reports.charts import COLOURS, line_chart
from gameil.reports.page import table
from gameil.reports.svg import Drawing, escape

MOST_SHOWN = 40
"""Players of the heat map and the table: those at the top of a larger league, evenly thinned below."""
_CELL, _MARGIN = 16.0, 150.0


def league_section(directory: Path) -> str:
    """HTML of a league's directory. Raises ``ConfigError``, ``CheckpointError`` where it cannot be read."""
    league = read_league(directory)
    standings = league_standings(league.roster, league.payoff)
    status = league.status()
    shown = thinned(standings.order(), MOST_SHOWN)
    parts = [
        f"<h2>League {escape(directory.name)}</h2>",
        f'<p class="quiet">{status["turn"]:,} turns, {status["games"]:,} games, {len(league.roster):,} players; '
        f"{standings.cyclic_share:.0%} of the payoffs goes in circles, the rest a rating explains.</p>",
        _table(standings, shown),
        f"<figure><figcaption>Elo by the turn at which each copy was made</figcaption>{elo_chart(standings)}</figure>",
        "<figure><figcaption>Payoffs: the row's mean score against the column, strongest first; white has not met"
        f"</figcaption>{heat_map(standings, shown)}</figure>",
        f"<figure><figcaption>Lineage: who came from whom</figcaption>{lineage(league.roster.players)}</figure>",
    ]
    return "".join(parts)


def thinned(places: Sequence[int], most: int) -> list[int]:
    """The first half of ``most``, and of all others so many more at even distances."""
    if len(places) <= most:
        return list(places)
    first = list(places[: most // 2])
    rest = np.linspace(most // 2, len(places) - 1, most - len(first)).round().astype(int)
    return first + [places[place] for place in rest.tolist()]


def _table(standings: Standings, shown: Sequence[int]) -> str:
    rows = {row["player"]: row for row in standings.values()["table"]}
    cells: list[list[object]] = []
    for place in shown:
        row = rows[standings.players[place].name]
        low, high = row.get("elo_interval", (0.0, 0.0))
        beaten = f"{row['beaten_by']} ({row['with']:.0%})" if "beaten_by" in row else ""
        cells.append(
            [
                row["player"],
                f"{row.get('elo', 0.0):+.0f} ({low:+.0f} to {high:+.0f})",
                row["games"],
                f"{row.get('alpha_rank', 0.0):.1%}",
                f"{row.get('nash', 0.0):.1%}",
                beaten,
            ]
        )
    return table(["player", "Elo (95 %)", "games", "alpha-rank", "Nash share", "most beaten by"], cells)


def elo_chart(standings: Standings) -> str:
    """A curve for each learning player's copies."""
    curves: dict[str, list[tuple[float, float]]] = {}
    if standings.ratings is not None:
        for place, player in enumerate(standings.players):
            if player.role == "historical":
                point = (float(player.turn), float(standings.ratings.elo[place]))
                curves.setdefault(player.origin, []).append(point)
    return line_chart({name: sorted(points) for name, points in curves.items()}, label="Elo", x_name="turn")


def heat_map(standings: Standings, shown: Sequence[int]) -> str:
    """One cell a pair: blue where the row wins, orange where it loses."""
    size = _CELL * len(shown)
    svg = Drawing(_MARGIN + size + 8, 8 + size, label="payoffs", css_class="heat")
    for row, mine in enumerate(shown):
        y = 4 + _CELL * row
        svg.text(_MARGIN - 6, y + _CELL * 0.75, standings.players[mine].name, class_="tick", text_anchor="end")
        for column, other in enumerate(shown):
            if mine == other or not standings.games[mine, other]:
                continue
            score = float(standings.payoffs[mine, other])
            fill, opacity = (COLOURS[0], 2 * score - 1) if score >= 0.5 else (COLOURS[1], 1 - 2 * score)
            x = _MARGIN + _CELL * column
            svg.rect(x, y, _CELL - 1, _CELL - 1, fill=fill, fill_opacity=round(0.06 + 0.94 * opacity, 2))
    return str(svg)


def lineage(players: Sequence[LeaguePlayer]) -> str:
    """Copies by turn from left to right, a line for each learning player, joined to what they came from."""
    copies = [player for player in players if player.role == "historical"]
    origins = list(dict.fromkeys(player.origin for player in copies))
    if not copies:
        return ""
    width, gap = 720.0, 34.0
    last = max(1, *(player.turn for player in copies))
    svg = Drawing(width, 20 + gap * len(origins), label="lineage", css_class="lineage")
    spots: dict[str, tuple[float, float]] = {"start": (_MARGIN - 14, 14.0)}
    for player in copies:
        x = _MARGIN + (width - _MARGIN - 16) * player.turn / last
        spots[player.name] = (x, 14 + gap * origins.index(player.origin))
    for index, origin in enumerate(origins):
        svg.text(_MARGIN - 24, 18 + gap * index, origin, class_="tick", text_anchor="end")
    for player in copies:
        if player.parent in spots:
            (x0, y0), (x1, y1) = spots[player.parent], spots[player.name]
            svg.line(x0, y0, x1, y1, stroke=COLOURS[origins.index(player.origin) % len(COLOURS)], stroke_opacity=0.6)
    for player in copies:
        svg.circle(*spots[player.name], 3.2, fill=COLOURS[origins.index(player.origin) % len(COLOURS)])
    return str(svg)
