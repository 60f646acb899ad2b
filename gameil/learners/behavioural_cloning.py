"""Behavioural cloning: the policy imitates the moves played (or labelled), the value predicts how the game ended.

    L(theta) = mean_b w_b CE(q_b, pi_theta(. | s_b)) + c_v mean_b u_b (v_theta(s_b) - z_b)^2
               + c_kl mean_b w_b KL(teacher || pi_theta)

with the policy over legal actions only, ``q`` one-hot or an expert's label, ``w`` and ``u`` weights. A network that
foresees win, draw and loss has their cross-entropy in place of the square; one with auxiliary heads adds their losses
(``losses.outcome``). The teacher, where there is one, is the frozen network that training began from: a prior for few
games (``losses.regularisers``).
Silver et al., "Mastering the game of Go with deep neural networks and tree search" (2016), Methods; with soft targets
it is the learning step of DAgger (Ross et al., 2011) and of expert iteration (Anthony et al., 2017).

Letters: ``B`` positions, ``L`` all their legal actions in a row.
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

from gameil.dataset.sequences import SequenceBatch
from gameil.errors import CheckpointError, ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.optimizer import Kind, Optimizer
from gameil.learners.ranks import Ranks
from gameil.losses.masking import legal_rows, segment_sum
from gameil.losses.outcome import moves_left_loss, outcome_loss, ownership_loss
from gameil.losses.regularisers import teacher_kl
from gameil.losses.supervised import played_targets, policy_loss, smooth_targets, value_loss, weighted_mean
from gameil.models.policy_value import PolicyValue, PolicyValueNet
from gameil.models.precision import (
    Precision,
    autocast,
    compute_dtype,
    host_tensor,
    is_convolutional,
    observation_tensor,
    select_device,
    use_channels_last,
)
from gameil.positions.position_batch import PositionBatch
from gameil.schedules import warmup_cosine
from gameil.seeding import generator


@dataclass(frozen=True)
class CloningConfig:
    """How behavioural cloning updates the weights."""

    __pydantic_config__ = {"extra": "forbid"}

    optimizer: Kind = "muon"
    """``adamw`` for all weights, or ``muon`` for the trunk's matrices and convolutions (``learners.optimizer``)."""
    learning_rate: float = 2e-3
    """Highest learning rate of AdamW; from there half a cosine down."""
    muon_scale: float = 10.0
    """Muon's learning rate over AdamW's."""
    muon_momentum: float = 0.95
    """Share that Muon's momentum keeps at each update."""
    warmup_steps: int = 200
    """Updates over which the learning rate rises from 0."""
    final_share: float = 0.02
    """Last learning rate as a share of the highest."""
    weight_decay: float = 0.02
    """Decoupled weight decay of convolutions and matrices; normalisation and biases have none."""
    beta2: float = 0.99
    """Decay of AdamW's second moment; the usual 0.999 forgets too slowly for runs of some thousand steps."""
    max_grad_norm: float = 1.0
    """Gradients are scaled down to at most this norm."""
    label_smoothing: float = 0.0
    """Share of the target that is spread over all legal actions."""
    value_weight: float = 0.25
    """``c_v``: weight of the value loss. One result for a whole game is soon learned by heart, so below 1."""
    kl_weight: float = 0.0
    """``c_kl``: how strongly the policy is held to the one that it began from (``init``), in every position learned."""
    moves_left_weight: float = 0.1
    """Weight of the moves-left loss, where ``model.moves_left`` is on."""
    ownership_weight: float = 0.15
    """Weight of the ownership loss, where ``model.ownership`` is on. Wu (2019), section 4.1, has 1.5 / board size^2 a
    cell, summed."""
    condition_dropout: float = 0.15
    """Share of positions in which each condition is hidden, so that the network also plays without it."""
    micro_batch: int = 0
    """Positions computed at once, their gradients being added up over the batch: for batches larger than the memory.
    Batch normalisation sees so many at a time. 0 for the whole batch."""
    compile: bool = False
    """Compile the network (torch.compile): pays on GPUs, where it saves a quarter; on CPUs it costs a minute first."""
    ema_decay: float = 0.999
    """Share that the averaged weights (used for evaluation and snapshots) keep at each step; 0 for no averaging."""
    precision: Precision = "auto"
    """``auto``, ``float32`` or ``bfloat16`` autocast; weights are always float32."""

    def __post_init__(self) -> None:
        for name in ("learning_rate", "muon_scale", "max_grad_norm"):
            if not getattr(self, name) > 0:
                raise ConfigError(f"learner.{name} must be above 0, got {getattr(self, name)}")
        for name in (
            *("weight_decay", "value_weight", "moves_left_weight", "ownership_weight"),
            *("warmup_steps", "micro_batch", "kl_weight"),
        ):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"learner.{name} must be at least 0, got {getattr(self, name)}")
        for name in ("label_smoothing", "ema_decay", "beta2", "muon_momentum", "condition_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ConfigError(f"learner.{name} must be at least 0 and below 1, got {getattr(self, name)}")
        if not 0 <= self.final_share <= 1:
            raise ConfigError(f"learner.final_share must be 0 to 1, got {self.final_share}")


@dataclass(frozen=True, slots=True, eq=False)
class _Losses:
    total: Tensor
    """A scalar to differentiate."""
    metrics: dict[str, float]


class BehaviouralCloning:
    """Updates a policy-value network from batches of positions."""

    def __init__(
        self,
        model: PolicyValueNet,
        config: CloningConfig,
        *,
        total_steps: int,
        device: str = "cpu",
        ranks: Ranks | None = None,
        teacher: PolicyValueNet | None = None,
    ) -> None:
        """
        Args:
            model: moved to the device and trained in place.
            config: see there.
            total_steps: where the learning rate's cosine ends, when ``step`` is not told the share done.
            device: ``auto``, ``cpu``, ``cuda``.
            ranks: the processes that train this network together; None for this one alone.
            teacher: another network, of the same inputs, which is moved to the device and never changed.

        Raises:
            ConfigError: ``kl_weight`` without a teacher.
        """
        if config.kl_weight > 0 and teacher is None:
            raise ConfigError("learner.kl_weight holds the policy to the one it began from, but there is no init")
        self.config = config
        self.ranks = ranks or Ranks()
        self.total_steps = total_steps
        self.device = select_device(device)
        self.model = model.to(self.device).train()
        use_channels_last(self.model)
        self.teacher = None if teacher is None else teacher.to(self.device).eval().requires_grad_(False)
        if self.teacher is not None:
            use_channels_last(self.teacher)
        self.dtype = compute_dtype(config.precision, self.device, convolutional=is_convolutional(model))
        self._run: nn.Module = torch.compile(self.model) if config.compile else self.model  # type: ignore[assignment]
        self.optimizer = Optimizer(
            self.model,
            config.optimizer,
            learning_rate=config.learning_rate,
            muon_scale=config.muon_scale,
            muon_momentum=config.muon_momentum,
            beta2=config.beta2,
            weight_decay=config.weight_decay,
        )
        self.average = copy.deepcopy(self.model).eval().requires_grad_(False) if config.ema_decay > 0 else None
        # Counters of seen batches are no floats; nothing reads them in evaluation.
        self._current = [tensor for tensor in self.model.state_dict().values() if tensor.is_floating_point()]
        self._averaged: list[Tensor] = []
        if self.average is not None:
            self._averaged = [tensor for tensor in self.average.state_dict().values() if tensor.is_floating_point()]
        self.steps_done = 0

    def step(
        self, batch: PositionBatch | SequenceBatch, *, share: float | None = None, learning_rate: float | None = None
    ) -> StepResult:
        """One update.

        Args:
            batch: positions to imitate, or windows of games for a network with a memory.
            share: part of the training that is over, 0 to 1, for budgets in minutes; None counts steps.
            learning_rate: in place of the schedule's.

        Raises:
            ConfigError: the loss is no longer finite; the weights are left as they were.
        """
        if learning_rate is None:
            learning_rate = self.learning_rate(share)
        self.optimizer.zero_grad()
        metrics = self._backward(batch)
        self._join_ranks()
        grad_norm = float(nn.utils.clip_grad_norm_(self.model.parameters(), self.config.max_grad_norm, foreach=True))
        if not math.isfinite(grad_norm):
            raise ConfigError(
                f"training diverged at step {self.steps_done}: policy loss {metrics['loss/policy']}, "
                f"gradient norm {grad_norm}; lower learner.learning_rate"
            )
        self.optimizer.step(learning_rate)
        self.steps_done += 1
        self._update_average()
        return StepResult({**metrics, "optimizer/grad_norm": grad_norm, "optimizer/learning_rate": learning_rate})

    def _join_ranks(self) -> None:
        """The mean gradient of all processes, and the mean of what normalisation has seen."""
        if self.ranks.size > 1:
            gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
            statistics = [buffer for buffer in self.model.buffers() if buffer.is_floating_point()]
            self.ranks.average([*gradients, *statistics])

    def _backward(self, batch: PositionBatch | SequenceBatch) -> dict[str, float]:
        """Adds the gradient of the batch, piece by piece, and returns its metrics."""
        if isinstance(batch, SequenceBatch):
            if self.ranks.size > 1:
                raise ConfigError("a network with a memory is trained by one process: windows are not shared out")
            losses = self._losses(batch.positions, steps=len(batch.valid))
            losses.total.backward()  # type: ignore[no-untyped-call]
            return losses.metrics
        batch = self.ranks.part(batch)
        piece = self.config.micro_batch or len(batch)
        if piece >= len(batch):
            losses = self._losses(batch)
            losses.total.backward()  # type: ignore[no-untyped-call]
            return losses.metrics
        metrics: dict[str, float] = {}
        for start in range(0, len(batch), piece):
            part = batch.take(np.arange(start, min(start + piece, len(batch))))
            losses = self._losses(part)
            share = len(part) / len(batch)
            (share * losses.total).backward()  # type: ignore[no-untyped-call]
            for name, value in losses.metrics.items():
                metrics[name] = metrics.get(name, 0.0) + share * value
        return metrics

    def _losses(self, batch: PositionBatch, *, steps: int = 1) -> _Losses:
        """The loss of some positions, ``steps`` of each game."""
        config, size = self.config, len(batch)
        legal = self._tensor(batch.legal).long()
        rows = legal_rows(self._tensor(batch.offsets))
        played = played_targets(self._tensor(batch.actions), legal, rows)
        targets = played if batch.target_probs is None else self._tensor(batch.target_probs)
        returns, known = self._tensor(batch.returns), self._tensor(batch.return_weights)

        inputs = observation_tensor(batch.observations, self.device, self.dtype), self._conditions(batch), steps
        with autocast(self.device, self.dtype):
            outputs: PolicyValue = self._run(*inputs)
        log_probs = self.model.log_probs(outputs.scores, legal, rows)
        smoothed = smooth_targets(targets, rows, size, config.label_smoothing)
        loss_policy = policy_loss(log_probs, smoothed, rows, self._tensor(batch.weights))
        loss_value = value_loss(outputs.values, returns, known)
        metrics = {"loss/policy": loss_policy, "loss/value": loss_value}
        if outputs.outcome_logits is None:
            total = loss_policy + config.value_weight * loss_value
        else:
            metrics["loss/outcome"] = outcome_loss(outputs.outcome_logits, returns, known)
            total = loss_policy + config.value_weight * metrics["loss/outcome"]
        if self.teacher is not None and config.kl_weight > 0:
            with torch.no_grad(), autocast(self.device, self.dtype):
                told: PolicyValue = self.teacher(*inputs)
            kl = teacher_kl(self.teacher.log_probs(told.scores, legal, rows), log_probs, rows, size)
            metrics["loss/teacher_kl"] = weighted_mean(kl, self._tensor(batch.weights))
            total = total + config.kl_weight * metrics["loss/teacher_kl"]
        if outputs.moves_left is not None:
            moves_left = self._tensor(batch.conditions(("moves_left",))[:, 0])
            # Weights 0 are burn-in and padding of windows.
            weights = (moves_left > 0).float() * (self._tensor(batch.weights) > 0)
            metrics["loss/moves_left"] = moves_left_loss(outputs.moves_left, moves_left, weights)
            total = total + config.moves_left_weight * metrics["loss/moves_left"]
        if outputs.ownership is not None:
            if batch.owners is None:
                raise ConfigError("model.ownership needs final boards in the batches: loader.final_boards = true")
            owners = self._tensor(batch.owners).float()
            metrics["loss/ownership"] = ownership_loss(
                outputs.ownership, owners, owners.abs().amax(dim=1) * (self._tensor(batch.weights) > 0)
            )
            total = total + config.ownership_weight * metrics["loss/ownership"]
        numbers = {name: float(value.detach()) for name, value in metrics.items()}
        return _Losses(total, {**numbers, "accuracy/top1": _top1(log_probs.detach(), played, rows, batch.weights)})

    def _conditions(self, batch: PositionBatch) -> Tensor | None:
        """The batch's conditions ``[B, K]``, each hidden in some positions; None for a network without any.

        Which are hidden is drawn from the step and the games, so that a resumed run hides the same.
        """
        names = self.model.config.conditions
        if not names:
            return None
        values = batch.conditions(names)
        rng = generator(0, "conditions", self.steps_done, int(batch.game_ids[0]))
        values[rng.random(values.shape) < self.config.condition_dropout] = 0.0
        return self._tensor(values)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return host_tensor(array).to(self.device)

    def learning_rate(self, share: float | None = None) -> float:
        """Learning rate of the next update: warm-up by steps, then a cosine by steps or by ``share``."""
        config = self.config
        total = self.total_steps
        step = self.steps_done
        if share is not None and step >= config.warmup_steps:
            # The cosine wants a place between the end of the warm-up and the end of training.
            total = config.warmup_steps + 1_000_000
            step = config.warmup_steps + round(1_000_000 * min(1.0, max(0.0, share)))
        return warmup_cosine(
            step,
            peak=config.learning_rate,
            warmup_steps=config.warmup_steps,
            total_steps=total,
            final_share=config.final_share,
        )

    def evaluation_model(self) -> PolicyValueNet:
        """The averaged weights, or the current ones where there is no averaging. Not to be trained."""
        return self.model if self.average is None else self.average

    def state_dict(self) -> dict[str, Any]:
        """Weights, average, the optimiser's moments and the step; see ``Learner.state_dict``."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        if self.average is not None:
            tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in self.optimizer.state_dict().items()}
        return {"tensors": tensors, "state": {"steps_done": self.steps_done, "total_steps": self.total_steps}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``. Raises ``CheckpointError`` when it is another network's."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        self.steps_done = int(state["state"]["steps_done"])
        _load_prefixed(self.model, tensors, "model.")
        if self.average is not None:
            _load_prefixed(self.average, tensors, "average.")
        self.optimizer.load_state_dict(
            {name.removeprefix("optimizer."): each for name, each in tensors.items() if name.startswith("optimizer.")}
        )

    def _update_average(self) -> None:
        """Moves the average towards the weights; early on faster, so that it forgets the random start."""
        if self.average is None:
            return
        decay = min(self.config.ema_decay, (1.0 + self.steps_done) / (10.0 + self.steps_done))
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._current, 1.0 - decay)


def _top1(log_probs: Tensor, played: Tensor, rows: Tensor, weights: NDArray[np.float32]) -> float:
    """Share of positions with a weight where no legal action is likelier than the one played."""
    batch = len(weights)
    played_log_probs = segment_sum(log_probs * played, rows, batch)
    likelier = segment_sum((log_probs > played_log_probs.index_select(0, rows)).float(), rows, batch)
    counted = host_tensor(weights > 0).to(likelier.device)
    return float((likelier[counted] == 0).float().mean()) if counted.any() else 0.0


def _load_prefixed(model: nn.Module, tensors: Mapping[str, Tensor], prefix: str) -> None:
    own = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    try:
        model.load_state_dict(own)
    except RuntimeError as error:
        first = str(error).splitlines()[1:2]
        raise CheckpointError(f"the checkpoint is another network's: {''.join(first).strip()}") from error
