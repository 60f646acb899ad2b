"""Positions that a network gets into itself: what backends are compared on, since a snapshot brings no data along."""

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import CHANCE_PLAYER, Game
from gameil.models.backends.selection import Samples
from gameil.models.inference import NetworkEvaluator
from gameil.positions.encoder import ObservationEncoder
from gameil.positions.position_batch import flat_legal
from gameil.seeding import generator

GAMES = 16
"""Games played beside each other."""


def own_positions(
    evaluator: NetworkEvaluator, game: Game, encoder: ObservationEncoder, number: int, *, seed: int = 0
) -> Samples:
    """Positions of games that a network plays against itself, each move drawn from its policy; the same for a seed."""
    rng = generator(seed, "own positions")
    observations: list[NDArray[np.float32]] = []
    legal_lists: list[list[int]] = []
    states = [game.initial_state() for _ in range(GAMES)]
    while len(observations) < number:
        for index, state in enumerate(states):
            while state.current_player() == CHANCE_PLAYER:
                actions, chances = zip(*state.chance_outcomes(), strict=True)
                state.apply(int(rng.choice(actions, p=np.asarray(chances) / sum(chances))))
            if state.is_terminal():
                states[index] = game.initial_state()
        playing = [state for state in states if state.current_player() >= 0]
        if not playing:
            continue
        planes, legal = encoder.encode(playing), [list(state.legal_actions()) for state in playing]
        policy = evaluator.evaluate(planes, legal)
        for row, state in enumerate(playing):
            probs = np.exp(policy.log_probs[row, legal[row]].astype(np.float64))
            observations.append(planes[row])
            legal_lists.append(legal[row])
            state.apply(int(rng.choice(legal[row], p=probs / probs.sum())))
    flat, rows = flat_legal(legal_lists[:number])
    return Samples(np.stack(observations[:number]), flat, rows)
