"""Many whole games at nearly the rules engine's own speed: one tight loop a game, the rest for all positions at once.

``State`` shows a position at a time, and so pays per position for gathering planes, renaming actions and looking at
its own bookkeeping: 12 us a chess position, twice the engine's own work. Here the loop asks the engine only for what
it alone knows (who moves, what is legal, its tensor) and everything else is one NumPy call for some hundred positions.
Knows no engine: an adapter makes a ``GameReplay`` where its games fit (no chance, a board whose planes are known).

Letters: ``R`` positions shown, ``M`` plies of all games, ``L`` legal actions of all shown positions in a row,
``C`` binary planes, ``F`` flat planes, ``H``, ``W`` board.
"""

from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from gameil.errors import GameError, IllegalActionError
from gameil.games.frames import Frame
from gameil.games.mover_view import ActionRenaming, coarsest_units


@dataclass(frozen=True, slots=True, eq=False)
class ReplayRequest:
    """One game to be replayed."""

    name: str
    """How errors call it."""
    state: Any
    """The engine's, at the start; it is used up."""
    constant: tuple[float, ...] | None
    """Value of the frame's constant plane by seat (Go's komi), which differs within a family."""
    actions: NDArray[np.integer[Any]]
    """``[T]``: all actions, in the mover's frame."""
    shown: NDArray[np.bool_]
    """``[T]``: which plies to show; nothing after the last one is played."""


@dataclass(frozen=True, slots=True, eq=False)
class ReplayedGames:
    """Shown positions of some games, as the mover sees them, beside all plies that were played."""

    planes: NDArray[np.uint8]
    """``[R, C + extra, H * W]``: planes of zeros and ones in the order of the observation, without the flat ones; the
    last ``extra`` are empty, for the caller."""
    values: NDArray[np.float32]
    """``[R, F]``: values of the flat planes (``BoardLayout.flat_planes``)."""
    legal: NDArray[np.int32]
    """``[L]``: legal actions, ascending within a position."""
    counts: NDArray[np.int64]
    """``[R]``: number of legal actions."""
    games: NDArray[np.int64]
    """``[R]``: number of the game among those asked for."""
    plies: NDArray[np.int64]
    """``[R]``: place of each position among the ``M`` plies."""
    actions: NDArray[np.int64]
    """``[M]``: actions of all games in a row."""
    movers: NDArray[np.int64]
    """``[M]``: seat that played each of them."""
    firsts: NDArray[np.int64]
    """``[M]``: place of the first ply of the same game."""


@runtime_checkable
class ReplaysWholeGames(Protocol):
    """A game whose adapter can make a ``GameReplay``."""

    def game_replay(self) -> "GameReplay | None":
        """A new replayer for all games of the family, None where they do not fit."""

    def replay_request(
        self, name: str, start: str | None, actions: NDArray[np.integer[Any]], shown: NDArray[np.bool_]
    ) -> ReplayRequest | None:
        """A game for it; None where this one has chance. Raises ``GameError`` for a bad start."""


class GameReplay:
    """Replays whole games of one OpenSpiel-like engine. Not for threads that share one: it keeps its buffers."""

    def __init__(self, observer: Any, frame: Frame, renaming: ActionRenaming | None, num_actions: int) -> None:
        """Args:
        observer: has ``set_from(state, player)`` and the flat ``tensor`` that it fills.
        frame: of the game; its board must know its flat planes.
        renaming: action ids of the frame, None where they are the engine's.
        num_actions: ``A``.
        """
        flat = frame.board.flat_planes
        if flat is None:
            raise GameError("games are replayed whole only where the board says which planes are flat")
        self._observer = observer
        self._num_actions = num_actions
        self._board_cells = frame.board.height * frame.board.width
        binary = [plane for plane in range(len(frame.gather[0])) if plane not in flat]
        self._num_planes = len(binary)
        self._units = [coarsest_units(len(observer.tensor), gather[binary]) for gather in frame.gather]
        cells = [gather[list(flat), 0, 0] for gather in frame.gather]
        self._flat_cells = np.unique(np.concatenate(cells))
        """Places in the tensor that any seat's flat planes show."""
        self._flat = [np.searchsorted(self._flat_cells, mine) for mine in cells]
        self._alternates = frame.alternates
        self._constant_place = None if frame.constant is None else flat.index(frame.constant[0])
        seats = frame.raw_seats or tuple(range(len(frame.gather)))
        self._seat_of = np.argsort(seats)
        """``[P]``: seat of each of the engine's players."""
        self._outward = None if renaming is None else [renaming.outward[seat] for seat in self._seat_of.tolist()]
        """By the engine's player: its id of each action."""
        self._inward = None if renaming is None else np.asarray(renaming.inward, np.int32)
        self._tensor = observer.tensor.data.cast("B")
        self._rows: list[memoryview] = []
        self._buffer = np.empty((0, len(observer.tensor)), np.float32)

    def replay(self, games: Sequence[ReplayRequest], *, extra: int = 0) -> ReplayedGames:
        """Replays ``games``.

        Args:
            games: what to replay and to show. All of it is held at once, a byte a number of the engine's tensor: cut
                many games into chunks of some hundred positions.
            extra: empty planes to leave behind the binary ones.

        Raises:
            IllegalActionError: an action is not legal; the text begins with the game's name and the ply.
        """
        places = [np.flatnonzero(game.shown) for game in games]
        lengths = [int(mine[-1]) + 1 if len(mine) else 0 for mine in places]
        starts = np.cumsum([0, *lengths])[:-1]
        shown = np.array([len(mine) for mine in places], np.int64)
        marks = np.empty((int(shown.sum()), self._buffer.shape[1]), bool)
        flat = np.empty((len(marks), len(self._flat_cells)), np.float32)
        # From lists, arrays of unsigned 64 bits are filled three times faster than any other, NumPy's included.
        legal, counts, movers = array("Q"), array("Q"), array("b")
        for game, length, number in zip(games, lengths, shown.tolist(), strict=True):
            self._reserve(number)
            row = len(counts)
            self._play(game, length, legal, counts, movers)
            np.not_equal(self._buffer[:number], 0, out=marks[row : row + number])
            np.take(self._buffer[:number], self._flat_cells, axis=1, out=flat[row : row + number], mode="clip")
        seats = self._seat_of[np.array(movers, np.int64)]
        owners = np.repeat(np.arange(len(games)), shown)
        plies = np.concatenate([*places, np.zeros(0, np.int64)]).astype(np.int64) + starts[owners]
        planes, values = self._see(marks.view(np.uint8), flat, seats[plies], extra)
        if self._constant_place is not None:
            by_game = np.array([game.constant for game in games], np.float32)
            values[:, self._constant_place] = by_game[owners, seats[plies]]
        numbers = np.array(counts, np.int64)
        played = [game.actions[:length] for game, length in zip(games, lengths, strict=True)]
        return ReplayedGames(
            planes=planes,
            values=values,
            legal=self._rename(np.array(legal, np.int32), numbers, seats[plies]),
            counts=numbers,
            games=owners,
            plies=plies,
            actions=np.concatenate([*played, np.zeros(0, np.uint32)]).astype(np.int64),
            movers=seats,
            firsts=np.repeat(starts, lengths),
        )

    def _play(
        self, game: ReplayRequest, length: int, legal: "array[int]", counts: "array[int]", movers: "array[int]"
    ) -> None:
        """The tight loop over the first ``length`` plies: everything in it costs each position."""
        state, rows, row, tensor = game.state, self._rows, 0, self._tensor
        observe, outward, num_actions = _set_from(self._observer), self._outward, self._num_actions
        mover_of, legal_of, apply = state.current_player, state.legal_actions, state.apply_action
        add_legal, add_count, add_mover = legal.fromlist, counts.append, movers.append
        alternates, before = self._alternates, len(movers)
        mover = mover_of()
        for action, shown in zip(game.actions[:length].tolist(), game.shown[:length].tolist(), strict=True):
            options = legal_of()
            number = len(options)
            if shown:
                observe(state, mover)
                rows[row][:] = tensor
                row += 1
                add_legal(options)
                add_count(number)
            raw = action
            if outward is not None:
                raw = outward[mover][action] if mover >= 0 and action < num_actions else -1
            place = bisect_left(options, raw)
            if place == number or options[place] != raw:
                what = f"{number} others are legal" if number else "the game is over"
                ply = len(movers) - before
                raise IllegalActionError(f"{game.name}: ply {ply}: action {action} is not legal here, {what}")
            add_mover(mover)
            apply(raw)
            # Asking the engine costs as much as three of these lines.
            mover = 1 - mover if alternates else mover_of()

    def _reserve(self, rows: int) -> None:
        if rows > len(self._rows):
            self._buffer = np.empty((rows, self._buffer.shape[1]), np.float32)
            # Slices of bytes are copied three times faster than NumPy's rows.
            self._rows = [row.data.cast("B") for row in self._buffer]

    def _see(
        self, marks: NDArray[np.uint8], flat: NDArray[np.float32], seats: NDArray[np.int64], extra: int
    ) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """What is marked in the engine's tensors as planes of the mover, and the values of his flat planes."""
        planes = np.zeros((len(marks), self._num_planes + extra, self._board_cells), np.uint8)
        values = np.empty((len(marks), len(self._flat[0])), np.float32)
        for seat, (width, index) in enumerate(self._units):
            mine = np.flatnonzero(seats == seat)
            units = marks[mine].reshape(len(mine), marks.shape[1] // width, width)
            planes[mine, : self._num_planes] = units.take(index, axis=1, mode="clip").reshape(
                len(mine), self._num_planes, self._board_cells
            )
            values[mine] = flat[mine][:, self._flat[seat]]
        return planes, values

    def _rename(
        self, legal: NDArray[np.int32], counts: NDArray[np.int64], seats: NDArray[np.int64]
    ) -> NDArray[np.int32]:
        """The engine's ids as those of the frame, ascending within each position."""
        if self._inward is None:
            return legal
        owners = np.repeat(np.arange(len(counts)), counts)
        keys = owners * self._num_actions + self._inward[seats[owners], legal]
        keys.sort()
        return (keys - owners * self._num_actions).astype(np.int32)


def _set_from(observer: Any) -> Callable[[Any, int], None]:
    """The bound engine call that fills the tensor, without the wrapper around it where there is one."""
    inner = getattr(observer, "_observation", None)
    found: Callable[[Any, int], None] = observer.set_from if inner is None else inner.set_from
    return found
