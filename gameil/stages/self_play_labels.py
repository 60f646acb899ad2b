"""What self-play with search leaves in a run's dataset, and what learning takes from there.

Games and labels of one iteration are committed in one transaction. A label's policy is the search's, or the step that
guided policy search takes from the network's own policy; its value is the mean, in stated shares, of the search's value
and the game's outcome, or the exact value where the search proved it. The label's round is the iteration: a position
that is searched again later gets another label, and learning takes the latest.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.dataset import Dataset
from gameil.dataset.writer import DatasetWriter
from gameil.positions.game_encoder import GameEncoder, StoredGame
from gameil.positions.label import Label
from gameil.positions.position_pool import PositionPool
from gameil.positions.replay import replay
from gameil.rollout.search_play import SearchedGame, SearchedMove, outcome_for
from gameil.search.kl_step import best_eta, improved_policy, mean_kl
from gameil.search.rules import Search
from gameil.seeding import generator

LEAST_PROB = 1e-5
"""Smaller probabilities of a label are left out: they cost bytes and teach nothing."""
GAMES_AT_ONCE = 1024
"""Games read and encoded together when a window is filled from the dataset."""
_SEARCHED_AT_ONCE = 256


def step_policies(moves: Sequence[SearchedMove], epsilon: float) -> tuple[list[NDArray[np.float32]], dict[str, float]]:
    """The policies of ``kl_step`` for some searched moves, at one eta for all of them, and what came of it."""
    counts = [len(move.actions) for move in moves]
    rows = np.repeat(np.arange(len(moves)), counts)
    priors = np.concatenate([move.priors for move in moves])
    q = np.concatenate([move.q for move in moves])
    eta = best_eta(priors, q, rows, epsilon=epsilon)
    policy = improved_policy(priors, q, rows, eta)
    parts = np.split(policy.astype(np.float32), np.cumsum(counts)[:-1])
    return parts, {"improvement/eta": eta, "improvement/kl": mean_kl(policy, priors, rows)}


def label_of(
    move: SearchedMove, policy: NDArray[np.float32], outcome: float | None, *, expert: str, round: int, share: float
) -> Label:
    """The label of a searched move.

    Args:
        policy: to be learned, beside ``move.actions``.
        outcome: of the game for the mover; None where it was cut.
        share: of the outcome in the value; the rest is the search's. A proven value stands alone.
    """
    kept = policy >= min(LEAST_PROB, float(policy.max()))
    probs = policy[kept] / policy[kept].sum()
    value = move.value if move.known or outcome is None else (1.0 - share) * move.value + share * outcome
    return Label(expert, round, move.actions[kept], probs.astype(np.float32), float(np.clip(value, -1.0, 1.0)))


def store_games(
    path: Path,
    family: str,
    games: Sequence[SearchedGame],
    policies: Sequence[NDArray[np.float32]],
    *,
    expert: str,
    round: int,
    outcome_share: float,
) -> list[StoredGame]:
    """Writes games and labels in one transaction and returns them as the window wants them.

    Args:
        policies: one for each searched move of all games, in their order.
    """
    stored: list[StoredGame] = []
    waiting = iter(policies)
    with DatasetWriter(path, family) as writer:
        for game in games:
            labels = {
                move.ply: label_of(
                    move,
                    next(waiting),
                    outcome_for(game.played, move.player),
                    expert=expert,
                    round=round,
                    share=outcome_share,
                )
                for move in game.moves
            }
            game_id = writer.add(game.played).game_id
            for ply, label in labels.items():
                writer.add_label(game_id, ply, label)
            stored.append(StoredGame(game_id, game.played, labels))
    return stored


def stored_games(dataset: Dataset, positions: int) -> Iterator[list[StoredGame]]:
    """The newest games with about so many labelled positions (all of the last ones), oldest first, in lists."""
    counts = dataset.label_counts()
    ids: list[int] = []
    for game_id in sorted(counts, reverse=True):
        if positions <= 0:
            break
        ids.append(game_id)
        positions -= counts[game_id]
    ids.reverse()
    for start in range(0, len(ids), GAMES_AT_ONCE):
        yield [read_game(dataset, game_id) for game_id in ids[start : start + GAMES_AT_ONCE]]


def read_game(dataset: Dataset, game_id: int) -> StoredGame:
    """A game with its latest labels."""
    return StoredGame(game_id, dataset.game_for_replay(game_id), dataset.labels(game_id))


def encoded(encoder: GameEncoder, games: Sequence[StoredGame]) -> list[PositionPool]:
    """The labelled positions of some games; none for none."""
    labelled = [game for game in games if game.labels]
    return [encoder.encode(labelled)] if labelled else []


def search_again(
    dataset: Dataset, game_ids: Sequence[int], search: Search, *, seed: int, round: int
) -> list[tuple[int, SearchedMove, float | None]]:
    """Searches all labelled positions of some games anew (reanalysis: Schrittwieser et al., "Online and Offline
    Reinforcement Learning by Planning with a Learned Model", 2021).

    Returns:
        Game, what was found, and the game's outcome for the mover, of each position.
    """
    places = []
    for game_id in game_ids:
        played = dataset.game_for_replay(game_id)
        labels = dataset.labels(game_id)
        places += [(game_id, played, ply, state.clone()) for ply, state, _ in replay(played) if ply in labels]
    found: list[tuple[int, SearchedMove, float | None]] = []
    for start in range(0, len(places), _SEARCHED_AT_ONCE):
        some = places[start : start + _SEARCHED_AT_ONCE]
        rngs = [generator(seed, "reanalysis", round, game_id, ply) for game_id, _, ply, _ in some]
        result = search.run([state for *_, state in some], rngs)
        for row, (game_id, played, ply, state) in enumerate(some):
            move = SearchedMove.of_result(result, row, state, ply)
            found.append((game_id, move, outcome_for(played, move.player)))
    return found


def store_labels(path: Path, family: str, labels: Sequence[tuple[int, int, Label]]) -> None:
    """Writes labels given as game, ply and label, in one transaction."""
    with DatasetWriter(path, family) as writer:
        for game_id, ply, label in labels:
            writer.add_label(game_id, ply, label)
