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

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.seat_trajectories import lambda_targets, legal_places, teacher_log_probs, trajectory_metrics
from gameil.learners.updates import NetworkUpdates, UpdateConfig
from gameil.losses.masking import legal_log_softmax
from gameil.losses.policy_gradient import entropy, normalised_advantages, policy_gradient_loss
from gameil.losses.regularisers import teacher_kl
from gameil.losses.supervised import value_loss
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.self_play import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class ReinforceConfig:
    """How REINFORCE learns. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    update: UpdateConfig = field(default_factory=UpdateConfig)
    minibatch: int = 1024
    """Decisions in one gradient update; an iteration's decisions are gone through once, in random order."""
    lambda_: float = 1.0
    """Of the lambda-returns: 1 is AlphaGo's outcome of the game; less leans on the value head."""
    value_weight: float = 1.0
    """c_v."""
    kl_weight: Schedule = field(default_factory=lambda: Schedule(start=0.1, end=0.02, steps=50))
    """c_kl by step. Ends at AlphaStar's 0.02 (METHODS row 14); more at first, while advantages are still noise."""
    entropy_weight: Schedule = field(default_factory=lambda: Schedule(start=0.0, end=0.0, steps=0))
    """c_h by step, in nats. Near a teacher its KL keeps the policy open; from nothing, 0.1 or 0.2 is needed."""
    warmup_steps: int = 3
    """First so many steps train the value head only: the policy, and so its baseline's meaning, stays what it was."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.warmup_steps < 0:
            raise ConfigError(
                f"minibatch must be positive, warmup_steps at least 0: {self.minibatch}, {self.warmup_steps}"
            )
        if not 0.0 <= self.lambda_ <= 1.0:
            raise ConfigError(f"lambda_ must be within 0 and 1, got {self.lambda_}")


class Reinforce:
    """Changes ``model`` by policy gradient; the teacher is frozen."""

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
        self.network = NetworkUpdates(model, config.update, device=device)
        self.model = self.network.model
        self.teacher = teacher
        self.seed = seed
        self.learner_step = 0

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
        teacher = teacher_log_probs(self.teacher, batch, at_once=self.config.minibatch)
        order = generator(self.seed, "reinforce", self.learner_step).permutation(len(batch))
        sums: dict[str, float] = {}
        for start in range(0, len(order), self.config.minibatch):
            chosen = order[start : start + self.config.minibatch]
            losses = self._update(batch, chosen, targets, advantages, teacher)
            for name, value in losses.items():
                sums[name] = sums.get(name, 0.0) + value * len(chosen) / len(order)
        sums |= trajectory_metrics(batch, targets)
        sums["schedule/kl_weight"] = self.config.kl_weight(self.learner_step)
        self.learner_step += 1
        return StepResult(sums)

    def _update(
        self,
        batch: Trajectories,
        chosen: NDArray[np.int64],
        targets: NDArray[np.float32],
        advantages: NDArray[np.float32],
        teacher: NDArray[np.float32],
    ) -> dict[str, float]:
        """One gradient update on the decisions ``chosen`` ``[B]``."""
        config, tensor, size = self.config, self.network.tensor, len(chosen)
        places, rows, action_places = legal_places(batch, chosen)
        flat_rows = tensor(rows)
        scores, values = self.network.forward(batch.observations[chosen])
        log_probs = self.model.log_probs(scores, tensor(batch.legal[places]), flat_rows)  # [L]
        # What is improved is the policy that played, at its temperature; what people do is compared at 1.
        acting = legal_log_softmax(log_probs / batch.temperature, flat_rows, size)  # [L]
        action_log_probs = acting.index_select(0, tensor(action_places))  # [B]
        returns = tensor(targets[chosen])

        value = value_loss(values, returns, torch.ones_like(returns))
        kl = teacher_kl(tensor(teacher[places]), log_probs, flat_rows, size).mean()
        mean_entropy = entropy(acting, flat_rows, size).mean()
        policy = policy_gradient_loss(action_log_probs, tensor(advantages[chosen]))
        if self.warming_up:
            loss = value
        else:
            loss = (
                policy
                + config.value_weight * value
                + config.kl_weight(self.learner_step) * kl
                - config.entropy_weight(self.learner_step) * mean_entropy
            )
        ratio = action_log_probs.detach() - tensor(batch.behaviour_log_probs[chosen])
        grad_norm = self.network.descend(loss, value_only=self.warming_up, step=self.learner_step)
        return {
            "loss/policy": float(policy.detach()),
            "loss/value": float(value.detach()),
            "loss/teacher_kl": float(kl.detach()),
            "policy/entropy": float(mean_entropy.detach()),
            "policy/behaviour_gap": float(ratio.abs().mean()),
            "optimizer/grad_norm": grad_norm,
        }

    def evaluation_model(self) -> PolicyValueNet:
        """The averaged weights, for snapshots and measurements. Not to be trained."""
        return self.network.average

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on; see ``Learner.state_dict``."""
        saved = self.network.state_dict()
        return {"tensors": saved["tensors"], "state": {"learner_step": self.learner_step, **saved["state"]}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``, bit for bit. Raises ``CheckpointError`` when it is another network's."""
        self.network.load_state_dict(state)
        self.learner_step = int(state["state"]["learner_step"])
