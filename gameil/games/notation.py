"""Moves as people write them: SAN and UCI for chess, GTP and SGF points for Go, the engine's text for every game."""

from typing import TYPE_CHECKING

from gameil.errors import NotationError

if TYPE_CHECKING:
    from gameil.games.open_spiel import OpenSpielState


def write(state: "OpenSpielState", action: int, notation: str) -> str:
    return state.engine_text(action)


def read(state: "OpenSpielState", text: str, notation: str) -> int:
    for action in state.legal_actions():
        if state.engine_text(action) == text:
            return action
    raise NotationError(f"{text!r} is not legal")
