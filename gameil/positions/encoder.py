"""From a state to the planes a network sees: the game's observation and what it leaves out but players know.

Board games get planes for the last moves (where from, where to) and, in Go, for the point that ko forbids; on demand
also planes that are derived from the position. All of them are in the mover's frame. Games without a board pass
through unchanged.
"""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import BoardLayout, Game, State
from gameil.games.game_replay import ReplayedGames
from gameil.positions.derived.planes import DerivedPlanes, derived_planes
from gameil.positions.plane_packing import PlanePacking
from gameil.positions.position_batch import span_places


@dataclass(frozen=True)
class EncoderConfig:
    """What is added to a game's own observation. Stored in every snapshot: a network sees what it learned with."""

    __pydantic_config__ = {"extra": "forbid"}

    last_moves: int = 2
    """Number of last moves shown, 0 to 8; each is a plane of its target, and one of its source where moves have one."""
    ko: bool = True
    """In Go, a plane with the point that simple ko forbids."""
    derived: bool = False
    """Planes that follow from the position by the rules (``positions.derived``): attacks and pins in chess, flips and
    mobility in Othello, liberties and captures in Go. Nothing in other games."""

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
        self._stored_shape = self.shape
        """Without the derived planes."""
        self._derived: DerivedPlanes | None = None
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
            self._derived = derived_planes(game.name) if config.derived else None
            self._stored_planes = self._base_planes + extra
            planes = self._stored_planes + (0 if self._derived is None else self._derived.number)
            self.shape = (planes, *game.observation_shape[1:])
            self._stored_shape = (self._stored_planes, *game.observation_shape[1:])
            if self._ko:
                self._neighbours = _neighbours(self._layout)
        self.packing = self._packing()
        """How the observations are packed in pools; None where they are no planes, or their kinds are not known."""

    def _packing(self) -> PlanePacking | None:
        if self._layout is None or self._layout.flat_planes is None:
            return None
        shape = (self._stored_planes, *self.shape[1:])
        return PlanePacking(shape, self._layout.flat_planes, self._base_planes, self._derived)

    def write(self, state: State, out: NDArray[np.float32]) -> None:
        """Writes the observation of the player to move into ``out``, ``[*shape]``, without what ``derive`` adds."""
        if self._layout is None:
            state.write_observation(out)
            return
        state.write_observation(out[: self._base_planes])
        if self._stored_planes == self._base_planes:
            return
        extra = out[self._base_planes : self._stored_planes].reshape(self._stored_planes - self._base_planes, -1)
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
        return self.complete(self.encode_stored(states))

    def encode_stored(self, states: Sequence[State]) -> NDArray[np.float32]:
        """Observations without what ``complete`` derives from them, ``[B, ...]``."""
        out = np.empty((len(states), *self._stored_shape), dtype=np.float32)
        for index, state in enumerate(states):
            self.write(state, out[index])
        return out

    def complete(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations ``[B, *shape]`` from those of ``encode_stored``; the same array where nothing is derived."""
        if self._derived is None:
            return stored
        out = np.empty((len(stored), *self.shape), dtype=np.float32)
        out[:, : self._stored_planes] = stored
        self.derive(out)
        return out

    def derive(self, observations: NDArray[Any]) -> None:
        """Writes the derived planes of observations ``[B, *shape]``, whose other planes are there."""
        if self._derived is not None:
            planes = observations[:, self._stored_planes :]
            planes.fill(0.0)
            self._derived.write(observations, planes)

    def extra_bits(self, games: ReplayedGames) -> NDArray[np.uint8]:
        """What ``write`` adds to the game's own observation, for whole replayed games, packed, ``[R, bytes]``."""
        layout, plies = self._layout, games.plies
        assert layout is not None
        cells_a_plane = layout.height * layout.width
        bits = np.zeros((len(plies), ((self._stored_planes - self._base_planes) * cells_a_plane + 7) // 8), np.uint8)
        movers = games.movers[plies]
        for index in range(self._shown_moves):
            before = plies - 1 - index
            rows = np.flatnonzero(before >= games.firsts[plies])
            before = before[rows]
            theirs = games.movers[before] != movers[rows]
            for plane, column in enumerate((1, 0)[: self._planes_per_move], index * self._planes_per_move):
                cells = layout.action_cells[games.actions[before], column]
                there = cells >= 0
                cells = np.where(theirs, layout.opponent_view[cells], cells)[there]
                _set_bits(bits, rows[there], plane * cells_a_plane + cells)
        if self._ko:
            rows, points = self._ko_points(games)
            _set_bits(bits, rows, self._shown_moves * self._planes_per_move * cells_a_plane + points)
        return bits

    def _ko_points(self, games: ReplayedGames) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Positions with a point that simple ko forbids, and that point: ``_ko_point`` for all at once."""
        assert self._layout is not None
        assert self.packing is not None
        size = self._layout.height * self._layout.width
        rows = np.flatnonzero(games.plies - 1 >= games.firsts[games.plies])
        stones = self._layout.action_cells[games.actions[games.plies[rows] - 1], 1]
        rows, stones = rows[stones >= 0], stones[stones >= 0]
        # Beside the board everything is the mover's, so that it is neither a liberty nor a friend of the stone.
        beside = np.array([cells + [size] * (4 - len(cells)) for cells in self._neighbours])[stones]
        inside = np.minimum(beside, size - 1)
        marks = self.packing.marks(games.bits, 2)
        friends = (marks[rows[:, None], 1, inside] == 1) & (beside < size)
        free = (marks[rows[:, None], 0, inside] == 0) & ~friends & (beside < size)
        lone = ~friends.any(axis=1) & (free.sum(axis=1) == 1)
        rows, points = rows[lone], beside[lone][free[lone]]
        counts = games.counts[rows]
        options = games.legal[span_places(np.cumsum(games.counts)[rows] - counts, counts)]
        owners = np.repeat(np.arange(len(rows)), counts)
        legal = np.zeros(len(rows), bool)
        legal[owners[options == points[owners]]] = True
        return rows[~legal], points[~legal]

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


def _set_bits(bits: NDArray[np.uint8], rows: NDArray[np.int64], places: NDArray[np.int64]) -> None:
    """Sets one bit, counted as ``np.packbits`` does, in each of some different rows."""
    bits[rows, places >> 3] |= (128 >> (places & 7)).astype(np.uint8)


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
