"""Tournament results as plain values and as a cross table for the console."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gameil.arena.tables import aligned
from gameil.arena.tournament import Rankings, Tally


def standing_values(names: Sequence[str], tally: Tally, ranked: Rankings) -> list[dict[str, Any]]:
    """One row an agent, best first (by Elo where there is one, else by points), those without any result last."""
    place_of = {agent: place for place, agent in enumerate(ranked.rated)}

    def merit(agent: int) -> tuple[bool, float, int]:
        if ranked.elo is None:
            return False, -float(tally.points[agent]), agent
        place = place_of.get(agent)
        return place is None, 0.0 if place is None else -float(ranked.elo.elo[place]), agent

    order = sorted(range(len(names)), key=merit)
    rows = []
    for agent in order:
        wins, draws = int(tally.wins[agent].sum()), int(tally.draws[agent].sum())
        games = int(tally.games[agent].sum())
        row: dict[str, Any] = {
            "agent": names[agent],
            "games": games,
            "wins": wins,
            "draws": draws,
            "losses": games - wins - draws,
            "points": float(tally.points[agent]),
            "failures": {kind: int(counts[agent]) for kind, counts in tally.failures.items()},
            "against": {
                names[other]: [
                    int(tally.wins[agent, other]),
                    int(tally.draws[agent, other]),
                    int(tally.wins[other, agent]),
                ]
                for other in order
                if tally.games[agent, other]
            },
        }
        place = place_of.get(agent)
        if place is not None and ranked.elo is not None:
            interval = ranked.elo.interval(place)
            row |= {"elo": float(ranked.elo.elo[place]), "elo_interval": [interval.low, interval.high]}
        if place is not None and ranked.alpha_rank is not None and ranked.nash is not None:
            row |= {
                "alpha_rank": float(ranked.alpha_rank[place]),
                "nash_share": float(ranked.nash.shares[place]),
                "nash_skill": float(ranked.nash.skill[place]),
            }
        rows.append(row)
    return rows


def cross_table(results: Mapping[str, Any]) -> str:
    """The standings (``standing_values`` under ``table``): Elo with its interval, points, and every encounter."""
    rows = results["table"]
    heading = ["agent", "Elo", "95 % interval", "points", "games", *(str(place + 1) for place in range(len(rows)))]
    cells = [heading]
    for place, row in enumerate(rows):
        elo, interval = "?", "?"
        if "elo" in row:
            low, high = row["elo_interval"]
            elo, interval = f"{row['elo']:+.0f}", f"{low:+.0f} to {high:+.0f}"
        met = [_encounter(row["against"].get(other["agent"])) for other in rows]
        met[place] = "x"
        cells.append([f"{place + 1} {row['agent']}", elo, interval, f"{row['points']:g}", str(row["games"]), *met])
    notes = ["columns: wins-draws-losses against each; Elo by Bradley-Terry with draws"]
    anchor = results.get("anchor")
    notes.append(f"Elo of {anchor} held at {results['anchor_elo']:g}" if anchor else "mean Elo 0")
    failed = {kind: sum(row["failures"][kind] for row in rows) for kind in rows[0]["failures"]}
    if any(failed.values()):
        who = ", ".join(
            f"{row['agent']} {count} {kind}" for row in rows for kind, count in row["failures"].items() if count
        )
        notes.append(f"{sum(failed.values())} games failed and count for nobody: {who}")
    if results.get("truncated"):
        notes.append(f"{results['truncated']} games were stopped at the limit on plies and count as draws")
    if rows and "nash_share" in rows[0]:
        for title, key in (("Nash average", "nash_share"), ("alpha-rank", "alpha_rank")):
            best = sorted((row for row in rows if row.get(key, 0.0) >= 0.005), key=lambda row: -row[key])
            notes.append(f"{title}: " + ", ".join(f"{row['agent']} {row[key]:.2f}" for row in best))
    return "\n".join([aligned(cells), *(f"  ({note})" for note in notes)])


def _encounter(counts: Sequence[int] | None) -> str:
    return "" if counts is None else "-".join(str(int(count)) for count in np.asarray(counts))
