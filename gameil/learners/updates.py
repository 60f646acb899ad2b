"""Gradient updates of a policy-value network that plays and learns in turns; what the losses are made of is the
learners' own business.

Batch normalisation stays in evaluation mode throughout: its running statistics, taken from the demonstrations, are part
of the policy that acted. With statistics of the batch, the gradient would be of a policy that never played, and batches
of a few openings at a time would drag the statistics after them.

Letters: ``B`` decisions, ``S`` scores.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import CheckpointError, ConfigError
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import (
    Precision,
    autocast,
    compute_dtype,
    host_tensor,
    observation_tensor,
    select_device,
    use_channels_last,
)


@dataclass(frozen=True)
class UpdateConfig:
    """How weights follow gradients."""

    __pydantic_config__ = {"extra": "forbid"}

    learning_rate: float = 5e-4
    """Of Adam, constant: an iteration's games are new ones, so nothing calls for annealing to zero."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    value_learning_rate: float = 2e-3
    """Of the value head's own weights. They start from a head that foresaw people's results, not its own ones, and
    nothing but the baseline depends on them."""
    value_to_trunk: float = 0.05
    """Share of the value's gradient that reaches the trunk. One noisy outcome for every decision of a game: in full it
    moved the policy's features at random, and a connect four imitator lost a tenth of its score against tree search."""
    ema_decay: float = 0.98
    """Share that the averaged weights, those of snapshots, keep at each update; 0 for no averaging. A few hundred noisy
    updates push a policy's favourite moves to and fro: their mean is stronger and steadier than any one of them."""
    precision: Precision = "auto"
    """``auto``, ``float32`` or ``bfloat16`` autocast; weights are always float32."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "value_learning_rate", "max_grad_norm"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"update.{name} must be positive, got {getattr(self, name)}")
        if not 0.0 <= self.value_to_trunk <= 1.0:
            raise ConfigError(f"update.value_to_trunk must be within 0 and 1, got {self.value_to_trunk}")
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"update.ema_decay must be at least 0 and below 1, got {self.ema_decay}")


class NetworkUpdates:
    """A network, its averaged copy and Adam."""

    def __init__(self, model: PolicyValueNet, config: UpdateConfig, *, device: str) -> None:
        self.config = config
        self.device = select_device(device)
        self.model = model.to(self.device).eval()
        use_channels_last(self.model)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        """The averaged weights, for snapshots and measurements. Not to be trained."""
        self.updates = 0
        self.rate = 1.0
        """What the configured learning rates are multiplied with."""
        convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
        self._dtype = compute_dtype(config.precision, self.device, convolutional=convolutional)
        heads = list(self.model.value.parameters())
        own = {id(parameter) for parameter in heads}
        others = [parameter for parameter in self.model.parameters() if id(parameter) not in own]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": heads, "lr": config.value_learning_rate}]
        self._optimizer = torch.optim.Adam(groups, lr=config.learning_rate, fused=True)

    def forward(
        self,
        observations: NDArray[np.float16],
        model: PolicyValueNet | None = None,
        conditions: NDArray[np.float32] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Scores ``[B, S]`` and values ``[B]``, of whose gradient only a share goes on into the trunk.

        ``model``: a copy of the network with weights of its own, such as a delayed one; None for the network.
        ``conditions``: what it is told, ``[B, K]`` or ``[B, K + A]``; None for nothing.
        """
        model = self.model if model is None else model
        inputs = observation_tensor(observations, self.device, torch.float32)
        with autocast(self.device, self._dtype):
            features = model.features(inputs, None if conditions is None else self.tensor(conditions))
            if model.memory is not None:
                features = model.memory(features, 1)
            share = self.config.value_to_trunk
            values, _ = model.value(share * features + (1.0 - share) * features.detach())
            scores = model.policy(features)
        return scores, values.float()

    def descend(self, loss: Tensor, *, value_only: bool, step: int) -> float:
        """One step of Adam down the gradient of ``loss``. Returns the gradient's norm, before it was shortened.

        Args:
            loss: a scalar.
            value_only: move the value head's own weights and nothing else: through the trunk the policy would move too.
            step: named in the error.

        Raises:
            ConfigError: loss or gradient is no finite number; the weights are left as they were.
        """
        if not bool(torch.isfinite(loss)):
            raise ConfigError(f"training diverged at step {step}: loss {float(loss.detach())}; lower learning_rate")
        moving: nn.Module = self.model.value if value_only else self.model
        parameters = list(moving.parameters())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.max_grad_norm, foreach=True))
        if not math.isfinite(norm):
            raise ConfigError(f"training diverged at step {step}: gradient norm {norm}; lower learning_rate")
        self._optimizer.step()
        self._update_average()
        return norm

    def _update_average(self) -> None:
        """Moves the average towards the weights; early on faster, so that a short run gets somewhere too."""
        self.updates += 1
        decay = min(self.config.ema_decay, self.updates / (10.0 + self.updates))
        means, now = list(self.average.parameters()), list(self.model.parameters())
        torch._foreach_lerp_([mean.data for mean in means], [weight.data for weight in now], 1.0 - decay)

    def restart(self, model: PolicyValueNet, *, rate: float) -> None:
        """Takes the weights of ``model`` for its own and their average, forgets Adam's moments, and goes on with a
        learning rate that is ``rate`` times what it was."""
        for own in (self.model, self.average):
            # What the other network does not have (openings, where the parent was told none) starts anew.
            fresh = {name: torch.zeros_like(each) for name, each in own.state_dict().items()}
            own.load_state_dict({**fresh, **model.state_dict()})
        self._optimizer.state.clear()
        self._set_rate(self.rate * rate)

    def _set_rate(self, rate: float) -> None:
        self.rate = rate
        self._optimizer.param_groups[0]["lr"] = rate * self.config.learning_rate
        self._optimizer.param_groups[1]["lr"] = rate * self.config.value_learning_rate

    def tensor(self, array: NDArray[Any]) -> Tensor:
        """An array on the network's device."""
        return host_tensor(array).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Weights, their average, Adam's moments, number of updates, rate; see ``Learner.state_dict``."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, tensor in self._optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{key}.{name}"] = tensor
        return {"tensors": tensors, "state": {"updates": self.updates, "rate": self.rate}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``, bit for bit. Raises ``CheckpointError`` when it is another network's."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        try:
            for prefix, model in (("model.", self.model), ("average.", self.average)):
                own = {name.removeprefix(prefix): each for name, each in tensors.items() if name.startswith(prefix)}
                model.load_state_dict(own)
        except RuntimeError as error:
            raise CheckpointError("the checkpoint is another network's") from error
        self._optimizer.state.clear()
        for name, parameter in self.model.named_parameters():
            keys = [key for key in ("step", "exp_avg", "exp_avg_sq") if f"optimizer.{key}.{name}" in tensors]
            moments = {key: tensors[f"optimizer.{key}.{name}"] for key in keys}
            if moments:
                # Moments lie in memory as their weights do (channels_last): the kernels walk both in memory order.
                self._optimizer.state[parameter] = {
                    key: torch.empty_like(parameter).copy_(each)
                    if each.shape == parameter.shape
                    else each.to(self.device, copy=True)
                    for key, each in moments.items()
                }
        self.updates = int(state["state"]["updates"])
        self._set_rate(float(state["state"].get("rate", 1.0)))
