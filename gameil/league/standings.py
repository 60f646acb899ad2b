"""How a league stands: Elo with intervals, alpha-rank, Nash averaging, best responses, and what goes in circles.

Ratings are from all games of players that no longer learn; those of a learning player count since it last started anew.

    payoff as log-odds  A = transitive + cyclic,    transitive[i, j] = s_i - s_j,    s_i = mean_j A[i, j]

(Balduzzi et al., "Re-evaluating Evaluation", 2018, section 3: the Hodge decomposition.) Letters: ``N`` players.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.league.payoff import Payoff
from gameil.league.players import LeaguePlayer, Roster
from gameil.ratings.alpha_rank import alpha_rank
from gameil.ratings.bradley_terry import Ratings, bradley_terry
from gameil.ratings.nash_averaging import nash_average

PRIOR_GAMES = 1.0
"""Games, half of them won by each, added to every pair that met, so that one-sided results give finite ratings."""
MOST_RANKED = 300
"""Players beyond which alpha-rank and Nash averaging are left out: they take seconds and more."""
_ODDS_BOUND = 0.01


@dataclass(frozen=True, slots=True, eq=False)
class Standings:
    """Everybody who has met somebody, in the order of joining."""

    players: tuple[LeaguePlayer, ...]
    ratings: Ratings | None
    """None where fewer than two players have met."""
    games: NDArray[np.float64]
    """``[N, N]``."""
    payoffs: NDArray[np.float64]
    """``[N, N]``: mean score of row against column; 0.5 for pairs that have not met."""
    alpha_rank: NDArray[np.float64] | None
    """``[N]`` shares."""
    nash: NDArray[np.float64] | None
    """``[N]``: the mixture that nobody beats (equilibrium of greatest entropy)."""
    nash_skill: NDArray[np.float64] | None
    """``[N]``: log-odds of winning against that mixture."""
    best_responses: tuple[int | None, ...]
    """Of each player: who, of those who met it, scores most against it."""
    cyclic_share: float
    """Of the squared log-odds of pairs that met, what no rating explains; 0: perfectly transitive."""

    def values(self) -> dict[str, Any]:
        """Plain JSON values, strongest first."""
        rows = []
        for place in self.order():
            player, best = self.players[place], self.best_responses[place]
            row: dict[str, Any] = {"player": player.name, "role": player.role, "parent": player.parent}
            row |= {"turn": player.turn, "games": int(self.games[place].sum())}
            if self.ratings is not None:
                interval = self.ratings.interval(place)
                row |= {"elo": float(self.ratings.elo[place]), "elo_interval": [interval.low, interval.high]}
            if self.alpha_rank is not None and self.nash is not None and self.nash_skill is not None:
                row |= {"alpha_rank": float(self.alpha_rank[place]), "nash": float(self.nash[place])}
                row |= {"nash_skill": float(self.nash_skill[place])}
            if best is not None:
                row |= {"beaten_by": self.players[best].name, "with": float(self.payoffs[best, place])}
            rows.append(row)
        return {"table": rows, "cyclic_share": self.cyclic_share}

    def order(self) -> list[int]:
        """Players by rating, best first."""
        if self.ratings is None:
            return list(range(len(self.players)))
        return sorted(range(len(self.players)), key=lambda place: -float(self.ratings.elo[place]))  # type: ignore[union-attr]


def league_standings(roster: Roster, payoff: Payoff) -> Standings:
    """The standings of all players that have met the first one, directly or through others."""
    everybody = list(range(len(roster)))
    chosen = _connected(payoff.games(everybody) > 0) if everybody else []
    players = tuple(roster[number] for number in chosen)
    games, payoffs = payoff.games(chosen), payoff.table(chosen)
    ratings = None
    if len(chosen) > 1:
        wins, draws = payoff.counts(chosen)
        np.fill_diagonal(wins, 0.0)
        np.fill_diagonal(draws, 0.0)
        ratings = bradley_terry(wins, draws, prior_games=PRIOR_GAMES)
    ranked = 1 < len(chosen) <= MOST_RANKED
    average = nash_average(payoffs) if ranked else None
    return Standings(
        players=players,
        ratings=ratings,
        games=games,
        payoffs=payoffs,
        alpha_rank=alpha_rank(payoffs) if ranked else None,
        nash=average.shares if average else None,
        nash_skill=average.skill if average else None,
        best_responses=tuple(_best_response(place, payoffs, games) for place in range(len(chosen))),
        cyclic_share=cyclic_share(payoffs, games > 0),
    )


def cyclic_share(payoffs: NDArray[np.float64], met: NDArray[np.bool_]) -> float:
    """See ``Standings.cyclic_share``; ratings are fitted by least squares to the pairs that ``met``, ``[N, N]``."""
    rates = np.clip(payoffs, _ODDS_BOUND, 1.0 - _ODDS_BOUND)
    odds = np.log(rates) - np.log1p(-rates)
    rows, columns = np.nonzero(np.triu(met, 1))
    if not len(rows):
        return 0.0
    number, pairs = len(payoffs), np.arange(len(rows))
    wanted = odds[rows, columns]
    # The normal equations of s_i - s_j = odds[i, j]: a graph Laplacian, solved up to a constant.
    laplacian = np.zeros((number, number))
    np.add.at(laplacian, (rows, rows), 1.0)
    np.add.at(laplacian, (columns, columns), 1.0)
    np.add.at(laplacian, (rows, columns), -1.0)
    np.add.at(laplacian, (columns, rows), -1.0)
    right = np.zeros(number)
    np.add.at(right, rows, wanted[pairs])
    np.add.at(right, columns, -wanted[pairs])
    skill = np.linalg.lstsq(laplacian, right, rcond=None)[0]
    left = wanted - (skill[rows] - skill[columns])
    total = float(wanted @ wanted)
    return float(left @ left) / total if total > 0.0 and math.isfinite(total) else 0.0


def _best_response(place: int, payoffs: NDArray[np.float64], games: NDArray[np.float64]) -> int | None:
    met = np.flatnonzero(games[place] > 0)
    met = met[met != place]
    return int(met[int(np.argmax(payoffs[met, place]))]) if len(met) else None


def _connected(met: NDArray[np.bool_]) -> list[int]:
    """Players joined to the first one by games."""
    reached = np.zeros(len(met), bool)
    reached[0] = True
    while True:
        grown = reached | met[reached].any(axis=0)
        if (grown == reached).all():
            return [int(number) for number in np.flatnonzero(reached)]
        reached = grown
