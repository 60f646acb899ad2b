"""Who is in a league at its beginning."""

from dataclasses import replace
from pathlib import Path

from gameil.agents.spec import parse_spec
from gameil.league.config import LeagueConfig, OpponentConfig
from gameil.league.match_jobs import snapshot_hash
from gameil.league.players import LeaguePlayer, Role

START = "snapshots/start"
"""Snapshot that everybody starts from, in the league's directory."""


def first_players(config: LeagueConfig, start_hash: str) -> list[LeaguePlayer]:
    """Who learns, in the order of their turns; a copy of each main as it starts (AlphaStar); who is fixed."""
    population = config.population
    counts: tuple[tuple[str, Role, int], ...] = (
        ("main", "main", population.mains),
        ("main-exploiter", "main_exploiter", population.main_exploiters),
        ("league-exploiter", "league_exploiter", population.league_exploiters),
    )
    learning = [
        LeaguePlayer(f"{stem}-{number}", role, parent="start", snapshot_hash=start_hash, path=START)
        for stem, role, count in counts
        for number in range(count)
    ]
    copies = [
        replace(each, name=f"{each.name}.0", role="historical", origin=each.name, origin_role="main")
        for each in learning
        if each.role == "main"
    ]
    return [*learning, *copies, *(_fixed(each) for each in config.opponents)]


def _fixed(opponent: OpponentConfig) -> LeaguePlayer:
    """A fixed player; a snapshot's weights are named by their hash, so that any machine can be given them."""
    spec = parse_spec(opponent.agent)
    if spec.kind != "snapshot":
        return LeaguePlayer(opponent.name, "fixed", spec=opponent.agent)
    path = Path(spec.target).absolute()
    return LeaguePlayer(opponent.name, "fixed", spec=opponent.agent, snapshot_hash=snapshot_hash(path), path=str(path))
