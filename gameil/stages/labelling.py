"""One round's data for DAgger: games of the mixture policy, the positions worth a label, and the expert's labels.

Everything lands in the run's own dataset as it is made: the games in one transaction, the labels in small ones, so that
a killed round loses at most a few seconds of the expert's work.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent
from gameil.arena.openings import random_openings
from gameil.dataset.dataset import Dataset
from gameil.dataset.label_queue import QueuedPosition
from gameil.dataset.loader import Loader
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.mixture import MixtureLoader, split_batch
from gameil.dataset.writer import DatasetWriter
from gameil.experts.expert import Expert
from gameil.experts.people import ask_people
from gameil.games.game import Game, State
from gameil.models.inference import NetworkEvaluator
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import flat_legal
from gameil.positions.replay import replay
from gameil.rollout.matches import Pairing, play_matches
from gameil.seeding import generator, stream_seed

Choice = Literal["all", "uncertain"]
"""``all``: positions at random; ``uncertain``: those where the policy's entropy is greatest."""

LABELS_A_COMMIT = 256
"""Labels in one transaction: what a kill can cost."""
POSITIONS_A_CALL = 1024
"""Positions in one network call."""


@dataclass(frozen=True, slots=True)
class Place:
    """One position of the dataset."""

    game_id: int
    ply: int


def round_prefix(round: int) -> str:
    """What the match ids of a round's games begin with."""
    return f"dagger/{round}/"


def play_mixture(
    game: Game,
    agent: Agent,
    *,
    games: int,
    opening_plies: int,
    max_plies: int,
    seed: int,
    round: int,
    progress: Callable[[], None],
) -> list[PlayedGame]:
    """Games in which the mixture holds all seats, each from a random opening of its own."""
    openings = random_openings(game, games, plies=opening_plies, seed=stream_seed(seed, "opening", round))
    seats = (agent,) * game.num_players
    pairings = (Pairing(match, seats, opening.actions) for match, opening in enumerate(openings))
    results = play_matches(
        game,
        pairings,
        seed=stream_seed(seed, "mixture", round),
        concurrency=256,
        max_plies=max_plies or None,
        match_prefix=round_prefix(round).rstrip("/"),
        on_result=lambda _: progress(),
    )
    return [result.played for result in sorted(results, key=lambda result: result.pairing.match)]


def games_of_round(dataset: Dataset, round: int) -> list[int]:
    """Ids of the games that a round has stored."""
    prefix = round_prefix(round)
    ids = dataset.game_ids().tolist()
    return [game_id for game_id in ids if (dataset.game(game_id).match_id or "").startswith(prefix)]


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
    """At most ``number`` of the positions, in the dataset's order."""
    if len(places) <= number:
        return list(places)
    if choice == "uncertain":
        found = policy_entropies(evaluator, encoder, states_at(dataset, places))
        chosen = np.argsort(-found, kind="stable")[:number]
    else:
        chosen = rng.choice(len(places), number, replace=False)
    return [places[index] for index in np.sort(chosen)]


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


def states_at(dataset: Dataset, places: Sequence[Place]) -> Iterator[State]:
    """The states of these positions, which are sorted by game and ply."""
    by_game: dict[int, set[int]] = {}
    for place in places:
        by_game.setdefault(place.game_id, set()).add(place.ply)
    for game_id, plies in by_game.items():
        for ply, state, _ in replay(dataset.game_for_replay(game_id)):
            if ply in plies:
                yield state.clone()


def label_places(
    dataset: Dataset,
    places: Sequence[Place],
    expert: Expert | None,
    *,
    seed: int,
    round: int,
    progress: Callable[[int], None],
) -> None:
    """Labels those of the positions that this round has not labelled yet, committing as it goes; without an expert,
    people are asked, who do the same through the site."""
    if expert is None:
        queue = [QueuedPosition(place.game_id, place.ply, round) for place in places]
        ask_people(dataset.path, queue, progress=progress)
        return
    done = {
        Place(game_id, ply)
        for game_id in {place.game_id for place in places}
        for ply, label in dataset.all_labels(game_id)
        if label.round == round and label.expert == expert.name
    }
    progress(len(done))
    missing = [place for place in places if place not in done]
    states = states_at(dataset, missing)
    size = LABELS_A_COMMIT
    with DatasetWriter(dataset.path, dataset.meta.family) as writer:
        for number, chunk in enumerate(chunked(states, size)):
            chosen = missing[number * size : number * size + len(chunk)]
            rngs = [generator(seed, "label", round, place.game_id, place.ply) for place in chosen]
            for place, label in zip(chosen, expert.label(chunk, rngs, round=round), strict=True):
                writer.add_label(place.game_id, place.ply, label)
            writer.commit()
            progress(len(chunk))


def label_batches(
    labels: Path,
    dataset: Path | None,
    encoder: EncoderConfig,
    *,
    batch_size: int,
    dataset_share: float,
    augment: bool,
    seed: int,
) -> MixtureLoader:
    """Endless batches of labelled positions, with people's positions in their share where there is a dataset."""
    sources = [(labels, True)] if dataset is None else [(labels, True), (dataset, False)]
    shares = [1.0] if dataset is None else [1.0 - dataset_share, dataset_share]
    return MixtureLoader(
        [
            Loader(
                path,
                "train",
                encoder,
                LoaderConfig(batch_size=size, seed=stream_seed(seed, int(is_labels))),
                augment=augment,
                labels=is_labels,
            )
            for (path, is_labels), size in zip(sources, split_batch(batch_size, shares), strict=True)
        ]
    )


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
