"""From a state to the planes a network sees: the game's observation and what it leaves out but players know.

Board games get planes for the last moves (where from, where to) and, in Go, for the point that ko forbids. All of them
are in the mover's frame. Games without a board pass through unchanged.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import BoardLayout, Game, State


@dataclass(frozen=True)
class EncoderConfig:
    """What is added to a game's own observation. Stored in every snapshot: a network sees what it learned with."""

    __pydantic_config__ = {"extra": "forbid"}

    last_moves: int = 2
    """Number of last moves shown, 0 to 8; each is a plane of its target, and one of its source where moves have one."""
    ko: bool = True
    """In Go, a plane with the point that simple ko forbids."""

    def __post_init__(self) -> None:
        if not 0 <= self.last_moves <= 8:
            raise ConfigError(f"encoder.last_moves must be 0 to 8 (a state remembers 8 moves), got {self.last_moves}")


class ObservationEncoder:
    """Writes observations of one game family; stateless, so one encoder serves any number of games."""

    def __init__(self, game: Game, config: EncoderConfig) -> None:
        self.game = game
        self.config = config
        self.shape: tuple[int, ...] = game.observation_shape
        """``[C, H, W]`` for board games, the game's own shape otherwise."""
        self._layout = game.board if len(game.observation_shape) == 3 else None
        if self._layout is not None:
            self._base_planes = game.observation_shape[0]
            self._cells: list[list[int]] = self._layout.action_cells.tolist()
            self._opponent: list[int] = self._layout.opponent_view.tolist()
            # One plane of targets, one of sources, where the game's actions have them (a connect four column has none).
            self._planes_per_move = int((self._layout.action_cells >= 0).any(axis=0).sum())
            self._shown_moves = config.last_moves if self._planes_per_move else 0
            self._ko = config.ko and game.name == "go"
            extra = self._shown_moves * self._planes_per_move + self._ko
            self.shape = (self._base_planes + extra, *game.observation_shape[1:])
            if self._ko:
                self._neighbours = _neighbours(self._layout)

    def write(self, state: State, out: NDArray[np.float32]) -> None:
        """Writes the observation of the player to move into ``out``, ``[*shape]``."""
        if self._layout is None:
            state.write_observation(out)
            return
        state.write_observation(out[: self._base_planes])
        if self.shape[0] == self._base_planes:
            return
        extra = out[self._base_planes :].reshape(self.shape[0] - self._base_planes, -1)
        extra.fill(0.0)
        mover = state.current_player()
        for index, (player, action) in enumerate(state.recent[: self._shown_moves]):
            source, target = self._cells[action]
            plane = index * self._planes_per_move
            if target >= 0:
                extra[plane, target if player == mover else self._opponent[target]] = 1.0
            if source >= 0:
                extra[plane + 1, source if player == mover else self._opponent[source]] = 1.0
        if self._ko:
            point = self._ko_point(state, out)
            if point >= 0:
                extra[-1, point] = 1.0

    def encode(self, states: Sequence[State]) -> NDArray[np.float32]:
        """Observations of many states, ``[B, *shape]``."""
        out = np.empty((len(states), *self.shape), dtype=np.float32)
        for index, state in enumerate(states):
            self.write(state, out[index])
        return out

    def _ko_point(self, state: State, out: NDArray[np.float32]) -> int:
        """The point that simple ko forbids, or -1.

        A lone stone just played whose only liberty is ``p`` could be captured by playing ``p``, which therefore is no
        suicide; when the rules nevertheless forbid ``p``, it is ko.
        """
        if not state.recent:
            return -1
        stone = self._cells[state.recent[0][1]][1]
        if stone < 0:
            return -1
        own, opponent = out[0].reshape(-1), out[1].reshape(-1)
        liberty = -1
        for cell in self._neighbours[stone]:
            if opponent[cell]:
                return -1
            if not own[cell]:
                if liberty >= 0:
                    return -1
                liberty = cell
        if liberty < 0:
            return -1
        legal = state.legal_actions()
        place = bisect_left(legal, liberty)  # in Go the action of a point is its cell
        return -1 if place < len(legal) and legal[place] == liberty else liberty


def _neighbours(layout: BoardLayout) -> list[list[int]]:
    """Orthogonal neighbours of every cell."""
    height, width = layout.height, layout.width
    return [
        [
            r * width + c
            for r, c in ((row - 1, column), (row + 1, column), (row, column - 1), (row, column + 1))
            if 0 <= r < height and 0 <= c < width
        ]
        for row in range(height)
        for column in range(width)
    ]
