"""Weights of positions by the mover's rating and the game's date: nothing is left out, some count for more."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.loader_config import LoaderConfig
from gameil.positions.filters import first_day
from gameil.positions.position_pool import PositionPool

_LARGEST_EXPONENT = 20.0
"""Weights stay within a factor of a million of 1, whatever ratings and dates say."""


class PositionWeights:
    """``w = 2 ** ((rating - rating_unknown) / rating_doubling + (date - recency_unknown) / recency_halving)``.

    A position of an unrated player in a game without a date weighs 1. Losses are means over weights, so only ratios
    matter.
    """

    def __init__(self, config: LoaderConfig) -> None:
        self._config = config
        self.by_date = config.recency_halving > 0
        """Whether games' dates are needed."""

    def weigh(self, pool: PositionPool, game_ids: Sequence[int], dates: Sequence[str | None]) -> PositionPool:
        """The pool with its weights multiplied; ``dates`` belong to ``game_ids``."""
        config, rows = self._config, pool.rows
        exponents: NDArray[np.float64] = np.zeros(len(rows))
        if config.rating_doubling > 0:
            ratings = np.where(rows.ratings == 0, config.rating_unknown, rows.ratings)
            exponents += (ratings - config.rating_unknown) / config.rating_doubling
        if self.by_date:
            origin = _years(config.recency_unknown, 0.0)
            years = {game_id: _years(date, origin) for game_id, date in zip(game_ids, dates, strict=True)}
            ages = np.array([years[game_id] for game_id in rows.game_ids.tolist()]) - origin
            exponents += ages / config.recency_halving
        if not exponents.any():
            return pool
        factors = np.exp2(np.clip(exponents, -_LARGEST_EXPONENT, _LARGEST_EXPONENT))
        return pool.weighted((rows.weights * factors).astype(np.float32))


def _years(date: str | None, unknown: float) -> float:
    """A date as years with their fraction; ``unknown`` where there is none that can be read."""
    if date is None:
        return unknown
    parts = first_day(date).split("-")
    if len(parts) != 3 or not all(part.isdecimal() and len(part) < 6 for part in parts):
        return unknown
    year, month, day = map(int, parts)
    return year + (month - 1) / 12 + (day - 1) / 372
