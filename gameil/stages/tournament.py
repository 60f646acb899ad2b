"""Lets many agents play each other: gauntlet, round robin or Swiss, with paired openings."""

import math
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gameil.agents.agent import Agent
from gameil.arena.cross_table import standing_values
from gameil.arena.match_log import MatchLog
from gameil.arena.opening_suites import OpeningsConfig
from gameil.arena.openings import Opening
from gameil.arena.tournament import (
    Encounter,
    Kind,
    Tally,
    check_agents,
    planned_rounds,
    rankings,
    swiss_round,
)
from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.positions.to_record import to_record
from gameil.records.formats import record_extension, write_records
from gameil.rollout.end_rules import EndConfig
from gameil.rollout.matches import MatchResult, Pairing, play_matches
from gameil.stages.evaluate import check_counts, check_out, open_agent, openings_for
from gameil.tracking.progress import Progress
from gameil.tracking.run import Run

MATCHES = "matches.jsonl"
PREFIX = "tournament"


@dataclass(frozen=True)
class TournamentConfig:
    """Games between two or more agents of a game for two players."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four or go(board_size=9)."""
    agents: tuple[str, ...]
    """Specs of the agents; in a gauntlet the first plays all others."""
    kind: Kind = "round_robin"
    """``round_robin``: everybody against everybody; ``gauntlet``: the first against all others; ``swiss``: in every
    round neighbours by points who have not met."""
    games: int = 20
    """Games of an encounter; each opening is played twice with seats swapped, so choose an even number."""
    rounds: int = 5
    """Rounds of a Swiss tournament."""
    seed: int = 0
    """Root of all random draws: openings, chance, agents."""
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """Where games start; all encounters share these openings."""
    max_plies: int | None = None
    """Longer games are stopped and count as draws; None: only the rules end a game."""
    concurrency: int = 64
    """Games played at once."""
    ends: EndConfig = field(default_factory=lambda: EndConfig(record_failures=True))
    """Resignation, agreed draws, time limits, and what becomes of games that an agent fails in."""
    anchor: str | None = None
    """Agent (one of ``agents``) whose Elo is held at ``anchor_elo``; None: the mean Elo is 0."""
    anchor_elo: float = 0.0
    """Elo points of the anchor."""
    prior_games: float = 1.0
    """Games, half of them won by each, added to every pair that met, so that one-sided results give finite ratings."""
    out: Path | None = None
    """File for the games: .pgn (chess), .sgf (Go) or .jsonl; they are also in the run directory's records/."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        check_counts(self.games, self.max_plies, self.concurrency)
        check_agents(self.specs)
        if self.games % 2:
            raise ConfigError(f"games must be even, as every opening is played from both seats, got {self.games}")
        if self.rounds < 1:
            raise ConfigError(f"rounds must be at least 1, got {self.rounds}")
        if self.anchor is not None and self.anchor not in self.specs:
            raise ConfigError(f"anchor {self.anchor!r} is not one of the agents")
        if not (math.isfinite(self.anchor_elo) and 0.0 <= self.prior_games < math.inf):
            raise ConfigError("anchor_elo must be finite and prior_games at least 0")
        if self.out is not None:
            check_out(self.out)

    @property
    def specs(self) -> tuple[str, ...]:
        """The agents' specs as they were given."""
        return self.agents

    @property
    def planned_games(self) -> int:
        """Games of the whole tournament."""
        number = len(self.specs)
        encounters = {
            "round_robin": number * (number - 1) // 2,
            "gauntlet": number - 1,
            "swiss": self.rounds * (number // 2),
        }
        return encounters[self.kind] * self.games


def tournament(config: TournamentConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Plays all rounds; returns ``table`` (``cross_table.standing_values``), the rounds and the failures.

    Finished games are kept in ``matches.jsonl``: an interrupted tournament goes on where it stopped. The same seed
    gives the same games, unless engines think by the clock.
    """
    game = make_game(config.game)
    if game.num_players != 2:
        raise ConfigError(f"a tournament is for games of two players, and {game.id} has {game.num_players}")
    number = len(config.specs)
    tally, met, byes = Tally(number), set[frozenset[int]](), [0] * number
    results: list[MatchResult] = []
    rounds: list[list[Encounter]] = []
    with ExitStack() as stack:
        agents = [open_agent(spec, game, config.seed, config.engines, stack) for spec in config.specs]
        log = stack.enter_context(MatchLog(run.directory / MATCHES))
        bar = stack.enter_context(run.progress(f"{config.kind} of {number}", config.planned_games, "games"))
        bar.start_at(min(len(log), config.planned_games))
        openings = openings_for(config.openings, game, config.games, config.seed, run)
        planned = planned_rounds(config.kind, number)
        for turn in range(config.rounds if planned is None else len(planned)):
            encounters = planned[turn] if planned is not None else None
            if encounters is None:
                encounters = swiss_round(tally.points.tolist(), met, byes, turn * (number // 2))
            for result in _play_round(config, game, agents, encounters, openings, log, bar):
                tally.add(_seats(config, encounters, result), result)
                results.append(result)
            met |= {frozenset((each.first, each.second)) for each in encounters}
            playing = {agent for each in encounters for agent in (each.first, each.second)}
            byes = [count + (agent not in playing) for agent, count in enumerate(byes)]
            rounds.append(encounters)
    results.sort(key=lambda result: result.pairing.match)
    records = [to_record(result.played) for result in results]
    for path in (run.directory / "records" / f"games{record_extension(game.name)}", config.out):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_records(path, records)
    anchor = config.specs.index(config.anchor) if config.anchor is not None else None
    ranked = rankings(tally, anchor=anchor, anchor_elo=config.anchor_elo, prior_games=config.prior_games)
    return {
        "game": game.id,
        "kind": config.kind,
        "games": len(results),
        "truncated": tally.truncated,
        "anchor": config.anchor if anchor in ranked.rated else None,
        "anchor_elo": config.anchor_elo,
        "openings": len(openings),
        "table": standing_values(config.specs, tally, ranked),
        "rounds": [[[config.specs[each.first], config.specs[each.second]] for each in turn] for turn in rounds],
        "endings": {
            ending: count
            for ending in ("rules", "resignation", "agreed", "limit", "failure")
            if (count := sum(result.ending == ending for result in results))
        },
        "failures": [
            {
                "match": result.pairing.match,
                "agent": result.pairing.seats[result.failure.seat].name,
                "kind": result.failure.kind,
                "reason": result.failure.reason,
            }
            for result in results
            if result.failure is not None
        ],
    }


def _play_round(
    config: TournamentConfig,
    game: Game,
    agents: Sequence[Agent],
    encounters: Sequence[Encounter],
    openings: Sequence[Opening],
    log: MatchLog,
    bar: Progress,
) -> list[MatchResult]:
    """All games of a round by match number, those of an earlier run from the log."""
    pairings = []
    for each in encounters:
        for place in range(config.games):
            pair = (agents[each.first], agents[each.second])
            seats = pair if place % 2 == 0 else pair[::-1]
            group = place // 2
            match = each.number * config.games + place
            pairings.append(Pairing(match, seats, openings[group % len(openings)].actions, chance=group))
    results = [
        log.result(game, pairing, seed=config.seed, match_prefix=PREFIX) for pairing in pairings if pairing.match in log
    ]

    def on_result(result: MatchResult) -> None:
        log.add(result)
        bar.advance()

    results += play_matches(
        game,
        [pairing for pairing in pairings if pairing.match not in log],
        seed=config.seed,
        concurrency=config.concurrency,
        max_plies=config.max_plies,
        match_prefix=PREFIX,
        on_result=on_result,
        ends=config.ends,
    )
    return sorted(results, key=lambda result: result.pairing.match)


def _seats(config: TournamentConfig, encounters: Sequence[Encounter], result: MatchResult) -> tuple[int, int]:
    number, place = divmod(result.pairing.match, config.games)
    each = next(each for each in encounters if each.number == number)
    return (each.first, each.second) if place % 2 == 0 else (each.second, each.first)
