"""OpenSpiel's C++ Monte Carlo tree search as an expert: soft labels from its visit counts, on all cores.

The call that shows visit counts holds Python's lock, so the searches run in processes, started by ``spawn``; a state
travels as its game and the actions since its usual start.
"""

import os
import threading
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context, parent_process
from multiprocessing.connection import wait

import numpy as np
from numpy.typing import NDArray

from gameil.agents.built_in import mcts_visits, open_spiel_game
from gameil.agents.engine_pool import usable_cores
from gameil.experts.expert import label_from_visits
from gameil.games.game import Game, State
from gameil.games.registry import make_game
from gameil.positions.label import Label
from gameil.search.tree import return_scale

_SEEDS = 1 << 31
_CHUNK = 16
"""States sent to a process at a time: some 100 ms of work, so that no process waits long for the last one."""


@dataclass(frozen=True, slots=True)
class _Job:
    """One state to search."""

    game_id: str
    history: tuple[int, ...]
    simulations: int
    seed: int


class MctsExpert:
    """Searches each state anew."""

    def __init__(
        self, name: str, game: Game, *, simulations: int, temperature: float = 1.0, processes: int | None = None
    ) -> None:
        """
        Args:
            simulations: rollouts a label.
            temperature: of the visit counts (``label_from_visits``).
            processes: that search at once; None: one a core; 1: this one.

        Raises:
            AgentError: the game cannot be searched so.
        """
        open_spiel_game(name, game)
        self.name = name
        self._simulations = simulations
        self._temperature = temperature
        self._scale = return_scale(game)
        self._processes = processes or usable_cores()
        self._pool: ProcessPoolExecutor | None = None

    def label(self, states: Sequence[State], rngs: Sequence[np.random.Generator], *, round: int = 0) -> list[Label]:
        """See ``Expert``."""
        jobs = [
            _Job(state.game.id, tuple(state.history), self._simulations, int(rng.integers(_SEEDS)))
            for state, rng in zip(states, rngs, strict=True)
        ]
        found: list[tuple[NDArray[np.int64], NDArray[np.int64], float]]
        if self._processes == 1:
            found = [_visits(state, job) for state, job in zip(states, jobs, strict=True)]
        else:
            if self._pool is None:
                self._pool = ProcessPoolExecutor(
                    self._processes, mp_context=get_context("spawn"), initializer=_end_with_parent
                )
            found = list(self._pool.map(_search, jobs, chunksize=_CHUNK))
        return [
            label_from_visits(self.name, round, actions, visits, value / self._scale, temperature=self._temperature)
            for actions, visits, value in found
        ]

    def close(self) -> None:
        """Ends the processes."""
        if self._pool is not None:
            self._pool.shutdown(wait=True, cancel_futures=True)
            self._pool = None


def _end_with_parent() -> None:
    """Lets this process end when the one that started it is gone, however that ended.

    The pool's queues do not tell: every worker holds both ends of their pipes, so none sees an end of file.
    """
    parent = parent_process()
    assert parent is not None

    def watch() -> None:
        wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def _search(job: _Job) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    state = make_game(job.game_id).initial_state()
    for action in job.history:
        state.apply(action)
    return _visits(state, job)


def _visits(state: State, job: _Job) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    return mcts_visits(state, job.simulations, job.seed)
