"""Maps of a board onto itself that the rules do not notice, for augmentation and for tests."""

from collections.abc import Mapping

import numpy as np

from gameil.games.game import BoardLayout, Symmetry
from gameil.games.parameters import Value


def board_symmetries(
    name: str, parameters: Mapping[str, Value], board: BoardLayout | None, num_actions: int
) -> tuple[Symmetry, ...]:
    """All known symmetries of a game in the mover's frame, the identity first."""
    cells = np.arange(board.height * board.width if board is not None else 0)
    return (Symmetry("identity", cells, np.arange(num_actions), keeps_start=True),)
