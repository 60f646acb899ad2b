"""When to give a game up: a threshold calibrated on games that were played on all the same.

Silver et al., "Mastering the game of Go without human knowledge" (2017), Methods, "Self-play": a tenth of the games is
played to the end, and the threshold is chosen so that fewer than 5 % of the games that would have been resigned were
not lost.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

from gameil.errors import ConfigError

NEVER = float("-inf")
"""Threshold below which no value lies: nobody resigns."""


@dataclass(frozen=True)
class ResignConfig:
    """Who may give up, and how sure one has to be. Games of two players only."""

    __pydantic_config__ = {"extra": "forbid"}

    enabled: bool = False
    """Off by default: short games are cheap, and what is given up is not learned from."""
    most_wrong: float = 0.05
    """Greatest share of games that would be resigned but were not lost (Silver et al. 2017)."""
    highest: float = -0.8
    """The threshold never rises above this value, in [-1, 1]."""
    games: int = 500
    """Newest games played on that it is taken from."""
    least_games: int = 40
    """With fewer of them nobody resigns."""

    def __post_init__(self) -> None:
        if not 0.0 < self.most_wrong < 1.0 or not -1.0 <= self.highest <= 1.0:
            raise ConfigError(
                f"resign: most_wrong must be in (0, 1) and highest in [-1, 1], got {self.most_wrong} and {self.highest}"
            )
        if not 1 <= self.least_games <= self.games:
            raise ConfigError(f"resign: 1 <= least_games <= games must hold, got {self.least_games} and {self.games}")


class Resignation:
    """The games played on, and the threshold that they say."""

    def __init__(self, config: ResignConfig) -> None:
        self.config = config
        self._seats: deque[list[tuple[float, bool]]] = deque(maxlen=config.games)
        """By game: the least value of each seat, and whether it lost."""

    def add(self, lowest: Sequence[float], returns: Sequence[float]) -> None:
        """A game that was played to its end: the least value of each seat on its moves, and its return."""
        self._seats.append([(float(least), value < 0.0) for least, value in zip(lowest, returns, strict=True)])

    def threshold(self) -> float:
        """The greatest value, at most ``highest``, below which at most ``most_wrong`` of the resigned games were not
        lost; ``NEVER`` where there is none or too few games are known."""
        config = self.config
        if not config.enabled or len(self._seats) < config.least_games:
            return NEVER
        # A game is resigned by the seat that falls below the threshold first; which of two that would be is not known,
        # so a game counts as wrong when any seat below it did not lose.
        resigned = sorted((min(least for least, _ in seats), seats) for seats in self._seats)
        candidates = sorted({least for seats in self._seats for least, _ in seats if least < config.highest})
        best = NEVER
        for value in [*candidates, config.highest]:
            below = [seats for lowest, seats in resigned if lowest < value]
            wrong = sum(any(least < value and not lost for least, lost in seats) for seats in below)
            if below and wrong <= config.most_wrong * len(below):
                best = value
        return best

    def state(self) -> list[list[list[float]]]:
        """The games as plain numbers."""
        return [[[least, float(lost)] for least, lost in seats] for seats in self._seats]

    def load(self, state: Sequence[Sequence[Sequence[float]]]) -> None:
        """Goes on from a ``state``."""
        self._seats.clear()
        self._seats.extend([(float(least), bool(lost)) for least, lost in seats] for seats in state)
