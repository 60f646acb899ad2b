"""Lets agents play and writes their games down as records, which ``ingest`` reads like people's."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.arena.opening_suites import OpeningsConfig
from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.positions.to_record import to_numbered_record
from gameil.records.formats import write_records
from gameil.rollout.matches import Pairing, play_matches
from gameil.stages.evaluate import (
    check_counts,
    check_out,
    measured_series,
    open_agent,
    warn_of_incomplete,
    write_games,
)
from gameil.tracking.run import Run


@dataclass(frozen=True)
class RecordConfig:
    """Games between agents, written to one file."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str
    """Spec of the agent, which sits in every seat once an opening."""
    out: Path
    """File for the games: .pgn (chess), .sgf (Go), .jsonl or .npz (any game; .npz alone for games that actions cannot
    replay, with what was seen before each)."""
    against: str = ""
    """Spec of the opponent; empty: the agent plays against itself."""
    games: int = 100
    """Number of games."""
    seed: int = 0
    """Root of all random draws: openings, chance, agents."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start, so that they differ: the games of one opening share it; its plies are part of the record (tag
    OPENING)."""
    max_plies: int | None = None
    """Longer games are stopped and written without a result; None: only the rules end a game."""
    concurrency: int = 64
    """Games played at once."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        check_counts(self.games, self.max_plies, self.concurrency)
        check_out(self.out)
        if not make_game(self.game).capabilities.replayable and self.out.suffix != ".npz":
            raise ConfigError(f"out {str(self.out)!r}: games of {self.game} cannot be replayed; write them to .npz")


def record(config: RecordConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Plays the games and writes ``out`` whole when all are played; returns its path and the counts.

    Finished games are kept in the run directory's ``matches.jsonl``, line by line: a killed run loses at most the games
    that were being played, and the file does not depend on interruptions.
    """
    game = make_game(config.game)
    warn_of_incomplete(game, config.games, run)
    with ExitStack() as stack:
        agent = open_agent(config.agent, game, config.seed, config.engines, stack)
        against = agent
        if config.against:
            against = open_agent(config.against, game, config.seed, config.engines, stack)
        if not game.capabilities.replayable:
            return _record_seen(config, game, agent, against, run)
        result = measured_series(
            game,
            agent,
            against,
            run,
            log_name="matches.jsonl",
            games=config.games,
            seed=config.seed,
            openings=config.openings,
            max_plies=config.max_plies,
            concurrency=config.concurrency,
        )
    write_games(result, config.out)
    plies = sum(len(played.actions) for played in result.played)
    run.say(f"{result.games} games of {plies / result.games:.1f} plies on average written to {config.out}")
    return {
        "out": str(config.out),
        "format": config.out.suffix[1:],
        "game": game.id,
        "games": result.games,
        "plies": plies,
        "truncated": result.truncated,
        "agent": agent.name,
        "against": against.name,
        "wins": result.wins,
        "draws": result.draws,
        "losses": result.losses,
        "games_per_second": result.games / max(1e-9, result.seconds),
    }


def _record_seen(config: RecordConfig, game: Game, agent: Agent, against: Agent, run: Run) -> dict[str, Any]:
    """Games that actions cannot replay, with what was seen: begun without openings, and anew after a kill."""
    seats = range(game.num_players)
    pairings = (
        Pairing(match, tuple(agent if seat == match % len(seats) else against for seat in seats))
        for match in range(config.games)
    )
    with run.progress("recording", config.games, "games") as bar:
        results = []
        for result in play_matches(
            game, pairings, seed=config.seed, concurrency=config.concurrency, max_plies=config.max_plies
        ):
            results.append(result)
            bar.advance()
    results.sort(key=lambda result: result.pairing.match)
    config.out.parent.mkdir(parents=True, exist_ok=True)
    write_records(config.out, (to_numbered_record(result.played) for result in results))
    plies = sum(len(result.played.actions) for result in results)
    run.say(f"{len(results)} games of {plies / len(results):.1f} plies on average written to {config.out}")
    return {
        "out": str(config.out),
        "format": "npz",
        "game": game.id,
        "games": len(results),
        "plies": plies,
        "agent": agent.name,
        "against": against.name,
        "mean_return": sum(sum(result.returns) / len(seats) for result in results) / len(results),
    }
