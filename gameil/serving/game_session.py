"""One game at a table: who sits where, the moves so far, taking back, resigning, its record. No web, no threads."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np

from gameil.errors import GameError
from gameil.games.backgammon_notation import plain_play
from gameil.games.game import CHANCE_PLAYER, TERMINAL_PLAYER, Game, State
from gameil.games.typed_moves import typed_notations
from gameil.positions.played_game import PlayedGame
from gameil.records.record import PlayerInfo, Provenance, Termination
from gameil.seeding import generator
from gameil.serving.opponents import Choice

MAX_ACTIONS = 5000
"""Longer games are stopped: they are nobody's game any more."""


@dataclass(frozen=True, slots=True)
class Seat:
    """Who sits there."""

    name: str
    """As shown and recorded."""
    agent: Choice | None = None
    """The registered agent that plays; None: a person."""


@dataclass(frozen=True, slots=True)
class Move:
    """One action as it is shown."""

    player: int
    """Seat, or ``CHANCE_PLAYER``."""
    action: int
    text: str
    """In the game's usual notation."""


class GameSession:
    """A game between seats. ``version`` grows with every change, so that late answers can be told from current ones."""

    def __init__(self, game: Game, seats: Sequence[Seat], *, seed: int, start: str | None = None) -> None:
        """Raises ``GameError``: not one seat for each player, or a bad start position."""
        if len(seats) != game.num_players:
            raise GameError(f"{game.id} has {game.num_players} players, got {len(seats)} seats")
        self.game = game
        self.seats = tuple(seats)
        self.start = start
        self.state: State = game.initial_state(start)
        self.moves: list[Move] = []
        self.version = 0
        self.resigned: int | None = None
        """Seat that gave up."""
        self.stopped = False
        """It was ended early, for all of its players."""
        self._seed = seed
        self._began = datetime.now(UTC)
        self._listeners: list[Callable[[], None]] = []

    @property
    def mover(self) -> int:
        """Seat to move, ``CHANCE_PLAYER``, or ``TERMINAL_PLAYER`` once the game is over for any reason."""
        over = self.stopped or self.resigned is not None or len(self.moves) >= MAX_ACTIONS
        return TERMINAL_PLAYER if over else self.state.current_player()

    @property
    def is_over(self) -> bool:
        return self.mover == TERMINAL_PLAYER

    @property
    def agent_to_move(self) -> Choice | None:
        """The agent whose turn it is; None where a person or chance moves, or the game is over."""
        return self.seats[self.mover].agent if self.mover >= 0 else None

    @property
    def people(self) -> list[int]:
        """Seats of people."""
        return [seat for seat, holder in enumerate(self.seats) if holder.agent is None]

    @property
    def most_actions(self) -> int:
        """Actions after which it is over at the latest."""
        return min(self.game.max_game_length, MAX_ACTIONS)

    def apply(self, action: int) -> None:
        """Plays an action of whoever is to move. Raises ``IllegalActionError``; ``GameError`` when it is over."""
        self._play(action)
        self.changed()

    def apply_together(self, actions: Sequence[int]) -> None:
        """Plays what all seats do at once, an action of each; one change. Raises as ``apply``."""
        for _ in actions:
            self._play(actions[self.mover])
        self.changed()

    def _play(self, action: int) -> None:
        if self.is_over:
            raise GameError(f"{self.game.id}: the game is over")
        mover = self.mover
        legal = action in self.state.legal_actions()
        text = move_text(self.state, action) if legal else ""
        self.state.apply(action)
        self.moves.append(Move(mover, action, text))

    def apply_as(self, seat: int, action: int) -> None:
        """``apply`` of a person's move. Raises ``GameError`` also where it is not that seat's turn."""
        if self.mover != seat or self.seats[seat].agent is not None:
            raise GameError(f"{self.game.id}: it is not the turn of seat {seat}")
        self.apply(action)

    def play_chance(self) -> None:
        """Draws at every chance node up to the next decision; the draw belongs to the ply: taking back changes none."""
        while self.mover == CHANCE_PLAYER:
            outcomes = self.state.chance_outcomes()
            weights = np.array([weight for _, weight in outcomes])
            rng = generator(self._seed, "chance", len(self.moves))
            self.apply(outcomes[int(rng.choice(len(outcomes), p=weights / weights.sum()))][0])

    def rng(self) -> np.random.Generator:
        """The generator of the decision that is due."""
        return generator(self._seed, "decision", len(self.moves), self.version)

    def take_back(self, seat: int) -> bool:
        """Goes back to the last decision of ``seat`` before now; False where there is none."""
        plies = [ply for ply, move in enumerate(self.moves) if move.player == seat]
        if self.resigned is not None:
            self.resigned = None
            self.changed()
            return True
        if not plies:
            return False
        self.go_back(plies[-1])
        return True

    def go_back(self, ply: int) -> None:
        """Goes back to the position before action number ``ply``."""
        kept = self.moves[:ply]
        self.state = self.state_at(ply)
        self.moves = kept
        self.changed()

    def state_at(self, ply: int) -> State:
        """A state of its own: the position after ``ply`` actions."""
        state = self.game.initial_state(self.start)
        for move in self.moves[:ply]:
            state.apply(move.action)
        return state

    def resign(self, seat: int) -> None:
        """``seat`` gives up. Raises ``GameError`` when it is over."""
        if self.is_over:
            raise GameError(f"{self.game.id}: the game is over")
        self.resigned = seat
        self.changed()

    def stop(self) -> None:
        """Ends the game early, whoever is to move."""
        self.stopped = True
        self.changed()

    def returns(self) -> tuple[float, ...] | None:
        """Return per seat of a finished game; None while it lasts or where it was stopped.

        Of a stopped one that pays on the way what it has paid so far.
        """
        if self.state.is_terminal() or (self.stopped and self.game.capabilities.intermediate_rewards):
            return tuple(float(value) for value in self.state.returns())
        if self.resigned is not None and self.game.num_players == 2:
            low, high = self.game.reward_range
            return tuple(low if seat == self.resigned else high for seat in range(2))
        return None

    def played(self) -> PlayedGame:
        """The game as a dataset or a record wants it. Returns are brought into [-1, 1], by the game's largest one."""
        returns = self.returns()
        bounds = self.game.reward_range if np.isfinite(self.game.reward_range).all() else (returns or ())
        largest = max(1.0, *map(abs, bounds)) if bounds else 1.0
        termination: Termination = (
            "resignation" if self.resigned is not None else "rules" if self.is_over and not self.stopped else "unknown"
        )
        return PlayedGame(
            game_id=self.game.id,
            actions=np.array([move.action for move in self.moves], np.uint32),
            source=Provenance("gameil serve", 0),
            start=self.start,
            returns=None if returns is None else tuple(value / largest for value in returns),
            termination=termination,
            players=tuple(PlayerInfo(name=seat.name) for seat in self.seats),
            date=self._began.strftime("%Y-%m-%d"),
            event="gameil serve",
        )

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Calls ``listener`` after every change, until the function returned is called."""
        self._listeners.append(listener)

        def stop() -> None:
            if listener in self._listeners:
                self._listeners.remove(listener)

        return stop

    @property
    def watched(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def changed(self) -> None:
        """Tells everybody who listens."""
        self.version += 1
        for listener in list(self._listeners):
            listener()


def move_text(state: State, action: int) -> str:
    """A legal action in the notation that people of that game write; outcomes of chance mostly in the engine's."""
    if state.game.name == "backgammon":
        text = state.text(action)
        roll = re.search(r"roll: (\d\d)", text)
        return roll[1] if roll is not None else plain_play(text)
    if state.current_player() == CHANCE_PLAYER:
        return state.text(action)
    return state.text(action, typed_notations(state.game.name)[0])
