"""Measures one agent against another over paired games."""

import math
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.agents.engine_process import known_to_user
from gameil.agents.spec import build_agent
from gameil.arena.match_log import MatchLog
from gameil.arena.opening_suites import OpeningsConfig, opening_suite
from gameil.arena.openings import Opening
from gameil.arena.series import SeriesResult, play_series
from gameil.arena.tables import series_values
from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.positions.to_record import to_numbered_record, to_record
from gameil.ratings.sprt import SprtConfig
from gameil.records.formats import record_extension, write_records
from gameil.rollout.end_rules import BY_RULES, EndConfig
from gameil.rollout.matches import MatchResult
from gameil.tracking.run import Run

RECORD_SUFFIXES = (".pgn", ".sgf", ".jsonl", ".npz")


@dataclass(frozen=True)
class EvaluateConfig:
    """A series of games between two agents; with more than two players the second agent takes all other seats."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str
    """Spec of the agent that is measured: random, mcts:1000, snapshot:PATH, builtin:hard, uci:stockfish,skill=3 ..."""
    against: str
    """Spec of its opponent."""
    games: int = 100
    """Number of games, with a sequential test the most; each opening is played once from every seat, so choose a
    multiple of the number of players."""
    seed: int = 0
    """Root of all random draws: openings, chance, agents."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start."""
    max_plies: int | None = None
    """Longer games are stopped and count as draws; None: only the rules end a game."""
    concurrency: int = 64
    """Games played at once."""
    ends: EndConfig = field(default_factory=lambda: EndConfig(record_failures=True))
    """Resignation, agreed draws, time limits, and what becomes of games that an agent fails in."""
    sprt: SprtConfig = field(default_factory=SprtConfig)
    """Sequential test that ends the series once it has decided: give ``elo0`` and ``elo1``."""
    out: Path | None = None
    """File for the games: .pgn (chess), .sgf (Go) or .jsonl; they are also in the run directory's records/."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        check_counts(self.games, self.max_plies, self.concurrency)
        if self.out is not None:
            check_out(self.out)


def evaluate(config: EvaluateConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Plays the series and returns its counts, score and Elo difference with intervals (``series_values``).

    Finished games are kept in ``matches.jsonl``: an interrupted series goes on where it stopped.
    """
    game = make_game(config.game)
    warn_of_incomplete(game, config.games, run)
    with ExitStack() as stack:
        agent = open_agent(config.agent, game, config.seed, config.engines, stack)
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
            sprt=config.sprt if config.sprt.is_on else None,
            ends=config.ends,
        )
    write_games(result, run.directory / "records" / f"games{record_extension(game.name)}")
    if config.out is not None:
        write_games(result, config.out)
        run.say(f"{result.games} games written to {config.out}")
    if game.capabilities.common_payoff or game.num_players == 1:
        error = 1.96 * result.mean_return_error
        run.say(f"mean return of {agent.name} beside {against.name}: {result.mean_return:.2f} ± {error:.2f} (95 %)")
    return series_values(result)


def measured_series(
    game: Game,
    agent: Agent,
    against: Agent,
    run: Run,
    *,
    log_name: str,
    games: int,
    seed: int,
    openings: OpeningsConfig,
    max_plies: int | None,
    concurrency: int,
    sprt: SprtConfig | None = None,
    ends: EndConfig = BY_RULES,
) -> SeriesResult:
    """Plays a series under a progress bar, keeping finished games in the run directory's ``log_name``."""
    title = f"{agent.name} against {against.name}"
    suite = openings_for(openings, game, games, seed, run)
    with MatchLog(run.directory / log_name) as log, run.progress(title, games, "games") as bar:
        bar.start_at(min(len(log), games))

        def progress(result: MatchResult) -> None:
            bar.advance()

        return play_series(
            game,
            agent,
            against,
            games=games,
            seed=seed,
            progress=progress,
            openings=suite,
            concurrency=concurrency,
            max_plies=max_plies,
            log=log,
            sprt=sprt,
            ends=ends,
        )


def openings_for(config: OpeningsConfig, game: Game, games: int, seed: int, run: Run) -> list[Opening]:
    """The openings of so many games of a series; says where there are too few, so that they are played again."""
    wanted = math.ceil(games / game.num_players)
    suite = opening_suite(config, game, wanted, seed=seed)
    if len(suite) < wanted:
        run.say(f"warning: {len(suite)} openings for {wanted} groups of games: they are played again")
    return suite


def open_agent(spec: str, game: Game, seed: int, engines: Path | None, stack: ExitStack) -> Agent:
    """Builds an agent and closes it with ``stack``."""
    return stack.enter_context(closing(build_agent(spec, game, seed=seed, engines=known_to_user(engines))))


def write_games(result: SeriesResult, path: Path) -> None:
    """Writes all games of a series, by match number; the file appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write = to_numbered_record if path.suffix == ".npz" else to_record
    write_records(path, (write(played) for played in result.played))


def warn_of_incomplete(game: Game, games: int, run: Run) -> None:
    """Says when the last opening will not be played from every seat."""
    if games % game.num_players:
        run.say(
            f"warning: {games} games are no multiple of {game.num_players}: "
            "the last opening is not played from every seat"
        )


def check_counts(games: int, max_plies: int | None, concurrency: int) -> None:
    """Raises ``ConfigError`` for a number that makes no series."""
    if games < 1:
        raise ConfigError(f"games must be at least 1, got {games}")
    if max_plies is not None and max_plies < 1:
        raise ConfigError(f"max_plies must be at least 1, got {max_plies}")
    if concurrency < 1:
        raise ConfigError(f"concurrency must be at least 1, got {concurrency}")


def check_out(out: Path) -> None:
    """Raises ``ConfigError`` for a file whose format its name does not tell."""
    if out.suffix not in RECORD_SUFFIXES:
        raise ConfigError(f"out {str(out)!r}: must end in one of {', '.join(RECORD_SUFFIXES)}")
