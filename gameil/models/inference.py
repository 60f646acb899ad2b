"""The network as an evaluator of positions: normalisation folded away, half precision where it pays, any batch size.

Letters: ``B`` positions, ``A`` actions, ``L`` the legal actions of all positions in a row.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from gameil.losses.masking import legal_log_softmax, legal_logits
from gameil.models.heads import BoardPolicyHead
from gameil.models.layers import ConvNorm
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import (
    Precision,
    compute_dtype,
    host_tensor,
    observation_tensor,
    select_device,
    use_channels_last,
)
from gameil.positions.position_batch import flat_legal

ILLEGAL_LOG_PROB = float(np.finfo(np.float32).min)
"""Log-probability of an illegal action: finite, so that nothing turns into NaN."""


@dataclass(frozen=True, slots=True, eq=False)
class Evaluation:
    """What a network says of a batch of positions."""

    log_probs: NDArray[np.float32]
    """``[B, A]``: log-probabilities over the legal actions; ``finfo.min`` where illegal."""
    values: NDArray[np.float32]
    """``[B]``: expected return of the player to move, in [-1, 1]."""


class NetworkEvaluator:
    """Evaluates positions with a frozen copy of a network: later training of the original does not change it."""

    def __init__(self, model: PolicyValueNet, *, device: str = "cpu", precision: Precision = "auto") -> None:
        self.device = select_device(device)
        self.num_actions = model.num_actions
        frozen = copy.deepcopy(model).eval().requires_grad_(False)
        convolutional = False
        for module in frozen.modules():
            if isinstance(module, ConvNorm):
                module.fold()
                convolutional = True
        self.dtype = compute_dtype(precision, self.device, convolutional=convolutional)
        frozen = frozen.to(self.device)
        if self.dtype != torch.float32:
            frozen = _in_half_precision(frozen, self.dtype)
        use_channels_last(frozen)
        self._model = frozen

    def evaluate(self, observations: NDArray[np.float32], legal: Sequence[Sequence[int]]) -> Evaluation:
        """Policies and values of ``B`` positions (0 is allowed).

        Args:
            observations: ``[B, *observation_shape]``.
            legal: legal actions of each position; terminal states have none and are never sent here.
        """
        batch = len(legal)
        log_probs = np.full((batch, self.num_actions), ILLEGAL_LOG_PROB, dtype=np.float32)
        if batch == 0:
            return Evaluation(log_probs, np.zeros(0, np.float32))
        flat, rows = flat_legal(legal)
        legal_log_probs, values = self.evaluate_legal(observations, flat, rows)
        log_probs[rows, flat] = legal_log_probs
        return Evaluation(log_probs, values)

    def evaluate_legal(
        self, observations: NDArray[np.float32] | NDArray[np.float16], legal: NDArray[np.int64], rows: NDArray[np.int64]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same with flat legal actions: log-probabilities beside ``legal [L]``, and values ``[B]``.

        Args:
            observations: ``[B, *observation_shape]``, at least one position.
            legal: legal actions of all positions in a row, ``[L]``.
            rows: position of each, ``[L]``.
        """
        with torch.inference_mode():
            inputs = observation_tensor(observations, self.device, self.dtype)
            flat_rows = host_tensor(rows).to(self.device)
            flat_actions = host_tensor(legal).to(self.device)
            logits, values = self._model(inputs)
            flat_logits = legal_logits(logits, flat_actions, flat_rows)
            log_probs = legal_log_softmax(flat_logits, flat_rows, len(observations))
            return log_probs.cpu().numpy(), values.float().cpu().numpy()


def _in_half_precision(model: PolicyValueNet, dtype: torch.dtype) -> PolicyValueNet:
    """Converts all weights to ``dtype`` but for the heads' last layers, which compute in float32 (see ``heads``).

    Half-precision weights spare the conversion of every weight that autocast makes at every call.
    """
    last: list[nn.Module | None] = [model.value.value]
    last += (
        [model.policy.planes, model.policy.loose]
        if isinstance(model.policy, BoardPolicyHead)
        else [model.policy.logits]
    )
    model = model.to(dtype)
    for layer in last:
        if layer is not None:
            layer.float()
    return model
