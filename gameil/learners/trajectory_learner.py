"""What the learners that finetune from seat trajectories have in common: the network and its teacher, the reading of
decisions by the policy as it is now, the terms that hold it, the warm-up, and what is saved.

    loss = policy term + c_v value term + c_kl KL(teacher || pi) - c_h H(pi) + c_d (-mean_D log pi(a | s));
    during the warm-up the value term alone

The value-only warm-up and the KL to the frozen supervised policy: Vinyals et al., "Grandmaster level in StarCraft II
using multi-agent reinforcement learning" (2019), Methods. The last term is the lecture's hybrid objective ("Imitation
learning as an auxiliary loss function"), over a batch D of demonstrations drawn anew for each update.

Letters: ``B`` decisions of one update, ``L`` their legal actions in a row.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.seat_trajectories import legal_places, teacher_log_probs
from gameil.learners.updates import NetworkUpdates, UpdateConfig
from gameil.losses.masking import legal_log_softmax
from gameil.losses.policy_gradient import entropy
from gameil.losses.regularisers import teacher_kl
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.opening_statistics import OpeningStatistics
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


@dataclass(frozen=True)
class HybridConfig:
    """Demonstrations as a part of the loss, where some are shown."""

    __pydantic_config__ = {"extra": "forbid"}

    weight: Schedule = field(default_factory=lambda: Schedule(start=0.0, end=0.0, steps=0))
    """c_d by step: the lecture's lambda, "which needs careful tuning"; 0 leaves the term out."""
    batch: int = 256
    """Demonstrated decisions in each update."""

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ConfigError(f"hybrid.batch must be at least 1, got {self.batch}")


class TrajectoryConfig(Protocol):
    """What every such learner is told; each says in its own configuration what its values mean and come from."""

    @property
    def update(self) -> UpdateConfig: ...

    @property
    def value_weight(self) -> float: ...

    @property
    def kl_weight(self) -> Schedule: ...

    @property
    def entropy_weight(self) -> Schedule: ...

    @property
    def warmup_steps(self) -> int: ...

    @property
    def hybrid(self) -> HybridConfig: ...


Config = TypeVar("Config", bound=TrajectoryConfig)


@dataclass(frozen=True)
class Reading:
    """What the network as it is now says of the decisions of one update."""

    action_log_probs: Tensor
    """``[B]``: of the actions taken, by the policy that is improved."""
    log_ratios: Tensor
    """``[B]``: these less the log-probabilities of the policy that played."""
    values: Tensor
    """``[B]``."""
    kl: Tensor
    """Mean KL(teacher || pi), in nats; 0 without a teacher."""
    entropy: Tensor
    """Mean entropy, in nats."""


class TrajectoryLearner(Generic[Config]):
    """Changes ``model`` by the losses of a subclass; the teacher is frozen."""

    def __init__(
        self,
        model: PolicyValueNet,
        teacher: NetworkEvaluator | None,
        config: Config,
        *,
        seed: int,
        device: str = "cpu",
        demonstrations: Trajectories | None = None,
    ) -> None:
        """
        Args:
            model: changed in place.
            teacher: the frozen supervised policy; None where training starts from nothing.
            config: the subclass's own.
            seed: of the order of decisions.
            device: where the network computes.
            demonstrations: people's games for the hybrid term and its like.
        """
        self.config = config
        self.network = NetworkUpdates(model, config.update, device=device)
        self.model = self.network.model
        self.teacher = teacher
        self.demonstrations = demonstrations
        self.openings: OpeningStatistics | None = None
        """What trajectories were told, where they were told something."""
        self.seed = seed
        self.learner_step = 0

    needs_games = True
    """A step needs an iteration's games."""
    exploration: float | None = None
    """None: the policy itself plays."""

    @property
    def warming_up(self) -> bool:
        """The next step trains the value head only."""
        return self.learner_step < self.config.warmup_steps

    def teacher_says(self, batch: Trajectories, at_once: int) -> NDArray[np.float32] | None:
        """The teacher's log-probabilities beside all legal actions of a batch, ``[L]``; None without a teacher."""
        return None if self.teacher is None else teacher_log_probs(self.teacher, batch, at_once=at_once)

    def read(self, batch: Trajectories, chosen: NDArray[np.int64], teacher: NDArray[np.float32] | None) -> Reading:
        """The decisions ``chosen`` ``[B]``, beside the ``teacher``'s log-probabilities of all the batch's."""
        tensor, size = self.network.tensor, len(chosen)
        places, rows, action_places = legal_places(batch, chosen)
        flat_rows = tensor(rows)
        told = None if self.openings is None else self.openings.decisions(batch, chosen)
        scores, values = self.network.forward(batch.observations[chosen], conditions=told)
        log_probs = self.model.log_probs(scores, tensor(batch.legal[places]), flat_rows)  # [L]
        # What is improved is the policy that played, at its temperature; what people do is compared at 1.
        acting = legal_log_softmax(log_probs / batch.temperature, flat_rows, size)  # [L]
        action_log_probs = acting.index_select(0, tensor(action_places))
        if teacher is None:
            kl = torch.zeros((), device=values.device)
        else:
            kl = teacher_kl(tensor(teacher[places]), log_probs, flat_rows, size).mean()
        return Reading(
            action_log_probs=action_log_probs,
            log_ratios=action_log_probs - tensor(batch.behaviour_log_probs[chosen]),
            values=values,
            kl=kl,
            entropy=entropy(acting, flat_rows, size).mean(),
        )

    def read_demonstrations(self, size: int) -> Reading | None:
        """Demonstrated decisions drawn for this update, ``[size]``; None where there are none."""
        shown = self.demonstrations
        if shown is None:
            return None
        rng = generator(self.seed, "demonstrations", self.learner_step, self.network.updates)
        return self.read(shown, rng.integers(len(shown), size=size), None)

    def descend(self, policy: Tensor, value: Tensor, reading: Reading) -> dict[str, float]:
        """One step down the gradient of the policy and value terms and of what holds the policy. Returns metrics.

        Raises ``ConfigError`` when a loss is no finite number; the weights are left as they were.
        """
        config = self.config
        metrics: dict[str, float] = {}
        if self.warming_up:
            loss = value
        else:
            loss = (
                policy
                + config.value_weight * value
                + config.kl_weight(self.learner_step) * reading.kl
                - config.entropy_weight(self.learner_step) * reading.entropy
            )
            weight = config.hybrid.weight(self.learner_step)
            shown = self.read_demonstrations(config.hybrid.batch) if weight else None
            if shown is not None:
                cloning = -shown.action_log_probs.mean()
                loss = loss + weight * cloning
                metrics["loss/cloning"] = float(cloning.detach())
        grad_norm = self.network.descend(loss, value_only=self.warming_up, step=self.learner_step)
        return {
            **metrics,
            "loss/value": float(value.detach()),
            "loss/teacher_kl": float(reading.kl.detach()),
            "policy/entropy": float(reading.entropy.detach()),
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
