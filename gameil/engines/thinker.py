"""What an engine thinks with: any agent, asked for one position at a time; a search can be watched and stopped.

Built when it is first needed: networks and torch take seconds to load, and a protocol must be answered at once.
"""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from gameil.agents.agent import Agent, Request
from gameil.agents.spec import SEARCHING, AgentSpec, build_agent, network_options, parse_spec, search_options
from gameil.engines.watched_search import WatchedSearch
from gameil.errors import AgentError, CheckpointError, ConfigError
from gameil.games.game import Game, State
from gameil.search.result import SearchResult
from gameil.search.rules import RuleConfig
from gameil.search.simulation import StateEvaluator
from gameil.seeding import generator

_CARD_BYTES = 1_000_000
_LINE = 12
"""Greatest length of an expected line, in moves."""


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
        self._asked = parse_spec(spec)
        if self.is_network and not Path(self._asked.target).is_dir():
            raise CheckpointError(f"{self._asked.target}: there is no such snapshot")
        self._card = _card(Path(self._asked.target)) if self.is_network else {}
        if self.is_network and self.usual_nodes:
            _watched_rule(self._asked)
        self._seed = seed
        self._game: Game | None = None
        self._agent: Agent | None = None
        self._search: WatchedSearch | None = None
        self._handle = 0

    @property
    def is_network(self) -> bool:
        """Whether the agent is a snapshot, with options to change."""
        return self._asked.kind == "snapshot"

    @property
    def searches(self) -> bool:
        """Whether thinking longer helps: a network with search."""
        return self.is_network and self.usual_nodes > 0

    @property
    def usual_nodes(self) -> int:
        return int(self._asked.options.get("search", 0))

    @property
    def knows_ratings(self) -> bool:
        """Whether the snapshot's card says that its network was told ratings; read without loading anything else."""
        conditions = self._card.get("model", {}).get("conditions", [])
        return isinstance(conditions, list) and "rating" in conditions

    @property
    def own_game(self) -> str | None:
        """Id of the game that a snapshot learned, by its card; None of any other agent."""
        game_id = self._card.get("game_id")
        return game_id if isinstance(game_id, str) else None

    def change(self, **options: int | float | None) -> None:
        """Sets options of a snapshot's spec, such as ``search``, or takes them out where None; what was built from the
        old ones is dropped. Raises ``ConfigError``, and nothing changes, for options that do not fit together."""
        wanted = {name: value for name, value in {**self._asked.options, **options}.items() if value is not None}
        asked = parse_spec(str(replace(self._asked, options=wanted)))
        if asked.options.get("search", 0):
            _watched_rule(asked)
        self.close()
        self._asked = asked

    @property
    def spec(self) -> AgentSpec:
        """The agent as it is now."""
        if self.searches or not self.is_network:
            return self._asked
        bare = {name: value for name, value in self._asked.options.items() if name not in SEARCHING}
        return replace(self._asked, options=bare)

    def reseed(self, seed: int) -> None:
        """Random choices of searches and of their agents follow another seed from now on."""
        self._seed = seed

    def prepare(self, game: Game) -> None:
        """Builds the agent for ``game``. Raises ``AgentError``, ``CheckpointError`` or ``ConfigError``."""
        if self._game is not None and self._game.id == game.id:
            return
        # A network plays any komi of its family; other agents know the rules they were built for.
        if self._game is not None and self.is_network and self._game.family == game.family:
            return
        self.close()
        spec = self.spec
        if self.searches:
            if not (game.capabilities.perfect_information and game.capabilities.clonable):
                raise AgentError(
                    f"agent {str(spec)!r}: search needs perfect information, which {game.id} does not have"
                )
            rule, reuse = _watched_rule(spec)
            self._search = WatchedSearch(_evaluator(spec, game), rule, reuse=reuse)
        else:
            self._agent = build_agent(str(spec), game, seed=self._seed)
            self._agent.begin([self._handle])
        self._game = game

    def new_game(self) -> None:
        """Forgets what belongs to the game before."""
        if self._search is not None:
            self._search.forget()
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
        if self._search is not None:
            result, done = self._search.run(
                state,
                rng,
                nodes=nodes,
                stopped=stopped,
                watch=lambda found, made: report(self._thought(state, found, made, among)),
            )
            return self._thought(state, result, done, among)
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
        self._agent, self._search, self._game = None, None, None


def _card(path: Path) -> dict[str, Any]:
    """What a snapshot's card says, unchecked: torch, which checks it, takes seconds to load."""
    try:
        with (path / "snapshot.json").open("rb") as file:
            card = json.loads(file.read(_CARD_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}  # ``prepare`` says what is wrong with it
    return card if isinstance(card, dict) and isinstance(card.get("model", {}), dict) else {}


def _watched_rule(spec: AgentSpec) -> tuple[RuleConfig, bool]:
    """Which search a snapshot's spec asks for, and whether it goes on in older trees.

    Raises ``ConfigError`` where its options do not fit together.
    """
    rule, reuse = search_options(spec), spec.options.get("reuse") == "yes"
    if rule is None:
        raise ConfigError(f"agent {str(spec)!r}: has no search")
    if "top_p" in spec.options:
        raise ConfigError(f"agent {str(spec)!r}: top_p cuts the bare policy, not what a search finds")
    if reuse and rule.rule != "puct":
        raise ConfigError(f"agent {str(spec)!r}: only rule=puct can go on in an older tree")
    return rule, reuse


def _evaluator(spec: AgentSpec, game: Game) -> StateEvaluator:
    from gameil.checkpoints.snapshot import load_snapshot
    from gameil.search.cache import CachedEvaluator
    from gameil.search.evaluators import network_evaluator

    snapshot = load_snapshot(Path(spec.target), game=game.id)
    evaluator, positions = snapshot.evaluator(**network_options(spec)), int(spec.options.get("cache", 0))
    if positions:
        return CachedEvaluator(evaluator, snapshot.encoder, positions=positions)
    return network_evaluator(evaluator, snapshot.encoder)


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
