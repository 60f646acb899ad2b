"""From a played game back to its positions, by the game's own rules."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain

import numpy as np
from numpy.typing import NDArray

from gameil.errors import DatasetError, IllegalActionError
from gameil.games.game import CHANCE_PLAYER, State
from gameil.games.registry import make_game
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch
from gameil.positions.recorded import imitation_weights, recorded_positions


def replay(played: PlayedGame) -> Iterator[tuple[int, State, int]]:
    """Yields ``(ply, state, action)`` for every decision that a player made: setup and chance are played, not shown.

    The state is one object that moves on: clone it to keep it. Raises ``DatasetError`` when an action is not legal,
    which a transcribed game never has.
    """
    game = make_game(played.game_id)
    if not game.capabilities.replayable:
        raise DatasetError(f"{played.source.file}: {game.id} cannot be replayed: only what was seen is known")
    state = game.initial_state(played.start)
    for ply, action in enumerate(played.actions.tolist()):
        if ply >= played.num_setup and state.current_player() != CHANCE_PLAYER:
            yield ply, state, action
        try:
            state.apply(action)
        except IllegalActionError as error:
            raise DatasetError(f"{played.source.file}: a stored game does not replay: ply {ply}: {error}") from error


def encode_game(
    played: PlayedGame,
    encoder: ObservationEncoder,
    *,
    game_id: int = 0,
    labels: Mapping[int, Label] | None = None,
    wanted: NDArray[np.bool_] | None = None,
    imitated: Sequence[int] | None = None,
) -> PositionBatch:
    """All decisions of a game as one batch; with ``labels``, only the labelled plies, to be played as labelled.

    State by state, for every game; ``GameEncoder`` does the same for whole games of known boards, faster. Games with
    ``observations`` are not replayed: see ``recorded_positions``.

    Args:
        played: the game; its actions are replayed by its own rules.
        encoder: writes the observations.
        game_id: copied into the batch.
        labels: expert's labels by ply; their probabilities become ``target_probs``, their best action ``actions``, and
            their value, where they give one, ``returns``: a better estimate than the end of one game.
        wanted: ``[D]``: which of the game's decisions (of its labelled plies, with ``labels``); None for all.
        imitated: seats whose decisions count; those of the others have no weight. None for everybody's.
    """
    if played.observations is not None and labels is None:
        return recorded_positions(played, encoder, game_id=game_id, wanted=wanted, imitated=imitated)
    capacity = len(played.actions) - played.num_setup if labels is None else len(labels)
    observations = np.empty((capacity, *encoder.shape), dtype=np.float16)
    buffer = np.zeros(encoder.shape, dtype=np.float32)
    legal_lists: list[list[int]] = []
    targets: list[np.ndarray] = []
    actions: list[int] = []
    plies: list[int] = []
    movers: list[int] = []
    estimates: dict[int, float] = {}
    number = -1
    for ply, state, action in replay(played):
        label = None if labels is None else labels.get(ply)
        if labels is not None and label is None:
            continue
        number += 1
        if wanted is not None and number < len(wanted) and not wanted[number]:
            continue
        if label is not None:
            targets.append(_spread(label, state.legal_actions(), ply))
            action = int(label.actions[int(np.argmax(label.probs))])
            if label.value is not None:
                estimates[len(actions)] = label.value
        encoder.write(state, buffer)
        observations[len(actions)] = buffer
        legal_lists.append(state.legal_actions())
        actions.append(action)
        plies.append(ply)
        movers.append(state.current_player())
    size = len(actions)
    encoder.derive(observations[:size])
    offsets = np.zeros(size + 1, dtype=np.int64)
    np.cumsum([len(legal) for legal in legal_lists], out=offsets[1:])
    seats = np.asarray(movers, dtype=np.int64)
    if played.returns is None:
        returns = np.zeros(size, dtype=np.float32)
    else:
        returns = np.asarray(played.returns, dtype=np.float32)[seats]
    return_weights = np.full(size, played.returns is not None, dtype=np.float32)
    places = list(estimates)
    returns[places], return_weights[places] = list(estimates.values()), 1.0
    weights = imitation_weights(seats, imitated)
    ratings = [player.rating or 0 for player in played.players]
    return PositionBatch(
        observations=observations[:size],
        legal=np.fromiter(chain.from_iterable(legal_lists), np.int32, int(offsets[-1])),
        offsets=offsets,
        actions=np.asarray(actions, dtype=np.int64),
        target_probs=None if labels is None else np.concatenate([*targets, np.empty(0, np.float32)]),
        returns=returns,
        return_weights=return_weights * weights,
        weights=weights,
        game_ids=np.full(size, game_id, dtype=np.uint64),
        plies=np.asarray(plies, dtype=np.int32),
        ratings=np.asarray(ratings, np.int32)[seats] if ratings else np.zeros(size, np.int32),
    )


def _spread(label: Label, legal: list[int], ply: int) -> np.ndarray:
    """The label's probabilities beside the legal actions, ``[len(legal)]``."""
    places = np.searchsorted(legal, label.actions)
    if places.max() >= len(legal) or not np.array_equal(np.asarray(legal)[places], label.actions):
        raise DatasetError(f"label of {label.expert} at ply {ply} names an action that is not legal there")
    spread = np.zeros(len(legal), dtype=np.float32)
    spread[places] = label.probs
    return spread
