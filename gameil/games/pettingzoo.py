"""PettingZoo games (in work)."""

from gameil.errors import GameError
from gameil.games.game import Game


def known_names() -> tuple[str, ...]:
    return ()


def PettingZooGame(name: str) -> Game:  # noqa: N802
    raise GameError(f"unknown game pettingzoo:{name}")
