"""Which agents a site offers. A browser chooses a name and turns dials; only here do they become a spec."""

from collections.abc import Mapping
from dataclasses import dataclass

SIMULATIONS = (0, 16, 64, 256)
"""Settings of the strength dial of a snapshot: simulations of its search; 0 is the bare policy."""
RATINGS = range(600, 2801, 200)
"""Settings of the rating dial of a snapshot that was trained with ratings."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A registered agent with its dials set. Hashable: one agent in memory for each."""

    name: str
    simulations: int = 0
    rating: int | None = None
    human: bool = False
    """Moves are drawn as people play them (temperature 1) instead of taking the most probable one."""


@dataclass(frozen=True, slots=True)
class Opponent:
    """An agent that can be chosen for a game."""

    name: str
    spec: str
    kind: str
    """``snapshot``, ``level``, ``engine`` or ``agent``."""
    has_strength: bool = False
    has_rating: bool = False


class Opponents:
    """The registered agents."""

    def __init__(self, named: Mapping[str, str]) -> None:
        self._named = dict(named)
