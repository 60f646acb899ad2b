"""The weakest agent and the floor of every ladder: each legal action with the same probability."""

import math
from collections.abc import Sequence

import numpy as np

from gameil.agents.agent import Decisions, Request


class RandomAgent:
    """Draws uniformly from the legal actions."""

    def __init__(self, name: str = "random") -> None:
        self.name = name

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        actions = np.empty(len(requests), np.int64)
        log_probs = np.empty(len(requests), np.float32)
        num_actions = requests[0].state.game.num_actions if requests else 0
        action_probs = np.zeros((len(requests), num_actions), np.float32)
        for index, request in enumerate(requests):
            legal = request.state.legal_actions()
            actions[index] = legal[int(request.rng.integers(len(legal)))]
            log_probs[index] = -math.log(len(legal))
            action_probs[index, legal] = 1.0 / len(legal)
        return Decisions(actions, log_probs, action_probs)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass
