"""Many whole games at nearly the rules engine's own speed: one tight loop a game, the rest for all positions at once.

``State`` shows a position at a time, and so pays per position for gathering planes, renaming actions and looking at
its own bookkeeping: 12 us a chess position, twice the engine's own work. Here the loop asks the engine only for what
it alone knows (what is legal, its tensor) and everything else is one NumPy call for some thousand positions. Knows no
engine: an adapter makes a ``GameReplay`` where its games fit (no chance, two seats in turn, planes of known kinds).

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

_ROWS = 64
"""Rows of each seat that are written before they are looked at, if no game has more."""


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

    bits: NDArray[np.uint8]
    """``[R, ceil(C * H * W / 8)]``: planes of zeros and ones in the order of the observation, without the flat ones."""
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

    @property
    def replayed_whole(self) -> bool:
        """Whether this game has no chance and a frame that fits."""

    def game_replay(self) -> "GameReplay | None":
        """A new replayer for all games of the family, None where they do not fit."""

    def replay_request(
        self, name: str, start: str | None, actions: NDArray[np.integer[Any]], shown: NDArray[np.bool_]
    ) -> ReplayRequest:
        """A game for it, where this one is ``replayed_whole``. Raises ``GameError`` for a bad start."""


class _SeatView:
    """The engine's tensors as one seat sees them: written row by row, kept as bits and flat values.

    The rows are few and written again and again, and so is all that stands between them and the bits: memory touched
    for the first time costs more than the work done in it.
    """

    def __init__(self, size: int, gather: NDArray[np.intp], flat: tuple[int, ...]) -> None:
        """``size`` of the engine's tensor, of which ``gather`` shows ``[planes, H, W]``, those of ``flat`` once."""
        binary = [plane for plane in range(len(gather)) if plane not in flat]
        self._unit, self._units = coarsest_units(size, gather[binary])
        self._flat = gather[list(flat), 0, 0]
        self._row_bits = gather[binary].size
        self._used = 0
        self._allocate(size, _ROWS)
        self._kept: list[tuple[NDArray[np.uint8], NDArray[np.float32]]] = []

    def take(self, number: int) -> list[memoryview]:
        """The next rows to be written."""
        if self._used + number > len(self._rows):
            self._keep()
            if number > len(self._rows):
                self._allocate(self._tensors.shape[1], number)
        self._used += number
        return self._rows[self._used - number : self._used]

    def finish(self) -> tuple[NDArray[np.uint8], NDArray[np.float32]]:
        """Bits and flat values of all rows written since the last time, in order."""
        self._keep()
        bits, values = (np.concatenate(parts) for parts in zip(*self._kept, strict=True))
        self._kept.clear()
        return bits, values

    def forget(self) -> None:
        """Drops all rows written since the last ``finish``."""
        self._used = 0
        self._kept.clear()

    def _allocate(self, size: int, rows: int) -> None:
        self._tensors = np.empty((rows, size), np.float32)
        self._marks = np.empty((rows, size), np.uint8)
        self._planes = np.empty((rows, len(self._units), self._unit), np.uint8)
        # Slices of bytes are copied three times faster than NumPy's rows.
        self._rows = [row.data.cast("B") for row in self._tensors]

    def _keep(self) -> None:
        """Keeps what the written rows say, so that they can be written again."""
        tensors, marks, planes = self._tensors[: self._used], self._marks[: self._used], self._planes[: self._used]
        np.not_equal(tensors, 0, out=marks.view(bool))
        units = marks.reshape(len(marks), marks.shape[1] // self._unit, self._unit)
        units.take(self._units, axis=1, out=planes, mode="clip")
        bits = np.packbits(planes.reshape(len(planes), self._row_bits), axis=1)
        self._kept.append((bits, tensors.take(self._flat, axis=1)))
        self._used = 0


class GameReplay:
    """Replays whole games of two seats that move in turn. Not for threads that share one: they share its observer."""

    def __init__(self, observer: Any, frame: Frame, renaming: ActionRenaming | None, num_actions: int) -> None:
        """Args:
        observer: has ``set_from(state, player)`` and the flat ``tensor`` that it fills.
        frame: of the game; its seats must alternate, and its board must know its flat planes.
        renaming: action ids of the frame, None where they are the engine's.
        num_actions: ``A``.
        """
        flat = frame.board.flat_planes
        if flat is None or not frame.alternates:
            raise GameError("games are replayed whole only where seats alternate and flat planes are known")
        self._observer = observer
        self._num_actions = num_actions
        self._views = [_SeatView(len(observer.tensor), gather, flat) for gather in frame.gather]
        self._constant_place = None if frame.constant is None else flat.index(frame.constant[0])
        self._seat_of = np.argsort(frame.raw_seats or (0, 1)).tolist()
        """Seat of each of the engine's players."""
        self._outward = None if renaming is None else np.asarray(renaming.outward, np.int64)
        self._inward = None if renaming is None else np.asarray(renaming.inward, np.int32)
        self._tensor = observer.tensor.data.cast("B")

    def replay(self, games: Sequence[ReplayRequest]) -> ReplayedGames:
        """Replays ``games``. All of it is held at once: cut many games into chunks of some thousand positions.

        Raises:
            IllegalActionError: an action is not legal; the text begins with the game's name and the ply.
        """
        places = [np.flatnonzero(game.shown) for game in games]
        lengths = [int(mine[-1]) + 1 if len(mine) else 0 for mine in places]
        starts = np.cumsum([0, *lengths])[:-1]
        owners = np.repeat(np.arange(len(games)), [len(mine) for mine in places])
        plies = np.concatenate([*places, np.zeros(0, np.int64)]).astype(np.int64) + starts[owners]
        openers = np.array([self._seat_of[game.state.current_player()] for game in games], np.int64)
        firsts = np.repeat(starts, lengths)
        movers = (np.repeat(openers, lengths) + np.arange(len(firsts)) - firsts) % 2
        played = [game.actions[:length] for game, length in zip(games, lengths, strict=True)]
        actions = np.concatenate([*played, np.zeros(0, np.uint32)]).astype(np.int64)
        raw = self._to_engine(actions, movers).tolist()
        seats = movers[plies]
        legal: list[NDArray[np.int32]] = []
        counts: list[int] = []
        for view in self._views:
            view.forget()
        for number, (game, start, length) in enumerate(zip(games, starts.tolist(), lengths, strict=True)):
            opener = int(openers[number])
            targets = self._targets(opener, places[number], length)
            options = self._play(game, raw[start : start + length], targets, opener, counts)
            legal.append(np.array(options, np.int32))
        parts = [view.finish() for view in self._views]
        bits = np.empty((len(plies), parts[0][0].shape[1]), np.uint8)
        values = np.empty((len(plies), parts[0][1].shape[1]), np.float32)
        for seat, (mine, flat) in enumerate(parts):
            bits[seats == seat] = mine
            values[seats == seat] = flat
        if self._constant_place is not None:
            by_game = np.array([game.constant for game in games], np.float32)
            values[:, self._constant_place] = by_game[owners, seats]
        numbers = np.array(counts, np.int64)
        return ReplayedGames(
            bits=bits,
            values=values,
            legal=self._rename(np.concatenate([*legal, np.zeros(0, np.int32)]), numbers, seats),
            counts=numbers,
            games=owners,
            plies=plies,
            actions=actions,
            movers=movers,
            firsts=firsts,
        )

    def _targets(self, opener: int, shown: NDArray[np.int64], length: int) -> "list[memoryview | None]":
        """Where the tensors of a game's ``shown`` plies go, None for all others, ``[length]``."""
        found: list[memoryview | None] = [None] * length
        first = int(shown[0]) if length else 0
        if len(shown) == length - first:
            for place in (first, first + 1):
                found[place::2] = self._views[(opener + place) % 2].take((length - place + 1) // 2)
            return found
        for turn in (0, 1):
            plies = shown[shown % 2 == turn].tolist()
            for ply, row in zip(plies, self._views[(opener + turn) % 2].take(len(plies)), strict=True):
                found[ply] = row
        return found

    def _play(
        self,
        game: ReplayRequest,
        actions: list[int],
        targets: "list[memoryview | None]",
        opener: int,
        counts: list[int],
    ) -> "array[int]":
        """The tight loop over the engine's ``actions``: everything in it costs each position. Gives the legal ones."""
        # From lists, arrays of unsigned 64 bits are filled three times faster than any other, NumPy's included.
        legal = array("Q")
        state, tensor, observe = game.state, self._tensor, _set_from(self._observer)
        legal_of, apply, add_legal, add_count = state.legal_actions, state.apply_action, legal.fromlist, counts.append
        mover = self._seat_of.index(opener)
        for action, row in zip(actions, targets, strict=True):
            options = legal_of()
            number = len(options)
            if row is not None:
                observe(state, mover)
                row[:] = tensor
                add_legal(options)
                add_count(number)
            place = bisect_left(options, action)
            if place == number or options[place] != action:
                ply = len(state.history())
                what = f"{number} others are legal" if number else "the game is over"
                raise IllegalActionError(
                    f"{game.name}: ply {ply}: action {int(game.actions[ply])} is not legal here, {what}"
                )
            apply(action)
            mover = 1 - mover
        return legal

    def _to_engine(self, actions: NDArray[np.int64], movers: NDArray[np.int64]) -> NDArray[np.int64]:
        """The engine's ids, -1 for an action that no seat has."""
        if self._outward is None:
            return actions
        known = actions < self._num_actions
        return np.where(known, self._outward[movers, np.where(known, actions, 0)], -1)

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
