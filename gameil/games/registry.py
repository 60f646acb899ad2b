"""From a game id to the game. One dictionary of nothing: OpenSpiel's own list, and ``pettingzoo:NAME``.

Adapters are imported when first needed, so that asking for a game by a wrong name costs nothing.
"""

from functools import lru_cache

from gameil.games.game import Game
from gameil.games.parameters import format_id, read_parameters, split_id

PETTINGZOO = "pettingzoo:"
"""Prefix of the ids of PettingZoo's games."""


def make_game(game_id: str) -> Game:
    """The game of an id such as ``chess`` or ``go(komi=5.5, board_size=9)``; equal games are one object.

    Raises ``GameError``, one line: malformed id, unknown game, unknown parameter, value out of bounds.
    """
    name, texts = split_id(game_id)
    if name.startswith(PETTINGZOO):
        return _make_pettingzoo(format_id(name, read_parameters(name, texts)))
    return _make_open_spiel(format_id(name, read_parameters(name, texts)))


def known_games() -> list[str]:
    """Names of all games that can be made with default parameters, PettingZoo's (where installed) last."""
    from gameil.games import open_spiel, pettingzoo

    return [*open_spiel.known_names(), *(PETTINGZOO + name for name in pettingzoo.known_names())]


@lru_cache(maxsize=256)
def _make_open_spiel(canonical_id: str) -> Game:
    from gameil.games.open_spiel import OpenSpielGame

    name, texts = split_id(canonical_id)
    return OpenSpielGame(name, read_parameters(name, texts))


@lru_cache(maxsize=64)
def _make_pettingzoo(canonical_id: str) -> Game:
    from gameil.games.pettingzoo import PettingZooGame

    name, texts = split_id(canonical_id)
    return PettingZooGame(name.removeprefix(PETTINGZOO), read_parameters(name, texts))
