"""A table whose game does not wait: a step whenever one is due, with what people's keys say and what agents answered.

An agent is asked as soon as a step was made and has until the next one. One that has not answered by then stays idle,
which is counted; its answer is played when it comes, and only then is it asked again: a slow agent sees the world late,
and holds up nobody.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import replace
from typing import Literal

from gameil.errors import GameilError
from gameil.positions.played_game import PlayedGame
from gameil.seeding import generator
from gameil.serving.agent_service import AgentService
from gameil.serving.game_session import GameSession
from gameil.serving.live_game import TICK_SECONDS, Beat, Controls, Keys

Phase = Literal["ready", "waking", "countdown", "running", "paused", "over"]
"""Nobody has started it; agents are being loaded; it begins in ``count`` seconds; it goes on; it stands; it is over."""
COUNTDOWN = 3
"""Seconds before it goes on, at the start and after a pause."""
LEAST_STEPS = 40
"""A game that was given up earlier is not worth keeping."""
TICK_TAG, LATE_TAG = "TICK", "LATE"
"""Tags of a record: seconds of a step; in how many steps each seat's agent had not answered in time."""
_WAKE_SECONDS = 60.0
"""An agent may take so long for its first answer, while its network is loaded."""
_LOOK_SECONDS = 0.02


class LiveTable:
    """One game in real time. Everything here runs in the event loop's thread."""

    def __init__(
        self,
        session: GameSession,
        agents: AgentService,
        controls: Controls,
        *,
        tick_seconds: float = TICK_SECONDS,
        seed: int = 0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``tick_seconds``: of a step; ``seed``: of what agents draw."""
        self.session = session
        self.tick_seconds = tick_seconds
        self.phase: Phase = "ready"
        self.count = 0
        """Seconds until it begins, in the countdown."""
        self.notice = ""
        """Why it stands."""
        self.problem = ""
        """Why an agent does not act; empty while all is well."""
        self.last_used = clock()
        self.late = [0] * len(session.seats)
        """Steps in which a seat's agent had not answered in time."""
        self._agents = agents
        self._controls = controls
        self._seed = seed
        self._clock = clock
        self._handles = [agents.new_handle() for _ in session.seats]
        self._keys = {seat: Keys(controls) for seat in session.people}
        self._answers: dict[int, Future[int]] = {}
        """What agents were asked and have not yet played, by seat."""
        self._acted = False
        """A person has done something."""
        self._pages: Counter[int] = Counter()
        """Open pages by the seat that is steered on them; those of onlookers at -1."""
        self._task: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def steps(self) -> int:
        """Steps made so far."""
        return len(self.session.moves) // len(self.session.seats)

    @property
    def horizon(self) -> int:
        """Steps of a whole game."""
        return self.session.most_actions // len(self.session.seats)

    @property
    def missing(self) -> list[int]:
        """Seats of people who are not there."""
        return [seat for seat in self.session.people if not self._pages[seat]]

    def press(self, seat: int, key: str) -> None:
        """A person's key goes down. It means nothing while the game stands."""
        if self.phase == "running":
            self._keys[seat].press(key)

    def release(self, seat: int, key: str) -> None:
        """A person's key goes up."""
        self._keys[seat].release(key)

    def release_all(self, seat: int) -> None:
        """A person is not at the keys any more."""
        self._keys[seat].release_all()

    def arrive(self, seats: Sequence[int]) -> None:
        """A page of whoever plays these seats (none: an onlooker) is open. Agents on their own begin for onlookers."""
        self.last_used = self._clock()
        self._pages.update(seats or (-1,))
        if not self.session.people:
            self.start()
        self.session.changed()

    def depart(self, seats: Sequence[int]) -> None:
        """Such a page is gone, or its connection: the game stands until its player is back."""
        self.last_used = self._clock()
        self._pages.subtract(seats or (-1,))
        if self.missing:
            self.pause("a player is not connected")
        elif not self.session.people and not self._pages[-1]:
            self.pause("")
        self.session.changed()

    def start(self) -> None:
        """Begins, or goes on, after a countdown. Nothing happens where somebody is missing, or it runs already."""
        self.last_used = self._clock()
        if self.phase in ("ready", "paused") and not self.missing and not self._closed:
            self.problem = self.notice = ""
            self._task = asyncio.get_running_loop().create_task(self._run())

    def pause(self, notice: str) -> None:
        """The game stands until ``start``; ``notice`` says why."""
        if self.phase in ("waking", "countdown", "running"):
            self._halt("paused", notice)

    def stop(self) -> None:
        """Ends the game early."""
        if self.phase != "over":
            self.session.stop()
            self._halt("over", "")
            self._forget()

    def go_on(self) -> None:
        """Nothing: it begins when people say so."""

    def _halt(self, phase: Phase, notice: str) -> None:
        if self._task is not None:
            self._task.cancel()
            self._task = None
        for keys in self._keys.values():
            keys.release_all()
        self.notice = notice
        self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.session.changed()

    async def _run(self) -> None:
        if not self.session.moves:
            self._enter("waking")
            self._ask()
            until = self._clock() + _WAKE_SECONDS
            while not all(answer.done() for answer in self._answers.values()) and self._clock() < until:
                await asyncio.sleep(_LOOK_SECONDS)
        for count in range(COUNTDOWN if self.session.people else 0, 0, -1):
            self.count = count
            self._enter("countdown")
            await asyncio.sleep(1.0)
        self._enter("running")
        beat = Beat(self.tick_seconds, self._clock())
        while True:
            await asyncio.sleep(beat.wait(self._clock()))
            try:
                self._step()
            except GameilError as error:
                self.problem = str(error)
                self._task = None  # this one: it ends here
                self._halt("paused", "")
                return
            beat.stepped(self._clock())
            if self.session.is_over:
                self._task = None
                self._halt("over", "")
                self._forget()
                return

    def _step(self) -> None:
        """Everybody acts at once. Raises ``GameilError`` where an agent fails."""
        self.last_used = self._clock()
        seats = range(len(self.session.seats))
        actions = [self._keys[seat].take() if seat in self._keys else self._answer(seat) for seat in seats]
        self._acted = self._acted or any(actions[seat] != self._controls.idle for seat in self._keys)
        self.session.apply_together(actions)
        if not self.session.is_over:
            self._ask()

    def _answer(self, seat: int) -> int:
        """What a seat's agent has answered; idle where it has not."""
        answer = self._answers.get(seat)
        if answer is not None and answer.done():
            del self._answers[seat]
            return answer.result()
        self.late[seat] += 1
        return self._controls.idle

    def _ask(self) -> None:
        """Asks the agents that have nothing left to answer. None of them sees what others do in the same step."""
        session = self.session
        for seat, holder in enumerate(session.seats):
            if holder.agent is None or seat in self._answers:
                continue
            state = session.state
            if seat > state.current_player():  # asked in order: those before it do nothing, as far as it can see
                state = state.clone()
                while state.current_player() != seat:
                    state.apply(self._controls.idle)
            rng = generator(self._seed, "live", self.steps, seat)
            self._answers[seat] = self._agents.decide(holder.agent, self._handles[seat], state, rng)

    @property
    def worth_keeping(self) -> bool:
        """Whether a person has played it to the end, or for long enough."""
        return self._acted and (self.session.state.is_terminal() or self.steps >= LEAST_STEPS)

    def played(self) -> PlayedGame:
        """The game as a record wants it."""
        tags = {TICK_TAG: f"{self.tick_seconds:g}", LATE_TAG: " ".join(map(str, self.late))}
        return replace(self.session.played(), tags=tags)

    def _forget(self) -> None:
        for seat, holder in enumerate(self.session.seats):
            if holder.agent is not None:
                self._agents.forget(holder.agent, self.session.game, self._handles[seat])

    def close(self) -> None:
        """Ends the game for its agents. Safe to call twice."""
        if not self._closed:
            self._closed = True
            if self._task is not None:
                self._task.cancel()
            self._forget()
