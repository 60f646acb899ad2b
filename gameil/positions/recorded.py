"""Positions of games that actions cannot replay: what was seen stands beside the actions, and is taken as it is.

Such records have an observation before each action, every action was open to whoever moved, and the players took turns
without exception (in games where they leave early, records state no returns: whose turn it was is not known).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gameil.errors import DatasetError
from gameil.games.registry import make_game
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch


def recorded_positions(
    played: PlayedGame,
    encoder: ObservationEncoder,
    *,
    game_id: int = 0,
    wanted: NDArray[np.bool_] | None = None,
    imitated: Sequence[int] | None = None,
) -> PositionBatch:
    """All (or the ``wanted [T]``) decisions of a game with its ``observations``; arguments as of ``encode_game``.

    Raises ``DatasetError`` where the observations are not those of the game.
    """
    seen = played.observations
    size = len(played.actions)
    if seen is None or len(seen) != size or seen.shape[1:] != encoder.shape:
        found = "none" if seen is None else f"{len(seen)} of shape {seen.shape[1:]}"
        raise DatasetError(f"game {game_id}: {size} observations of shape {encoder.shape} are needed, it has {found}")
    game = make_game(played.game_id)
    chosen = np.arange(size) if wanted is None else np.flatnonzero(wanted)
    observations = seen[chosen].astype(np.float16)
    if seen.dtype == np.uint8:  # pictures are stored as bytes
        observations = (seen[chosen].astype(np.float32) / 255.0).astype(np.float16)
    seats = chosen % game.num_players
    returns = np.zeros(len(chosen), np.float32)
    if played.returns is not None:
        returns = np.asarray(played.returns, np.float32)[seats]
    ratings = np.array([player.rating or 0 for player in played.players], np.int32)
    weights = imitation_weights(seats, imitated)
    return PositionBatch(
        observations=observations,
        legal=np.tile(np.arange(game.num_actions, dtype=np.int32), len(chosen)),
        offsets=np.arange(len(chosen) + 1, dtype=np.int64) * game.num_actions,
        actions=played.actions[chosen].astype(np.int64),
        target_probs=None,
        returns=returns,
        return_weights=weights * (played.returns is not None),
        weights=weights,
        game_ids=np.full(len(chosen), game_id, np.uint64),
        plies=chosen.astype(np.int32),
        ratings=ratings[seats] if len(ratings) else np.zeros(len(chosen), np.int32),
    )


def imitation_weights(seats: NDArray[np.int64], imitated: Sequence[int] | None) -> NDArray[np.float32]:
    """1 for the decisions of the ``imitated`` seats (None: of all), 0 for the others', ``[B]`` as ``seats``."""
    if imitated is None:
        return np.ones(len(seats), np.float32)
    return np.isin(seats, imitated).astype(np.float32)
