"""What an engine thinks with: any agent, asked for one position at a time; a search can be watched and stopped.

Built when it is first needed: networks and torch take seconds to load, and a protocol must be answered at once.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from gameil.agents.agent import Agent, Request
from gameil.agents.spec import AgentSpec, build_agent, network_options, parse_spec
from gameil.errors import AgentError, CheckpointError
from gameil.games.game import Game, State
from gameil.search.puct import BatchedSearch, SearchConfig
from gameil.search.result import SearchResult
from gameil.search.simulation import StateEvaluator
from gameil.seeding import generator

_CHUNK = 16
"""Simulations of a search between two looks at the clock."""
_LINE = 12
"""Greatest length of an expected line, in moves."""
MOST_NODES = 1_000_000
"""Simulations of one search, whatever was asked for: its tree must fit into memory."""


@dataclass(frozen=True, slots=True)
class MoveThought:
    """What is thought of one move."""

    action: int
    visits: int
    """Simulations that began with it; 0 for an agent that does not search."""
    value: float | None
    """Expected return of the mover in [-1, 1]; None: the agent states none."""
    prior: float | None
    """Its probability by the bare policy, likewise."""
    line: tuple[int, ...]
    """Expected moves, this one first."""


@dataclass(frozen=True, slots=True)
class Thought:
    """What is thought of a position."""

    moves: tuple[MoveThought, ...]
    """Best first, those that were looked at; never empty."""
    choice: int
    """Action that the agent plays."""
    nodes: int


Report = Callable[[Thought], None]


class Thinker:
    """Thinks with the agent of one spec, in one thread at a time."""

    def __init__(self, spec: str, *, seed: int = 0) -> None:
        """Raises ``ConfigError`` for a malformed spec, ``CheckpointError`` where there is no such snapshot; whether it
        can be built is seen in ``prepare``."""
        self.spec = parse_spec(spec)
        if self.spec.kind == "snapshot" and not Path(self.spec.target).is_dir():
            raise CheckpointError(f"{self.spec.target}: there is no such snapshot")
        self._seed = seed
        self._game: Game | None = None
        self._agent: Agent | None = None
        self._evaluator: StateEvaluator | None = None
        self._last: tuple[str, tuple[int, ...], SearchResult] | None = None
        self._handle = 0

    @property
    def searches(self) -> bool:
        """Whether thinking longer helps: a network with search."""
        return self.spec.kind == "snapshot" and bool(self.spec.options.get("search", 0))

    @property
    def usual_nodes(self) -> int:
        return int(self.spec.options.get("search", 0))

    def change(self, **options: int | float) -> None:
        """Sets options of the spec, such as ``search``; what was built from the old ones is dropped."""
        self.close()
        self.spec = parse_spec(str(replace(self.spec, options={**self.spec.options, **options})))

    def reseed(self, seed: int) -> None:
        """Random choices of searches and of their agents follow another seed from now on."""
        self._seed = seed

    def prepare(self, game: Game) -> None:
        """Builds the agent for ``game``. Raises ``AgentError``, ``CheckpointError`` or ``ConfigError``."""
        if self._game is not None:
            # A network plays any komi of its family; other agents know the rules they were built for.
            same = self._game.family == game.family if self.spec.kind == "snapshot" else self._game.id == game.id
            if same:
                return
        self.close()
        if self.searches:
            self._evaluator = _evaluator(self.spec, game)
        else:
            self._agent = build_agent(str(self.spec), game, seed=self._seed)
            self._agent.begin([self._handle])
        self._game = game

    def new_game(self) -> None:
        """Forgets what belongs to the game before."""
        self._last = None
        if self._agent is not None:
            self._agent.end([self._handle])
            self._handle += 1
            self._agent.begin([self._handle])

    def think(
        self,
        state: State,
        *,
        nodes: int | None,
        stopped: Callable[[], bool],
        report: Report,
        among: Sequence[int] = (),
    ) -> Thought:
        """Thinks about a state that is not terminal.

        Args:
            state: not mutated.
            nodes: simulations of a search; None: until ``stopped``.
            stopped: looked at between simulations.
            report: told what is thought so far, after every few simulations.
            among: actions to choose from; empty: all legal ones.
        """
        self.prepare(state.game)
        rng = generator(self._seed, "think", len(state.history))
        if self._evaluator is not None:
            return self._search(self._evaluator, state, nodes, stopped, report, among)
        assert self._agent is not None
        decisions = self._agent.act([Request(self._handle, state.current_player(), state, rng)])
        choice = int(decisions.actions[0])
        value = None if decisions.values is None else float(decisions.values[0])
        probs = None if decisions.action_probs is None else decisions.action_probs[0]
        allowed = list(among) or state.legal_actions()
        if choice not in allowed:
            choice = max(allowed, key=lambda action: 0.0 if probs is None else float(probs[action]))
        others = [] if probs is None else sorted(allowed, key=lambda action: -float(probs[action]))
        ordered = [choice, *(action for action in others if action != choice and probs is not None and probs[action])]
        moves = tuple(
            MoveThought(action, 0, value, None if probs is None else float(probs[action]), (action,))
            for action in ordered
        )
        thought = Thought(moves, choice, 1)
        report(thought)
        return thought

    def _search(
        self,
        evaluator: StateEvaluator,
        state: State,
        nodes: int | None,
        stopped: Callable[[], bool],
        report: Report,
        among: Sequence[int],
    ) -> Thought:
        wanted = min(MOST_NODES, MOST_NODES if nodes is None else max(1, nodes))
        history = tuple(state.history)
        kept = None
        if self._last is not None and self._last[0] == _origin(state):
            before = self._last[1]
            if history[: len(before)] == before:
                kept = self._last[2].kept_below(0, history[len(before) :])
        done = 0
        while True:
            search = BatchedSearch(evaluator, SearchConfig(simulations=min(_CHUNK, wanted - done)))
            rng = generator(self._seed, "think", len(history), done)
            result = search.run([state], [rng], kept=[kept], keep=True)
            done += min(_CHUNK, wanted - done)
            self._last = (_origin(state), history, result)
            thought = self._thought(state, result, done, among)
            report(thought)
            if done >= wanted or bool(result.known[0]) or stopped():
                return thought
            kept = result.kept_below(0, [])

    def _thought(self, state: State, result: SearchResult, done: int, among: Sequence[int]) -> Thought:
        weights, visits, q = result.action_weights[0], result.visit_counts[0], result.q[0]
        allowed = list(among) or state.legal_actions()
        ordered = sorted(allowed, key=lambda action: (-float(weights[action]), -int(visits[action]), action))
        moves = tuple(
            MoveThought(
                action,
                int(visits[action]),
                float(q[action]),
                float(result.priors[0, action]),
                tuple(result.principal_variation(0, action, length=_LINE)),
            )
            for action in ordered
            if visits[action] or action == ordered[0]
        )
        temperature = float(self.spec.options.get("temperature", 0.0))
        choice = ordered[0]
        if temperature > 0.0 and weights[ordered].sum() > 0.0:
            chances = weights[ordered].astype(np.float64) ** (1.0 / temperature)
            rng = generator(self._seed, "choice", len(state.history))
            choice = int(rng.choice(ordered, p=chances / chances.sum()))
        return Thought(moves, choice, done)

    def close(self) -> None:
        """Frees the agent. Safe to call twice."""
        if self._agent is not None:
            self._agent.end([self._handle])
            self._agent.close()
        self._agent, self._evaluator, self._game, self._last = None, None, None, None


def _evaluator(spec: AgentSpec, game: Game) -> StateEvaluator:
    from gameil.checkpoints.snapshot import load_snapshot
    from gameil.search.evaluators import network_evaluator

    if not (game.capabilities.perfect_information and game.capabilities.clonable):
        raise AgentError(f"agent {str(spec)!r}: search needs perfect information, which {game.id} does not have")
    snapshot = load_snapshot(Path(spec.target), game=game.id)
    return network_evaluator(snapshot.evaluator(**network_options(spec)), snapshot.encoder)


def _origin(state: State) -> str:
    """What must be equal for equal histories to mean equal states."""
    return f"{state.game.id} {getattr(state, 'start', '')}"


class Clock:
    """When to stop thinking."""

    def __init__(self, seconds: float | None) -> None:
        self.began = time.monotonic()
        self._deadline = None if seconds is None else self.began + seconds

    @property
    def elapsed(self) -> float:
        return time.monotonic() - self.began

    def allow(self, seconds: float) -> None:
        """Stops so many seconds from now."""
        self._deadline = time.monotonic() + seconds

    @property
    def is_over(self) -> bool:
        return self._deadline is not None and time.monotonic() >= self._deadline
