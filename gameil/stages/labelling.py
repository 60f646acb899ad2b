"""One round's data for DAgger: games of the mixture policy, the positions worth a label, and the expert's labels.

Everything lands in the run's own dataset as it is made: the games in one transaction, the labels in small ones, so that
a killed round loses at most a few seconds of the expert's work.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

import numpy as np

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
from gameil.games.game import Game
from gameil.positions.encoder import EncoderConfig
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.rollout.matches import Pairing, play_matches
from gameil.seeding import generator, stream_seed
from gameil.stages.label_choice import Place, chunked, states_at

Targets = Literal["soft", "hard"]
"""``soft``: the expert's probabilities; ``hard``: all on its best action, as Ross et al. (2011) have it."""
LABELS_A_COMMIT = 256
"""Labels in one transaction: what a kill can cost."""


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


def label_places(
    dataset: Dataset,
    places: Sequence[Place],
    expert: Expert | None,
    *,
    seed: int,
    round: int,
    targets: Targets,
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
                writer.add_label(place.game_id, place.ply, hard(label) if targets == "hard" else label)
            writer.commit()
            progress(len(chunk))


def hard(label: Label) -> Label:
    """The same label with all the probability on the likeliest action, of equal ones the lowest."""
    best = int(label.probs.argmax())
    return Label(label.expert, label.round, label.actions[best : best + 1], np.ones(1, np.float32), label.value)


def label_batches(
    source: Path,
    dataset: Path | None,
    encoder: EncoderConfig,
    *,
    batch_size: int,
    dataset_share: float,
    augment: bool,
    labels: bool,
    seed: int,
) -> MixtureLoader:
    """Endless batches of a source's positions, with those of a dataset in their share where there is one.

    Args:
        labels: the source's labelled positions, to be played as labelled; else all of its games.
    """
    sources = [(source, labels)] if dataset is None else [(source, labels), (dataset, False)]
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
