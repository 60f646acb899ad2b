"""The parts of a board's actions: from which cell, to which cell, as which of those that share both.

Letters: ``A`` actions, ``N`` cells.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import BoardLayout


@dataclass(frozen=True, eq=False)
class MoveParts:
    """Where each action starts and ends, with what tells it from others that do alike."""

    source: NDArray[np.int64]
    """``[A]``: cell, -1 for none."""
    target: NDArray[np.int64]
    """``[A]``: cell, -1 for none."""
    rank: NDArray[np.int64]
    """``[A]``: number among the actions that share source and target, from 0 in the order of ids (chess: rook, bishop,
    knight, queen where a pawn promotes, otherwise 0)."""
    loose: NDArray[np.int64]
    """``[A]``: number among the actions without any cell (pass, castling), -1 for all others."""

    @property
    def num_ranks(self) -> int:
        return int(self.rank.max(initial=0)) + 1

    @property
    def num_loose(self) -> int:
        return int(self.loose.max(initial=-1)) + 1


def move_parts(layout: BoardLayout) -> MoveParts:
    """The parts of every action. An action with a source but no target leaves the board and is never legal."""
    source, target = layout.action_cells.astype(np.int64).T
    no_cell = (source < 0) & (target < 0)
    rank = np.zeros(len(source), np.int64)
    seen: dict[tuple[int, int], int] = {}
    for action, pair in enumerate(zip(source.tolist(), target.tolist(), strict=True)):
        if pair[1] >= 0:
            rank[action] = seen.get(pair, 0)
            seen[pair] = int(rank[action]) + 1
    return MoveParts(source, target, rank, np.where(no_cell, np.cumsum(no_cell) - 1, -1))
