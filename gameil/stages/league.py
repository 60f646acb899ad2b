"""The league as a stage: opens the workers, lets the turns run until the budget is spent, and says how it stands."""

import functools
import os
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from gameil.agents.spec import build_agent
from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.league.config import LeagueConfig
from gameil.league.coordinator import League
from gameil.league.learning import NetworkLearner, PlayerLearner, save_start
from gameil.league.match_jobs import start_league_worker
from gameil.league.population import START
from gameil.league.standings import Standings, league_standings
from gameil.rollout.workers import JobFunction, LocalWorkers, Workers
from gameil.stages.interrupts import DeferredInterrupt
from gameil.tracking.run import Run, write_json

STANDINGS = "standings.json"
MOST_RATED = 200
"""Players beyond which standings are made at the end of a run only: ratings take the cube of their number."""


@dataclass(frozen=True)
class LeagueBudget:
    """How long to go on, and on what; no part of what a league is, so that it may be another at each resume."""

    __pydantic_config__ = {"extra": "forbid"}

    turns: int | None = None
    """Turns of the league in all, those before a resume included."""
    minutes: float | None = None
    """Minutes at work in all, those before a resume included."""
    workers: int = 0
    """Processes (or Ray actors) that play; 0: one each processor, less one for the learner."""
    ray: str = ""
    """``auto``: a Ray cluster begun here or found; ``HOST:PORT``: that one; empty: processes of this machine."""

    def __post_init__(self) -> None:
        for name in ("turns", "minutes"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be above 0, got {value}")
        if self.workers < 0:
            raise ConfigError(f"workers must be at least 0, got {self.workers}")


def run_league(config: LeagueConfig, budget: LeagueBudget, run: Run) -> dict[str, Any]:
    """Runs a league, or goes on with it, until the budget is spent; for ever without one.

    Returns:
        ``turns``, ``games``, ``frames``, ``seconds``, ``players``, and ``standings`` (``Standings.values``).

    Raises:
        GameilError: one line each: bad configuration, damaged state, an engine that cannot start, no worker alive.
        KeyboardInterrupt: Ctrl-C; the turn that was under way will be played again.
    """
    game = make_game(config.game)
    for opponent in config.opponents:  # a typing error should not wait for the first game against it
        build_agent(opponent.agent, game, seed=config.seed).close()

    def build(name: str) -> PlayerLearner:
        return NetworkLearner(name, config, run.directory / START, run.directory / "learners" / name)

    start = functools.partial(start_league_worker, config.cached_networks)
    with closing(open_workers(start, budget)) as workers:
        league = League(config, run.directory, workers, build, lambda path: save_start(config, game, path), run=run)
        with DeferredInterrupt() as interrupt:
            with run.progress("league", budget.turns, "turns") as bar:
                bar.start_at(league.state.turn)
                while not _over(league, budget):
                    players = len(league.roster)
                    turn = league.state.turn
                    run.log(turn, league.run_turn())
                    bar.advance()
                    bar.update(players=len(league.roster), games=league.state.games)
                    if players != len(league.roster) <= MOST_RATED:
                        _write_standings(league)
                    if interrupt.requested:
                        raise KeyboardInterrupt
            standings = _write_standings(league)
    state = league.state
    return {
        "game": game.id,
        "turns": state.turn,
        "games": state.games,
        "frames": state.frames,
        "seconds": state.seconds,
        "players": len(league.roster),
        "standings": standings.values(),
    }


def open_workers(start: Callable[[], JobFunction], budget: LeagueBudget) -> Workers:
    """The workers that a budget asks for."""
    if budget.ray:
        from gameil.rollout.ray_workers import RayWorkers

        return RayWorkers(start, budget.workers, address=budget.ray)
    return LocalWorkers(start, budget.workers or max(1, (os.cpu_count() or 1) - 1))


def _over(league: League, budget: LeagueBudget) -> bool:
    if budget.turns is not None and league.state.turn >= budget.turns:
        return True
    return budget.minutes is not None and league.seconds >= 60.0 * budget.minutes


def _write_standings(league: League) -> Standings:
    standings = league_standings(league.roster, league.payoff)
    write_json(league.directory / STANDINGS, standings.values())
    return standings
