"""Evaluations of positions met before, remembered by what the network saw.

The key is the observation with its legal actions, all that an evaluation depends on: two states that a network cannot
tell apart have the same one, whatever led to them. Worth its time where games share positions and the network is slow:
searches of one game from move to move, openings of many games.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.games.game import State
from gameil.positions.position_batch import flat_legal
from gameil.search.evaluators import ArrayEvaluation, ObservationWriter, PositionEvaluator


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    log_probs: NDArray[np.float32]
    value: np.float32


class CachedEvaluator:
    """A search's evaluator of states that asks the network about new positions only. Used by one thread at a time."""

    def __init__(self, evaluator: PositionEvaluator, encoder: ObservationWriter, *, positions: int = 100_000) -> None:
        """
        Args:
            evaluator: the network.
            encoder: what it was trained with.
            positions: remembered at most; the ones not met for the longest time go. A few hundred bytes each.
        """
        if positions < 1:
            raise ConfigError(f"a cache needs room for at least 1 position, got {positions}")
        self._evaluator = evaluator
        self._encoder = encoder
        self._positions = positions
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self.asked = 0
        """Positions so far."""
        self.found = 0
        """Of these, those that needed no network."""

    def __call__(self, states: Sequence[State], legal: Sequence[Sequence[int]]) -> ArrayEvaluation:
        stored = self._encoder.encode_stored(states)
        keys = [_key(observation, actions) for observation, actions in zip(stored, legal, strict=True)]
        new = {key: row for row, key in enumerate(keys) if key not in self._seen}
        answers = {key: self._seen[key] for key in keys if key not in new}
        if new:
            rows = list(new.values())
            actions = [legal[row] for row in rows]
            observations = self._encoder.complete(stored[rows])
            log_probs, values = self._evaluator.evaluate_legal(observations, *flat_legal(actions))
            parts = np.split(log_probs, np.cumsum([len(part) for part in actions])[:-1])
            answers.update((key, _Seen(*seen)) for key, seen in zip(new, zip(parts, values, strict=True), strict=True))
        for key, answer in answers.items():
            self._seen[key] = answer
            self._seen.move_to_end(key)
        while len(self._seen) > self._positions:
            self._seen.popitem(last=False)
        self.asked += len(states)
        self.found += len(states) - len(new)
        values = np.array([answers[key].value for key in keys], np.float32)
        return ArrayEvaluation(np.concatenate([answers[key].log_probs for key in keys]), values)


def _key(observation: NDArray[np.float32], actions: Sequence[int]) -> bytes:
    digest = hashlib.blake2b(observation.tobytes(), digest_size=16)
    digest.update(np.array(actions, np.int32).tobytes())
    return digest.digest()
