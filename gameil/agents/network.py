"""A trained network as an agent: its bare policy, or a search that it guides.

Temperature ``τ`` draws with probabilities proportional to ``p^(1/τ)``; 0, the default, takes the most probable action
(equal ones by the request's generator): an argmax copy of a network beats its sampling self, and paired random openings
keep deterministic players from repeating one game. ``top_p`` cuts off the least probable actions: the smallest set of
the most probable ones stays that has at least that much of the probability (Holtzman et al., "The Curious Case of
Neural Text Degeneration", 2020), so that a policy that imitates people does not imitate their slips.
"""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gameil.agents.agent import Agent, Decisions, Request
from gameil.checkpoints.snapshot import Snapshot, load_snapshot
from gameil.errors import ConfigError
from gameil.games.game import Game, State
from gameil.models.backends.backend import BackendName
from gameil.models.inference import Evaluation, NetworkEvaluator
from gameil.models.memory_inference import MemoryEvaluator
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.opening_vectors import typed_opening
from gameil.search.cache import CachedEvaluator
from gameil.search.evaluators import PositionEvaluator, network_evaluator
from gameil.search.rules import RuleConfig, build_search
from gameil.search.simulation import StateEvaluator

_TIE = 1e-6
"""Weights of a row closer than this to its greatest are equal: rounding differs with the size of a batch."""

Judge = Callable[[Sequence[State]], Evaluation]


def load_network_agent(
    name: str,
    game: Game,
    *,
    path: str,
    temperature: float = 0.0,
    top_p: float = 1.0,
    search: RuleConfig | None = None,
    reuse: bool = False,
    cache: int = 0,
    lanes: int = 1,
    device: str = "cpu",
    backend: BackendName = "eager",
    conditions: Mapping[str, float] | None = None,
    opening: str = "",
) -> Agent:
    """The agent of a snapshot directory; with ``search`` it searches.

    Args:
        name: what the agent is called.
        game: which it must be able to play.
        path: snapshot directory.
        temperature: see the module.
        top_p: likewise, of the bare policy.
        search: which one; None for the bare policy. A search sees each position by itself, as does any backend but
            ``eager``: only the bare policy uses a network's memory.
        reuse: the search goes on in the game's last tree.
        cache: number of positions whose evaluations the search remembers, in each lane.
        lanes: parts of a batch of games searched at the same time, each with its share of the cores
            (``search.lanes``): pays with several games at once.
        device: ``cpu`` or ``cuda``.
        backend: what runs the network; ``auto`` tries them (``models.backends.selection``).
        conditions: what the network is told (``{"rating": 1500}``).
        opening: moves that it shall play if it can, both sides' in turn (``positions.opening_vectors``); of the bare
            policy, and what ``conditions`` say is unknown then.

    Raises:
        CheckpointError: the snapshot is missing, torn or of another game.
        ConfigError: the backend is not installed, or the network was not trained with a condition.
    """
    snapshot = load_snapshot(Path(path), game=game.id)
    if opening:
        if search is not None or not snapshot.model.config.opening:
            raise ConfigError(f"{path}: opening= is for the bare policy of a network that was trained with openings")
        known = len(snapshot.model.config.conditions)
        told = typed_opening(game, opening, most=snapshot.model.config.opening, known=known)
        evaluator = snapshot.evaluator(device=device, backend=backend)
        judge = state_judge(snapshot.encoder, evaluator, told)
        return NetworkAgent(name, judge, temperature=temperature, top_p=top_p)
    if snapshot.model.memory is not None and search is None and backend == "eager":
        from gameil.agents.memory import MemoryAgent

        remembering = MemoryEvaluator(snapshot.model, device=device, conditions=conditions)
        return MemoryAgent(name, snapshot.encoder, remembering, temperature=temperature, top_p=top_p)
    if search is None:
        evaluator = snapshot.evaluator(device=device, backend=backend, conditions=conditions)
        return NetworkAgent(name, state_judge(snapshot.encoder, evaluator), temperature=temperature, top_p=top_p)
    from gameil.agents.search import SearchAgent

    judges = search_judges(snapshot, lanes=lanes, cache=cache, device=device, backend=backend, conditions=conditions)
    return SearchAgent(name, game, build_search(judges, search, game), temperature=temperature, reuse=reuse)


def search_judges(
    snapshot: Snapshot,
    *,
    lanes: int = 1,
    cache: int = 0,
    device: str = "cpu",
    backend: BackendName = "eager",
    conditions: Mapping[str, float] | None = None,
) -> list[StateEvaluator]:
    """A snapshot's network for a search, once a lane; arguments and errors as of ``load_network_agent``."""
    networks: Sequence[PositionEvaluator]
    if lanes > 1:
        networks = snapshot.lane_evaluators(lanes, device=device, backend=backend, conditions=conditions)
    else:
        networks = [snapshot.evaluator(device=device, backend=backend, conditions=conditions)]
    return [
        CachedEvaluator(network, snapshot.encoder, positions=cache)
        if cache
        else network_evaluator(network, snapshot.encoder)
        for network in networks
    ]


def state_judge(
    encoder: ObservationEncoder, evaluator: NetworkEvaluator, openings: NDArray[np.float32] | None = None
) -> Judge:
    """A function that evaluates states with one network call, as agents without a search want it.

    ``openings`` ``[P, K + A]``: what the network is told where each player moves.
    """

    def judge(states: Sequence[State]) -> Evaluation:
        told = None if openings is None else openings[[state.current_player() for state in states]]
        return evaluator.evaluate(encoder.encode(states), [state.legal_actions() for state in states], told)

    return judge


class NetworkAgent:
    """Draws from a network's policy; all requests go through it in one call."""

    def __init__(self, name: str, judge: Judge, *, temperature: float = 0.0, top_p: float = 1.0) -> None:
        self.name = name
        self._judge = judge
        self._temperature = temperature
        self._top_p = top_p

    def evaluate(self, states: Sequence[State]) -> Evaluation:
        """The network's own policies and values, before temperature and ``top_p``."""
        return self._judge(states)

    def begin(self, games: Sequence[int]) -> None:
        pass

    def act(self, requests: Sequence[Request]) -> Decisions:
        evaluation = self._judge([request.state for request in requests])
        return decide(
            evaluation.log_probs,
            requests,
            temperature=self._temperature,
            top_p=self._top_p,
            values=evaluation.values,
        )

    def end(self, games: Sequence[int]) -> None:
        pass

    def close(self) -> None:
        pass


def decide(
    log_weights: NDArray[np.float32],
    requests: Sequence[Request],
    *,
    temperature: float,
    values: NDArray[np.float32],
    top_p: float = 1.0,
) -> Decisions:
    """Draws one action for each request.

    Args:
        log_weights: ``[B, A]``, unnormalised; illegal actions at or near ``finfo.min`` or ``-inf``.
        requests: ``B`` requests; each one's generator gives one number.
        temperature: exponent ``1 / temperature``; 0 takes the greatest.
        values: ``[B]``, passed on.
        top_p: share of the probability that stays, above 0; 1 leaves every action.
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
        if top_p < 1.0:
            chances = nucleus(chances, top_p)
        place = int(np.searchsorted(np.cumsum(chances), request.rng.random(), side="right"))
        place = min(place, int(np.flatnonzero(chances)[-1]))
        actions[row] = legal[place]
        probs[row, legal] = chances
    behaviour = np.log(probs[np.arange(len(requests)), actions])
    return Decisions(actions, behaviour.astype(np.float32), action_probs=probs, values=values)


def nucleus(chances: NDArray[np.float64], top_p: float) -> NDArray[np.float64]:
    """The fewest of the likeliest actions that have ``top_p`` of the probability together, brought to sum one, ``[A]``.

    Actions as likely as the last one taken stay too, so that no order of ids decides.
    """
    order = np.sort(chances)[::-1]
    last = min(int(np.searchsorted(np.cumsum(order), top_p)), len(order) - 1)
    kept: NDArray[np.float64] = np.where(chances >= order[last] - _TIE, chances, 0.0)
    kept /= kept.sum()
    return kept
