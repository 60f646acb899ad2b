"""A network's search that can be watched and stopped at any time.

With ``rule=puct`` one tree grows on between two looks. The other rules plan all their simulations beforehand: without
a number of them, searches twice as large as the one before follow each other, and one that is stopped counts for
nothing.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.search.puct import SearchConfig, puct_rule
from gameil.search.result import SearchResult, kept_after, summary
from gameil.search.rules import RuleConfig, build_search
from gameil.search.simulation import LeafEvaluation, StateEvaluator, check_searchable, expand, grow
from gameil.search.tree import Forest, KeptTree, check_memory

MOST_NODES = 1_000_000
"""Simulations of one search, whatever was asked for."""
_FIRST_CHUNK = 16
"""Simulations before the first look at the clock."""
_CHUNK_SECONDS = 0.05
"""Aim for the time between two looks."""
_GROWTH = 1.5
"""A full tree asks for so much more memory."""

Watch = Callable[[SearchResult, int], None]
"""Told the result so far and the simulations made."""


class WatchedSearch:
    """Searches one state at a time, by one rule."""

    def __init__(self, evaluator: StateEvaluator, rule: RuleConfig, *, reuse: bool = False) -> None:
        """
        Args:
            evaluator: judges states.
            rule: which search; its number of simulations is not looked at.
            reuse: go on in what is left of the last tree where the next state comes after it.

        Raises:
            ConfigError: another rule than puct cannot go on in an older tree.
        """
        if reuse and rule.rule != "puct":
            raise ConfigError("only rule=puct can go on in an older tree")
        self._evaluator = evaluator
        self._rule = rule
        self._reuse = reuse
        self._last: tuple[list[int], KeptTree] | None = None
        """All actions up to the root of the last tree, and the tree."""

    def forget(self) -> None:
        """The next state is of another game."""
        self._last = None

    def run(
        self,
        state: State,
        rng: np.random.Generator,
        *,
        nodes: int | None,
        stopped: Callable[[], bool],
        watch: Watch,
    ) -> tuple[SearchResult, int]:
        """The result with its tree, and the simulations behind it.

        Args:
            state: not terminal; not mutated.
            rng: for chance nodes.
            nodes: simulations; None: until ``stopped``, or until nothing is left to find.
            stopped: looked at some twenty times a second or more.
            watch: called after every part.

        Raises:
            GameError: the game cannot be searched.
        """
        check_searchable([state], [rng])
        wanted = MOST_NODES if nodes is None else min(MOST_NODES, max(1, nodes))
        if self._rule.rule == "puct":
            return self._grow(state, rng, wanted, stopped, watch)
        return self._repeat(state, rng, wanted, nodes is not None, stopped, watch)

    def _grow(
        self, state: State, rng: np.random.Generator, wanted: int, stopped: Callable[[], bool], watch: Watch
    ) -> tuple[SearchResult, int]:
        rule = self._rule
        config = SearchConfig(leaves=rule.leaves, look_ahead=rule.look_ahead)
        forest = Forest.plant([state], state.game, nodes=min(wanted + 1, 256), kept=[self._left(state)])
        if forest.num_children[0] == 0:
            expand(forest, np.zeros(1, np.int64), self._evaluator)
        select = puct_rule(config)
        done, chunk = 0, _FIRST_CHUNK
        while True:
            chunk = min(wanted - done, max(1, chunk // rule.leaves) * rule.leaves)
            before = time.monotonic()
            grow(
                forest,
                self._evaluator,
                select,
                [rng],
                simulations=chunk,
                leaves=rule.leaves,
                prove=config.prove,
                look_ahead=config.look_ahead,
            )
            done += chunk
            result = summary(forest, keep=True)
            watch(result, done)
            if done >= wanted or bool(result.known[0]) or stopped() or _is_full(forest):
                break
            chunk = max(1, round(chunk * min(2.0, _CHUNK_SECONDS / max(1e-6, time.monotonic() - before))))
        tree = result.kept_below(0, []) if self._reuse else None
        if tree is not None:
            self._last = (list(state.history), tree)
        return result, done

    def _left(self, state: State) -> KeptTree | None:
        """What is left of the last tree after the moves made since."""
        last, self._last = self._last, None
        if last is None or state.history[: len(last[0])] != last[0]:
            return None
        left = kept_after(last[1], state.game, state.history[len(last[0]) :])
        # Equal moves from another start lead elsewhere.
        return left if left is not None and str(left.states[0]) == str(state) else None

    def _repeat(
        self,
        state: State,
        rng: np.random.Generator,
        wanted: int,
        is_fixed: bool,
        stopped: Callable[[], bool],
        watch: Watch,
    ) -> tuple[SearchResult, int]:
        best: tuple[SearchResult, int] | None = None
        # Where the number is known, a small search comes first only so that there is something to say when stopped.
        simulations = min(wanted, _FIRST_CHUNK)

        def watched(states: Sequence[State], legal: Sequence[Sequence[int]]) -> LeafEvaluation:
            if best is not None and stopped():
                raise _StoppedError
            return self._evaluator(states, legal)

        while True:
            try:
                search = build_search(watched, replace(self._rule, simulations=simulations))
                result = search.run([state], [rng], keep=True)
            except _StoppedError:
                break
            except ConfigError:  # so many nodes do not fit into memory
                if best is None:
                    raise
                break
            best = (result, simulations)
            watch(*best)
            if simulations >= wanted or bool(result.known[0]) or stopped():
                break
            simulations = wanted if is_fixed else min(wanted, 2 * simulations)
        assert best is not None
        return best


class _StoppedError(Exception):
    """Ends a search in the middle; never seen outside."""


def _is_full(forest: Forest) -> bool:
    try:
        check_memory(round(_GROWTH * len(forest.states)) + 1, forest.child_action.shape[1])
    except ConfigError:
        return True
    return False
