"""A network with a memory as an evaluator: of whole games at once, or of games in play, position after position.

Letters: ``R`` positions, ``L`` their legal actions in a row, ``G`` games, ``T`` steps, ``M`` width of the memory,
``K`` conditions.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.models.backends.torch_eager import EagerBackend
from gameil.models.conditioning import condition_row
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision, compute_dtype, host_tensor, is_convolutional, select_device
from gameil.positions.position_batch import PositionBatch

Vector = Tensor
"""What is remembered of a position, ``[M]``."""


class MemoryEvaluator:
    """Evaluates positions in their games. The trunk sees each position once; only vectors are remembered."""

    whole_games = True
    """``evaluate_batch`` wants the positions of whole games, in order."""

    def __init__(
        self,
        model: PolicyValueNet,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
        conditions: Mapping[str, float] | None = None,
    ) -> None:
        """Arguments as of ``NetworkEvaluator``. Raises ``ConfigError`` for a network without a memory."""
        if model.memory is None:
            raise ConfigError("the network has no memory: use NetworkEvaluator")
        self.device = select_device(device)
        self.num_actions = model.num_actions
        self.conditions = model.config.conditions
        self._told = condition_row(self.conditions, conditions or {})
        self._eager = EagerBackend(
            model, self.device, compute_dtype(precision, self.device, convolutional=is_convolutional(model))
        )
        assert self._eager.model.memory is not None
        self._model = self._eager.model
        self._memory = self._eager.model.memory

    def evaluate_batch(self, batch: PositionBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities beside ``batch.legal [L]`` and values ``[R]``, each position knowing those before it."""
        starts = np.flatnonzero(np.diff(batch.game_ids, prepend=batch.game_ids[:1] + np.uint64(1)))
        lengths = np.diff(starts, append=len(batch))
        step = np.arange(len(batch)) - np.repeat(starts, lengths)
        game = np.repeat(np.arange(len(starts)), lengths)
        rows = np.repeat(np.arange(len(batch)), batch.num_legal())
        with torch.inference_mode():
            features = self._features(batch.observations, batch.conditions(self.conditions))
            read = self._memory.read(features)
            padded = read.new_zeros(int(lengths.max()), len(starts), read.shape[1])
            places = (torch.from_numpy(step).to(self.device), torch.from_numpy(game).to(self.device))
            padded[places] = read  # padding stands behind a game, where nothing looks back at it
            said = self._memory.core(padded)[places]
            return self._answer(self._memory.add(features, said), batch.legal.astype(np.int64), rows)

    def read(self, observations: NDArray[np.float32]) -> tuple[Tensor, list[Vector]]:
        """Features ``[R, ...]`` and the vectors to remember, ``R`` of them, of positions in play."""
        with torch.inference_mode():
            told = np.tile(self._told, (len(observations), 1))
            features = self._features(observations, told)
            return features, list(self._memory.read(features))

    def evaluate_last(
        self,
        features: Tensor,
        places: NDArray[np.int64],
        remembered: Sequence[Sequence[Vector]],
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities ``[L]`` and values ``[G]`` of the last position of some games.

        Args:
            features: of positions in play, ``[R, ...]``.
            places: row of each game's last position among them, ``[G]``.
            remembered: of each game all vectors up to that position.
            legal: ``[L]``.
            rows: game of each, ``[L]``.
        """
        with torch.inference_mode():
            lengths = torch.tensor([len(each) for each in remembered])
            padded = torch.nn.utils.rnn.pad_sequence([torch.stack(list(each)) for each in remembered])
            said = self._memory.core(padded)[lengths - 1, torch.arange(len(remembered))]
            return self._answer(self._memory.add(features[torch.from_numpy(places)], said), legal, rows)

    def _features(self, observations: NDArray[Any], told: NDArray[np.float32]) -> Tensor:
        inputs = (observations, told) if self.conditions else (observations,)
        return self._model.features(*self._eager.tensors(inputs))

    def _answer(
        self, features: Tensor, legal: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        outputs = self._model.heads(features)
        flat_legal, flat_rows = (host_tensor(array).to(self.device) for array in (legal, rows))
        log_probs = self._model.log_probs(outputs.scores, flat_legal, flat_rows)
        return log_probs.cpu().numpy(), outputs.values.float().cpu().numpy()
