"""The network as an evaluator of positions: any backend, any batch size, policies over legal actions.

Letters: ``B`` positions, ``A`` actions, ``L`` the legal actions of all positions in a row, ``K`` conditions.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.models.backends.backend import Backend, BackendName
from gameil.models.backends.torch_eager import EagerBackend
from gameil.models.conditioning import condition_row
from gameil.models.heads.policy_head import PolicyHead
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import Precision, compute_dtype, host_tensor, is_convolutional, select_device
from gameil.positions.position_batch import PositionBatch, flat_legal

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

    whole_games = False
    """``evaluate_batch`` takes positions in any order; a network with a memory sees each by itself here."""

    def __init__(
        self,
        model: PolicyValueNet,
        *,
        device: str = "cpu",
        precision: Precision = "auto",
        backend: BackendName = "eager",
        conditions: Mapping[str, float] | None = None,
        shown: NDArray[np.float32] | None = None,
    ) -> None:
        """
        Args:
            model: left as it is.
            device: ``auto``, ``cpu``, ``cuda``; OpenVINO and ONNX Runtime run on the CPU only.
            precision: of the computation; the policy's and the value's last layers compute in float32.
            backend: what computes; ``auto`` needs sample positions: see ``backends.selection.fastest_evaluator``.
            conditions: told with every position (``{"rating": 1500}``); what is left out is unknown.
            shown: observations of some hundred positions, for ``openvino_int8`` to take its scales from.

        Raises:
            ConfigError: device, backend or condition is not there.
        """
        self.device = select_device(device)
        self.num_actions = model.num_actions
        self.dtype = compute_dtype(precision, self.device, convolutional=is_convolutional(model))
        self._policy = cast(PolicyHead, copy.deepcopy(model.policy).requires_grad_(False).to(self.device))
        self.conditions = model.config.conditions
        self._told = condition_row(self.conditions, conditions or {})
        self._opening_actions = model.num_actions if model.config.opening else 0
        if backend == "openvino_int8":
            if shown is None:
                raise ConfigError("backend 'openvino_int8' takes its scales from positions: use 'auto' here")
            self.backend: Backend = _int8_backend(model, self.device, self.dtype, self._inputs(shown, None))
        else:
            self.backend = build_backend(backend, model, self.device, self.dtype)

    def evaluate_batch(self, batch: PositionBatch) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log-probabilities beside ``batch.legal [L]`` and values ``[B]``, each position with its own conditions."""
        rows = np.repeat(np.arange(len(batch)), batch.num_legal())
        told = batch.conditions(self.conditions)
        return self.evaluate_legal(batch.observations, batch.legal.astype(np.int64), rows, told)

    def evaluate(
        self,
        observations: NDArray[np.float32],
        legal: Sequence[Sequence[int]],
        conditions: NDArray[np.float32] | None = None,
    ) -> Evaluation:
        """Policies and values of ``B`` positions (0 is allowed).

        Args:
            observations: ``[B, *observation_shape]``.
            legal: legal actions of each position; terminal states have none and are never sent here.
            conditions: as of ``evaluate_legal``.
        """
        batch = len(legal)
        log_probs = np.full((batch, self.num_actions), ILLEGAL_LOG_PROB, dtype=np.float32)
        if batch == 0:
            return Evaluation(log_probs, np.zeros(0, np.float32))
        flat, rows = flat_legal(legal)
        legal_log_probs, values = self.evaluate_legal(observations, flat, rows, conditions)
        log_probs[rows, flat] = legal_log_probs
        return Evaluation(log_probs, values)

    def evaluate_legal(
        self,
        observations: NDArray[np.float32] | NDArray[np.float16],
        legal: NDArray[np.int64],
        rows: NDArray[np.int64],
        conditions: NDArray[np.float32] | None = None,
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """The same with flat legal actions: log-probabilities beside ``legal [L]``, and values ``[B]``.

        Args:
            observations: ``[B, *observation_shape]``, at least one position.
            legal: legal actions of all positions in a row, ``[L]``.
            rows: position of each, ``[L]``.
            conditions: ``[B, K]`` of the positions themselves, in place of those the evaluator was made with; or
                ``[B, K + A]`` with an opening (``ModelConfig.opening``).
        """
        with torch.inference_mode():
            scores, values = self.backend(*self._inputs(observations, conditions))
            log_probs = self._policy.log_probs(
                scores, host_tensor(legal).to(self.device), host_tensor(rows).to(self.device)
            )
            return log_probs.cpu().numpy(), values.cpu().numpy()

    def _inputs(
        self, observations: NDArray[Any], conditions: NDArray[np.float32] | None
    ) -> list[NDArray[np.floating[Any]]]:
        """What the network takes: observations, and conditions where it has some."""
        if not self.conditions and not self._opening_actions:
            return [observations]
        told = np.broadcast_to(self._told, (len(observations), len(self._told))) if conditions is None else conditions
        missing = len(self.conditions) + self._opening_actions - told.shape[1]
        if missing:
            told = np.concatenate([told, np.zeros((len(told), missing), np.float32)], axis=1)
        return [observations, np.ascontiguousarray(told, dtype=np.float32)]


def _int8_backend(
    model: PolicyValueNet, device: torch.device, dtype: torch.dtype, shown: list[NDArray[Any]]
) -> Backend:
    from gameil.models.backends.openvino_backend import OpenVinoBackend

    if device.type != "cpu":
        raise ConfigError(f"backend 'openvino_int8' runs on the CPU only, the device is {device}")
    return OpenVinoBackend(model, dtype, shown)


def build_backend(name: BackendName, model: PolicyValueNet, device: torch.device, dtype: torch.dtype) -> Backend:
    """The backend ``name`` for ``model``. Raises ``ConfigError`` where it is not there."""
    if name == "eager":
        return EagerBackend(model, device, dtype)
    if name == "compiled":
        from gameil.models.backends.torch_compiled import CompiledBackend

        return CompiledBackend(model, device, dtype)
    if device.type != "cpu":
        raise ConfigError(f"backend {name!r} runs on the CPU only, the device is {device}")
    if name == "openvino":
        from gameil.models.backends.openvino_backend import OpenVinoBackend

        return OpenVinoBackend(model, dtype)
    if name == "onnx":
        from gameil.models.backends.onnx_runtime import OnnxBackend

        return OnnxBackend(model)
    raise ConfigError("backend 'auto' needs sample positions to choose by: name one here")
