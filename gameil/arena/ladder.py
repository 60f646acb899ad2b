"""A ladder: one agent against a fixed list of built-in levels, weakest first."""

from collections.abc import Sequence

from gameil.agents.spec import builtin_levels
from gameil.errors import ConfigError
from gameil.games.game import Game

USUAL_LEVELS = ("beginner", "easy", "medium", "hard")


def checked_levels(game: Game, levels: Sequence[str]) -> dict[str, str]:
    """Level -> spec of what it is in ``game``, in the order given. Raises ``ConfigError`` for an unknown level."""
    known = builtin_levels(game)
    unknown = [level for level in levels if level not in known]
    if unknown:
        raise ConfigError(f"{game.id} has no level {unknown[0]!r} here; there are {', '.join(known)}")
    if not levels:
        raise ConfigError("a ladder needs at least one level")
    return {level: known[level] for level in levels}
