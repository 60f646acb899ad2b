"""REINFORCE with a value baseline, held near a frozen supervised policy: how an imitator becomes stronger than people.

One ``step`` takes the trajectories of one iteration of self-play:

    targets      G_t = lambda-returns of the seat's rewards               (losses.returns)
    advantages   A_t = (G_t - v(s_t)) / root mean square                  (losses.policy_gradient)
    loss         -log pi(a_t | s_t) A_t                                   policy gradient
                 + c_v (v(s_t) - G_t)^2                                   value
                 + c_kl KL(teacher || pi)                                 do not forget the demonstrations
                 - c_h H(pi)                                              do not close too soon

With ``dapg`` the policy term is that of the demonstration-augmented policy gradient (``losses.hybrid``): the same sum
and one over demonstrations, ``w = l0 l1^k max A``, both divided by the number of own decisions. Rajeswaran et al. 2018
step with the natural gradient; here Adam steps, as for all learners.

Silver et al. 2016 (policy gradient of the supervised policy against a pool of its own past, with a baseline); Vinyals
et al. 2019 (KL to the supervised policy, value-only warm-up before any policy step).

Letters: ``N`` decisions, ``G`` trajectories, ``T`` time, ``L`` legal actions of all decisions in a row.
"""

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.seat_trajectories import lambda_targets, trajectory_metrics
from gameil.learners.trajectory_learner import HybridConfig, Reading, TrajectoryLearner
from gameil.learners.updates import UpdateConfig
from gameil.losses.hybrid import augmented_policy_loss, demonstration_weight
from gameil.losses.policy_gradient import normalised_advantages, policy_gradient_loss
from gameil.losses.supervised import value_loss
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class DapgConfig:
    """The demonstration-augmented policy gradient, where demonstrations are shown."""

    __pydantic_config__ = {"extra": "forbid"}

    lambda0: float = 0.0
    """Weight of a demonstrated decision, in units of the greatest advantage; Rajeswaran et al. 2018 have 0.1. 0 leaves
    demonstrations out."""
    lambda1: float = 0.95
    """What is left of the weight after each step. Rajeswaran et al. 2018."""
    batch: int = 1024
    """Demonstrated decisions in each update; they are summed, so more of them weigh more."""

    def __post_init__(self) -> None:
        if self.lambda0 < 0.0 or not 0.0 <= self.lambda1 <= 1.0 or self.batch < 1:
            raise ConfigError(
                f"dapg: lambda0 must be at least 0, lambda1 within 0 and 1, batch at least 1, got {self.lambda0}, "
                f"{self.lambda1} and {self.batch}"
            )


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
    hybrid: HybridConfig = field(default_factory=HybridConfig)
    """Demonstrations in the loss: the hybrid objective."""
    dapg: DapgConfig = field(default_factory=DapgConfig)
    """Demonstrations in the loss, weighted by the advantages."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.warmup_steps < 0:
            raise ConfigError(
                f"minibatch must be positive, warmup_steps at least 0: {self.minibatch}, {self.warmup_steps}"
            )
        if not 0.0 <= self.lambda_ <= 1.0:
            raise ConfigError(f"lambda_ must be within 0 and 1, got {self.lambda_}")


class Reinforce(TrajectoryLearner[ReinforceConfig]):
    """Changes ``model`` by policy gradient; the teacher is frozen."""

    def step(self, batch: Trajectories) -> StepResult:
        """Goes once through an iteration's decisions. Returns means over its gradient updates.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        targets = lambda_targets(batch, self.config.lambda_)
        advantages = normalised_advantages(torch.from_numpy(targets - batch.values)).numpy()
        teacher = self.teacher_says(batch, self.config.minibatch)
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
        teacher: NDArray[np.float32] | None,
    ) -> dict[str, float]:
        """One gradient update on the decisions ``chosen`` ``[B]``."""
        tensor, reading = self.network.tensor, self.read(batch, chosen, teacher)
        returns = tensor(targets[chosen])
        policy = self._policy_loss(reading, tensor(advantages[chosen]))
        value = value_loss(reading.values, returns, torch.ones_like(returns))
        metrics = self.descend(policy, value, reading)
        return {
            **metrics,
            "loss/policy": float(policy.detach()),
            "policy/behaviour_gap": float(reading.log_ratios.detach().abs().mean()),
        }

    def _policy_loss(self, reading: Reading, advantages: Tensor) -> Tensor:
        """The policy gradient, with demonstrations where DAPG is on."""
        dapg = self.config.dapg
        shown = self.read_demonstrations(dapg.batch) if dapg.lambda0 and not self.warming_up else None
        if shown is None:
            return policy_gradient_loss(reading.action_log_probs, advantages)
        steps = self.learner_step - self.config.warmup_steps
        weight = demonstration_weight(steps, advantages, lambda0=dapg.lambda0, lambda1=dapg.lambda1)
        augmented = augmented_policy_loss(reading.action_log_probs, advantages, shown.action_log_probs, weight)
        return augmented / len(advantages)
