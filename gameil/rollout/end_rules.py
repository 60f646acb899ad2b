"""How a match may end besides by the rules: resignation, agreement, an agent that fails or takes too long."""

import math
from dataclasses import dataclass, field
from typing import Literal

from gameil.agents.engine_pool import IllegalAnswerError
from gameil.errors import AgentError, ConfigError, EngineTimeoutError

FailureKind = Literal["crash", "timeout", "illegal"]


@dataclass(frozen=True)
class EndConfig:
    """When matches end early. Values are those that agents state themselves; agents that state none play on."""

    __pydantic_config__ = {"extra": "forbid"}

    resign_value: float | None = None
    """An agent resigns where its own expected return is at or below minus this, in (0, 1]; None: never."""
    resign_moves: int = 3
    """... at so many of its moves in a row."""
    resign_agreed: bool = False
    """... and only where its opponent's last stated value is at or above ``resign_value``: the winner must see it
    too."""
    draw_value: float | None = None
    """A game is agreed drawn where every expected return stated is within this of 0, in [0, 1); None: never."""
    draw_plies: int = 10
    """... for so many plies in a row, all of them stated."""
    draw_after: int = 40
    """... and not before this ply."""
    move_seconds: float | None = None
    """Longest thinking time of one move, seconds; one that takes longer fails by time. None: no limit but the
    engines' own. Moves of games that are played at once share the time of one call."""
    game_seconds: float | None = None
    """Longest thinking time of one agent in one game, seconds, likewise."""
    record_failures: bool = False
    """A crash, time-out or illegal move of an agent ends its game only, which is recorded as failed and counts for
    nobody; off: it stops everything."""

    def __post_init__(self) -> None:
        if self.resign_agreed and self.resign_value is None:
            raise ConfigError("resign_agreed needs a resign_value")
        for name in ("resign_value", "move_seconds", "game_seconds"):
            value = getattr(self, name)
            if value is not None and not 0.0 < value < math.inf:
                raise ConfigError(f"{name} must be above 0, got {value:g}")
        if self.resign_value is not None and self.resign_value > 1.0:
            raise ConfigError(f"resign_value must be at most 1, got {self.resign_value:g}")
        if self.draw_value is not None and not 0.0 <= self.draw_value < 1.0:
            raise ConfigError(f"draw_value must be from 0 and below 1, got {self.draw_value:g}")
        if min(self.resign_moves, self.draw_plies) < 1 or self.draw_after < 0:
            raise ConfigError("resign_moves and draw_plies must be at least 1, draw_after at least 0")


BY_RULES = EndConfig()
"""Games end by the rules only, and a failure stops everything."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An agent that could not go on."""

    seat: int
    kind: FailureKind
    reason: str
    """One line."""


Ending = Literal["rules", "resignation", "agreed", "limit", "failure"]
"""How a match ended; ``limit``: at the most plies allowed."""


@dataclass(slots=True)
class StatedValues:
    """What the agents of one game said of their chances, as far as the rules need it."""

    low: dict[int, int] = field(default_factory=dict)
    """By seat: its last so many moves in a row were at or below minus ``resign_value``."""
    level: int = 0
    """The last so many plies in a row were near 0."""
    winning: dict[int, bool] = field(default_factory=dict)
    """By seat: its last value was at or above ``resign_value``."""

    def ending(
        self, config: EndConfig, seat: int, value: float | None, ply: int
    ) -> Literal["resignation", "agreed"] | None:
        """Hears the mover's value, in [-1, 1], of the move at ``ply``; says whether the game ends before it."""
        hopeless = config.resign_value is not None and value is not None and value <= -config.resign_value
        self.low[seat] = self.low.get(seat, 0) + 1 if hopeless else 0
        even = config.draw_value is not None and value is not None and abs(value) <= config.draw_value
        self.level = self.level + 1 if even else 0
        if config.resign_value is not None:
            self.winning[seat] = value is not None and value >= config.resign_value
        if self.low[seat] >= config.resign_moves and (self.winning.get(1 - seat, False) or not config.resign_agreed):
            return "resignation"
        if self.level >= config.draw_plies and ply >= config.draw_after:
            return "agreed"
        return None


def failure_of(error: AgentError, seat: int) -> Failure:
    """What an agent's error is recorded as."""
    kind: FailureKind = "crash"
    if isinstance(error, EngineTimeoutError):
        kind = "timeout"
    elif isinstance(error, IllegalAnswerError):
        kind = "illegal"
    return Failure(seat, kind, " ".join(str(error).split())[:300])


def too_slow(config: EndConfig, seat: int, name: str, move: float, game: float) -> Failure | None:
    """A failure where a move (``move`` seconds) or all of an agent's moves of a game took longer than allowed."""
    if config.move_seconds is not None and move > config.move_seconds:
        return Failure(seat, "timeout", f"{name!r} took longer than {config.move_seconds:g} seconds for a move")
    if config.game_seconds is not None and game > config.game_seconds:
        return Failure(seat, "timeout", f"{name!r} took longer than {config.game_seconds:g} seconds for a game")
    return None
