"""REINFORCE with a value baseline, held near a frozen supervised policy: how an imitator becomes stronger than people.

One ``step`` takes the trajectories of one iteration of self-play:

    targets      G_t = lambda-returns of the seat's rewards               (losses.returns)
    advantages   A_t = (G_t - v(s_t)) / root mean square                  (losses.policy_gradient)
    loss         -log pi(a_t | s_t) A_t                                   policy gradient
                 + c_v (v(s_t) - G_t)^2                                   value
                 + c_kl KL(teacher || pi)                                 do not forget the demonstrations
                 - c_h H(pi)                                              do not close too soon

Silver et al. 2016 (policy gradient of the supervised policy against a pool of its own past, with a baseline); Vinyals
et al. 2019 (KL to the supervised policy, value-only warm-up before any policy step).

Letters: ``N`` decisions, ``G`` trajectories, ``T`` time, ``L`` legal actions of all decisions in a row.
"""

import copy
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from gameil.errors import CheckpointError, ConfigError
from gameil.learners.learner import StepResult
from gameil.losses.masking import legal_log_softmax
from gameil.losses.policy_gradient import entropy, normalised_advantages, policy_gradient_loss
from gameil.losses.regularisers import teacher_kl
from gameil.losses.returns import lambda_returns
from gameil.losses.supervised import value_loss
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import (
    Precision,
    autocast,
    compute_dtype,
    observation_tensor,
    select_device,
    use_channels_last,
)
from gameil.rollout.self_play import LEARNER, Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class ReinforceConfig:
    """How REINFORCE learns. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    learning_rate: float = 5e-4
    """Of Adam, constant: an iteration's games are new ones, so nothing calls for annealing to zero."""
    minibatch: int = 1024
    """Decisions in one gradient update; an iteration's decisions are gone through once, in random order."""
    max_grad_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    lambda_: float = 1.0
    """Of the lambda-returns: 1 is AlphaGo's outcome of the game; less leans on the value head."""
    value_weight: float = 1.0
    """c_v."""
    value_learning_rate: float = 2e-3
    """Of the value head's own weights. They start from a head that foresaw people's results, not its own ones, and
    nothing but the baseline depends on them."""
    value_to_trunk: float = 0.05
    """Share of the value's gradient that reaches the trunk. One noisy outcome for every decision of a game: in full it
    moved the policy's features at random, and a connect four imitator lost a tenth of its score against tree search."""
    kl_weight: Schedule = field(default_factory=lambda: Schedule(start=0.1, end=0.02, steps=50))
    """c_kl by step. Ends at AlphaStar's 0.02 (METHODS row 14); more at first, while advantages are still noise."""
    entropy_weight: float = 0.0
    """c_h, in nats. Near a teacher its KL keeps the policy open; from nothing, 0.1 or 0.2 is needed."""
    warmup_steps: int = 3
    """First so many steps train the value head only: the policy, and so its baseline's meaning, stays what it was."""
    ema_decay: float = 0.98
    """Share that the averaged weights, those of snapshots, keep at each update; 0 for no averaging. A few hundred noisy
    updates push a policy's favourite moves to and fro: their mean is stronger and steadier than any one of them."""
    precision: Precision = "auto"
    """``auto``, ``float32`` or ``bfloat16`` autocast; weights are always float32."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.warmup_steps < 0:
            raise ConfigError(
                f"minibatch must be positive, warmup_steps at least 0: {self.minibatch}, {self.warmup_steps}"
            )
        if not 0.0 <= self.value_to_trunk <= 1.0 or self.value_learning_rate <= 0.0:
            raise ConfigError(
                f"value_to_trunk must be within 0 and 1, value_learning_rate positive: "
                f"{self.value_to_trunk}, {self.value_learning_rate}"
            )
        if self.learning_rate <= 0.0 or self.max_grad_norm <= 0.0:
            raise ConfigError(
                f"learning_rate and max_grad_norm must be positive, got {self.learning_rate} and {self.max_grad_norm}"
            )
        if not 0.0 <= self.ema_decay < 1.0:
            raise ConfigError(f"ema_decay must be at least 0 and below 1, got {self.ema_decay}")
        if not 0.0 <= self.lambda_ <= 1.0:
            raise ConfigError(f"lambda_ must be within 0 and 1, got {self.lambda_}")


class Reinforce:
    """Changes ``model`` by policy gradient; the teacher is frozen.

    Batch normalisation stays in evaluation mode throughout: its running statistics, taken from the demonstrations, are
    part of the policy that acted. With statistics of the batch, the gradient would be of a policy that never played,
    and batches of a few openings at a time would drag the statistics after them.
    """

    def __init__(
        self,
        model: PolicyValueNet,
        teacher: NetworkEvaluator,
        config: ReinforceConfig,
        *,
        seed: int,
        device: str = "cpu",
    ) -> None:
        self.config = config
        self.device = select_device(device)
        self.model = model.to(self.device).eval()
        use_channels_last(self.model)
        self.teacher = teacher
        self.seed = seed
        self.learner_step = 0
        convolutional = any(isinstance(module, nn.Conv2d) for module in model.modules())
        self._dtype = compute_dtype(config.precision, self.device, convolutional=convolutional)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.updates = 0
        heads = list(self.model.value.parameters())
        others = [*self.model.trunk.parameters(), *self.model.policy.parameters()]
        groups: list[dict[str, Any]] = [{"params": others}, {"params": heads, "lr": config.value_learning_rate}]
        self._optimizer = torch.optim.Adam(groups, lr=config.learning_rate, fused=True)

    @property
    def warming_up(self) -> bool:
        """The next step trains the value head only."""
        return self.learner_step < self.config.warmup_steps

    def step(self, batch: Trajectories) -> StepResult:
        """Goes once through an iteration's decisions. Returns means over its gradient updates.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        targets = lambda_targets(batch, self.config.lambda_)
        advantages = normalised_advantages(torch.from_numpy(targets - batch.values)).numpy()
        teacher_log_probs = self._teacher_log_probs(batch)
        order = generator(self.seed, "reinforce", self.learner_step).permutation(len(batch))
        sums: dict[str, float] = {}
        for start in range(0, len(order), self.config.minibatch):
            chosen = order[start : start + self.config.minibatch]
            losses = self._update(batch, chosen, targets, advantages, teacher_log_probs)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value * len(chosen) / len(order)
        sums |= _trajectory_metrics(batch, targets)
        sums["schedule/kl_weight"] = self.config.kl_weight(self.learner_step)
        self.learner_step += 1
        return StepResult(sums)

    def _update(
        self,
        batch: Trajectories,
        chosen: NDArray[np.int64],
        targets: NDArray[np.float32],
        advantages: NDArray[np.float32],
        teacher_log_probs: NDArray[np.float32],
    ) -> dict[str, float]:
        """One gradient update on the decisions ``chosen`` ``[B]``."""
        places, rows, action_places = legal_places(batch, chosen)
        size = len(chosen)
        flat_rows = self._tensor(rows)
        observations = observation_tensor(batch.observations[chosen], self.device, torch.float32)
        with autocast(self.device, self._dtype):
            scores, values = self._forward(observations)
        log_probs = self.model.log_probs(scores, self._tensor(batch.legal[places]), flat_rows)  # [L]
        # What is improved is the policy that played, at its temperature; what people do is compared at 1.
        acting = legal_log_softmax(log_probs / batch.temperature, flat_rows, size)  # [L]
        action_log_probs = acting.index_select(0, self._tensor(action_places))  # [B]
        returns = self._tensor(targets[chosen])

        value = value_loss(values.float(), returns, torch.ones_like(returns))
        kl = teacher_kl(self._tensor(teacher_log_probs[places]), log_probs, flat_rows, size).mean()
        mean_entropy = entropy(acting, flat_rows, size).mean()
        policy = policy_gradient_loss(action_log_probs, self._tensor(advantages[chosen]))
        if self.warming_up:
            loss = value
        else:
            loss = (
                policy
                + self.config.value_weight * value
                + self.config.kl_weight(self.learner_step) * kl
                - self.config.entropy_weight * mean_entropy
            )
        ratio = action_log_probs.detach() - self._tensor(batch.behaviour_log_probs[chosen])
        grad_norm = self._descend(loss)
        return {
            "loss/policy": float(policy.detach()),
            "loss/value": float(value.detach()),
            "loss/teacher_kl": float(kl.detach()),
            "policy/entropy": float(mean_entropy.detach()),
            "policy/behaviour_gap": float(ratio.abs().mean()),
            "optimizer/grad_norm": grad_norm,
        }

    def _forward(self, observations: Tensor) -> tuple[Tensor, Tensor]:
        """Scores ``[B, S]`` and values ``[B]``, of whose gradient only a share goes on into the trunk."""
        features = self.model.features(observations)
        if self.model.memory is not None:
            features = self.model.memory(features, 1)
        share = self.config.value_to_trunk
        values, _ = self.model.value(share * features + (1.0 - share) * features.detach())
        return self.model.policy(features), values

    def _descend(self, loss: Tensor) -> float:
        if not bool(torch.isfinite(loss)):
            raise ConfigError(
                f"training diverged at step {self.learner_step}: loss {float(loss.detach())}; lower learning_rate"
            )
        # Only the value head's own weights move during the warm-up: through the trunk the policy would move too.
        moving: nn.Module = self.model.value if self.warming_up else self.model
        parameters = list(moving.parameters())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward(inputs=parameters)  # type: ignore[no-untyped-call]
        norm = float(nn.utils.clip_grad_norm_(parameters, self.config.max_grad_norm, foreach=True))
        if not math.isfinite(norm):
            raise ConfigError(
                f"training diverged at step {self.learner_step}: gradient norm {norm}; lower learning_rate"
            )
        self._optimizer.step()
        self._update_average()
        return norm

    def _update_average(self) -> None:
        """Moves the average towards the weights; early on faster, so that a short run gets somewhere too."""
        self.updates += 1
        decay = min(self.config.ema_decay, self.updates / (10.0 + self.updates))
        means, now = list(self.average.parameters()), list(self.model.parameters())
        torch._foreach_lerp_([mean.data for mean in means], [weight.data for weight in now], 1.0 - decay)

    def evaluation_model(self) -> PolicyValueNet:
        """The averaged weights, for snapshots and measurements. Not to be trained."""
        return self.average

    def _teacher_log_probs(self, batch: Trajectories) -> NDArray[np.float32]:
        """The teacher's log-probabilities beside all legal actions, ``[L]``."""
        parts: list[NDArray[np.float32]] = []
        for start in range(0, len(batch), self.config.minibatch):
            chosen = np.arange(start, min(start + self.config.minibatch, len(batch)))
            places, rows, _ = legal_places(batch, chosen)
            log_probs, _ = self.teacher.evaluate_legal(batch.observations[chosen], batch.legal[places], rows)
            parts.append(log_probs)
        return np.concatenate(parts)

    def _tensor(self, array: NDArray[Any]) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.device)

    def state_dict(self) -> dict[str, Any]:
        """Weights, their average, Adam's moments and the step: all that a later step depends on."""
        tensors = {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"average.{name}": tensor for name, tensor in self.average.state_dict().items()}
        for name, parameter in self.model.named_parameters():
            for key, tensor in self._optimizer.state.get(parameter, {}).items():
                tensors[f"optimizer.{key}.{name}"] = tensor
        return {"tensors": tensors, "state": {"learner_step": self.learner_step, "updates": self.updates}}

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
        self.learner_step = int(state["state"]["learner_step"])
        self.updates = int(state["state"]["updates"])


def lambda_targets(batch: Trajectories, lambda_: float) -> NDArray[np.float32]:
    """Lambda-returns of every decision, ``[N]``, from the values at acting time."""
    lengths = batch.lengths()
    columns = np.arange(len(lengths))
    longest = int(lengths.max())
    # One row more than decisions: there a trajectory that is over gets its bootstrap as a last reward, so that all
    # trajectories, short and long, end in the same way.
    rewards = np.zeros((longest + 1, len(lengths)), np.float32)
    rewards[:-1] = batch.in_time(batch.rewards)
    rewards[lengths, columns] = batch.bootstrap_values
    discounts = np.zeros_like(rewards)
    discounts[:-1] = batch.in_time(batch.discounts)
    values = np.zeros((longest + 2, len(lengths)), np.float32)
    values[:-2] = batch.in_time(batch.values)
    values[lengths, columns] = batch.bootstrap_values
    targets = lambda_returns(torch.from_numpy(rewards), torch.from_numpy(discounts), torch.from_numpy(values), lambda_)
    return batch.in_a_row(targets.numpy())


def legal_places(
    batch: Trajectories, chosen: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Where the decisions ``chosen`` ``[B]`` have their legal actions.

    Returns:
        Places in ``batch.legal`` ``[L]``, the row 0 .. B-1 of each ``[L]``, and where among these each decision's own
        action stands ``[B]``.
    """
    counts = np.diff(batch.offsets)[chosen]
    starts = np.cumsum(counts) - counts
    rows = np.repeat(np.arange(len(chosen)), counts)
    places = np.arange(int(counts.sum())) - starts[rows] + batch.offsets[chosen][rows]
    return places, rows, batch.action_places[chosen] - batch.offsets[chosen] + starts


def _trajectory_metrics(batch: Trajectories, targets: NDArray[np.float32]) -> dict[str, float]:
    """How the games went, and how much of their outcome the baseline knew."""
    spread = float(targets.var())
    metrics = {
        "value/explained_variance": 1.0 - float((targets - batch.values).var()) / spread if spread > 1e-8 else 0.0,
        "self_play/decisions": float(len(batch)),
        "self_play/decisions_a_game": float(batch.lengths().mean()),
    }
    against_pool = batch.opponents != LEARNER
    if against_pool.any():
        metrics["self_play/score_against_pool"] = float((batch.outcomes[against_pool].mean() + 1.0) / 2.0)
    return metrics
