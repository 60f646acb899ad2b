"""Shogi moves as USI (``7g7f``, ``2b8h+``, ``P*5e``), which is the engine's own text: looked up instead of compared."""

from functools import lru_cache
from typing import Protocol

from gameil.games.variant_frames import SHOGI_DROPS, shogi_moves

DROPPED = "PLNSGBR"
"""Pieces in hand, in the order of the engine's drop actions."""


class ShogiState(Protocol):
    """What the notation needs of a state."""

    def current_player(self) -> int: ...

    def legal_actions(self) -> list[int]: ...


def read_usi(state: ShogiState, text: str) -> int | None:
    """The action of a legal move written as the engine writes it, None for any other text."""
    player = state.current_player()
    action = _actions(player).get(text) if player >= 0 else None
    return action if action is not None and action in state.legal_actions() else None


@lru_cache(maxsize=2)
def _actions(seat: int) -> dict[str, int]:
    """The action of every move of a seat by its text, in the order of the frame's actions."""
    sources, targets, planes = (values.tolist() for values in shogi_moves())
    texts = [
        f"{_square(source, seat)}{_square(target, seat)}{'+' if plane % 2 else ''}"
        for source, target, plane in zip(sources, targets, planes, strict=True)
    ]
    texts += [f"{DROPPED[piece]}*{_square(cell, seat)}" for piece in range(SHOGI_DROPS) for cell in range(81)]
    return {text: action for action, text in enumerate(texts)}


def _square(cell: int, seat: int) -> str:
    row, column = divmod(80 - cell if seat else cell, 9)
    return f"{9 - column}{'ihgfedcba'[row]}"
