"""Q-learning by a policy-value network: plain, with demonstrations in the replay, or learning from them first (DQfD).

The network's value and policy heads together say what actions are worth, in the form of Wang et al., "Dueling Network
Architectures" (2016), equation 8, so that what Q-learning leaves behind is a snapshot like any other:

    Q(s, a) = v(s) + eta (log pi(a | s) - max_b log pi(b | s)),    hence  v = max_a Q  and  pi = softmax(Q / eta)

Each update draws transitions from a replay whose demonstrations never leave (``experience.replay``), with weights w:

    loss = mean w (L_dq + l_n L_n) + l_e mean_D J_E + l_2 |theta|^2
    L_dq = huber(Q(s_t, a_t) - r_t - d_t Q'(s_{t+1}, argmax_a Q(s_{t+1}, a)))     double DQN; Q' is a delayed copy
    L_n  = the same with the n-step return                                        (losses.action_values)
    J_E  = large margin, on demonstrations only                                   Hester et al. 2018, equation 2

Plain: no demonstrations (van Hasselt et al. 2016). With demonstrations: they stay in the replay (the lecture; Vecerik
et al. 2017). DQfD: the weights below, and updates on demonstrations alone before the first game: Hester et al., "Deep
Q-learning from Demonstrations" (2018). Opponents are part of the environment: a transition goes from one decision of a
seat to its next.

Letters: ``B`` transitions, ``L`` legal actions of decisions in a row.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import CheckpointError, ConfigError
from gameil.experience.replay import Ahead, Replay, ReplayConfig, ReplayedDecisions
from gameil.learners.learner import StepResult
from gameil.learners.updates import NetworkUpdates, UpdateConfig
from gameil.losses.action_values import double_q_values, huber_loss, large_margin_loss
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator


def _update_config() -> UpdateConfig:
    """Q-learning's: the value is a part of Q, so it moves the trunk and shares the rate."""
    return UpdateConfig(learning_rate=1e-3, value_learning_rate=1e-3, value_to_trunk=1.0, max_grad_norm=10.0)


@dataclass(frozen=True)
class QLearningConfig:
    """How Q-learning learns. A step is one iteration of self-play, and some updates on what is in the replay."""

    __pydantic_config__ = {"extra": "forbid"}

    update: UpdateConfig = field(default_factory=_update_config)
    replay: ReplayConfig = field(default_factory=ReplayConfig)
    minibatch: int = 512
    """Transitions in one gradient update."""
    updates: int = 32
    """Gradient updates after each iteration's games."""
    pretrain_updates: int = 0
    """Updates on demonstrations alone before the first game: Hester et al. 2018 have 750,000 of 32 transitions."""
    advantage_scale: float = 0.25
    """Eta, in units of returns: how much a nat of the policy is worth."""
    steps: int = 10
    """n of the n-step returns. Hester et al. 2018."""
    n_step_weight: float = 1.0
    """l_n. Hester et al. 2018's lambda_1; 0 leaves them out."""
    margin_weight: float = 1.0
    """l_e. Hester et al. 2018's lambda_2; 0 makes demonstrations mere transitions."""
    margin: float = 0.2
    """By how much a demonstrated action should lead: Hester et al. 2018 have 0.8, for returns that are counted in
    points and reach tens; ours end at 1."""
    weight_penalty: float = 1e-5
    """l_2. Hester et al. 2018's lambda_3."""
    target_every: int = 100
    """Updates between two copies into the delayed network."""
    exploration: Schedule = field(default_factory=lambda: Schedule(start=0.2, end=0.02, steps=50))
    """Share of random moves by step: epsilon-greedy."""

    def __post_init__(self) -> None:
        for name in ("minibatch", "updates", "steps", "target_every"):
            if getattr(self, name) < 1:
                raise ConfigError(f"q_learning.{name} must be at least 1, got {getattr(self, name)}")
        for name in ("pretrain_updates", "n_step_weight", "margin_weight", "margin", "weight_penalty"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"q_learning.{name} must be at least 0, got {getattr(self, name)}")
        if not self.advantage_scale > 0.0:
            raise ConfigError(f"q_learning.advantage_scale must be positive, got {self.advantage_scale}")
        if not (0.0 <= self.exploration.start <= 1.0 and 0.0 <= self.exploration.end <= 1.0):
            raise ConfigError("q_learning.exploration must be within 0 and 1")


class QLearning:
    """Changes ``model`` by double DQN on a replay of its own."""

    def __init__(
        self,
        model: PolicyValueNet,
        config: QLearningConfig,
        *,
        seed: int,
        device: str = "cpu",
        demonstrations: Trajectories | None = None,
        directory: Path | None = None,
    ) -> None:
        """
        Args:
            model: changed in place.
            config: what to learn with.
            seed: of what is drawn from the replay.
            device: where the network computes.
            demonstrations: kept in the replay for ever.
            directory: where a large replay's file lies.
        """
        if config.pretrain_updates and demonstrations is None:
            raise ConfigError("q_learning.pretrain_updates needs demonstrations")
        self.config = config
        self.network = NetworkUpdates(model, config.update, device=device)
        self.model = self.network.model
        self.target = copy.deepcopy(self.model).requires_grad_(False)
        self.seed = seed
        self.learner_step = 0
        self.replay = Replay(
            config.replay,
            demonstrations,
            observation_shape=model.observation_shape,
            num_actions=model.num_actions,
            directory=directory,
        )

    @property
    def needs_games(self) -> bool:
        """False while the step is on demonstrations alone."""
        return self.network.updates >= self.config.pretrain_updates

    @property
    def warming_up(self) -> bool:
        """Whether the next step plays no games yet."""
        return not self.needs_games

    @property
    def exploration(self) -> float | None:
        """Who plays takes the likeliest action, and with this probability any legal one."""
        return self.config.exploration(self.learner_step)

    def evaluation_model(self) -> PolicyValueNet:
        """The averaged weights, for snapshots and measurements. Not to be trained."""
        return self.network.average

    def step(self, batch: Trajectories | None) -> StepResult:
        """Stores an iteration's decisions and makes ``updates`` updates. Returns means over them.

        Raises ``ConfigError`` when a loss is no finite number; the weights are then those of before that update.
        """
        config = self.config
        updates = config.updates
        if batch is not None:
            self.replay.add(batch)
        else:
            updates = min(updates, config.pretrain_updates - self.network.updates)
        rng = generator(self.seed, "q-learning", self.learner_step)
        found = [self._update(rng) for _ in range(updates)]
        metrics = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
        metrics["replay/decisions"] = float(len(self.replay))
        metrics["schedule/exploration"] = config.exploration(self.learner_step)
        if batch is not None:
            self.learner_step += 1
        return StepResult(metrics)

    def _update(self, rng: np.random.Generator) -> dict[str, float]:
        """One gradient update on ``B`` transitions."""
        config, tensor = self.config, self.network.tensor
        places, weights, shown = self.replay.draw(config.minibatch, self.network.updates, rng)
        now = self.replay.decisions(places)
        one_step = self._targets(places, 1)
        n_step = one_step if config.steps == 1 else self._targets(places, config.steps)
        values = action_values(*self._forward(self.model, now), tensor(now.rows), config.advantage_scale)  # [L]
        taken = values.index_select(0, tensor(now.action_places))
        errors = taken - tensor(one_step)
        each = huber_loss(errors) + config.n_step_weight * huber_loss(taken - tensor(n_step))
        loss = (tensor(weights) * each).mean()
        metrics = {"loss/q": float(each.mean().detach()), "value/mean_q": float(taken.mean().detach())}
        if shown.any() and config.margin_weight:
            margins = large_margin_loss(values, tensor(now.rows), tensor(now.action_places), config.margin)
            demonstrated = tensor(shown.astype(np.float32))
            margin = (margins * demonstrated).sum() / demonstrated.sum()
            loss = loss + config.margin_weight * margin
            metrics["loss/margin"] = float(margin.detach())
        else:
            metrics["loss/margin"] = 0.0
        if config.weight_penalty:
            squares = torch.stack([weight.square().sum() for weight in self.model.parameters()])
            loss = loss + config.weight_penalty * squares.sum()
        metrics["optimizer/grad_norm"] = self.network.descend(loss, value_only=False, step=self.network.updates)
        metrics["replay/demonstration_share"] = float(shown.mean())
        self.replay.places.update(places, errors.detach().cpu().numpy())
        if self.network.updates % config.target_every == 0:
            self.target.load_state_dict(self.model.state_dict())
        return metrics

    def _targets(self, places: NDArray[np.int64], steps: int) -> NDArray[np.float32]:
        """``R + D v(s')`` by double Q-learning, ``[B]``."""
        ahead: Ahead = self.replay.ahead(places, steps)
        later = self.replay.decisions(ahead.places)
        rows, scale = self.network.tensor(later.rows), self.config.advantage_scale
        with torch.no_grad():
            online = action_values(*self._forward(self.model, later), rows, scale)
            delayed = action_values(*self._forward(self.target, later), rows, scale)
            values = double_q_values(online, delayed, rows, len(places)).cpu().numpy()
        targets: NDArray[np.float32] = ahead.rewards + ahead.discounts * values
        return targets

    def _forward(self, model: PolicyValueNet, decisions: ReplayedDecisions) -> tuple[Tensor, Tensor]:
        """Log-probabilities beside the legal actions ``[L]``, and values ``[B]``."""
        tensor = self.network.tensor
        scores, values = self.network.forward(decisions.observations, model)
        return model.log_probs(scores, tensor(decisions.legal), tensor(decisions.rows)), values

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on; see ``Learner.state_dict``."""
        network, replay = self.network.state_dict(), self.replay.state_dict()
        target = {f"target.{name}": each for name, each in self.target.state_dict().items()}
        state = {"learner_step": self.learner_step, "replay": replay["state"], **network["state"]}
        kept = {f"replay.{name}": torch.from_numpy(each) for name, each in replay["arrays"].items()}
        return {"tensors": {**network["tensors"], **target, **kept}, "state": state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``, bit for bit. Raises ``CheckpointError`` when it is another network's."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        self.network.load_state_dict(state)
        try:
            self.target.load_state_dict(
                {name.removeprefix("target."): each for name, each in tensors.items() if name.startswith("target.")}
            )
        except RuntimeError as error:
            raise CheckpointError("the checkpoint is another network's") from error
        kept = {name: each.numpy() for name, each in tensors.items() if name.startswith("replay.")}
        arrays = {name.removeprefix("replay."): each for name, each in kept.items()}
        self.replay.load_state_dict({"arrays": arrays, "state": state["state"]["replay"]})
        self.learner_step = int(state["state"]["learner_step"])


def action_values(log_probs: Tensor, values: Tensor, rows: Tensor, scale: float) -> Tensor:
    """Q of the legal actions, ``[L]``: ``v(s) + eta (log pi(a | s) - max_b log pi(b | s))``.

    Args:
        log_probs: beside the legal actions, ``[L]``.
        values: ``[B]``.
        rows: decision of each legal action, int64 ``[L]``.
        scale: eta.
    """
    # The greatest is differentiated too: else Q of the best action would not depend on the policy's other scores.
    best = log_probs.new_zeros(len(values)).scatter_reduce(0, rows, log_probs, "amax", include_self=False)
    return values.index_select(0, rows) + scale * (log_probs - best.index_select(0, rows))
