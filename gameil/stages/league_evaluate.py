"""How well a league's main does against everybody it left behind: games of their own, from openings of their own.

A league's own payoffs are of games that were learned from, weighted by who was hard to beat. Here each opponent is met
alike, every opening from both seats, with the networks at one temperature.
"""

import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.arena.opening_suites import OpeningsConfig
from gameil.arena.series import SeriesResult
from gameil.arena.tables import series_values
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.league.population import START
from gameil.league.reading import ReadLeague
from gameil.league.standings import league_standings
from gameil.ratings.intervals import pair_interval
from gameil.stages.evaluate import check_counts, measured_series, open_agent
from gameil.tracking.run import Run

GROUPS = ("start", "mains of the first half", "later mains", "main exploiters", "league exploiters", "others")
"""Who is met, in this order; ``start``: what everybody started from."""


@dataclass(frozen=True)
class LeagueEvaluateConfig:
    """Whom to measure, and how."""

    __pydantic_config__ = {"extra": "forbid"}

    player: str = "main-0"
    """Who is measured: a learning player as it is now."""
    games: int = 100
    """Games against each opponent, every opening from both seats."""
    temperature: float = 0.0
    """Of all networks; 0: the likeliest move."""
    opponents: tuple[str, ...] = ("builtin:hard",)
    """Specs of agents to meet besides those of the league."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start."""
    concurrency: int = 100
    """Games played at once."""
    seed: int = 0
    """Root of all random draws: openings, chance, agents."""

    def __post_init__(self) -> None:
        check_counts(self.games, None, self.concurrency)
        if not self.temperature >= 0.0:
            raise ConfigError(f"temperature must be at least 0, got {self.temperature}")


@dataclass(frozen=True, slots=True)
class Opponent:
    """Somebody to meet."""

    group: str
    """One of ``GROUPS``."""
    name: str
    spec: str


def opponents_of(league: ReadLeague, directory: Path, config: LeagueEvaluateConfig) -> Iterator[Opponent]:
    """Everybody to meet: the start, all copies of mains and exploiters, fixed players, and those asked for. A main's
    copy is of the first half when it was left in the first half of the league's turns."""

    def network(path: str) -> str:
        return _snapshot(directory / path, config.temperature)

    found = [Opponent("start", "start", network(START))]
    for player in league.roster.players:
        if player.role == "historical":
            if player.origin_role == "main":
                group = GROUPS[1] if 2 * player.turn <= league.state.turn else GROUPS[2]
            else:
                group = GROUPS[3] if player.origin_role == "main_exploiter" else GROUPS[4]
            found.append(Opponent(group, player.name, network(player.path)))
        elif player.role == "fixed":
            found.append(Opponent("others", player.name, player.spec))
    found += [Opponent("others", spec, spec) for spec in config.opponents]
    for group in GROUPS:
        yield from (each for each in found if each.group == group)


def league_evaluate(directory: Path, league: ReadLeague, config: LeagueEvaluateConfig, run: Run) -> dict[str, Any]:
    """Plays a series against each opponent; finished games are kept, an interrupted run goes on.

    Args:
        directory: of the league.
        league: what was read from it.
        config: whom and how.
        run: the measurement's own run directory.

    Returns:
        ``player``, ``turn``, ``series`` (``series_values`` with ``group``), ``groups`` (``pooled``) and
        ``cyclic_share`` (``Standings.cyclic_share``), as plain JSON values.

    Raises:
        ConfigError: no such player.
    """
    learner = league.state.learners.get(config.player)
    if learner is None:
        names = ", ".join(league.state.learners)
        raise ConfigError(f"{directory}: nobody called {config.player!r} learns there: {names}")
    game = make_game(league.config.game)
    rows: list[dict[str, Any]] = []
    results: dict[str, list[tuple[str, SeriesResult]]] = {}
    with ExitStack() as stack:
        agent = open_agent(_snapshot(directory / learner.live_path, config.temperature), game, config.seed, None, stack)
        for number, opponent in enumerate(opponents_of(league, directory, config)):
            with ExitStack() as one:
                result = measured_series(
                    game,
                    agent,
                    open_agent(opponent.spec, game, config.seed, None, one),
                    run,
                    log_name=f"matches-{number:04}.jsonl",
                    games=config.games,
                    seed=config.seed,
                    openings=config.openings,
                    max_plies=league.config.play.max_plies or None,
                    concurrency=config.concurrency,
                )
            rows.append({**series_values(result), "group": opponent.group, "against": opponent.name})
            results.setdefault(opponent.group, []).append((opponent.name, result))
    return {
        "player": config.player,
        "turn": league.state.turn,
        "series": rows,
        "groups": {group: pooled(found) for group, found in results.items()},
        "cyclic_share": league_standings(league.roster, league.payoff).cyclic_share,
    }


def pooled(results: Sequence[tuple[str, SeriesResult]]) -> dict[str, Any]:
    """Mean score over several opponents met equally often, with a 95 % interval whose unit is the opening: the games
    from one opening against all of them are one draw. And the opponent of the lowest score, with its own interval."""
    by_opening = [
        [score for scores in same for score in scores]
        for same in zip(*(result.groups for _, result in results), strict=False)
    ]
    interval = pair_interval(by_opening)
    name, worst = min(results, key=lambda each: each[1].score)
    return {
        "opponents": len(results),
        "games": sum(result.games for _, result in results),
        "score": math.fsum(result.score for _, result in results) / len(results),
        "interval": [interval.low, interval.high],
        "lowest": {
            "against": name,
            "score": worst.score,
            "interval": [worst.pair_interval.low, worst.pair_interval.high],
        },
    }


def _snapshot(path: Path, temperature: float) -> str:
    return f"snapshot:{path},temperature={temperature:g}"
