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

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.learner import StepResult
from gameil.learners.seat_trajectories import (
    TrajectoryColumns,
    lambda_targets,
    legal_places,
    teacher_log_probs,
    trajectory_metrics,
)
from gameil.learners.updates import NetworkUpdates, UpdateConfig
from gameil.losses.masking import legal_log_softmax
from gameil.losses.off_policy import vtrace
from gameil.losses.policy_gradient import entropy, policy_gradient_loss
from gameil.losses.regularisers import teacher_kl
from gameil.losses.returns import lambda_returns, upgo_returns
from gameil.losses.supervised import value_loss
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.self_play import Trajectories
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


class ActorCritic:
    """Changes ``model`` by V-trace and UPGO; the teacher is frozen."""

    def __init__(
        self,
        model: PolicyValueNet,
        teacher: NetworkEvaluator,
        config: ActorCriticConfig,
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
        """Goes ``passes`` times through an iteration's trajectories. Returns means over its decisions.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        config = self.config
        teacher = teacher_log_probs(self.teacher, batch, at_once=config.minibatch)
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
        self, batch: Trajectories, columns: TrajectoryColumns, teacher: NDArray[np.float32]
    ) -> dict[str, float]:
        """One gradient update on whole trajectories of ``n`` decisions."""
        config, tensor = self.config, self.network.tensor
        chosen = columns.decisions
        size = len(chosen)
        places, rows, action_places = legal_places(batch, chosen)
        flat_rows = tensor(rows)
        scores, values = self.network.forward(batch.observations[chosen])
        log_probs = self.model.log_probs(scores, tensor(batch.legal[places]), flat_rows)  # [L]
        # What is improved is the policy that played, at its temperature; what people do is compared at 1.
        acting = legal_log_softmax(log_probs / batch.temperature, flat_rows, size)  # [L]
        action_log_probs = acting.index_select(0, tensor(action_places))  # [n]
        log_ratios = action_log_probs.detach() - tensor(batch.behaviour_log_probs[chosen])  # [n]

        targets, trace_advantages, upgo_advantages = self._targets(columns, values, log_ratios)
        trace = policy_gradient_loss(action_log_probs, trace_advantages.to(values.device))
        upgo = policy_gradient_loss(action_log_probs, upgo_advantages.to(values.device))
        value = value_loss(values, targets.to(values.device), torch.ones_like(values))
        kl = teacher_kl(tensor(teacher[places]), log_probs, flat_rows, size).mean()
        mean_entropy = entropy(acting, flat_rows, size).mean()
        if self.warming_up:
            loss = value
        else:
            loss = (
                trace
                + config.upgo_weight * upgo
                + config.value_weight * value
                + config.kl_weight(self.learner_step) * kl
                - config.entropy_weight(self.learner_step) * mean_entropy
            )
        grad_norm = self.network.descend(loss, value_only=self.warming_up, step=self.learner_step)
        return {
            "loss/policy": float(trace.detach()),
            "loss/upgo": float(upgo.detach()),
            "loss/value": float(value.detach()),
            "loss/teacher_kl": float(kl.detach()),
            "policy/entropy": float(mean_entropy.detach()),
            "policy/behaviour_gap": float(log_ratios.abs().mean()),
            "optimizer/grad_norm": grad_norm,
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


def _groups(batch: Trajectories, rng: np.random.Generator, decisions: int) -> Iterator[NDArray[np.int64]]:
    """All trajectories in random order, cut where another ``decisions`` decisions are full."""
    order = rng.permutation(len(batch.starts) - 1)
    group = np.cumsum(batch.lengths()[order]) // decisions
    yield from np.split(order, np.flatnonzero(np.diff(group)) + 1)
