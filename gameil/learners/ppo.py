"""PPO: several passes over the same games, with clipped ratios, held near a frozen supervised policy.

One ``step`` takes the trajectories of one iteration of self-play:

    advantages   A_t = generalised advantage estimates / root mean square     (losses.returns)
    targets      G_t = A_t (before scaling) + v(s_t), the lambda-return
    loss         -min(rho A, clip(rho, 1 - e, 1 + e) A)                       (losses.proximal)
                 + c_v (v(s_t) - G_t)^2
                 + c_kl KL(teacher || pi)                                     do not forget the demonstrations
                 - c_h H(pi)                                                  do not close too soon

Passes end early when the policy has moved further from the one that played than a bound. Schulman et al., "Proximal
Policy Optimization Algorithms" (2017); the KL to the teacher and the warm-up are Vinyals et al.'s (2019).

Letters: ``N`` decisions, ``B`` of one update, ``L`` legal actions of all decisions in a row.
"""

import math
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from gameil.errors import ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.seat_trajectories import lambda_targets, trajectory_metrics
from gameil.learners.trajectory_learner import HybridConfig, TrajectoryLearner
from gameil.learners.updates import UpdateConfig
from gameil.losses.policy_gradient import normalised_advantages
from gameil.losses.proximal import behaviour_kl, clipped_surrogate_loss, clipped_value_loss
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class PpoConfig:
    """How PPO learns. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    update: UpdateConfig = field(default_factory=UpdateConfig)
    minibatch: int = 1024
    """Decisions in one gradient update."""
    passes: int = 4
    """Times that an iteration's decisions are gone through. Schulman et al. 2017 have 3 (Atari) to 10 (control)."""
    clip: float = 0.2
    """Epsilon: how far the ratio pi / mu may gain. Schulman et al. 2017, table 1."""
    value_clip: float = 0.0
    """How far values may gain from what they were when the games were played; 0 for no bound. OpenAI's code has that of
    the policy; Andrychowicz et al. ("What Matters in On-Policy RL?", 2021) found it to hurt."""
    max_behaviour_kl: float = 0.03
    """In nats: passes end when KL(mu || pi) of an update's decisions exceeds it. OpenAI's Spinning Up has 0.015."""
    lambda_: float = 0.95
    """Of the generalised advantages. Schulman et al. 2017, table 3."""
    value_weight: float = 1.0
    """c_v."""
    kl_weight: Schedule = field(default_factory=lambda: Schedule(start=0.1, end=0.02, steps=50))
    """c_kl by step. Ends at AlphaStar's 0.02; more at first, while advantages are still noise."""
    entropy_weight: Schedule = field(default_factory=lambda: Schedule(start=0.0, end=0.0, steps=0))
    """c_h by step, in nats. Near a teacher its KL keeps the policy open; from nothing, 0.01 (Schulman et al. 2017) to
    0.1, more where information is hidden."""
    warmup_steps: int = 3
    """First so many steps train the value head only."""
    hybrid: HybridConfig = field(default_factory=HybridConfig)
    """Demonstrations in the loss: the hybrid objective."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.passes < 1 or self.warmup_steps < 0:
            raise ConfigError(
                "ppo.minibatch and ppo.passes must be positive, ppo.warmup_steps at least 0: "
                f"{self.minibatch}, {self.passes}, {self.warmup_steps}"
            )
        if self.value_clip < 0.0:
            raise ConfigError(f"ppo.value_clip must be at least 0, got {self.value_clip}")
        for name in ("clip", "max_behaviour_kl"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"ppo.{name} must be positive, got {getattr(self, name)}")
        if not 0.0 <= self.lambda_ <= 1.0:
            raise ConfigError(f"ppo.lambda_ must be within 0 and 1, got {self.lambda_}")


class Ppo(TrajectoryLearner[PpoConfig]):
    """Changes ``model`` by proximal policy optimisation; the teacher is frozen."""

    def step(self, batch: Trajectories) -> StepResult:
        """Goes ``passes`` times through an iteration's decisions. Returns means over its gradient updates.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        config = self.config
        targets = lambda_targets(batch, config.lambda_)
        # The lambda-return less the value is the generalised advantage (a test of losses.returns).
        advantages = normalised_advantages(torch.from_numpy(targets - batch.values)).numpy()
        teacher = self.teacher_says(batch, config.minibatch)
        order = generator(self.seed, "ppo", self.learner_step)
        found: list[dict[str, float]] = []
        for _ in range(config.passes):
            shuffled = order.permutation(len(batch))
            for start in range(0, len(shuffled), config.minibatch):
                chosen = shuffled[start : start + config.minibatch]
                found.append(self._update(batch, chosen, targets, advantages, teacher))
                if found[-1]["policy/behaviour_kl"] > config.max_behaviour_kl:
                    break
            if found[-1]["policy/behaviour_kl"] > config.max_behaviour_kl:
                break
        metrics = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        metrics |= trajectory_metrics(batch, targets)
        metrics["optimizer/updates"] = float(len(found))
        metrics["schedule/kl_weight"] = config.kl_weight(self.learner_step)
        self.learner_step += 1
        return StepResult(metrics)

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
        clip = self.config.clip
        policy = clipped_surrogate_loss(reading.log_ratios, tensor(advantages[chosen]), clip).mean()
        value = clipped_value_loss(
            reading.values, tensor(batch.values[chosen]), tensor(targets[chosen]), self.config.value_clip or math.inf
        ).mean()
        metrics = self.descend(policy, value, reading)
        ratios = reading.log_ratios.detach()
        return {
            **metrics,
            "loss/policy": float(policy.detach()),
            "policy/behaviour_kl": float(behaviour_kl(ratios).mean()),
            "policy/clipped_share": float(((ratios.exp() - 1.0).abs() > clip).float().mean()),
        }
