"""Lets agents play and writes their games down as records, which ``ingest`` reads like people's."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.arena.opening_suites import OpeningsConfig
from gameil.config import COMMAND_LINE_ONLY
from gameil.games.registry import make_game
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
    """File for the games: .pgn (chess), .sgf (Go) or .jsonl (any game)."""
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
