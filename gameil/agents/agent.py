"""Who moves: anything that can decide for a batch of requests from many games at once.

Letters: ``B`` requests, ``A`` actions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import State


@dataclass(frozen=True, slots=True)
class Request:
    """One decision that is wanted. The state is the caller's: read or clone it, never mutate it."""

    game: int
    """Handle of the game, as given to ``begin``; an agent's memory (tree, engine process) belongs to it."""
    seat: int
    """The player this agent is in that game; equals ``state.current_player()``."""
    state: State
    rng: np.random.Generator
    """Keyed by (seed, match, ply), so that decisions do not depend on how requests are batched."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """One action for each request, in their order."""

    actions: NDArray[np.int64]
    """``[B]``, each legal."""
    behaviour_log_probs: NDArray[np.float32]
    """``[B]``: log-probability with which each action was drawn; 0 for a deterministic choice."""
    action_probs: NDArray[np.float32] | None = None
    """``[B, A]``: the whole distribution drawn from, where the agent has one."""
    values: NDArray[np.float32] | None = None
    """``[B]``: expected return of the mover in [-1, 1], where the agent has one."""

    @classmethod
    def certain(cls, actions: Sequence[int], *, values: NDArray[np.float32] | None = None) -> "Decisions":
        """Decisions that nothing was drawn for."""
        return cls(np.array(actions, np.int64), np.zeros(len(actions), np.float32), values=values)


class Agent(Protocol):
    """Decides. Built from a spec string by ``agents.spec.build_agent``; used by one thread at a time."""

    @property
    def name(self) -> str:
        """The spec it was built from, canonical: what tables and records show."""

    def begin(self, games: Sequence[int]) -> None:
        """These games start: make room for their memory."""

    def act(self, requests: Sequence[Request]) -> Decisions: ...

    def end(self, games: Sequence[int]) -> None:
        """These games are over: their memory may go."""

    def close(self) -> None:
        """Frees processes and files. Safe to call twice."""
