"""Openings as numbers that a network can be told: how often each action is part of what a seat plays first.

Vinyals et al., "Grandmaster level in StarCraft II using multi-agent reinforcement learning" (2019), Methods: statistics
z of people's games (there: what is built first) that the policy is conditioned on. Letters: ``P`` players, ``A``
actions, ``K`` other conditions of a network, which stand first.
"""

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError, NotationError
from gameil.games.game import CHANCE_PLAYER, Game
from gameil.games.typed_moves import read_move, typed_notations


def opening_vector(actions: NDArray[np.int64], num_actions: int, *, known: int = 0) -> NDArray[np.float32]:
    """How often each action is among ``actions``, behind ``known`` zeros, ``[K + A]``."""
    vector = np.zeros(known + num_actions, np.float32)
    np.add.at(vector, known + actions, 1.0)
    return vector


def typed_opening(game: Game, text: str, *, most: int, known: int = 0) -> NDArray[np.float32]:
    """What each player is told where people write an opening as moves of both sides in turn, ``[P, K + A]``.

    Args:
        game: from whose usual start they are played.
        text: moves with ``-`` between them: ``e4-e5-Nf3``, ``f5-d6-c3``.
        most: moves of one player that count.
        known: ``K``.

    Raises:
        ConfigError: a move is not legal where it stands, or the game has chance.
    """
    state, notations = game.initial_state(), typed_notations(game.name)
    own: dict[int, list[int]] = {player: [] for player in range(game.num_players)}
    for number, written in enumerate(text.split("-"), 1):
        player = state.current_player()
        if player == CHANCE_PLAYER or state.is_terminal():
            raise ConfigError(f"opening {text!r}: nobody moves at move {number}")
        try:
            action = read_move(state, written, notations)
        except NotationError as error:
            raise ConfigError(f"opening {text!r}: move {number}: {error}") from error
        if len(own[player]) < most:
            own[player].append(action)
        state.apply(action)
    return np.stack(
        [opening_vector(np.array(actions, np.int64), game.num_actions, known=known) for actions in own.values()]
    )
