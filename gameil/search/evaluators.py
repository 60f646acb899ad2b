"""Evaluators for the search: a network behind its observation encoder, and one that knows nothing."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gameil.games.game import State
from gameil.positions.position_batch import flat_legal
from gameil.search.simulation import LeafEvaluation, StateEvaluator


@dataclass(frozen=True, slots=True, eq=False)
class ArrayEvaluation:
    """An evaluation as two arrays."""

    log_probs: NDArray[np.float32]
    """``[L]``, beside all legal actions."""
    values: NDArray[np.float32]
    """``[B]``, for the player to move."""


class ObservationWriter(Protocol):
    """What is needed of ``positions.encoder.ObservationEncoder``."""

    def encode(self, states: Sequence[State]) -> NDArray[np.float32]:
        """Observations ``[B, *shape]``."""

    def encode_stored(self, states: Sequence[State]) -> NDArray[np.float32]:
        """All that observations depend on, ``[B, ...]``."""

    def complete(self, stored: NDArray[np.float32]) -> NDArray[np.float32]:
        """Observations ``[B, *shape]`` from these."""


class PositionEvaluator(Protocol):
    """What is needed of ``models.inference.NetworkEvaluator``."""

    def evaluate_legal(
        self, observations: NDArray[np.float32], legal: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities ``[L]`` beside ``legal [L]``, whose positions are ``rows [L]``, and values ``[B]``."""


def network_evaluator(evaluator: PositionEvaluator, encoder: ObservationWriter) -> StateEvaluator:
    """The search's evaluator of states from a network and the encoder it was trained with."""

    def evaluate(states: Sequence[State], legal: Sequence[Sequence[int]]) -> LeafEvaluation:
        return ArrayEvaluation(*evaluator.evaluate_legal(encoder.encode(states), *flat_legal(legal)))

    return evaluate


def uniform_evaluator(states: Sequence[State], legal: Sequence[Sequence[int]]) -> ArrayEvaluation:
    """Every legal action equally likely, every value 0: what a search finds with it, it found by the rules alone."""
    counts = np.fromiter(map(len, legal), np.int64, len(legal))
    log_probs = np.repeat(-np.log(counts.astype(np.float32)), counts)
    return ArrayEvaluation(log_probs, np.zeros(len(states), np.float32))
