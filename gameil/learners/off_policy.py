"""Policy gradient with demonstrations as off-policy data: importance sampling on people's games.

"Since demonstrations are provided as data in every iteration, they are never forgotten; the policy can still become
better than the demos, since it is not forced to mimic them" (the lecture). One ``step`` takes the trajectories of one
iteration of self-play and draws N demonstrated ones for each update:

    own experience   -log pi(a_t | s_t) A_t                                    REINFORCE with a baseline
    demonstrations   -1 / (N T) sum_n sum_t log pi(a_t | s_t) C_t              C_t of ``losses.importance``
    and              c_v (v(s_t) - G_t)^2 + c_kl KL(teacher || pi) - c_h H(pi)

(T: their mean length, so that both are means over decisions.) The density q of people's play, which the ratios in C_t
divide by, is by

    option 1   a policy cloned from the demonstrations, frozen:   log rho = log pi - log q
    option 2   the Dirac on the demonstrations themselves:        log rho = log pi, self-normalised over the N drawn

Lecture, "Policy gradient with demonstrations"; Precup, Sutton and Singh, "Eligibility Traces for Off-Policy Policy
Evaluation" (2000). Products of ratios over whole games degenerate: how many of the N trajectories still count is
logged (``demonstrations/effective``), and weights are clipped.

Letters: ``N`` demonstrated trajectories, ``n`` their decisions, ``B`` own decisions, ``T`` time.
"""

import math
from dataclasses import dataclass, field
from typing import Literal

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
    trajectory_metrics,
)
from gameil.learners.trajectory_learner import HybridConfig, TrajectoryLearner
from gameil.learners.updates import UpdateConfig
from gameil.losses.importance import Estimator, effective_sample_size, importance_coefficients, importance_loss
from gameil.losses.policy_gradient import normalised_advantages, policy_gradient_loss
from gameil.losses.supervised import value_loss
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class OffPolicyConfig:
    """How off-policy policy gradient learns. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    update: UpdateConfig = field(default_factory=UpdateConfig)
    option: Literal[1, 2] = 1
    """What stands for the density of people's play: 1 a cloned policy, 2 the demonstrations themselves."""
    estimator: Estimator = "per_decision"
    """``full`` and ``per_decision`` are unbiased with option 1 and neither normalising nor clipping; ``prefix`` is the
    lecture's, biased with less variance."""
    self_normalised: bool = True
    """Divide weights by their mean. Option 2 always does."""
    clip: float = 10.0
    """Weights are cut to it before they are normalised; infinity for none. Ionides 2008."""
    trajectories: int = 64
    """N: demonstrated trajectories in each update."""
    demonstration_weight: float = 1.0
    """Of the demonstrations' part; 0 leaves only own experience."""
    own_weight: float = 1.0
    """Of own experience's part; 0 learns from demonstrations alone."""
    minibatch: int = 1024
    """Own decisions in one gradient update; an iteration's decisions are gone through once, in random order."""
    lambda_: float = 1.0
    """Of the lambda-returns of own experience."""
    value_weight: float = 1.0
    """c_v."""
    kl_weight: Schedule = field(default_factory=lambda: Schedule(start=0.0, end=0.0, steps=0))
    """c_kl by step: demonstrations hold the policy here."""
    entropy_weight: Schedule = field(default_factory=lambda: Schedule(start=0.01, end=0.01, steps=0))
    """c_h by step, in nats. Schulman et al. 2017 have 0.01."""
    warmup_steps: int = 0
    """First so many steps train the value head only."""
    hybrid: HybridConfig = field(default_factory=HybridConfig)
    """Demonstrations in the loss once more, as moves to imitate: the hybrid objective."""

    def __post_init__(self) -> None:
        if self.minibatch < 1 or self.trajectories < 1 or self.warmup_steps < 0:
            raise ConfigError(
                "off_policy.minibatch and off_policy.trajectories must be positive, off_policy.warmup_steps at least "
                f"0: {self.minibatch}, {self.trajectories}, {self.warmup_steps}"
            )
        if not self.clip > 0.0 or not 0.0 <= self.lambda_ <= 1.0:
            raise ConfigError(
                f"off_policy.clip must be positive, off_policy.lambda_ within 0 and 1: {self.clip}, {self.lambda_}"
            )
        for name in ("demonstration_weight", "own_weight"):
            if not getattr(self, name) >= 0.0:
                raise ConfigError(f"off_policy.{name} must be at least 0, got {getattr(self, name)}")


class OffPolicy(TrajectoryLearner[OffPolicyConfig]):
    """Changes ``model`` by policy gradient on its own games and on people's."""

    def __init__(
        self,
        model: PolicyValueNet,
        teacher: NetworkEvaluator | None,
        config: OffPolicyConfig,
        *,
        demonstrations: Trajectories | None,
        density: NetworkEvaluator | None,
        seed: int,
        device: str = "cpu",
    ) -> None:
        """
        Args:
            density: the cloned policy q of option 1; None for option 2. All others as of ``TrajectoryLearner``.

        Raises:
            ConfigError: there are no demonstrations, or option 1 has no density.
        """
        super().__init__(model, teacher, config, seed=seed, device=device, demonstrations=demonstrations)
        if demonstrations is None:
            raise ConfigError("off_policy needs demonstrations")
        if config.option == 1 and density is None:
            raise ConfigError("off_policy.option = 1 needs the density of people's play: init or density")
        self.shown = demonstrations
        self._log_q = np.zeros(len(demonstrations), np.float32)
        if config.option == 1 and density is not None:
            self._log_q = _action_log_probs(density, demonstrations, at_once=config.minibatch)

    def step(self, batch: Trajectories) -> StepResult:
        """Goes once through an iteration's decisions. Returns means over its gradient updates.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        config = self.config
        targets = lambda_targets(batch, config.lambda_)
        advantages = normalised_advantages(torch.from_numpy(targets - batch.values)).numpy()
        teacher = self.teacher_says(batch, config.minibatch)
        rng = generator(self.seed, "off-policy", self.learner_step)
        order = rng.permutation(len(batch))
        found = []
        for start in range(0, len(order), config.minibatch):
            chosen = order[start : start + config.minibatch]
            found.append(self._update(batch, chosen, targets, advantages, teacher, rng))
        metrics = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        metrics |= trajectory_metrics(batch, targets)
        self.learner_step += 1
        return StepResult(metrics)

    def _update(
        self,
        batch: Trajectories,
        chosen: NDArray[np.int64],
        targets: NDArray[np.float32],
        advantages: NDArray[np.float32],
        teacher: NDArray[np.float32] | None,
        rng: np.random.Generator,
    ) -> dict[str, float]:
        """One gradient update on the own decisions ``chosen`` ``[B]`` and N demonstrated trajectories."""
        config, tensor = self.config, self.network.tensor
        reading = self.read(batch, chosen, teacher)
        returns = tensor(targets[chosen])
        own = policy_gradient_loss(reading.action_log_probs, tensor(advantages[chosen]))
        value = value_loss(reading.values, returns, torch.ones_like(returns))
        loss, metrics = config.own_weight * own, {"loss/policy": float(own.detach())}
        if config.demonstration_weight:
            shown, own_metrics = self._demonstrated(rng)
            loss = loss + config.demonstration_weight * shown
            metrics |= own_metrics
        return {**metrics, **self.descend(loss, value, reading)}

    def _demonstrated(self, rng: np.random.Generator) -> tuple[Tensor, dict[str, float]]:
        """The estimator on N demonstrated trajectories, as a loss a decision."""
        config, number = self.config, len(self.shown.starts) - 1
        drawn = rng.choice(number, min(config.trajectories, number), replace=False)
        columns = TrajectoryColumns(self.shown, drawn)
        action_log_probs = self.read(self.shown, columns.decisions, None).action_log_probs  # [n]
        log_ratios = columns.pad(action_log_probs - self.network.tensor(self._log_q[columns.decisions]))  # [T + 1, N]
        # Option 2's weights have no scale of their own: only their shares mean anything, so clipping comes too early.
        normalise = config.self_normalised or config.option == 2
        coefficients = importance_coefficients(
            log_ratios,
            columns.rewards,
            config.estimator,
            self_normalised=normalise,
            clip=math.inf if config.option == 2 else config.clip,
        )
        flat = self.network.tensor(columns.flatten(coefficients).numpy())
        # ``importance_loss`` of the decisions in a row instead of in columns: the padding has no part in it.
        loss = importance_loss(action_log_probs[:, None], flat[:, None]) / len(flat)
        return loss, {
            "loss/demonstrations": float(loss.detach()),
            "demonstrations/effective": float(effective_sample_size(log_ratios.sum(0))),
            "demonstrations/log_ratio": float(log_ratios.sum(0).mean()),
        }


def _action_log_probs(evaluator: NetworkEvaluator, batch: Trajectories, *, at_once: int) -> NDArray[np.float32]:
    """log q(a | s) of every decision, ``[N]``, ``at_once`` a call."""
    parts = []
    for start in range(0, len(batch), at_once):
        chosen = np.arange(start, min(start + at_once, len(batch)))
        places, rows, action_places = legal_places(batch, chosen)
        log_probs, _ = evaluator.evaluate_legal(batch.observations[chosen], batch.legal[places], rows)
        parts.append(log_probs[action_places])
    return np.concatenate(parts)
