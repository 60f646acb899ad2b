"""The games that are open on a site: made, found by their keys, driven on while agents move, closed when unused."""

import asyncio
import time
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gameil.errors import AgentError, GameilError
from gameil.games.game import Game
from gameil.positions.played_game import PlayedGame
from gameil.seeding import stream_seed
from gameil.serving.agent_service import AgentService
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.live_game import TICK_SECONDS, controls_of
from gameil.serving.live_table import LiveTable

_AGENTS_ONLY_PAUSE = 0.7
"""Seconds between the moves of agents that play each other, so that people can follow."""


class Table:
    """One open game with what drives it. Everything here runs in the event loop's thread."""

    def __init__(self, session: GameSession, agents: AgentService) -> None:
        self.session = session
        self.problem = ""
        """Why the agent does not move; empty while all is well."""
        self.last_used = time.monotonic()
        self.move_seconds: list[float] = []
        """Seconds that each of the agents' last moves took, for those who look after the site."""
        self._agents = agents
        self._handle = agents.new_handle()
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    def act(self, seat: int, action: int) -> None:
        """A person's move. Raises ``GameError`` where it is not that seat's turn, or the action is illegal."""
        self.last_used = time.monotonic()
        self.problem = ""
        self.session.apply_as(seat, action)
        self.go_on()

    def take_back(self, seat: int) -> bool:
        """Back to the last decision of ``seat``; the agents' memory of what followed is dropped."""
        self.last_used = time.monotonic()
        self.problem = ""
        done = self.session.take_back(seat)
        if done:
            self._forget()
            self._handle = self._agents.new_handle()
            self.go_on()
        return done

    def go_on(self) -> None:
        """Lets chance and agents move until a person must."""
        if self._closed or (self._task is not None and not self._task.done()):
            return
        self._task = asyncio.get_running_loop().create_task(self._drive())

    async def _drive(self) -> None:
        session = self.session
        while not self._closed:
            session.play_chance()
            choice = session.agent_to_move
            if choice is None:
                return
            if not session.people:
                if not session.watched:  # nobody looks: the game waits
                    return
                await asyncio.sleep(_AGENTS_ONLY_PAUSE)
            version, began = session.version, time.monotonic()
            try:
                future = self._agents.decide(choice, self._handle, session.state, session.rng())
                action = await asyncio.wrap_future(future)
                if session.version == version:
                    session.apply(action)
                    self.move_seconds = [*self.move_seconds[-99:], time.monotonic() - began]
            except GameilError as error:
                if session.version == version:
                    self.problem = str(error)
                    session.changed()
                    return

    @property
    def worth_keeping(self) -> bool:
        """Whether a person has moved in it."""
        return any(move.player in self.session.people for move in self.session.moves)

    def played(self) -> PlayedGame:
        """The game as a record wants it."""
        return self.session.played()

    def _forget(self) -> None:
        for seat in self.session.seats:
            if seat.agent is not None:
                self._agents.forget(seat.agent, self.session.game, self._handle)

    def close(self) -> None:
        """Ends the game for its agents. Safe to call twice."""
        if not self._closed:
            self._closed = True
            self._forget()


AnyTable = Table | LiveTable


def make_table(session: GameSession, agents: AgentService, *, tick_seconds: float, seed: int) -> AnyTable:
    """A table for a game of its kind: where people wait for each other, or in real time."""
    controls = controls_of(session.game)
    if controls is None:
        return Table(session, agents)
    return LiveTable(session, agents, controls, tick_seconds=tick_seconds, seed=seed)


@dataclass(frozen=True, slots=True)
class Place:
    """What a key opens: a table, and the seats that its holder plays for."""

    table: AnyTable
    seats: tuple[int, ...]


class Tables:
    """Open games. A key opens one; keys cannot be guessed."""

    def __init__(
        self,
        agents: AgentService,
        *,
        most: int,
        idle_minutes: float,
        seed: int = 0,
        tick_seconds: float = TICK_SECONDS,
    ) -> None:
        """``tick_seconds``: of a step of games in real time."""
        self._tick_seconds = tick_seconds
        self._agents = agents
        self._most = most
        self._idle_seconds = 60.0 * idle_minutes
        self._seed = seed
        self._places: dict[str, Place] = {}
        self._keys: dict[AnyTable, list[str]] = {}
        self._opened = 0

    def __len__(self) -> int:
        return len(self._keys)

    def open(self, game: Game, seats: Sequence[Seat], held: Sequence[tuple[int, ...]]) -> list[str]:
        """Opens a table; returns one key for each group of seats in ``held`` (an empty group only looks on).

        Raises:
            AgentError: a seat's agent is not offered, or the site is full.
            GameError: not one seat for each player.
        """
        for seat in seats:
            if seat.agent is not None:
                self._agents.check(seat.agent, game)
        self.close_idle()
        if len(self._keys) >= self._most and not self._close_unwatched():
            raise AgentError(f"all {self._most} tables of this site are taken: try again later")
        self._opened += 1
        seed = stream_seed(self._seed, "table", self._opened, uuid.uuid4().hex)
        session = GameSession(game, seats, seed=seed)
        table = make_table(session, self._agents, tick_seconds=self._tick_seconds, seed=seed)
        keys = [uuid.uuid4().hex for _ in held]
        self._keys[table] = keys
        self._places.update({key: Place(table, tuple(group)) for key, group in zip(keys, held, strict=True)})
        return keys

    def again(self, place: Place) -> str:
        """Opens the same game with the seats of two players exchanged; the key of whoever holds ``place``.

        Raises as ``open``.
        """
        session = place.table.session
        swap = session.game.num_players == 2
        seats = session.seats[::-1] if swap else session.seats
        mine = tuple(1 - seat for seat in place.seats) if swap else place.seats
        held = [tuple(sorted(mine))]
        held += [(seat,) for seat, holder in enumerate(seats) if holder.agent is None and seat not in mine]
        return self.open(session.game, seats, held)[0]

    def find(self, key: str) -> Place | None:
        """What a key opens; None for a wrong one, or where the table was closed."""
        place = self._places.get(key)
        if place is not None:
            place.table.last_used = time.monotonic()
        return place

    def key_of(self, table: AnyTable, seats: tuple[int, ...]) -> str | None:
        """The key of a group of seats, to be handed to whoever is to play them."""
        keys = self._keys.get(table, ())
        return next((key for key in keys if self._places[key].seats == seats), None)

    def close_idle(self, clock: Callable[[], float] = time.monotonic) -> int:
        """Closes the tables that nobody has looked at for too long; returns how many."""
        old = [
            table
            for table in self._keys
            if not table.session.watched and clock() - table.last_used > self._idle_seconds
        ]
        for table in old:
            self._close(table)
        return len(old)

    def _close_unwatched(self) -> bool:
        unwatched = [table for table in self._keys if not table.session.watched]
        if unwatched:
            self._close(min(unwatched, key=lambda table: table.last_used))
        return bool(unwatched)

    def _close(self, table: AnyTable) -> None:
        for key in self._keys.pop(table):
            del self._places[key]
        table.close()

    def close(self) -> None:
        """Closes all tables."""
        for table in list(self._keys):
            self._close(table)
