"""A network with a memory as an agent: it sees every position of its games, the opponents' too, as in training."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from gameil.agents.agent import Decisions, Request
from gameil.agents.network import decide
from gameil.errors import GameError
from gameil.games.game import CHANCE_PLAYER, State
from gameil.models.inference import ILLEGAL_LOG_PROB
from gameil.models.memory_inference import MemoryEvaluator, Vector
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal


@dataclass(slots=True)
class _Remembered:
    """What is known of one game."""

    state: State | None = None
    """The last position seen."""
    vectors: list[Vector] = field(default_factory=list)
    """Of each position so far."""


class MemoryAgent:
    """Draws from the policy; positions since its last move are read before it decides, in one call for all games."""

    def __init__(
        self,
        name: str,
        encoder: ObservationEncoder,
        evaluator: MemoryEvaluator,
        *,
        temperature: float = 0.0,
        top_p: float = 1.0,
    ) -> None:
        self.name = name
        self._encoder = encoder
        self._evaluator = evaluator
        self._temperature = temperature
        self._top_p = top_p
        self._games: dict[int, _Remembered] = {}

    def begin(self, games: Sequence[int]) -> None:
        self._games |= {game: _Remembered() for game in games}

    def act(self, requests: Sequence[Request]) -> Decisions:
        new = [positions_since(self._games[request.game].state, request.state) for request in requests]
        observations = self._encoder.encode([state for states in new for state in states])
        features, vectors = self._evaluator.read(observations)
        ends = np.cumsum([len(states) for states in new])
        for request, states, end in zip(requests, new, ends.tolist(), strict=True):
            remembered = self._games[request.game]
            remembered.vectors += vectors[end - len(states) : end]
            remembered.state = request.state.clone()
        legal, rows = flat_legal([request.state.legal_actions() for request in requests])
        found, values = self._evaluator.evaluate_last(
            features,
            ends - 1,
            [self._games[request.game].vectors for request in requests],
            legal,
            rows,
        )
        log_probs = np.full((len(requests), self._evaluator.num_actions), ILLEGAL_LOG_PROB, np.float32)
        log_probs[rows, legal] = found
        return decide(log_probs, requests, temperature=self._temperature, top_p=self._top_p, values=values)

    def end(self, games: Sequence[int]) -> None:
        for game in games:
            self._games.pop(game, None)

    def close(self) -> None:
        self._games.clear()


def positions_since(before: State | None, now: State) -> list[State]:
    """The positions of players after ``before`` (None: from the start of the game), up to ``now`` and with it.

    Only ``now`` where the way to it is not known: a game that did not begin at the usual start.
    """
    state = now.game.initial_state() if before is None else before.clone()
    done = len(state.history)
    found: list[State] = []
    if now.history[:done] != state.history:
        return [now]
    try:
        for action in now.history[done:]:
            if state.current_player() != CHANCE_PLAYER and (before is None or len(state.history) > done):
                found.append(state.clone())
            state.apply(action)
    except GameError:
        return [now]
    return [*found, now] if state.legal_actions() == now.legal_actions() else [now]
