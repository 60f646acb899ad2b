"""A series: one agent against another over groups of games that share an opening and rotate the seats."""

import math
import statistics
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace

from gameil.agents.agent import Agent
from gameil.arena.match_log import MatchLog
from gameil.arena.openings import Opening, default_plies, random_openings
from gameil.arena.sequential import OrderedTest
from gameil.errors import AgentError, ConfigError
from gameil.games.game import Game
from gameil.positions.played_game import PlayedGame
from gameil.ratings.intervals import (
    Interval,
    elo_difference,
    mean_interval,
    pair_interval,
    score_interval,
)
from gameil.ratings.sprt import SprtConfig, SprtResult
from gameil.rollout.end_rules import BY_RULES, EndConfig, Ending, FailureKind
from gameil.rollout.matches import MatchResult, Pairing, play_matches

_SAME = 1e-9
"""Returns closer than this are equal."""


@dataclass(frozen=True, slots=True)
class SeriesFailure:
    """A game that has no result because one side could not go on."""

    match: int
    agent: str
    """Name of who failed."""
    kind: FailureKind
    reason: str


@dataclass(frozen=True, slots=True)
class SeriesResult:
    """What one agent reached against another. Score: 1 a win, ½ a draw, 0 a loss, on average."""

    agent: str
    opponent: str
    game_id: str
    wins: int
    draws: int
    """Truncated games are among them."""
    losses: int
    truncated: int
    """Games cut at the limit on plies, counted as draws."""
    score: float
    """Mean over games; with more than two players, mean of the comparisons with each other seat."""
    interval: Interval
    """95 %, games taken as independent."""
    pair_interval: Interval
    """95 %, with the games of one opening as the unit."""
    elo: float
    """Elo difference of agent minus opponent; finite also for one-sided results (``ratings.intervals``)."""
    elo_interval: Interval
    elo_pair_interval: Interval
    mean_return: float
    """Mean of the agent's returns in the game's own unit (chips, points)."""
    mean_return_error: float
    """Its standard error, games taken as independent; infinite for a single one."""
    seconds: float
    """Wall-clock time of the series; of games from an earlier run, the time in their agents."""
    agent_seconds_per_move: float
    opponent_seconds_per_move: float
    played: tuple[PlayedGame, ...]
    """By match number, those that failed among them."""
    endings: dict[Ending, int]
    """Games by how they ended."""
    groups: tuple[tuple[float, ...], ...] = ()
    """Unit scores of the games of each opening, in order; openings whose games all failed are left out."""
    failures: tuple[SeriesFailure, ...] = ()
    """Games that failed, by match number: they are in no count and in no score above."""
    sprt: SprtResult | None = None
    """The sequential test, where there was one. The score of a series that a test has stopped leans to the side that it
    decided for: for a rating, play another of fixed length."""

    @property
    def games(self) -> int:
        """Games that ended with a result."""
        return self.wins + self.draws + self.losses


def play_series(
    game: Game,
    agent: Agent,
    opponent: Agent,
    *,
    games: int,
    seed: int,
    progress: Callable[[MatchResult], None] | None = None,
    openings: Sequence[Opening] | None = None,
    concurrency: int = 64,
    max_plies: int | None = None,
    log: MatchLog | None = None,
    sprt: SprtConfig | None = None,
    ends: EndConfig = BY_RULES,
) -> SeriesResult:
    """Plays ``games`` games between two agents and counts them.

    With ``P`` players each opening is played ``P`` times: the agent sits once in every seat, the opponent in all
    others. A number of games that ``P`` does not divide leaves the last group incomplete.

    Args:
        openings: played one after the other, and again from the first where there are too few; None: random ones.
        progress: told of each game as it ends.
        max_plies: longer games are cut and count as draws.
        log: where finished games are kept; those it has already are not played again.
        sprt: stops the series where it decides, after at most ``games``; games that were played beside the deciding
            one and have a higher number are left out.
        ends: how games end besides by the rules, and whether failures are recorded.

    Raises:
        AgentError: an agent failed and failures are not recorded, or every single game failed.
    """
    if games < 1:
        raise ConfigError(f"a series needs at least 1 game, got {games}")
    began = time.perf_counter()
    earlier = 0.0
    prefix = f"series/{agent.name}/{opponent.name}"
    pairings = list(series_pairings(game, agent, opponent, games=games, seed=seed, openings=openings))
    results: list[MatchResult] = []
    test = OrderedTest(sprt, game.num_players) if sprt is not None else None

    def decides(result: MatchResult) -> bool:
        match = result.pairing.match
        score = None if result.failure is not None else seat_score(result.returns, match % game.num_players)
        return test is not None and test.hear(match, score)

    if log is not None:
        done = [pairing for pairing in pairings if pairing.match in log]
        results = [log.result(game, pairing, seed=seed, match_prefix=prefix) for pairing in done]
        pairings = [pairing for pairing in pairings if pairing.match not in log]
        earlier = math.fsum(spent for result in results for spent in result.seconds.values())

    def on_result(result: MatchResult) -> None:
        if log is not None:
            log.add(result)
        if progress is not None:
            progress(result)

    played = play_matches(
        game,
        pairings,
        seed=seed,
        concurrency=concurrency,
        max_plies=max_plies,
        match_prefix=prefix,
        on_result=on_result,
        ends=ends,
    )
    if not any([decides(result) for result in results]):
        with closing(played):
            for result in played:
                results.append(result)
                if decides(result):
                    break
    results.sort(key=lambda result: result.pairing.match)
    if test is not None and test.result.decision != "undecided":
        results = results[: test.games]
    spent = earlier + time.perf_counter() - began
    summary = summarise(game, agent.name, opponent.name, results, seconds=spent)
    return summary if test is None else replace(summary, sprt=test.result)


def series_pairings(
    game: Game,
    agent: Agent,
    opponent: Agent,
    *,
    games: int,
    seed: int,
    openings: Sequence[Opening] | None = None,
) -> Iterator[Pairing]:
    """The games of a series in order; game ``i`` is the same in a longer series."""
    players = game.num_players
    if openings is None:
        openings = random_openings(game, math.ceil(games / players), plies=default_plies(game), seed=seed)
    for match in range(games):
        group, place = divmod(match, players)
        seats = tuple(agent if seat == place else opponent for seat in range(players))
        yield Pairing(match, seats, openings[group % len(openings)].actions, chance=group)


def summarise(game: Game, agent: str, opponent: str, results: list[MatchResult], *, seconds: float) -> SeriesResult:
    """Counts the games of one series, ordered by match number, in which the agent's seat is ``match % P``.

    Raises ``AgentError`` where every game failed: there is nothing to count.
    """
    players = game.num_players
    failures = tuple(
        SeriesFailure(
            result.pairing.match,
            result.pairing.seats[result.failure.seat].name,
            result.failure.kind,
            result.failure.reason,
        )
        for result in results
        if result.failure is not None
    )
    if failures and len(failures) == len(results):
        first = failures[0]
        raise AgentError(
            f"none of {len(results)} games of {agent!r} against {opponent!r} ended with a result; "
            f"in the first {first.agent!r} failed ({first.kind}): {first.reason}"
        )
    every, results = results, [result for result in results if result.failure is None]
    scores: list[float] = []
    outcomes: list[int] = []
    returns: list[float] = []
    groups: dict[int, list[float]] = {}
    time_of = {agent: 0.0, opponent: 0.0}
    moves_of = {agent: 0, opponent: 0}
    for result in results:
        group, seat = divmod(result.pairing.match, players)
        score = seat_score(result.returns, seat)
        scores.append(score)
        groups.setdefault(group, []).append(score)
        mine = result.returns[seat]
        returns.append(mine)
        difference = mine - math.fsum(result.returns) / players
        outcomes.append(0 if abs(difference) < _SAME else 1 if difference > 0 else -1)
        for name, spent in result.seconds.items():
            time_of[name] = time_of.get(name, 0.0) + spent
            moves_of[name] = moves_of.get(name, 0) + result.moves[name]
    wins, draws, losses = (outcomes.count(outcome) for outcome in (1, 0, -1))
    score = math.fsum(scores) / len(scores)
    interval = score_interval(wins, draws, losses) if players == 2 else mean_interval(scores)
    by_pairs = pair_interval(groups.values())
    elo, elo_by_pairs = (elo_difference(score, each, len(scores)) for each in (interval, by_pairs))
    return SeriesResult(
        agent=agent,
        opponent=opponent,
        game_id=game.id,
        wins=wins,
        draws=draws,
        losses=losses,
        truncated=sum(result.truncated for result in results),
        score=score,
        interval=interval,
        pair_interval=by_pairs,
        elo=elo.difference,
        elo_interval=elo.interval,
        elo_pair_interval=elo_by_pairs.interval,
        mean_return=math.fsum(returns) / len(returns),
        mean_return_error=statistics.stdev(returns) / math.sqrt(len(returns)) if len(returns) > 1 else math.inf,
        seconds=seconds,
        agent_seconds_per_move=time_of[agent] / max(1, moves_of[agent]),
        opponent_seconds_per_move=time_of[opponent] / max(1, moves_of[opponent]),
        played=tuple(result.played for result in every),
        endings=dict(Counter(result.ending for result in every)),
        groups=tuple(tuple(each) for each in groups.values()),
        failures=failures,
    )


def seat_score(returns: tuple[float, ...], seat: int) -> float:
    """Share of the other seats whose return is below ``seat``'s, equal ones counting half: equal agents average ½."""
    others = [value for player, value in enumerate(returns) if player != seat]
    if not others:
        return 0.5
    mine = returns[seat]
    return math.fsum(0.5 if abs(mine - value) < _SAME else float(mine > value) for value in others) / len(others)
