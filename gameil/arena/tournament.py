"""Tournaments: who plays whom, round after round, and what came out.

Letters: ``N`` agents. An encounter is a block of paired games between two agents; all encounters of a round are played
at once.
"""

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.ratings.alpha_rank import alpha_rank
from gameil.ratings.bradley_terry import Ratings, bradley_terry
from gameil.ratings.nash_averaging import NashAverage, nash_average
from gameil.rollout.matches import MatchResult

Kind = Literal["round_robin", "gauntlet", "swiss"]


@dataclass(frozen=True, slots=True)
class Encounter:
    """Two agents that meet."""

    number: int
    """From 0, in the order of play: which openings are theirs and what their matches are called."""
    first: int
    second: int


def planned_rounds(kind: Kind, agents: int) -> list[list[Encounter]] | None:
    """All rounds, where they do not depend on results: one round of a round robin or gauntlet; None for Swiss."""
    if kind == "swiss":
        return None
    pairs = [(first, second) for first in range(agents) for second in range(first + 1, agents)]
    if kind == "gauntlet":
        pairs = [(0, second) for second in range(1, agents)]
    return [[Encounter(number, *pair) for number, pair in enumerate(pairs)]]


def swiss_round(points: Sequence[float], met: set[frozenset[int]], byes: Sequence[int], number: int) -> list[Encounter]:
    """The next round of a Swiss tournament: neighbours by points who have not met, as far as that is possible.

    Agents are ordered by points, then by their place in the list. With an odd number, the lowest of those who sat out
    least often sits out. A pairing without any repetition is searched for from the top; where there is none, the least
    number of repetitions that this search finds is allowed.

    Args:
        points: ``[N]`` so far.
        met: pairs of agents that have met.
        byes: ``[N]``: how often each has sat out.
        number: of the round's first encounter.
    """
    order = sorted(range(len(points)), key=lambda agent: (-points[agent], agent))
    if len(order) % 2:
        least = min(byes)
        order.remove(next(agent for agent in reversed(order) if byes[agent] == least))
    for allowed in range(len(order) // 2 + 1):
        pairs = _paired(order, met, allowed)
        if pairs is not None:
            return [Encounter(number + place, *pair) for place, pair in enumerate(pairs)]
    raise AssertionError("a pairing with repetitions always exists")


def _paired(order: list[int], met: set[frozenset[int]], repetitions: int) -> list[tuple[int, int]] | None:
    if not order:
        return []
    first, rest = order[0], order[1:]
    for place, second in enumerate(rest):
        again = frozenset((first, second)) in met
        if again and not repetitions:
            continue
        others = _paired(rest[:place] + rest[place + 1 :], met, repetitions - again)
        if others is not None:
            return [(first, second), *others]
    return None


@dataclass(slots=True)
class Tally:
    """What happened so far, as tables of row against column."""

    agents: int
    wins: NDArray[np.int64] = field(init=False)
    """``[N, N]``."""
    draws: NDArray[np.int64] = field(init=False)
    """``[N, N]``, symmetric."""
    failures: dict[str, NDArray[np.int64]] = field(init=False)
    """By kind: games that each agent failed in ``[N]``; they count in no other table."""
    truncated: int = 0

    def __post_init__(self) -> None:
        self.wins = np.zeros((self.agents, self.agents), np.int64)
        self.draws = np.zeros((self.agents, self.agents), np.int64)
        self.failures = {kind: np.zeros(self.agents, np.int64) for kind in ("crash", "timeout", "illegal")}

    def add(self, seats: tuple[int, int], result: MatchResult) -> None:
        """Counts a game; ``seats``: the agents' numbers by seat."""
        if result.failure is not None:
            self.failures[result.failure.kind][seats[result.failure.seat]] += 1
            return
        self.truncated += result.truncated
        first, second = result.returns
        if math.isclose(first, second, abs_tol=1e-9):
            self.draws[seats[0], seats[1]] += 1
            self.draws[seats[1], seats[0]] += 1
        elif first > second:
            self.wins[seats[0], seats[1]] += 1
        else:
            self.wins[seats[1], seats[0]] += 1

    @property
    def points(self) -> NDArray[np.float64]:
        """``[N]``: wins and half of the draws."""
        total: NDArray[np.float64] = self.wins.sum(axis=1) + self.draws.sum(axis=1) / 2.0
        return total

    @property
    def games(self) -> NDArray[np.int64]:
        """``[N, N]``: games that ended with a result."""
        played: NDArray[np.int64] = self.wins + self.wins.T + self.draws
        return played


@dataclass(frozen=True, slots=True, eq=False)
class Rankings:
    """What the tables say of the agents that have results; None where too little was played to say it."""

    rated: tuple[int, ...]
    """Agents with at least one game that did not fail; what follows is in their order."""
    elo: Ratings | None
    alpha_rank: NDArray[np.float64] | None
    nash: NashAverage | None


def rankings(tally: Tally, *, anchor: int | None, anchor_elo: float, prior_games: float) -> Rankings:
    """Bradley-Terry ratings; where everybody met everybody, alpha-rank and Nash averaging too.

    Without any result of the anchor the mean rating is 0.
    """
    rated = tuple(np.flatnonzero(tally.games.sum(axis=1) > 0).tolist())
    if len(rated) < 2:
        return Rankings(rated, None, None, None)
    among = np.ix_(rated, rated)
    games, wins, draws = (table[among].astype(np.float64) for table in (tally.games, tally.wins, tally.draws))
    elo: Ratings | None = None
    with contextlib.suppress(ValueError):  # agents that share no games with the others have no common scale
        place = rated.index(anchor) if anchor in rated else None
        elo = bradley_terry(wins, draws, anchor=place, anchor_elo=anchor_elo, prior_games=prior_games)
    if (games + np.eye(len(rated)) == 0).any():
        return Rankings(rated, elo, None, None)
    payoffs = np.where(games > 0, (wins + draws / 2.0) / np.maximum(games, 1), 0.5)
    return Rankings(rated, elo, alpha_rank(payoffs), nash_average(payoffs))


def check_agents(specs: Sequence[str]) -> None:
    """Raises ``ConfigError`` for a field that makes no tournament."""
    if len(specs) < 2:
        raise ConfigError(f"a tournament needs at least 2 agents, got {len(specs)}")
    twice = next((spec for spec in specs if specs.count(spec) > 1), None)
    if twice is not None:
        raise ConfigError(f"agent {twice!r} is in the tournament twice")
