"""Measures an agent against the built-in levels, beginner to hard."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.arena.ladder import USUAL_LEVELS, checked_levels
from gameil.arena.opening_suites import OpeningsConfig
from gameil.arena.tables import series_values
from gameil.config import COMMAND_LINE_ONLY
from gameil.games.registry import make_game
from gameil.records.formats import record_extension
from gameil.seeding import stream_seed
from gameil.stages.evaluate import check_counts, measured_series, open_agent, warn_of_incomplete, write_games
from gameil.tracking.run import Run


@dataclass(frozen=True)
class LadderConfig:
    """A series of games against each of several built-in levels."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str
    """Spec of the agent that is measured."""
    levels: tuple[str, ...] = USUAL_LEVELS
    """Levels, weakest first: beginner, easy, medium, hard, elite, and engine levels where an engine is found."""
    games: int = 100
    """Games against each level; choose a multiple of the number of players."""
    seed: int = 0
    """Root of all random draws; every level is played from its own openings."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start."""
    max_plies: int | None = None
    """Longer games are stopped and count as draws; None: only the rules end a game."""
    concurrency: int = 64
    """Games played at once."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        check_counts(self.games, self.max_plies, self.concurrency)

    @property
    def level_names(self) -> tuple[str, ...]:
        """``levels`` one by one: the command line takes both ``easy,medium`` and ``easy medium``."""
        return tuple(name for level in self.levels for name in level.split(",") if name)


def ladder(config: LadderConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Plays every level and returns ``table``: one row a level (``series_values``, ``level`` and its ``spec``).

    Finished games are kept, level by level: an interrupted ladder goes on where it stopped.
    """
    game = make_game(config.game)
    levels = checked_levels(game, config.level_names)
    warn_of_incomplete(game, config.games, run)
    table: list[dict[str, Any]] = []
    with ExitStack() as stack:
        agent = open_agent(config.agent, game, config.seed, config.engines, stack)
        for level, spec in levels.items():
            opponent = open_agent(f"builtin:{level}", game, config.seed, None, stack)
            result = measured_series(
                game,
                agent,
                opponent,
                run,
                log_name=f"matches-{level}.jsonl",
                games=config.games,
                seed=stream_seed(config.seed, "level", level),
                openings=config.openings,
                max_plies=config.max_plies,
                concurrency=config.concurrency,
            )
            write_games(result, run.directory / "records" / f"{level}{record_extension(game.name)}")
            table.append({"level": level, "spec": spec, **series_values(result)})
            run.log(len(table), {f"arena/score_{level}": result.score})
    return {"game": game.id, "agent": agent.name, "games_per_level": config.games, "table": table}
