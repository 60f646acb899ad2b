"""PPO on a game whose equilibrium is known: exploitability of the average policy, by OpenSpiel's exact computation.

Policies that play themselves circle an equilibrium of a game with hidden information; their average, each weighted by
how likely it gets to an information state, approaches it (Heinrich and Silver 2016, for fictitious play).
"""

import numpy as np
from open_spiel.python.algorithms.exploitability import exploitability
from open_spiel.python.policy import TabularPolicy

from gameil.games.game import CHANCE_PLAYER, State
from gameil.games.registry import make_game
from gameil.learners.ppo import Ppo, PpoConfig
from gameil.learners.updates import UpdateConfig
from gameil.models.config import ModelConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import build_model
from gameil.positions.encoder import EncoderConfig, ObservationEncoder
from gameil.positions.position_batch import flat_legal
from gameil.rollout.self_play import SelfPlayConfig, play_self
from gameil.schedules import Schedule

GAME = make_game("kuhn_poker")
ENCODER = ObservationEncoder(GAME, EncoderConfig())


class AveragePolicy:
    """The mean of many policies, each weighted by its own part in reaching an information state."""

    def __init__(self) -> None:
        self.places: dict[str, int] = {}
        self.states: list[State] = []
        self.own_moves: list[list[tuple[int, int]]] = []
        self._walk(GAME.initial_state(), {0: [], 1: []})
        self.sums = np.zeros((len(self.states), GAME.num_actions))

    def _walk(self, state: State, moves: dict[int, list[tuple[int, int]]]) -> None:
        """Every information state once, with what its player did before."""
        if state.is_terminal():
            return
        player, actions = state.current_player(), state.legal_actions()
        if player == CHANCE_PLAYER:
            actions = [action for action, _ in state.chance_outcomes()]
        else:
            place = self.places.setdefault(state.information_state(player), len(self.states))
            if place == len(self.states):
                self.states.append(state.clone())
                self.own_moves.append(moves[player])
        for action in actions:
            after = state.clone()
            after.apply(action)
            own = moves if player == CHANCE_PLAYER else moves | {player: [*moves[player], (place, action)]}
            self._walk(after, own)

    def add(self, evaluator: NetworkEvaluator) -> None:
        legal, rows = flat_legal([state.legal_actions() for state in self.states])
        log_probs, _ = evaluator.evaluate_legal(ENCODER.encode(self.states), legal, rows)
        probs = np.zeros_like(self.sums)
        probs[rows, legal] = np.exp(log_probs)
        for place, moves in enumerate(self.own_moves):
            self.sums[place] += probs[place] * np.prod([probs[move] for move in moves])

    def exploitability(self) -> float:
        table = TabularPolicy(GAME.raw)
        for name, place in self.places.items():
            row = self.sums[place]
            table.action_probability_array[table.state_lookup[name]] = row / row.sum()
        return float(exploitability(GAME.raw, table))


def test_average_policy_approaches_the_equilibrium() -> None:
    model = build_model(ModelConfig(kind="mlp", hidden=64, layers=2), GAME, ENCODER.shape)
    start = AveragePolicy()
    assert len(start.states) == 12
    start.add(NetworkEvaluator(model))
    config = PpoConfig(
        update=UpdateConfig(learning_rate=1e-3, value_learning_rate=2e-3, value_to_trunk=0.2, ema_decay=0.0),
        minibatch=10_000,
        kl_weight=Schedule(0.0, 0.0, 0),
        entropy_weight=Schedule(0.3, 0.1, 70, "exponential"),
        warmup_steps=2,
    )
    learner = Ppo(model, NetworkEvaluator(model), config, seed=0)
    average = AveragePolicy()
    play = SelfPlayConfig(games=256, opening_plies=0)
    for iteration in range(70):
        evaluator = NetworkEvaluator(learner.model)
        if iteration >= 25:
            average.add(evaluator)
        learner.step(play_self(GAME, ENCODER, evaluator, [], play, seed=0, iteration=iteration))
    assert start.exploitability() > 0.4  # about uniform: 0.458
    assert average.exploitability() < 0.15
