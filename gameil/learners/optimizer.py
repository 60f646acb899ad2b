"""What turns gradients into new weights in supervised training: AdamW, or Muon for the trunk beside it.

Muon (Jordan et al., "Muon: An optimizer for hidden layers in neural networks", 2024) moves each matrix along the
orthogonal matrix nearest to its momentum, so that no direction is left behind because its gradients are small:

    M_t = mu M_{t-1} + (1 - mu) G_t
    W_t = (1 - eta lambda) W_{t-1} - eta sqrt(max(1, rows / columns)) orthogonal((1 - mu) G_t + mu M_t)

It is for the matrices between features. Everything else (normalisation, biases, heads) learns by AdamW. A convolution
counts as the matrix ``[out, in * kernel * kernel]``.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn

from gameil.models.policy_value import PolicyValueNet

Kind = Literal["adamw", "muon"]
_STEPS = 5
"""Newton-Schulz iterations; singular values end within 0.7 and 1.2, which is near enough (Jordan et al.)."""
_COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of the quintic iteration, tuned by Jordan et al. for the steepest slope at 0."""
_SAVED = ("step", "exp_avg", "exp_avg_sq", "momentum")


def orthogonalised(matrices: Tensor) -> Tensor:
    """The nearly orthogonal matrix ``U V^T`` for ``M = U S V^T``, for a stack of matrices ``[K, rows, columns]``.

    Newton-Schulz iteration ``X <- a X + (b A + c A^2) X`` with ``A = X X^T``; computed in bfloat16, as its authors do.
    """
    a, b, c = _COEFFICIENTS
    tall = matrices.shape[1] > matrices.shape[2]
    found = (matrices.mT if tall else matrices).bfloat16()
    found = found / (found.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(_STEPS):
        squares = found @ found.mT
        found = a * found + (b * squares + c * squares @ squares) @ found
    return cast(Tensor, found.mT if tall else found).to(matrices.dtype)


class Muon:
    """Muon for some weights of two or more dimensions."""

    def __init__(self, weights: list[nn.Parameter], *, momentum: float, weight_decay: float) -> None:
        self._decay = momentum
        self._weight_decay = weight_decay
        self.momentum = {weight: torch.zeros_like(weight) for weight in weights}
        self._alike: dict[tuple[int, int], list[nn.Parameter]] = {}
        for weight in weights:  # orthogonalised together: one call for all blocks of a tower
            self._alike.setdefault((weight.shape[0], weight.numel() // weight.shape[0]), []).append(weight)

    @torch.no_grad()
    def step(self, learning_rate: float) -> None:
        """One update down the gradients."""
        for (rows, columns), weights in self._alike.items():
            moving = [weight for weight in weights if weight.grad is not None]
            if not moving:
                continue
            ahead = []
            for weight in moving:
                assert weight.grad is not None
                momentum = self.momentum[weight].lerp_(weight.grad, 1.0 - self._decay)
                ahead.append(torch.lerp(weight.grad, momentum, self._decay).reshape(rows, columns))
            scale = learning_rate * max(1.0, rows / columns) ** 0.5
            for weight, update in zip(moving, orthogonalised(torch.stack(ahead)), strict=True):
                weight.mul_(1.0 - learning_rate * self._weight_decay).add_(update.view(weight.shape), alpha=-scale)


class Optimizer:
    """AdamW for all weights of a network, or for those that Muon leaves."""

    def __init__(
        self,
        model: PolicyValueNet,
        kind: Kind,
        *,
        learning_rate: float,
        muon_scale: float,
        muon_momentum: float,
        beta2: float,
        weight_decay: float,
    ) -> None:
        """
        Args:
            model: on its device already.
            kind: ``adamw`` for everything, or ``muon`` for the trunk's matrices and convolutions.
            learning_rate: highest one of AdamW.
            muon_scale: Muon's learning rate over AdamW's.
            muon_momentum: ``mu``.
            beta2: decay of AdamW's second moment.
            weight_decay: ``lambda``, of matrices and convolutions; vectors have none.
        """
        self._model = model
        self._muon_scale = muon_scale
        hidden = list(_hidden_weights(model)) if kind == "muon" else []
        self._muon = Muon(hidden, momentum=muon_momentum, weight_decay=weight_decay)
        others = [weight for weight in model.parameters() if weight not in self._muon.momentum]
        groups = [
            {"params": [weight for weight in others if weight.ndim > 1], "weight_decay": weight_decay},
            {"params": [weight for weight in others if weight.ndim <= 1], "weight_decay": 0.0},
        ]
        self._adamw = torch.optim.AdamW(groups, lr=learning_rate, betas=(0.9, beta2), fused=True)

    def zero_grad(self) -> None:
        """Forgets all gradients."""
        self._model.zero_grad(set_to_none=True)

    def step(self, learning_rate: float) -> None:
        """One update down the gradients; ``learning_rate`` is AdamW's."""
        for group in self._adamw.param_groups:
            group["lr"] = learning_rate
        self._adamw.step()
        self._muon.step(learning_rate * self._muon_scale)

    def state_dict(self) -> dict[str, Tensor]:
        """What it remembers, by ``KEY.WEIGHT``."""
        tensors: dict[str, Tensor] = {}
        for name, weight in self._model.named_parameters():
            if weight in self._muon.momentum:
                tensors[f"momentum.{name}"] = self._muon.momentum[weight]
            for key, tensor in self._adamw.state.get(weight, {}).items():
                tensors[f"{key}.{name}"] = tensor
        return tensors

    def load_state_dict(self, tensors: Mapping[str, Tensor]) -> None:
        """Goes on from a ``state_dict``."""
        self._adamw.state.clear()
        for name, weight in self._model.named_parameters():
            found: dict[str, Any] = {}
            for key in _SAVED:
                saved = tensors.get(f"{key}.{name}")
                if saved is None:
                    continue
                # The fused kernel walks all tensors in memory order: moments must lie in memory as their weights do.
                place = torch.empty_like(weight) if saved.shape == weight.shape else saved.to(weight.device)
                found[key] = place.detach().copy_(saved)
            if weight in self._muon.momentum:
                if "momentum" in found:
                    self._muon.momentum[weight] = found["momentum"]
            elif found:
                self._adamw.state[weight] = found


def _hidden_weights(model: PolicyValueNet) -> Iterator[nn.Parameter]:
    """Matrices and convolutions of the trunk. Tables of places and relative biases are no maps between features."""
    for module in model.trunk.modules():
        if isinstance(module, (nn.Linear, nn.Conv2d)):
            yield cast(nn.Parameter, module.weight)
