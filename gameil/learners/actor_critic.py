"""AlphaStar's mix: V-trace, UPGO and TD(lambda), entropy, and KL to a frozen supervised policy.

One ``step`` takes the trajectories of one iteration of self-play, some whole ones an update. With the values v and the
policy pi of the network as it is now, and mu that which played:

    loss    -min(1, pi/mu) (r_t + d_t v'_{t+1} - v(s_t)) log pi(a_t | s_t)     V-trace     (losses.off_policy)
            + c_u * -min(1, pi/mu) (U_t - v(s_t)) log pi(a_t | s_t)            UPGO        (losses.returns)
            + c_v (v(s_t) - G_t)^2                                             G_t = lambda-returns
            + c_kl KL(teacher || pi) - c_h H(pi)

Vinyals et al., "Grandmaster level in StarCraft II using multi-agent reinforcement learning" (2019), Methods; V-trace by
Espeholt et al. (2018). As ratios correct for the policy's moving away, games may be gone through more than once.

Letters: ``N`` decisions, ``n`` of one update, ``G`` trajectories, ``L`` legal actions of decisions in a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.seat_trajectories import (
    TrajectoryColumns,
    lambda_targets,
    trajectory_metrics,
)
from gameil.learners.trajectory_learner import HybridConfig, TrajectoryLearner
from gameil.learners.updates import UpdateConfig
from gameil.losses.off_policy import vtrace
from gameil.losses.policy_gradient import policy_gradient_loss
from gameil.losses.returns import lambda_returns, upgo_returns
from gameil.losses.supervised import value_loss
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class ActorCriticConfig:
    """How the actor-critic learns. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    update: UpdateConfig = field(default_factory=UpdateConfig)
    minibatch: int = 1024
    """Decisions in one gradient update, about: trajectories stay whole."""
    passes: int = 1
    """Times that an iteration's trajectories are gone through."""
    lambda_: float = 0.8
    """Of the TD(lambda) targets of the value. Vinyals et al. 2019, Methods."""
    trace_lambda: float = 1.0
    """Shortens V-trace's traces; 1 as in Espeholt et al. 2018."""
    clip_rho: float = 1.0
    """Bound of V-trace's ratios in targets and policy gradient. Espeholt et al. 2018."""
    clip_c: float = 1.0
    """Bound of V-trace's trace ratios. Espeholt et al. 2018."""
    upgo_weight: float = 1.0
    """c_u. UPGO counts as much as V-trace in Vinyals et al. 2019."""
    value_weight: float = 1.0
    """c_v. The value head has its own learning rate, so this is the weight in the trunk; see ``update``."""
    kl_weight: Schedule = field(default_factory=lambda: Schedule(start=0.1, end=0.02, steps=50))
    """c_kl by step. Ends at AlphaStar's 0.02; more at first, while advantages are still noise."""
    entropy_weight: Schedule = field(default_factory=lambda: Schedule(start=0.0, end=0.0, steps=0))
    """c_h by step, in nats. Near a teacher its KL keeps the policy open; from nothing, 0.05 or 0.1 is needed."""
    warmup_steps: int = 3
    """First so many steps train the value head only. Vinyals et al. 2019."""
    hybrid: HybridConfig = field(default_factory=HybridConfig)
    """Demonstrations in the loss: the hybrid objective."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.passes < 1 or self.warmup_steps < 0:
            raise ConfigError(
                "actor_critic.minibatch and actor_critic.passes must be positive, actor_critic.warmup_steps at least "
                f"0: {self.minibatch}, {self.passes}, {self.warmup_steps}"
            )
        for name in ("lambda_", "trace_lambda"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"actor_critic.{name} must be within 0 and 1, got {getattr(self, name)}")
        for name in ("clip_rho", "clip_c"):
            if not getattr(self, name) > 0.0:
                raise ConfigError(f"actor_critic.{name} must be positive, got {getattr(self, name)}")


class ActorCritic(TrajectoryLearner[ActorCriticConfig]):
    """Changes ``model`` by V-trace and UPGO; the teacher is frozen."""

    def step(self, batch: Trajectories) -> StepResult:
        """Goes ``passes`` times through an iteration's trajectories. Returns means over its decisions.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        config = self.config
        teacher = self.teacher_says(batch, config.minibatch)
        order = generator(self.seed, "actor-critic", self.learner_step)
        sums: dict[str, float] = {}
        for _ in range(config.passes):
            for trajectories in _groups(batch, order, config.minibatch):
                columns = TrajectoryColumns(batch, trajectories)
                share = len(columns.decisions) / (config.passes * len(batch))
                for name, value in self._update(batch, columns, teacher).items():
                    sums[name] = sums.get(name, 0.0) + value * share
        sums |= trajectory_metrics(batch, lambda_targets(batch, config.lambda_))
        sums["schedule/kl_weight"] = config.kl_weight(self.learner_step)
        self.learner_step += 1
        return StepResult(sums)

    def _update(
        self, batch: Trajectories, columns: TrajectoryColumns, teacher: NDArray[np.float32] | None
    ) -> dict[str, float]:
        """One gradient update on whole trajectories of ``n`` decisions."""
        reading = self.read(batch, columns.decisions, teacher)
        values, log_ratios = reading.values, reading.log_ratios.detach()
        targets, trace_advantages, upgo_advantages = self._targets(columns, values, log_ratios)
        trace = policy_gradient_loss(reading.action_log_probs, trace_advantages.to(values.device))
        upgo = policy_gradient_loss(reading.action_log_probs, upgo_advantages.to(values.device))
        value = value_loss(values, targets.to(values.device), torch.ones_like(values))
        metrics = self.descend(trace + self.config.upgo_weight * upgo, value, reading)
        return {
            **metrics,
            "loss/policy": float(trace.detach()),
            "loss/upgo": float(upgo.detach()),
            "policy/behaviour_gap": float(log_ratios.abs().mean()),
        }

    def _targets(self, columns: TrajectoryColumns, values: Tensor, log_ratios: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Value targets, and the advantages of V-trace and UPGO with their ratios, each ``[n]``, on the CPU."""
        config = self.config
        ratios, in_time = columns.pad(log_ratios), columns.values(values)
        rewards, discounts = columns.rewards, columns.discounts
        trace = vtrace(
            ratios,
            rewards,
            discounts,
            in_time,
            lambda_=config.trace_lambda,
            clip_rho=config.clip_rho,
            clip_c=config.clip_c,
        )
        upgo = ratios.exp().clamp(max=1.0) * (upgo_returns(rewards, discounts, in_time) - in_time[:-1])
        targets = lambda_returns(rewards, discounts, in_time, config.lambda_)
        return columns.flatten(targets), columns.flatten(trace.advantages), columns.flatten(upgo)


def _groups(batch: Trajectories, rng: np.random.Generator, decisions: int) -> Iterator[NDArray[np.int64]]:
    """All trajectories in random order, cut where another ``decisions`` decisions are full."""
    order = rng.permutation(len(batch.starts) - 1)
    group = np.cumsum(batch.lengths()[order]) // decisions
    yield from np.split(order, np.flatnonzero(np.diff(group)) + 1)
