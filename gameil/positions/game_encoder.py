"""Whole games as positions, many at a time: what a loader fills its pool from.

Three ways, which give the same positions: chess games side by side without the rules engine (``chess_replay``); games
of other boards with known planes, and chess games that were not accepted there, game by game in the engine
(``GameReplay``); all others (chance, plain vectors, PettingZoo, experts' labels) state by state (``encode_game``).
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import DatasetError, IllegalActionError
from gameil.games.game_replay import ReplayedGames, ReplayRequest, ReplaysWholeGames
from gameil.games.registry import make_game
from gameil.positions.chess_replay import MOST_PLIES, replay_chess
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.label import Label
from gameil.positions.played_game import PlayedGame
from gameil.positions.position_batch import PositionBatch
from gameil.positions.position_pool import PositionPool
from gameil.positions.replay import encode_game

SIDE_BY_SIDE_POSITIONS = 32768
"""Plies of chess games that are replayed side by side: some hundred games, which share the cost of NumPy's calls."""
CHUNK_POSITIONS = 1024
"""Positions replayed together: enough that NumPy's calls cost little each, few enough for the processor's cache."""


@dataclass(frozen=True, slots=True, eq=False)
class StoredGame:
    """A game of a dataset and what is wanted of it."""

    game_id: int
    played: PlayedGame
    labels: Mapping[int, Label] | None = None
    """Experts' labels by ply: only these plies, to be played as labelled."""
    wanted: NDArray[np.bool_] | None = None
    """``[D]``: which of the game's decisions (of its labelled plies, with labels); None for all."""
    seats: tuple[int, ...] | None = None
    """Whose decisions are imitated: those of the other seats have no weight; None for everybody's."""


class GameEncoder:
    """Encodes games of one family. Keeps buffers: not for threads that share one."""

    def __init__(self, encoder: ObservationEncoder) -> None:
        self._encoder = encoder
        self._rules: dict[str, ReplaysWholeGames | None] = {}
        """By game id, for the games met so far: ``make_game`` reads the id anew each time."""
        rules = self._rules_of(encoder.game.id)
        self._replay = None if rules is None or encoder.packing is None else rules.game_replay()

    def encode(self, games: Sequence[StoredGame]) -> PositionPool:
        """All wanted positions, in the order of ``games`` (at least one).

        Raises:
            DatasetError: an action is not legal.
        """
        found: list[tuple[PositionPool, NDArray[np.int64]]] = []
        left = np.ones(len(games), bool)
        for group in self._side_by_side(games):
            some = [games[number] for number in group]
            accepted, replayed = replay_chess([game.played.actions for game in some], [_shown(game) for game in some])
            found.append((self._pool(some, replayed), group[replayed.games]))
            left[group[accepted]] = False
        chunk: list[tuple[int, ReplayRequest]] = []
        size = 0
        for number in np.flatnonzero(left).tolist():
            request = self._request(games[number])
            if request is None or (chunk and size + len(request.actions) > CHUNK_POSITIONS):
                found += self._encode_chunk(games, chunk)
                chunk, size = [], 0
            if request is None:
                pool = self._encode_slowly(games[number])
                found.append((pool, np.full(len(pool), number)))
            else:
                chunk.append((number, request))
                size += len(request.actions)
        found += self._encode_chunk(games, chunk)
        pool = PositionPool.concatenate([part for part, _ in found])
        owners = np.concatenate([numbers for _, numbers in found])
        in_order = bool((owners[1:] >= owners[:-1]).all())
        return pool if in_order else pool.select(np.argsort(owners, kind="stable"))

    def _side_by_side(self, games: Sequence[StoredGame]) -> Iterator[NDArray[np.int64]]:
        """Groups of chess games from the usual start, by their numbers."""
        if self._replay is None or self._encoder.game.id != "chess":
            return
        numbers = np.array(
            [
                number
                for number, game in enumerate(games)
                if game.played.game_id == "chess"
                and game.played.start is None
                and game.labels is None
                and 0 < len(game.played.actions) <= MOST_PLIES
            ],
            np.int64,
        )
        sizes = np.array([len(games[number].played.actions) for number in numbers], np.int64)
        if len(numbers):
            yield from np.split(numbers, np.flatnonzero(np.diff(np.cumsum(sizes) // SIDE_BY_SIDE_POSITIONS)) + 1)

    def _request(self, game: StoredGame) -> ReplayRequest | None:
        if self._replay is None or game.labels is not None:
            return None
        played = game.played
        rules = self._rules_of(played.game_id)
        if rules is None or not rules.replayed_whole:
            return None
        return rules.replay_request(f"game {game.game_id}", played.start, played.actions, _shown(game))

    def _rules_of(self, game_id: str) -> ReplaysWholeGames | None:
        if game_id not in self._rules:
            rules = make_game(game_id)
            self._rules[game_id] = rules if isinstance(rules, ReplaysWholeGames) else None
        return self._rules[game_id]

    def _encode_slowly(self, game: StoredGame) -> PositionPool:
        batch = encode_game(
            game.played,
            self._encoder,
            game_id=game.game_id,
            labels=game.labels,
            wanted=game.wanted,
            imitated=game.seats,
        )
        return PositionPool.pack(batch, self._encoder.packing)

    def _encode_chunk(
        self, games: Sequence[StoredGame], chunk: Sequence[tuple[int, ReplayRequest]]
    ) -> list[tuple[PositionPool, NDArray[np.int64]]]:
        """Some of the games, given by their numbers, with the number of each position's game."""
        if not chunk:
            return []
        assert self._replay is not None
        try:
            found = self._replay.replay([request for _, request in chunk])
        except IllegalActionError as error:
            raise DatasetError(f"a stored game does not replay: {error}") from error
        numbers = np.array([number for number, _ in chunk])
        return [(self._pool([games[number] for number in numbers], found), numbers[found.games])]

    def _pool(self, games: Sequence[StoredGame], found: ReplayedGames) -> PositionPool:
        assert self._encoder.packing is not None
        return PositionPool(
            _columns(games, found),
            self._encoder.packing,
            np.concatenate([found.bits, self._encoder.extra_bits(found)], axis=1),
            found.values.astype(np.float16),
        )


def _shown(game: StoredGame) -> NDArray[np.bool_]:
    """Which plies of a game without chance are wanted, ``[T]``."""
    played = game.played
    shown = np.ones(len(played.actions), bool)
    shown[: played.num_setup] = False
    if game.wanted is not None:
        if len(game.wanted) != len(shown) - played.num_setup:
            raise DatasetError(f"game {game.game_id}: its index states another number of decisions: verify the dataset")
        shown[played.num_setup :] = game.wanted
    return shown


def _columns(games: Sequence[StoredGame], found: ReplayedGames) -> PositionBatch:
    """Everything but the observations."""
    owners, plies = found.games, found.plies
    seats = found.movers[plies]
    size = len(plies)
    seat_count = 1 + max((int(seats.max()), *(len(game.played.players) - 1 for game in games))) if size else 1
    known = np.array([game.played.returns is not None for game in games])
    returns = np.zeros((len(games), seat_count), np.float32)
    ratings = np.zeros((len(games), seat_count), np.int32)
    for number, game in enumerate(games):
        if game.played.returns is not None:
            returns[number, : len(game.played.returns)] = game.played.returns
        for seat, player in enumerate(game.played.players):
            ratings[number, seat] = player.rating or 0
    offsets = np.zeros(size + 1, np.int64)
    np.cumsum(found.counts, out=offsets[1:])
    weights = np.ones(size, np.float32)
    return_weights = known[owners].astype(np.float32)
    if any(game.seats is not None for game in games):
        imitated = np.array(
            [[game.seats is None or seat in game.seats for seat in range(seat_count)] for game in games]
        )
        weights *= imitated[owners, seats]
        return_weights *= weights
    return PositionBatch(
        observations=np.empty((size, 0), np.float16),
        legal=found.legal,
        offsets=offsets,
        actions=found.actions[plies],
        target_probs=None,
        returns=returns[owners, seats],
        return_weights=return_weights,
        weights=weights,
        game_ids=np.array([game.game_id for game in games], np.uint64)[owners],
        plies=(plies - found.firsts[plies]).astype(np.int32),
        ratings=ratings[owners, seats],
    )
