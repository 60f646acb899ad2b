"""Leagues as text: the table, the lineage, how far a league is."""

from collections.abc import Mapping, Sequence
from typing import Any

from gameil.arena.tables import aligned, series_table
from gameil.league.players import LeaguePlayer


def standings_text(values: Mapping[str, Any]) -> str:
    """The table of ``Standings.values``, strongest first."""
    lines = [f"{'player':<24} {'Elo':>7} {'95 %':>16} {'games':>8} {'alpha':>6} {'Nash':>6}  most beaten by"]
    for row in values["table"]:
        low, high = row.get("elo_interval", (0.0, 0.0))
        beaten = f"{row['beaten_by']} ({row['with']:.0%})" if "beaten_by" in row else ""
        lines.append(
            f"{row['player']:<24} {row.get('elo', 0.0):>+7.0f} {f'{low:+.0f} to {high:+.0f}':>16} {row['games']:>8,} "
            f"{row.get('alpha_rank', 0.0):>6.1%} {row.get('nash', 0.0):>6.1%}  {beaten}"
        )
    lines.append(f"cyclic share of the payoffs: {values['cyclic_share']:.1%}")
    return "\n".join(lines)


def lineage_text(players: Sequence[LeaguePlayer]) -> str:
    """Who came from whom, as an indented tree."""
    children: dict[str, list[LeaguePlayer]] = {}
    for player in players:
        if player.role == "historical":
            children.setdefault(player.parent, []).append(player)
    lines = ["start"]
    waiting = [(child, 1) for child in reversed(children.get("start", []))]
    while waiting:
        player, depth = waiting.pop()
        lines.append(f"{'  ' * depth}{player.name}  (turn {player.turn:,}, {player.snapshot_hash[:8]})")
        waiting += [(child, depth + 1) for child in reversed(children.get(player.name, []))]
    lines += [f"{player.name}  (fixed: {player.spec})" for player in players if player.role == "fixed"]
    return "\n".join(lines)


def status_text(values: Mapping[str, Any]) -> str:
    """How far a league is."""
    lines = [
        f"{values['game']}: {values['turn']:,} turns, {values['games']:,} games, {values['frames']:,} frames learned "
        f"from, {values['players']:,} players, {values['hours']:.2f} hours at work"
    ]
    for name, each in values["learners"].items():
        lines.append(
            f"  {name:<22} {each['turns']:>6,} turns, {each['steps']:>4} since its last copy, "
            f"{each['copies']:>3} copies, {each['restarts']:>3} restarts"
        )
    return "\n".join(lines)


def evaluation_text(values: Mapping[str, Any]) -> str:
    """Each series of ``league_evaluate``, then the groups that have several opponents, then what goes in circles."""
    cells = [["group", "opponents", "games", "score", "95 % by openings", "lowest"]]
    for group, found in values["groups"].items():
        low, high = found["interval"]
        lowest = found["lowest"]
        least, most = lowest["interval"]
        cells.append(
            [
                group,
                str(found["opponents"]),
                f"{found['games']:,}",
                f"{found['score']:.1%}",
                f"{low:.1%} to {high:.1%}",
                f"{lowest['score']:.1%} ({least:.1%} to {most:.1%}) {lowest['against']}",
            ]
        )
    head = f"{values['player']} as of turn {values['turn']:,}:"
    cyclic = f"cyclic share of the league's payoffs: {values['cyclic_share']:.1%}"
    return "\n".join([head, series_table(values["series"]), "", aligned(cells), "", cyclic])
