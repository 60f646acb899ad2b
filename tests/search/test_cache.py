"""The cache of evaluations: same answers, fewer questions, bounded."""

import numpy as np
import pytest

from gameil.errors import ConfigError
from gameil.games.registry import make_game
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.search.cache import CachedEvaluator
from gameil.search.evaluators import network_evaluator
from gameil.search.puct import BatchedSearch, SearchConfig

GAME = make_game("connect_four")
ENCODER = ObservationEncoder(GAME, EncoderConfig(last_moves=0))


class Network:
    """Answers by what it sees; counts positions."""

    def __init__(self) -> None:
        self.positions = 0

    def evaluate_legal(self, observations, legal, rows):
        self.positions += len(observations)
        weights = np.cos(np.arange(observations[0].size)).astype(np.float32)
        seen = (observations.reshape(len(observations), -1) * weights).sum(axis=1)
        scores = np.exp(np.sin(seen[rows] + legal))
        total = np.bincount(rows, weights=scores)
        return np.log(scores / total[rows]).astype(np.float32), np.tanh(seen).astype(np.float32)


def run(evaluator, number: int = 3):
    states = [GAME.initial_state() for _ in range(number)]
    rngs = [np.random.default_rng(0) for _ in range(number)]
    return BatchedSearch(evaluator, SearchConfig(simulations=80)).run(states, rngs)


def test_same_search_with_fewer_questions() -> None:
    plain, behind = Network(), Network()
    wanted = run(network_evaluator(plain, ENCODER))
    cached = CachedEvaluator(behind, ENCODER)
    for _ in range(2):
        found = run(cached)
        np.testing.assert_array_equal(found.visit_counts, wanted.visit_counts)
        np.testing.assert_allclose(found.values, wanted.values, rtol=1e-6)
    # Three equal trees ask once, transpositions within one tree not again, a second search not at all.
    assert behind.positions < plain.positions / 3
    assert cached.asked == 2 * plain.positions
    assert cached.found == cached.asked - behind.positions


def test_planes_that_follow_from_the_position_are_there_for_what_is_new() -> None:
    game = make_game("othello")
    encoder = ObservationEncoder(game, EncoderConfig(last_moves=1, derived=True))
    cached, plain = CachedEvaluator(Network(), encoder), network_evaluator(Network(), encoder)
    states = [game.initial_state()]
    for _ in range(6):
        states.append(states[-1].clone())
        states[-1].apply(states[-1].legal_actions()[0])
    legal = [state.legal_actions() for state in states]
    wanted = plain(states, legal)
    cached(states[::2], legal[::2])
    found = cached(states, legal)
    assert cached.found == 4
    np.testing.assert_allclose(found.log_probs, wanted.log_probs, rtol=1e-5)
    np.testing.assert_allclose(found.values, wanted.values, rtol=1e-5)


def test_positions_that_differ_in_the_mover_or_the_legal_moves_are_apart() -> None:
    network = Network()
    cached = CachedEvaluator(network, ENCODER)
    state = GAME.initial_state()
    legal = state.legal_actions()
    whole = cached([state], [legal])
    part = cached([state], [legal[:3]])
    assert len(part.log_probs) == 3
    np.testing.assert_allclose(np.exp(whole.log_probs).sum(), 1.0, rtol=1e-5)
    state.apply(3)
    cached([state], [legal])
    assert network.positions == 3


def test_the_oldest_go() -> None:
    network = Network()
    cached = CachedEvaluator(network, ENCODER, positions=2)
    states = []
    for action in range(3):
        state = GAME.initial_state()
        state.apply(action)
        states.append(state)
    for state in states:
        cached([state], [state.legal_actions()])
    cached([states[2]], [states[2].legal_actions()])
    assert network.positions == 3
    cached([states[0]], [states[0].legal_actions()])
    assert network.positions == 4
    with pytest.raises(ConfigError):
        CachedEvaluator(network, ENCODER, positions=0)
