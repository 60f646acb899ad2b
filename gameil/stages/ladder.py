"""Finds an agent's place on a ladder of levels: built-in ones, beginner to elite, or any agents by their specs."""

import hashlib
import math
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.arena.ladder import (
    USUAL_LEVELS,
    checked_levels,
    is_beyond,
    is_spec,
    place_values,
    read_ratings,
    split_levels,
)
from gameil.arena.match_log import MatchLog
from gameil.arena.opening_suites import OpeningsConfig
from gameil.arena.openings import Opening
from gameil.arena.series import SeriesResult, play_series
from gameil.arena.tables import score_metrics, series_values
from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.positions.to_record import to_record
from gameil.ratings.placement import Placement, Trial, next_level, place
from gameil.records.formats import record_extension, write_records
from gameil.rollout.end_rules import EndConfig
from gameil.seeding import stream_seed
from gameil.stages.evaluate import check_counts, check_out, open_agent, openings_for, warn_of_incomplete, write_games
from gameil.tracking.progress import Progress
from gameil.tracking.run import Run


@dataclass(frozen=True)
class AdaptiveConfig:
    """When an adaptive ladder is done."""

    __pydantic_config__ = {"extra": "forbid"}

    interval: float = 120.0
    """Width of the 95 % interval on the distance to the nearest level, Elo points, at which the place is known."""
    least_games: int = 32
    """... after at least so many games."""
    most_games: int = 400
    """Games after which it ends in any case."""
    block: int = 8
    """Games between two choices of a level; made a multiple of the number of players."""
    beyond: float = 200.0
    """An agent that is surely so much stronger than the strongest level, or weaker than the weakest, has no place to be
    found: Elo points."""

    def __post_init__(self) -> None:
        if not (0.0 < self.interval < math.inf and 0.0 <= self.beyond < math.inf):
            raise ConfigError("adaptive.interval must be above 0 and adaptive.beyond at least 0")
        if not (self.block >= 1 and 1 <= self.least_games <= self.most_games):
            raise ConfigError("adaptive.block must be at least 1, and least_games from 1 to most_games")


@dataclass(frozen=True)
class LadderConfig:
    """Games against levels, each chosen as the one that tells most, or as many against each."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agent: str
    """Spec of the agent that is measured."""
    levels: tuple[str, ...] = USUAL_LEVELS
    """Levels, weakest first: beginner, easy, medium, hard, elite, engine levels where an engine is found, and specs of
    agents such as uci:stockfish,skill=3,nodes=1000."""
    games: int | None = None
    """Games against each level, a multiple of the number of players; None: adaptive, as few as the place takes."""
    adaptive: AdaptiveConfig = field(default_factory=AdaptiveConfig)
    """When the adaptive ladder is done."""
    ratings: Path | None = None
    """Run directory (or results.json) of a ladder or tournament: its ratings of these levels are held, so that agents
    are compared on one scale. None: the level nearest to the agent is 0, the others are rated by these games."""
    seed: int = 0
    """Root of all random draws; every level is played from its own openings."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start."""
    max_plies: int | None = None
    """Longer games are stopped and count as draws; None: only the rules end a game."""
    concurrency: int = 64
    """Games played at once."""
    ends: EndConfig = field(default_factory=lambda: EndConfig(record_failures=True))
    """Resignation, agreed draws, time limits, and what becomes of games that an agent fails in."""
    out: Path | None = None
    """File for the games: .pgn (chess), .sgf (Go) or .jsonl; they are also in the run directory's records/."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        check_counts(1 if self.games is None else self.games, self.max_plies, self.concurrency)
        if self.out is not None:
            check_out(self.out)

    @property
    def level_names(self) -> tuple[str, ...]:
        """``levels`` one by one: the command line takes both ``easy,medium`` and ``easy medium``."""
        return split_levels(self.levels)


def ladder(config: LadderConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Plays and returns the agent's place (``arena.ladder.place_values``) and ``table``: a row for every level that was
    met (``series_values``, ``level`` and its ``spec``).

    Finished games are kept, level by level: an interrupted ladder goes on where it stopped. The choice of levels
    depends on results only, so the same seed gives the same games, unless somebody thinks by the clock.
    """
    game = make_game(config.game)
    levels = checked_levels(game, config.level_names)
    rated = read_ratings(config.ratings, levels) if config.ratings is not None else {}
    held = {index: rated[level] for index, level in enumerate(levels) if level in rated}
    with ExitStack() as stack:
        agent = open_agent(config.agent, game, config.seed, config.engines, stack)
        rungs = [_Rung(config, game, level, spec, run, stack) for level, spec in levels.items()]
        climb = _play_all if config.games is not None else _play_adaptively
        total = len(rungs) * config.games if config.games is not None else config.adaptive.most_games
        with run.progress(f"{agent.name} on the ladder", total, "games") as bar:
            placement = climb(config, agent, rungs, held, bar)
    table: list[dict[str, Any]] = []
    for rung in rungs:
        if rung.result is not None:
            table.append({"level": rung.level, "spec": rung.spec, **series_values(rung.result)})
            write_games(rung.result, run.directory / "records" / f"{rung.file_name}{record_extension(game.name)}")
            run.log(len(table), score_metrics(f"arena/score_{rung.file_name}", rung.result))
    if config.out is not None:
        played = [played for rung in rungs if rung.result is not None for played in rung.result.played]
        config.out.parent.mkdir(parents=True, exist_ok=True)
        write_records(config.out, (to_record(each) for each in played))
        run.say(f"{len(played)} games written to {config.out}")
    if not held:
        held = {placement.nearest: 0.0}
        placement = _placed(rungs, held)
    beyond = is_beyond(placement, config.adaptive.beyond)
    return {
        "game": game.id,
        "agent": agent.name,
        "adaptive": config.games is None,
        "games": sum(rung.played for rung in rungs),
        **place_values(levels, held, [rung.counted for rung in rungs], placement, beyond),
        "table": table,
    }


class _Rung:
    """One level, and the series against it, which grows. Its agent is built when it is first met."""

    def __init__(self, config: LadderConfig, game: Game, level: str, spec: str, run: Run, stack: ExitStack) -> None:
        self.level = level
        self.spec = spec
        self.result: SeriesResult | None = None
        self._config = config
        self._game = game
        self._run = run
        self._stack = stack
        self._seed = stream_seed(config.seed, "level", level)
        self._opponent: Agent | None = None
        self._openings: list[Opening] = []

    @property
    def file_name(self) -> str:
        if not is_spec(self.level):
            return self.level
        # Specs that differ only in what no file name may hold must not share a file.
        plain = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in self.level)[:80]
        return f"{plain}-{hashlib.sha256(self.level.encode()).hexdigest()[:8]}"

    @property
    def counted(self) -> int:
        """Games that ended with a result."""
        return 0 if self.result is None else self.result.games

    @property
    def played(self) -> int:
        """Games, those that failed among them."""
        return 0 if self.result is None else len(self.result.played)

    def trials(self, number: int, agent: int) -> list[Trial]:
        groups = () if self.result is None else self.result.groups
        return [Trial(agent, number, math.fsum(scores) / len(scores), len(scores)) for scores in groups]

    def play(self, agent: Agent, games: int, bar: Progress) -> None:
        """Lets the series grow to so many games; those of an earlier run are taken from its log."""
        config, game = self._config, self._game
        if self._opponent is None:
            name = self.level if is_spec(self.level) else f"builtin:{self.level}"
            self._opponent = open_agent(name, game, config.seed, config.engines, self._stack)
            most = config.games if config.games is not None else config.adaptive.most_games + config.adaptive.block
            self._openings = openings_for(config.openings, game, most, self._seed, self._run)
        with MatchLog(self._run.directory / f"matches-{self.file_name}.jsonl") as log:
            self.result = play_series(
                game,
                agent,
                self._opponent,
                games=games,
                seed=self._seed,
                progress=lambda _: bar.advance(),
                openings=self._openings,
                concurrency=config.concurrency,
                max_plies=config.max_plies,
                log=log,
                ends=config.ends,
            )


def _play_all(
    config: LadderConfig, agent: Agent, rungs: list[_Rung], held: dict[int, float], bar: Progress
) -> Placement:
    assert config.games is not None
    warn_of_incomplete(rungs[0]._game, config.games, rungs[0]._run)
    for rung in rungs:
        rung.play(agent, config.games, bar)
    return _placed(rungs, held)


def _play_adaptively(
    config: LadderConfig, agent: Agent, rungs: list[_Rung], held: dict[int, float], bar: Progress
) -> Placement:
    """Block after block against the level that tells most of the agent's place, until it is known well enough."""
    wanted, players = config.adaptive, rungs[0]._game.num_players
    block = math.ceil(wanted.block / players) * players
    while True:
        placement = _placed(rungs, held)
        played = sum(rung.played for rung in rungs)
        known = placement.above(placement.nearest).interval
        nearest = rungs[placement.nearest].level
        bar.update(elo=f"against {nearest} {known.low:+.0f} to {known.high:+.0f}")
        if played >= wanted.most_games:
            return placement
        if played >= wanted.least_games and (
            known.high - known.low <= wanted.interval or is_beyond(placement, wanted.beyond)
        ):
            return placement
        rung = rungs[next_level(placement, block)]
        rung.play(agent, rung.played + block, bar)


def _placed(rungs: list[_Rung], held: dict[int, float]) -> Placement:
    trials = [trial for number, rung in enumerate(rungs) for trial in rung.trials(number, len(rungs))]
    return place(len(rungs), trials, held=held or {0: 0.0})
