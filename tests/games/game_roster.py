"""The games that the kit and the playthroughs run over, and a game with one defect at a time."""

from collections.abc import Callable
from typing import Any

from gameil.games.game import Game, State

ROSTER = (
    "tic_tac_toe",
    "connect_four",
    "connect_four(columns=5,rows=4,x_in_row=3)",
    "othello",
    "hex(board_size=5)",
    "hex",
    "hex(board_size=4,swap=True)",
    "go(board_size=9,komi=5.5)",
    "go",
    "chess",
    "chess(chess960=True)",
    "breakthrough",
    "breakthrough(columns=5,rows=6)",
    "backgammon",
    "shogi",
    "xiangqi",
    "crazyhouse",
    "antichess",
    "checkers",
    "leduc_poker",
    "kuhn_poker",
    "kuhn_poker(players=3)",
    "liars_dice",
    "hanabi",
    "goofspiel(num_cards=4)",
    "pathfinding(horizon=40)",
    "pettingzoo:tictactoe_v3",
    "pettingzoo:connect_four_v3",
    "pettingzoo:leduc_holdem_v4",
)
LONG = ("go", "chess", "chess(chess960=True)", "shogi", "xiangqi", "crazyhouse")
"""Games whose random games are long: the kit plays fewer of them."""

Broken = Callable[..., Any]


class DefectiveGame:
    """A game that is another one but for ``state_type`` (its states) and the given attributes."""

    def __init__(self, inner: Game, state_type: type["DefectiveState"] | None = None, **attributes: Any) -> None:
        self.inner, self.state_type, self.attributes = inner, state_type, attributes

    def __reduce__(self) -> Any:
        return type(self.inner), self.inner.__reduce__()[1]  # type: ignore[index]

    def __getattr__(self, name: str) -> Any:
        return self.attributes[name] if name in self.attributes else getattr(self.inner, name)

    def initial_state(self, start: str | None = None) -> Any:
        state = self.inner.initial_state(start)
        return self.state_type(self, state) if self.state_type is not None else state


class DefectiveState:
    """A state that passes everything on; each defect overrides one method."""

    def __init__(self, game: DefectiveGame, inner: State) -> None:
        self.game, self.inner = game, inner

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def __str__(self) -> str:
        return str(self.inner)

    def clone(self) -> Any:
        return type(self)(self.game, self.inner.clone())
