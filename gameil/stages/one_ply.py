"""The baseline that looks one action ahead: it plays to the position that a network values most.

Letters: ``B`` positions, ``L`` their legal actions in a row.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.models.inference import NetworkEvaluator
from gameil.positions.encoder import ObservationEncoder

CHUNK = 512
"""Positions valued in one call."""


def one_ply_values(
    states: Sequence[State], evaluator: NetworkEvaluator, encoder: ObservationEncoder
) -> NDArray[np.float32]:
    """What each legal action leads to, for who takes it, ``[L]``: the result where it ends the game, else the value.

    Raises ``ConfigError`` for games with chance, where an action leads to no one position, or without two players.
    """
    if states and (states[0].game.capabilities.stochastic or states[0].game.num_players != 2):
        raise ConfigError(f"one ply ahead needs two players and no chance, unlike {states[0].game.id}")
    found: list[float] = []
    waiting: list[State] = []
    places: list[tuple[int, int]] = []  # where each waiting state's value belongs, and its sign for who moved there

    def settle() -> None:
        if waiting:
            legal = [state.legal_actions() for state in waiting]
            values = evaluator.evaluate(encoder.encode(waiting), legal).values
            for (place, sign), value in zip(places, values.tolist(), strict=True):
                found[place] = sign * value
            waiting.clear()
            places.clear()

    for state in states:
        seat = state.current_player()
        for action in state.legal_actions():
            after = state.clone()
            after.apply(action)
            found.append(float(after.returns()[seat]) if after.is_terminal() else 0.0)
            if not after.is_terminal():
                waiting.append(after)
                places.append((len(found) - 1, 1 if after.current_player() == seat else -1))
                if len(waiting) == CHUNK:
                    settle()
    settle()
    return np.asarray(found, np.float32)
