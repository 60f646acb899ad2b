"""Runs the site's agents: one thread an agent, all waiting requests of all games in one ``Agent.act`` call."""

import itertools
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gameil.agents.agent import Agent, Request
from gameil.agents.engine_process import EngineConfig
from gameil.agents.spec import build_agent
from gameil.errors import AgentError
from gameil.games.game import Game, State
from gameil.serving.analysis import Analysis, analyst
from gameil.serving.batching import Batcher, Worker
from gameil.serving.opponents import Choice, Opponent, Opponents


@dataclass(frozen=True, slots=True)
class Decide:
    """A decision that is wanted."""

    game: int
    seat: int
    state: State
    rng: np.random.Generator


@dataclass(frozen=True, slots=True)
class Forget:
    """A game is over for an agent."""

    game: int


class AgentService:
    """Registered agents by name, built when they are first needed, the longest unused one closed for another."""

    def __init__(
        self,
        named: Mapping[str, str],
        *,
        runs: Path | None = None,
        max_agents: int = 16,
        seed: int = 0,
        engines: Mapping[str, EngineConfig] | None = None,
    ) -> None:
        """
        Args:
            named: name -> spec of agents offered besides the built-in levels.
            runs: directory of runs whose snapshots are offered too.
            max_agents: agents and analysts kept in memory.
            seed: of what agents draw outside of requests.
            engines: the user's engines, as of ``build_agent``.

        Raises:
            ConfigError: a spec is malformed.
            CheckpointError: a named snapshot is missing or damaged.
        """
        self._opponents = Opponents(named, runs=runs)
        self._max_agents = max_agents
        self._seed = seed
        self._engines = engines
        self._running: OrderedDict[tuple[Any, str], Batcher[Any, Any]] = OrderedDict()
        """By what they run and the game, the longest unused first."""
        self._handles = itertools.count()

    def opponents(self, game: Game) -> list[Opponent]:
        """Who can be chosen for ``game``."""
        return self._opponents.of(game)

    def check(self, choice: Choice, game: Game) -> None:
        """Raises ``AgentError`` for a choice that is not offered for ``game``."""
        self._opponents.spec(choice, game)

    def new_handle(self) -> int:
        """A number for a game that agents are to remember."""
        return next(self._handles)

    def decide(self, choice: Choice, handle: int, state: State, rng: np.random.Generator) -> "Future[int]":
        """The action that the agent chooses in ``state``, which is not used after the answer.

        Fails with ``AgentError``, also where the choice is not offered.
        """
        try:
            running = self._agent(choice, state.game)
        except AgentError as error:
            failed: Future[int] = Future()
            failed.set_exception(error)
            return failed
        return running.submit(Decide(handle, state.current_player(), state.clone(), rng))

    def forget(self, choice: Choice, game: Game, handle: int) -> None:
        """The agent's memory of a game may go."""
        running = self._running.get((choice, game.id))
        if running is not None:
            running.submit(Forget(handle))

    def analyse(self, state: State) -> "Future[Analysis]":
        """What is thought of a state in which somebody moves."""
        game = state.game
        name = self._opponents.analyst(game)
        spec = None if name is None else self._opponents.network(name)
        return self._batcher(("analysis", name), game, analyst(spec, game)).submit(state.clone())

    def analyst_name(self, game: Game) -> str:
        """Who is asked for hints, for people."""
        return self._opponents.analyst(game) or "tree search"

    @property
    def calls(self) -> int:
        """Calls of agents so far, for measurements: fewer than decisions where these were made together."""
        return sum(running.calls for running in self._running.values())

    def close(self) -> None:
        """Ends all agents and waits for them, some seconds at most."""
        for running in self._running.values():
            running.close()
        for running in self._running.values():
            running.join(5.0)
        self._running.clear()

    def _agent(self, choice: Choice, game: Game) -> Batcher[Any, Any]:
        spec = self._opponents.spec(choice, game)

        def build() -> Worker[Any, Any]:
            return agent_worker(build_agent(spec, game, seed=self._seed, engines=self._engines))

        return self._batcher(choice, game, build)

    def _batcher(self, what: Any, game: Game, build: Any) -> Batcher[Any, Any]:
        key = (what, game.id)
        running = self._running.get(key)
        if running is None:
            self._make_room()
            running = self._running[key] = Batcher(f"agent {what}", build)
        self._running.move_to_end(key)
        return running

    def _make_room(self) -> None:
        if len(self._running) < self._max_agents:
            return
        idle = next((key for key, running in self._running.items() if not running.waiting), None)
        if idle is None:
            raise AgentError(f"all {self._max_agents} agents of this site are thinking: try again")
        self._running.pop(idle).close()


def agent_worker(agent: Agent) -> Worker[Decide | Forget, int]:
    """Answers decisions with actions; games begin with their first request."""
    begun: set[int] = set()

    def answer(jobs: Sequence[Decide | Forget]) -> list[int]:
        asked = [job for job in jobs if isinstance(job, Decide)]
        over = {job.game for job in jobs if isinstance(job, Forget)} & begun
        if over:
            agent.end(sorted(over))
            begun.difference_update(over)
        new = sorted({job.game for job in asked} - begun)
        if new:
            agent.begin(new)
            begun.update(new)
        actions: list[int] = []
        if asked:
            decisions = agent.act([Request(job.game, job.seat, job.state, job.rng) for job in asked])
            actions = [int(action) for action in decisions.actions]
        chosen = iter(actions)
        return [next(chosen) if isinstance(job, Decide) else 0 for job in jobs]

    return Worker(answer, agent.close)
