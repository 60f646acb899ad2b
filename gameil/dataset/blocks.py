"""A split cut into blocks: each epoch a random order of all games, in pieces of about ``pool_positions`` positions.

A block is replayed as a whole. Everything random is keyed by what it is for, so that a block is a pure function of
dataset, configuration, epoch and number, whatever process makes it and whatever was made before.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.augmentation import Augmentation
from gameil.dataset.dataset import Dataset
from gameil.dataset.loader_config import LoaderConfig
from gameil.dataset.players import of_players, seats_of_players
from gameil.dataset.position_weights import PositionWeights
from gameil.dataset.schema import Split
from gameil.errors import DatasetError
from gameil.games.registry import make_game
from gameil.positions.context import with_context
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.game_encoder import GameEncoder, StoredGame
from gameil.positions.label import Label
from gameil.positions.position_pool import PositionPool
from gameil.seeding import generator

UNKNOWN = -1
"""Number in a place that was taken before anything was opened: nothing is compared with it."""


@dataclass(frozen=True)
class SplitSource:
    """What is read: small, picklable, nothing opened."""

    dataset: Path
    split: Split
    encoder: EncoderConfig
    config: LoaderConfig
    labels: bool
    """Labelled positions only, with the experts' policies as targets."""
    family: str | None = None
    """Game family that the dataset must be of; None for any."""


class Blocks:
    """The games of a split, opened, and their order in every epoch."""

    def __init__(self, source: SplitSource, place: Mapping[str, int]) -> None:
        """Args:
        source: what to read.
        place: ``games``, ``labels`` and ``content`` as they were when a place was taken (``UNKNOWN`` where none
            was): games added since are left out.

        Raises:
            DatasetError: there is no such dataset, it cannot be replayed, or it is not the one of the place.
        """
        self._source = source
        self._config = source.config
        self._dataset = Dataset(source.dataset, family=source.family)
        game = make_game(self._dataset.meta.family)
        self._has_observations = not game.capabilities.replayable
        self._encoder = GameEncoder(ObservationEncoder(game, source.encoder))
        self._weights = PositionWeights(source.config)
        self.augmentation = Augmentation(game, only_keeping_start=source.config.symmetries == "start")
        index = self._dataset.index()
        wanted = place["games"]
        if wanted > len(index):
            raise DatasetError(f"{source.dataset}: has {len(index)} games, but its position is one of {wanted}")
        self.num_games = len(index) if wanted == UNKNOWN else wanted
        self.content = _content_number(index[: self.num_games])
        if place["content"] not in (UNKNOWN, self.content):
            raise DatasetError(
                f"{source.dataset}: has changed: its first {self.num_games} games are not those that the position "
                f"was taken in; start a new run"
            )
        ids = self._dataset.game_ids(source.split)
        ids = ids[ids < self.num_games]
        sizes = index["decisions"][ids].astype(np.int64)
        self.num_labels = 0
        if source.labels:
            counts = self._dataset.label_counts()
            sizes = np.array([counts.get(game_id, 0) for game_id in ids.tolist()], np.int64)
            self.num_labels = self._dataset.num_labels()
            if place["labels"] not in (UNKNOWN, self.num_labels):
                raise DatasetError(
                    f"{source.dataset}: has {self.num_labels} labels, but the position was taken with {place['labels']}"
                )
        ids, sizes = ids[sizes > 0], sizes[sizes > 0]
        self._seats: dict[int, tuple[int, ...]] = {}
        if self._config.players:
            self._seats = seats_of_players(self._dataset, self._config.players, ids.tolist())
            theirs = np.isin(ids, np.fromiter(self._seats, np.uint64, len(self._seats)))
            ids, sizes = ids[theirs], sizes[theirs]
        self.ids = ids
        self.sizes = sizes
        """``[G]``: decisions of each game (labelled ones with labels), the others' in a player's games included."""
        self.hashes = index["hash"][self.ids]
        self.taken = self.sizes
        """``[G]``: how many of them an epoch takes."""
        if self._config.samples:
            self.taken = np.ceil(self.sizes * self._config.position_share).astype(np.int64)
            if self._config.positions_per_game:
                self.taken = np.minimum(self.taken, self._config.positions_per_game)
        self._epoch = -1
        self._order: NDArray[np.int64] = np.empty(0, np.int64)
        self._bounds: list[int] = []

    def require_games(self) -> None:
        """Raises ``DatasetError`` where the split has none."""
        if not len(self.ids):
            what = "labelled games" if self._source.labels else "games"
            who = of_players(self._config.players)
            raise DatasetError(f"{self._source.dataset}: the {self._source.split} split has no {what}{who}")

    def num_blocks(self, epoch: int) -> int:
        self._shuffle(epoch)
        return len(self._bounds) - 1

    def block(self, epoch: int, number: int) -> PositionPool:
        """The block's positions, game by game: those drawn for this epoch, or all."""
        self._shuffle(epoch)
        if not 0 <= number < len(self._bounds) - 1:
            raise DatasetError(f"no block {number}: the epoch has {len(self._bounds) - 1}")
        games = self._order[self._bounds[number] : self._bounds[number + 1]]
        wanted: list[NDArray[np.bool_] | None] = [None] * len(games)
        if self._config.samples:
            rng = generator(self._config.seed, "taken", epoch, number)
            wanted = list(_draw(self.sizes[games], self.taken[games], rng))
        return self.encode(self.ids[games].tolist(), wanted)

    def encode(self, game_ids: list[int], wanted: list[NDArray[np.bool_] | None]) -> PositionPool:
        """Positions of some games; ``wanted`` says which of each game's decisions, None for all.

        Where players are asked for, the others' decisions have weight 0.
        """
        games = []
        dates = []
        for game_id, mine in zip(game_ids, wanted, strict=True):
            played = self._dataset.game(game_id) if self._weights.by_date else self._dataset.game_for_replay(game_id)
            if self._has_observations:
                stored = self._dataset.observations(game_id)
                played = replace(played, observations=np.concatenate(stored) if stored else None)
            labels = self._labels(game_id) if self._source.labels else None
            games.append(StoredGame(game_id, played, labels, mine, self._seats.get(game_id)))
            dates.append(played.date)
        try:
            pool = self._encoder.encode(games)
        except DatasetError as error:
            raise DatasetError(f"{self._source.dataset}: {error}") from error
        rows = with_context(
            pool.rows, game_ids, [game.played for game in games], final_boards=self._config.final_boards
        )
        return self._weights.weigh(replace(pool, rows=rows), game_ids, dates)

    def _labels(self, game_id: int) -> dict[int, Label]:
        which = self._config.which_labels
        if which != "best":
            return self._dataset.labels(game_id, which)
        ranks = {expert: rank for rank, expert in enumerate(self._config.experts)}
        best: dict[int, Label] = {}
        for ply, label in self._dataset.all_labels(game_id):
            rank = (ranks.get(label.expert, len(ranks)), -label.round)
            other = best.get(ply)
            if other is None or rank < (ranks.get(other.expert, len(ranks)), -other.round):
                best[ply] = label
        return best

    def _shuffle(self, epoch: int) -> None:
        """The epoch's order of games, and where its blocks begin; a last one of less than half a pool is joined."""
        if epoch == self._epoch:
            return
        order = generator(self._config.seed, "games", epoch).permutation(len(self.ids))
        ends = np.cumsum(self.taken[order])
        bounds = [0]
        while bounds[-1] < len(order):
            before = int(ends[bounds[-1] - 1]) if bounds[-1] else 0
            bounds.append(min(len(order), int(np.searchsorted(ends, before + self._config.pool_positions)) + 1))
        if len(bounds) > 2 and int(ends[-1] - ends[bounds[-2] - 1]) < self._config.pool_positions // 2:
            del bounds[-2]
        self._epoch, self._order, self._bounds = epoch, order, bounds


def _draw(sizes: NDArray[np.int64], taken: NDArray[np.int64], rng: np.random.Generator) -> list[NDArray[np.bool_]]:
    """For each game of ``sizes`` decisions ``taken`` of them, drawn without replacement."""
    owners = np.repeat(np.arange(len(sizes)), sizes)
    order = np.lexsort((rng.random(len(owners)), owners))
    starts = np.cumsum(sizes) - sizes
    chosen = np.zeros(len(owners), bool)
    chosen[order] = np.arange(len(owners)) - starts[owners] < taken[owners]
    return np.split(chosen, starts[1:])


def _content_number(index: NDArray[np.void]) -> int:
    """A number of 63 bits that tells these games, their order and their splits from any others."""
    digest = hashlib.blake2b(np.ascontiguousarray(index).tobytes(), digest_size=8, person=b"loader").digest()
    return int.from_bytes(digest, "big") >> 1
