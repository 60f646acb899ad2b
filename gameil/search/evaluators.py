"""Evaluators for the search: a network behind its observation encoder, and one that knows nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import State
from gameil.search.puct import LeafEvaluation, StateEvaluator

ILLEGAL_LOG_PROB = float(np.finfo(np.float32).min)


@dataclass(frozen=True, slots=True, eq=False)
class ArrayEvaluation:
    """An evaluation that is no network's."""

    log_probs: NDArray[np.float32]
    """``[B, A]``, illegal actions at ``finfo.min``."""
    values: NDArray[np.float32]
    """``[B]``, for the player to move."""


class ObservationWriter(Protocol):
    """What is needed of ``positions.encoder.ObservationEncoder``."""

    def encode(self, states: Sequence[State]) -> NDArray[np.float32]:
        """Observations ``[B, *shape]``."""


class PositionEvaluator(Protocol):
    """What is needed of ``models.inference.NetworkEvaluator``."""

    def evaluate(self, observations: NDArray[np.float32], legal: Sequence[Sequence[int]]) -> LeafEvaluation: ...


def network_evaluator(evaluator: PositionEvaluator, encoder: ObservationWriter) -> StateEvaluator:
    """The search's evaluator of states from a network and the encoder it was trained with."""

    def evaluate(states: Sequence[State]) -> LeafEvaluation:
        return evaluator.evaluate(encoder.encode(states), [state.legal_actions() for state in states])

    return evaluate


def uniform_evaluator(states: Sequence[State]) -> ArrayEvaluation:
    """Every legal action equally likely, every value 0: what a search finds with it, it found by the rules alone."""
    log_probs = np.full((len(states), states[0].game.num_actions), ILLEGAL_LOG_PROB, np.float32)
    for row, state in enumerate(states):
        legal = state.legal_actions()
        log_probs[row, legal] = -np.log(len(legal))
    return ArrayEvaluation(log_probs, np.zeros(len(states), np.float32))
