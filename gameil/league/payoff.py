"""Who scored what against whom: totals of all pairs, and what the learning players know of their recent games.

    win rate = (W + D / 2) / G,    W, D and G of a pair times ``decay`` before each of its new results

Vinyals et al. 2019 (pseudocode): decay 0.99, so that some hundred games are remembered; 0.5 where nothing is known.

Letters: ``N`` players.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Number = TypeVar("Number", np.float32, np.float64)


@dataclass(frozen=True, slots=True)
class Result:
    """One game between two players, seen by ``home``."""

    home: int
    away: int
    score: float
    """In [0, 1]: 1, 1/2 and 0 for win, draw and loss, or the share of the greatest return."""


class Payoff:
    """The table; players are numbered in the order in which they join."""

    def __init__(self, *, decay: float = 0.99, min_games: float = 0.0) -> None:
        """
        Args:
            decay: see the module.
            min_games: a pair with fewer (decayed) games counts as even: two lucky games say nothing.
        """
        self._decay = decay
        self._min_games = min_games
        self._size = 0
        self._learners: list[int] = []
        self._row_of: dict[int, int] = {}
        self._wins: NDArray[np.float32] = np.zeros((0, 0), np.float32)  # [home, away]
        self._draws: NDArray[np.float32] = np.zeros((0, 0), np.float32)  # [home, away], symmetric
        self._scores: NDArray[np.float32] = np.zeros((0, 0), np.float32)  # [home, away]
        self._recent_games: NDArray[np.float64] = np.zeros((0, 0))  # [learner, away]
        self._recent_scores: NDArray[np.float64] = np.zeros((0, 0))  # [learner, away]
        self._rates: NDArray[np.float64] = np.zeros((0, 0))  # [learner, away]: so that drawing an opponent only reads

    def __len__(self) -> int:
        return self._size

    def add_player(self, *, learns: bool) -> int:
        """Lets a player in; returns its number."""
        number = self._size
        self._size += 1
        if self._size > len(self._wins):
            room = max(16, 2 * len(self._wins))
            self._wins, self._draws, self._scores = (
                _grown(each, (room, room)) for each in (self._wins, self._draws, self._scores)
            )
            rows = (len(self._learners), room)
            self._recent_games, self._recent_scores = (
                _grown(each, rows) for each in (self._recent_games, self._recent_scores)
            )
            self._rates = _grown(self._rates, rows, 0.5)
        if learns:
            self._row_of[number] = len(self._learners)
            self._learners.append(number)
            rows = (len(self._learners), len(self._wins))
            self._recent_games = _grown(self._recent_games, rows)
            self._recent_scores = _grown(self._recent_scores, rows)
            self._rates = _grown(self._rates, rows, 0.5)
        return number

    def add(self, result: Result) -> None:
        """Counts one game, for both of its players. Games of a player against itself say nothing and are left out."""
        home, away, score = result.home, result.away, result.score
        if home == away:
            return
        if not (0 <= home < self._size and 0 <= away < self._size and 0.0 <= score <= 1.0):
            raise ValueError(f"no such players or score: {result}")
        if score == 0.5:
            self._draws[home, away] += 1.0
            self._draws[away, home] += 1.0
        elif score > 0.5:
            self._wins[home, away] += 1.0
        else:
            self._wins[away, home] += 1.0
        self._scores[home, away] += score
        self._scores[away, home] += 1.0 - score
        for me, other, mine in ((home, away, score), (away, home, 1.0 - score)):
            row = self._row_of.get(me)
            if row is not None:
                games = self._recent_games[row, other] * self._decay + 1.0
                scored = self._recent_scores[row, other] * self._decay + mine
                self._recent_games[row, other], self._recent_scores[row, other] = games, scored
                # Sums of halves and decays may leave [0, 1] by a rounding.
                self._rates[row, other] = min(1.0, scored / games) if games >= self._min_games else 0.5

    def reset(self, learner: int) -> None:
        """A learning player starts anew: what it and others knew of their games says nothing any more."""
        row = self._row_of[learner]
        for table, empty in ((self._recent_games, 0.0), (self._recent_scores, 0.0), (self._rates, 0.5)):
            table[row] = empty
            table[:, learner] = empty
        for total in (self._wins, self._draws, self._scores):
            total[learner] = 0.0
            total[:, learner] = 0.0

    def win_rates(self, learner: int, others: NDArray[np.intp] | Sequence[int]) -> NDArray[np.float64]:
        """Of a learning player against others, recent games counting most, ``[len(others)]``; 0.5 where unknown."""
        rates: NDArray[np.float64] = self._rates[self._row_of[learner]][others]
        return rates

    def win_rate(self, learner: int, other: int) -> float:
        """The same against one other."""
        return float(self._rates[self._row_of[learner], other])

    def recent_games(self, learner: int, others: NDArray[np.intp] | Sequence[int]) -> NDArray[np.float64]:
        """Decayed numbers of games behind ``win_rates``, ``[len(others)]``."""
        games: NDArray[np.float64] = self._recent_games[self._row_of[learner]][others]
        return games

    def counts(self, players: Sequence[int]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Wins ``[n, n]`` of row against column and draws ``[n, n]`` among these players, since each began."""
        chosen = np.ix_(players, players)
        return self._wins[chosen].astype(np.float64), self._draws[chosen].astype(np.float64)

    def games(self, players: Sequence[int]) -> NDArray[np.float64]:
        """Number of games of each pair, ``[n, n]``."""
        wins, draws = self.counts(players)
        return wins + wins.T + draws

    def table(self, players: Sequence[int]) -> NDArray[np.float64]:
        """Mean scores ``[n, n]`` of row against column over all games; 0.5 for pairs that have not met."""
        games = self.games(players)
        scores = self._scores[np.ix_(players, players)].astype(np.float64)
        return np.where(games > 0, scores / np.maximum(games, 1.0), 0.5)


def _grown(table: NDArray[Number], shape: tuple[int, int], fill: float = 0.0) -> NDArray[Number]:
    larger: NDArray[Number] = np.full(shape, fill, table.dtype)
    larger[: table.shape[0], : table.shape[1]] = table
    return larger
