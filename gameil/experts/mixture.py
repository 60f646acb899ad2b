"""The mixture policy of DAgger: at each decision the expert acts with probability beta, the learner otherwise.

pi_i = beta_i pi* + (1 - beta_i) pi-hat_i            Ross, Gordon and Bagnell (2011), algorithm 3.1
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from gameil.agents.agent import Agent, Decisions, Request
from gameil.errors import ConfigError


@dataclass(frozen=True)
class BetaConfig:
    """Share of the decisions that the expert takes in the games of round i (METHODS row 4)."""

    __pydantic_config__ = {"extra": "forbid"}

    kind: Literal["never", "first", "linear", "exponential"] = "never"
    """``never``: 0 throughout, for a policy that can already play; ``first``: 1 in round 0, then 0; ``linear``:
    ``1 - i / rounds``; ``exponential``: ``base ** i``. All but ``never`` begin with the expert's own games."""
    rounds: int = 4
    """Rounds until a linear beta is 0."""
    base: float = 0.5
    """Of an exponential beta."""

    def __post_init__(self) -> None:
        if self.rounds < 1 or not 0.0 <= self.base < 1.0:
            raise ConfigError(f"beta.rounds must be at least 1 and beta.base in [0, 1): {self.rounds}, {self.base}")

    def share(self, round: int) -> float:
        """Beta of a round, counted from 0."""
        if self.kind == "linear":
            return max(0.0, 1.0 - round / self.rounds)
        if self.kind == "exponential":
            return float(self.base**round)
        return 1.0 if self.kind == "first" and round == 0 else 0.0


class MixtureAgent:
    """Two agents behind one name; which one decides is drawn from the request's own generator."""

    def __init__(self, name: str, policy: Agent, expert: Agent, *, beta: float) -> None:
        self.name = name
        self._policy = policy
        self._expert = expert
        self._beta = beta

    def begin(self, games: Sequence[int]) -> None:
        self._policy.begin(games)
        self._expert.begin(games)

    def act(self, requests: Sequence[Request]) -> Decisions:
        # Drawn always, so that a game's other random numbers do not depend on beta.
        by_expert = np.array([request.rng.random() < self._beta for request in requests], bool)
        actions = np.zeros(len(requests), np.int64)
        log_probs = np.zeros(len(requests), np.float32)
        for agent, chosen in ((self._policy, ~by_expert), (self._expert, by_expert)):
            places = np.flatnonzero(chosen)
            if len(places):
                decisions = agent.act([requests[int(place)] for place in places])
                actions[places] = decisions.actions
                log_probs[places] = decisions.behaviour_log_probs
        return Decisions(actions, log_probs)

    def end(self, games: Sequence[int]) -> None:
        self._policy.end(games)
        self._expert.end(games)

    def close(self) -> None:
        self._policy.close()
        self._expert.close()
