"""Which positions are worth an expert's label: all alike, or those where the policy seems to go astray.

Letters: ``B`` positions, ``L`` their legal actions in a row.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.dataset import Dataset
from gameil.games.game import State
from gameil.models.inference import NetworkEvaluator
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal
from gameil.positions.replay import replay
from gameil.stages.one_ply import one_ply_values

Choice = Literal["all", "uncertain", "disagreeing", "losing"]
"""``all``: positions at random; ``uncertain``: where the policy's entropy is greatest; ``disagreeing``: where the
network is most at odds with itself (``regrets``); ``losing``: positions of the side that lost the game, at random."""

POSITIONS_A_CALL = 1024
"""Positions in one network call."""


@dataclass(frozen=True, slots=True)
class Place:
    """One position of the dataset."""

    game_id: int
    ply: int


def labelled_places(dataset: Dataset, *, before_round: int) -> set[Place]:
    """Positions that earlier rounds have labels for."""
    return {
        Place(game_id, ply)
        for game_id in dataset.label_counts()
        for ply, label in dataset.all_labels(game_id)
        if label.round < before_round
    }


def candidates(dataset: Dataset, game_ids: Sequence[int], *, round: int) -> list[Place]:
    """Positions of these games with a choice of moves, each history once, none that an earlier round has labelled."""
    seen = {
        dataset.game_for_replay(place.game_id).actions[: place.ply].tobytes()
        for place in labelled_places(dataset, before_round=round)
    }
    places: list[Place] = []
    for game_id in game_ids:
        played = dataset.game_for_replay(game_id)
        for ply, state, _ in replay(played):
            history = played.actions[:ply].tobytes()
            if len(state.legal_actions()) > 1 and history not in seen:
                seen.add(history)
                places.append(Place(game_id, ply))
    return places


def choose(
    dataset: Dataset,
    places: Sequence[Place],
    number: int,
    *,
    choice: Choice,
    evaluator: NetworkEvaluator,
    encoder: ObservationEncoder,
    rng: np.random.Generator,
) -> list[Place]:
    """At most ``number`` of the positions, in the dataset's order; ``losing`` may find fewer.

    Raises ``ConfigError`` where ``disagreeing`` is not for the game (``one_ply_values``).
    """
    if choice == "losing":
        places = lost_by_the_mover(dataset, places)
    if len(places) <= number:
        return list(places)
    if choice == "uncertain":
        found = policy_entropies(evaluator, encoder, states_at(dataset, places))
        chosen = np.argsort(-found, kind="stable")[:number]
    elif choice == "disagreeing":
        found = regrets(evaluator, encoder, states_at(dataset, places))
        chosen = np.argsort(-found, kind="stable")[:number]
    else:
        chosen = rng.choice(len(places), number, replace=False)
    return [places[index] for index in np.sort(chosen)]


def lost_by_the_mover(dataset: Dataset, places: Sequence[Place]) -> list[Place]:
    """Those of the positions, sorted by game, whose player to move lost the game."""
    wanted: dict[int, set[int]] = {}
    for place in places:
        wanted.setdefault(place.game_id, set()).add(place.ply)
    found: list[Place] = []
    for game_id, plies in wanted.items():
        played = dataset.game_for_replay(game_id)
        if played.returns is not None:
            found += [
                Place(game_id, ply)
                for ply, state, _ in replay(played)
                if ply in plies and played.returns[state.current_player()] < 0.0
            ]
    return found


def policy_entropies(
    evaluator: NetworkEvaluator, encoder: ObservationEncoder, states: Iterable[State]
) -> NDArray[np.float64]:
    """Entropy of the policy in each state, in nats, ``[B]``."""
    parts: list[NDArray[np.float64]] = []
    for chunk in chunked(states, POSITIONS_A_CALL):
        legal, rows = flat_legal([state.legal_actions() for state in chunk])
        log_probs, _ = evaluator.evaluate_legal(encoder.encode(chunk), legal, rows)
        entropies = np.bincount(rows, weights=-np.exp(log_probs) * log_probs, minlength=len(chunk))
        parts.append(entropies.astype(np.float64))
    return np.concatenate(parts)


def regrets(evaluator: NetworkEvaluator, encoder: ObservationEncoder, states: Iterable[State]) -> NDArray[np.float64]:
    """How much the network's value head prefers another action to the policy's, one action ahead, ``[B]``.

        max_a q(s, a) - sum_a pi(a|s) q(s, a),    q(s, a) = the value after a, or the result where a ends the game

    A committee of two, policy and value (Seung, Opper and Sompolinsky, "Query by Committee", 1992): where they are at
    odds, one of them is wrong, and a label tells which.
    """
    parts: list[NDArray[np.float64]] = []
    for chunk in chunked(states, POSITIONS_A_CALL):
        legal, rows = flat_legal([state.legal_actions() for state in chunk])
        log_probs, _ = evaluator.evaluate_legal(encoder.encode(chunk), legal, rows)
        q = one_ply_values(chunk, evaluator, encoder).astype(np.float64)
        starts = np.searchsorted(rows, np.arange(len(chunk)))
        expected = np.add.reduceat(np.exp(log_probs) * q, starts)
        parts.append(np.maximum.reduceat(q, starts) - expected)
    return np.concatenate(parts)


def states_at(dataset: Dataset, places: Sequence[Place]) -> Iterator[State]:
    """The states of these positions, which are sorted by game and ply."""
    by_game: dict[int, set[int]] = {}
    for place in places:
        by_game.setdefault(place.game_id, set()).add(place.ply)
    for game_id, plies in by_game.items():
        for ply, state, _ in replay(dataset.game_for_replay(game_id)):
            if ply in plies:
                yield state.clone()


def chunked(states: Iterable[State], size: int) -> Iterator[list[State]]:
    """The states in lists of ``size``, the last one shorter."""
    chunk: list[State] = []
    for state in states:
        chunk.append(state)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk
