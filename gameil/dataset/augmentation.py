"""Random symmetries of the board, on observations, legal actions and targets together."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import Game, Symmetry
from gameil.positions.position_batch import PositionBatch


class Augmentation:
    """Maps each position of a batch by its own symmetry of one game."""

    def __init__(self, game: Game, *, only_keeping_start: bool) -> None:
        """Takes the game's symmetries; with ``only_keeping_start`` those that map games onto games from the start."""
        found = game.symmetries() if game.board is not None and len(game.observation_shape) == 3 else ()
        self.symmetries: tuple[Symmetry, ...] = tuple(
            symmetry for symmetry in found if symmetry.keeps_start or not only_keeping_start
        )
        self._num_actions = game.num_actions
        if self.symmetries:
            self._actions = np.concatenate([symmetry.actions for symmetry in self.symmetries])

    def random(self, batch: PositionBatch, rng: np.random.Generator) -> PositionBatch:
        """Each position by a symmetry drawn with equal chances."""
        if len(self.symmetries) < 2:
            return batch
        return self.apply(batch, rng.integers(len(self.symmetries), size=len(batch)))

    def apply(self, batch: PositionBatch, choices: NDArray[np.int64]) -> PositionBatch:
        """Position ``b`` by symmetry number ``choices[b]``, ``[B]``."""
        size, planes = batch.observations.shape[:2]
        cells = batch.observations.reshape(size, planes, -1).view(np.uint16)
        mapped = np.empty_like(cells)
        for number, symmetry in enumerate(self.symmetries):
            chosen = np.flatnonzero(choices == number)
            # One symmetry at a time: a gather with indices for every position costs ten times as much.
            mapped[chosen] = cells[chosen].take(symmetry.cells, axis=2, mode="clip")
        counts = batch.num_legal()
        first = np.repeat(np.arange(size) * self._num_actions, counts)
        rows = np.repeat(choices * self._num_actions, counts)
        # The mapped actions, ascending within each position: written down where they belong, then read in order.
        places = np.full(size * self._num_actions, -1, np.int32)
        places[first + self._actions.take(rows + batch.legal, mode="clip")] = np.arange(len(rows), dtype=np.int32)
        keys = np.flatnonzero(places >= 0)
        target_probs = batch.target_probs
        if target_probs is not None:
            target_probs = target_probs[places[keys]]
        return replace(
            batch,
            observations=mapped.view(np.float16).reshape(batch.observations.shape),
            legal=(keys - first).astype(np.int32),
            actions=self._actions.take(choices * self._num_actions + batch.actions, mode="clip"),
            target_probs=target_probs,
            owners=None if batch.owners is None else self._mapped_cells(batch.owners, choices),
        )

    def _mapped_cells(self, values: NDArray[np.int8], choices: NDArray[np.int64]) -> NDArray[np.int8]:
        """A value for each cell, ``[B, H * W]``, mapped as the planes are."""
        mapped = np.empty_like(values)
        for number, symmetry in enumerate(self.symmetries):
            chosen = np.flatnonzero(choices == number)
            mapped[chosen] = values[chosen][:, symmetry.cells]
        return mapped
