"""A trained network as an agent: its bare policy, or a search that it guides.

Temperature ``τ`` draws with probabilities proportional to ``p^(1/τ)``; 0, the default, takes the most probable action
(equal ones by the request's generator): an argmax copy of a network beats its sampling self, and paired random openings
keep deterministic players from repeating one game.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent, Decisions, Request
from gameil.checkpoints.snapshot import load_snapshot
from gameil.games.game import Game, State
from gameil.models.inference import Evaluation, NetworkEvaluator
from gameil.positions.encoder import ObservationEncoder
from gameil.search.evaluators import network_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig

_TIE = 1e-6
"""Weights of a row closer than this to its greatest are equal: rounding differs with the size of a batch."""

Judge = Callable[[Sequence[State]], Evaluation]


def load_network_agent(
    name: str, game: Game, *, path: str, temperature: float = 0.0, simulations: int = 0, device: str = "cpu"
) -> Agent:
    """The agent of a snapshot directory; with ``simulations`` above 0 it searches. Raises ``CheckpointError``."""
    snapshot = load_snapshot(Path(path), game=game.id)
    evaluator = snapshot.evaluator(device=device)
    if simulations == 0:
        return NetworkAgent(name, state_judge(snapshot.encoder, evaluator), temperature=temperature)
    from gameil.agents.search import SearchAgent

    search = BatchedSearch(network_evaluator(evaluator, snapshot.encoder), SearchConfig(simulations=simulations))
    return SearchAgent(name, game, search, temperature=temperature)


def state_judge(encoder: ObservationEncoder, evaluator: NetworkEvaluator) -> Judge:
    """A function that evaluates states with one network call, as agents without a search want it."""

    def judge(states: Sequence[State]) -> Evaluation:
        return evaluator.evaluate(encoder.encode(states), [state.legal_actions() for state in states])

    return judge


class NetworkAgent:
    """Draws from a network's policy; all requests go through it in one call."""

    def __init__(self, name: str, judge: Judge, *, temperature: float = 0.0) -> None:
        self.name = name
        self._judge = judge
        self._temperature = temperature

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        evaluation = self._judge([request.state for request in requests])
        return decide(evaluation.log_probs, requests, temperature=self._temperature, values=evaluation.values)

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass


def decide(
    log_weights: NDArray[np.float32], requests: Sequence[Request], *, temperature: float, values: NDArray[np.float32]
) -> Decisions:
    """Draws one action for each request.

    Args:
        log_weights: ``[B, A]``, unnormalised; illegal actions at or near ``finfo.min`` or ``-inf``.
        requests: ``B`` requests; each one's generator gives one number.
        temperature: exponent ``1 / temperature``; 0 takes the greatest.
        values: ``[B]``, passed on.
    """
    probs = np.zeros(log_weights.shape, np.float32)
    actions = np.empty(len(requests), np.int64)
    for row, request in enumerate(requests):
        legal = np.asarray(request.state.legal_actions(), np.int64)
        weights = log_weights[row, legal].astype(np.float64)
        weights -= weights.max()
        if temperature == 0.0:
            chances = (weights >= -_TIE).astype(np.float64)
        else:
            chances = np.exp(weights / temperature)
        chances /= chances.sum()
        place = int(np.searchsorted(np.cumsum(chances), request.rng.random(), side="right"))
        place = min(place, int(np.flatnonzero(chances)[-1]))
        actions[row] = legal[place]
        probs[row, legal] = chances
    behaviour = np.log(probs[np.arange(len(requests)), actions])
    return Decisions(actions, behaviour.astype(np.float32), action_probs=probs, values=values)
