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
            self._cells = np.stack([symmetry.cells for symmetry in self.symmetries])
            self._actions = np.stack([symmetry.actions for symmetry in self.symmetries])

    def random(self, batch: PositionBatch, rng: np.random.Generator) -> PositionBatch:
        """Each position by a symmetry drawn with equal chances."""
        if len(self.symmetries) < 2:
            return batch
        return self.apply(batch, rng.integers(len(self.symmetries), size=len(batch)))

    def apply(self, batch: PositionBatch, choices: NDArray[np.int64]) -> PositionBatch:
        """Position ``b`` by symmetry number ``choices[b]``, ``[B]``."""
        size, planes = batch.observations.shape[:2]
        cells = batch.observations.reshape(size, planes, -1)
        mapped = np.empty_like(cells)
        for number in range(len(self.symmetries)):
            chosen = np.flatnonzero(choices == number)
            if len(chosen):
                mapped[chosen] = cells[chosen[:, None, None], np.arange(planes)[None, :, None], self._cells[number]]
        owners = np.repeat(np.arange(size), batch.num_legal())
        # Owner and action in one key: sorting it sorts the actions within each position.
        keys = owners * self._num_actions + self._actions[choices[owners], batch.legal]
        target_probs = batch.target_probs
        if target_probs is None:
            keys.sort()
        else:
            order = np.argsort(keys)
            keys, target_probs = keys[order], target_probs[order]
        return replace(
            batch,
            observations=mapped.reshape(batch.observations.shape),
            legal=(keys - owners * self._num_actions).astype(np.int32),
            actions=self._actions[choices, batch.actions],
            target_probs=target_probs,
        )
