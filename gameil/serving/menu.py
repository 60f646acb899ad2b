"""Which games a site offers, by id: those named in its configuration, those with pictures, then all others."""

from collections.abc import Sequence

from gameil.errors import GameError, GameilError
from gameil.games.game import Game
from gameil.games.overcooked import LAYOUTS
from gameil.games.registry import known_games, make_game

PICTURED = (
    "chess",
    "go(board_size=9)",
    "othello",
    "connect_four",
    "hex",
    "breakthrough",
    "checkers",
    "backgammon",
    "tic_tac_toe",
    "go(board_size=13)",
    "go",
    "hex(board_size=7)",
)
"""Games shown first where the configuration names none, and after them the kitchens where PettingZoo is installed."""
_OVERCOOKED = "pettingzoo:overcooked"
_TITLES = {"connect_four": "Connect four", "tic_tac_toe": "Tic-tac-toe"}
LOOKS: dict[str, tuple[int, ...]] = {
    "go(board_size=9)": (40, 56, 20, 24, 58, 47, 66, 38),
    "go(board_size=13)": (42, 126, 120, 36, 84, 110, 31),
    "go": (72, 288, 300, 60, 174, 97, 263, 282),
    "hex": (60, 49, 71, 48, 38, 81),
    "hex(board_size=7)": (24, 17, 31, 16, 10),
    "connect_four": (3, 3, 2, 4, 3, 2, 4, 4, 1),
    "othello": (19, 18, 26, 20),
    "tic_tac_toe": (4, 0, 2, 6),
}
"""Actions before a game's picture, where the start shows little."""


def title(game_id: str) -> str:
    """What a game is called: ``Go 9x9`` for ``go(board_size=9)``."""
    name, _, inside = game_id.removesuffix(")").partition("(")
    if name == _OVERCOOKED:
        return _kitchen_title(inside)
    words = _TITLES.get(name, name.replace("_", " ").capitalize())
    if inside.startswith("board_size=") and inside[11:].isdecimal():
        return f"{words} {inside[11:]}×{inside[11:]}"
    return f"{words} ({inside})" if inside else words


def _kitchen_title(inside: str) -> str:
    """``Overcooked: cramped room``, with whatever else differs from usual."""
    parameters = dict(pair.partition("=")[::2] for pair in inside.split(",") if pair)
    layout = parameters.pop("layout", "cramped_room").replace("_", " ")
    others = ", ".join(f"{key}={value}" for key, value in parameters.items())
    return f"Overcooked: {layout}" + (f" ({others})" if others else "")


class GamesMenu:
    """The games of one site."""

    def __init__(self, featured: Sequence[str] = ()) -> None:
        """Raises ``GameError`` for a game of the configuration that there is not."""
        kitchens = [f"{_OVERCOOKED}(layout={name})" for name in LAYOUTS] if _OVERCOOKED in known_games() else []
        self.featured = tuple(make_game(game_id).id for game_id in featured or (*PICTURED, *kitchens))

    def others(self) -> list[str]:
        """All other games, by name; PettingZoo's are offered where the configuration names them."""
        return [name for name in known_games() if ":" not in name and name not in self.featured]

    def game(self, game_id: str) -> Game:
        """An offered game. Raises ``GameError`` for any other id, whatever it says."""
        if game_id not in self.featured and game_id not in self.others():
            raise GameError(f"this site has no game {game_id[:60]!r}")
        return make_game(game_id)

    def look(self, game: Game) -> str:
        """The text of a state to draw on the game's card."""
        state = game.initial_state()
        try:
            for action in LOOKS.get(game.id, ()):
                state.apply(action)
        except GameilError:  # a picture only: the start will do
            return str(game.initial_state())
        return str(state)
