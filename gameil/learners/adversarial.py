"""Imitation by a learned reward: GAIL, AIRL, guided cost learning, and the reward for following a reference game.

One ``step`` takes the trajectories of one iteration of self-play, whose own rewards it never reads. It teaches a reward
network to tell people's decisions from the policy's, puts its rewards in the place of the game's, and lets PPO improve
the policy by them:

    gail         D = sigmoid(g(s, a))                              reward -log(1 - D), log D or their difference
    airl         D = e^f / (e^f + pi),  f = g + d h(s') - h(s)     reward f - log pi
    guided_cost  p(tau) = e^{sum g} / Z, Z by importance sampling  reward g - log pi     (c = -g)
    reference    no network: reward w_I exp(-k d(o_t, o'_t)^2) to a drawn human game at the same decision, and
                 w_G times the game's own rewards

Ho and Ermon, "Generative Adversarial Imitation Learning" (2016); Fu, Luo and Levine, "Learning Robust Rewards with
Adversarial Inverse Reinforcement Learning" (2018); Finn, Levine and Abbeel, "Guided Cost Learning" (2016); Peng et al.,
"DeepMimic" (2018). Absorbing states and the gradient penalty: Kostrikov et al., "Discriminator-Actor-Critic" (2019).
Rewards are divided by how large returns have been, since the value head knows [-1, 1] only.

Letters: ``N`` decisions of the iteration, ``B`` of one update, ``T`` time, ``M`` segments, ``K`` policies.
"""

import copy
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gameil.errors import ConfigError
from gameil.learners.guided_cost import GuidedCost
from gameil.learners.learner import StepResult
from gameil.learners.ppo import Ppo, PpoConfig
from gameil.learners.reference_games import reference_game_rewards
from gameil.learners.reward_network import RewardNetwork
from gameil.learners.seat_trajectories import lambda_targets, legal_places
from gameil.losses.adversarial import (
    RewardForm,
    adversarial_rewards,
    airl_logits,
    discriminator_loss,
    gradient_penalty,
    interpolate,
)
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.models.precision import host_tensor
from gameil.rollout.trajectories import Trajectories
from gameil.schedules import Schedule
from gameil.seeding import generator

Method = Literal["gail", "airl", "guided_cost", "reference"]


def _ppo() -> PpoConfig:
    """Without a teacher's KL, which would be imitation of another kind, and open to trying."""
    return PpoConfig(
        kl_weight=Schedule(0.0, 0.0, 0), entropy_weight=Schedule(0.01, 0.01, 0), warmup_steps=2, max_behaviour_kl=0.02
    )


@dataclass(frozen=True)
class AdversarialConfig:
    """How a reward is learned from demonstrations. A step is one iteration of self-play."""

    __pydantic_config__ = {"extra": "forbid"}

    method: Method = "gail"
    """What the reward is made of."""
    ppo: PpoConfig = field(default_factory=_ppo)
    """What improves the policy by the reward."""
    learning_rate: float = 3e-4
    """Of the reward network's Adam."""
    minibatch: int = 512
    """Decisions of each kind in one update of the reward network."""
    updates: int = 10
    """Updates of the reward network in each iteration."""
    penalty: float = 1.0
    """Weight of the gradient penalty (Kostrikov et al. 2019 have 10, on inputs of unit size; boards are sparse)."""
    reward: RewardForm = "positive"
    """GAIL's reward: ``positive`` favours long games, ``negative`` short ones, unless ``absorbing`` is on."""
    absorbing: bool = True
    """GAIL: a game that ends goes on in a state of its own, whose reward is learned, as long as the longest one lasts:
    then the sign of the reward no longer says whether to end soon. Kostrikov et al. 2019, section 4.2."""
    segment: int = 8
    """Guided cost: decisions of a segment; over whole games the weights of importance sampling degenerate."""
    policies: int = 4
    """Guided cost: newest policies whose segments estimate Z."""
    sharpness: float = 2.0
    """Reference: k. Peng et al. 2018's pose reward."""
    imitation_weight: float = 0.7
    """Reference: w_I. Peng et al. 2018."""
    goal_weight: float = 0.3
    """Reference: w_G. Peng et al. 2018."""

    def __post_init__(self) -> None:
        for name in ("minibatch", "updates", "segment", "policies"):
            if getattr(self, name) < 1:
                raise ConfigError(f"adversarial.{name} must be at least 1, got {getattr(self, name)}")
        for name in ("penalty", "imitation_weight", "goal_weight"):
            if not getattr(self, name) >= 0.0:
                raise ConfigError(f"adversarial.{name} must be at least 0, got {getattr(self, name)}")
        if not self.learning_rate > 0.0:
            raise ConfigError(f"adversarial.learning_rate must be positive, got {self.learning_rate}")


class Adversarial:
    """Changes ``model`` by PPO on a reward that is learned beside it."""

    needs_games = True
    exploration: float | None = None

    def __init__(
        self,
        model: PolicyValueNet,
        teacher: NetworkEvaluator | None,
        rewards: RewardNetwork,
        config: AdversarialConfig,
        *,
        demonstrations: Trajectories | None,
        density: NetworkEvaluator | None,
        seed: int,
        device: str = "cpu",
    ) -> None:
        """
        Args:
            rewards: changed in place.
            density: a policy cloned from the demonstrations, which guided cost learning takes for people's density.
                All others as of ``TrajectoryLearner``.

        Raises:
            ConfigError: there are no demonstrations, or guided cost learning has no density.
        """
        if demonstrations is None:
            raise ConfigError("imitation needs demonstrations")
        self.config = config
        self.policy = Ppo(model, teacher, config.ppo, seed=seed, device=device, demonstrations=demonstrations)
        self.model = self.policy.model
        self.network = self.policy.network
        self.rewards = rewards
        self.optimizer = torch.optim.Adam(rewards.parameters(), lr=config.learning_rate)
        self.shown = demonstrations
        self.seed = seed
        self.scale = 0.0
        """Root mean square of returns so far; 0 before the first iteration."""
        self.guided = GuidedCost(demonstrations, density, config) if config.method == "guided_cost" else None
        self.longest = int(demonstrations.lengths().max())

    @property
    def learner_step(self) -> int:
        return self.policy.learner_step

    @property
    def warming_up(self) -> bool:
        return self.policy.warming_up

    def evaluation_model(self) -> PolicyValueNet:
        """The averaged weights, for snapshots and measurements. Not to be trained."""
        return self.policy.evaluation_model()

    def step(self, batch: Trajectories) -> StepResult:
        """Teaches the reward, then the policy. Returns the metrics of both.

        Raises ``ConfigError`` when a loss is no finite number.
        """
        rng = generator(self.seed, "adversarial", self.learner_step)
        if self.config.method == "reference":
            rewards = reference_game_rewards(batch, self.shown, self.config, rng)
            metrics: dict[str, float] = {}
        else:
            if self.guided is not None:
                self.guided.remember(NetworkEvaluator(self.model, device=str(self.network.device)), batch)
            found = [self._update(batch, rng) for _ in range(self.config.updates)]
            metrics = {name: float(np.mean([each[name] for each in found])) for name in found[0]}
            rewards = self._rewards(batch)
        scaled = self._scaled(replace(batch, rewards=rewards))
        metrics["reward/mean"] = float(rewards.mean())
        metrics["reward/scale"] = self.scale
        return StepResult({**self.policy.step(scaled).metrics, **metrics})

    def _update(self, batch: Trajectories, rng: np.random.Generator) -> dict[str, float]:
        """One update of the reward network."""
        size = self.config.minibatch
        if self.guided is not None:
            loss, metrics = self.guided.loss(self.rewards, rng)
            own, shown = self._drawn(batch, rng, size), self._drawn(self.shown, rng, size)
        else:
            own, shown = self._drawn(batch, rng, size), self._drawn(self.shown, rng, size)
            own_logits, shown_logits = self._logits(batch, own), self._logits(self.shown, shown)
            metrics = {
                "discriminator/own": float((own_logits < 0).float().mean()),
                "discriminator/demonstrated": float((shown_logits > 0).float().mean()),
            }
            if self._absorbs:
                # In the same proportion to the decisions drawn as absorbing states have to all decisions.
                own_logits = self._with_absorbing(own_logits, batch)
                shown_logits = self._with_absorbing(shown_logits, self.shown)
            loss = discriminator_loss(shown_logits, own_logits)
        metrics["loss/reward"] = float(loss.detach())
        if self.config.penalty:
            loss = loss + self.config.penalty * self._penalty(batch, own, shown, rng)
        if not bool(torch.isfinite(loss)):
            raise ConfigError(f"imitation diverged at step {self.learner_step}: loss {float(loss.detach())}")
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self.optimizer.step()
        return metrics

    def _drawn(self, batch: Trajectories, rng: np.random.Generator, size: int) -> NDArray[np.int64]:
        return rng.integers(len(batch), size=size)

    def _read(self, batch: Trajectories, chosen: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        places, rows, action_places = legal_places(batch, chosen)
        found: tuple[Tensor, Tensor] = self.rewards(
            batch.observations[chosen], batch.legal[places], rows, action_places
        )
        return found

    def _logits(self, batch: Trajectories, chosen: NDArray[np.int64]) -> Tensor:
        """Logits of D for decisions ``[B]``: GAIL's g, or AIRL's f - log pi."""
        rewards, potentials = self._read(batch, chosen)
        if self.config.method == "gail":
            return rewards
        discounts = host_tensor(batch.discounts[chosen]).to(rewards.device)
        # Behind a trajectory's last decision nothing of it is stored: its own potential stands in where it was cut,
        # and counts for nothing where it ended.
        after = np.minimum(chosen + 1, len(batch) - 1)
        last = np.isin(chosen, batch.starts[1:] - 1)
        _, following = self._read(batch, np.where(last, chosen, after))
        return airl_logits(rewards, potentials, following, discounts, self._log_probs(batch, chosen))

    def _log_probs(self, batch: Trajectories, chosen: NDArray[np.int64]) -> Tensor:
        """log pi of the actions taken by the policy as it is now, ``[B]``, not differentiated."""
        with torch.no_grad():
            return self.policy.read(batch, chosen, None).action_log_probs

    @property
    def _absorbs(self) -> bool:
        return self.config.method == "gail" and self.config.absorbing

    def _with_absorbing(self, logits: Tensor, batch: Trajectories) -> Tensor:
        lengths = batch.lengths()
        rest = int(np.maximum(self.longest - lengths, 0).sum())
        number = round(len(logits) * rest / max(1, int(lengths.sum())))
        return torch.cat([logits, self.rewards.absorbing.expand(number)])

    def _penalty(
        self, batch: Trajectories, own: NDArray[np.int64], shown: NDArray[np.int64], rng: np.random.Generator
    ) -> Tensor:
        """Gradient penalty between observations of the two kinds, with the demonstrated action."""
        size = min(len(own), len(shown))
        own, shown = own[:size], shown[:size]
        there = [
            host_tensor(each).to(self.rewards.device).float()
            for each in (self.shown.observations[shown], batch.observations[own])
        ]
        uniforms = host_tensor(rng.random(size).astype(np.float32)).to(self.rewards.device)
        between = interpolate(there[0], there[1], uniforms).requires_grad_(True)
        places, rows, action_places = legal_places(self.shown, shown)
        logits, _ = self.rewards(between, self.shown.legal[places], rows, action_places)
        return gradient_penalty(logits, between)

    def _rewards(self, batch: Trajectories) -> NDArray[np.float32]:
        """The learned reward of every decision, ``[N]``."""
        config, parts = self.config, []
        with torch.no_grad():
            for start in range(0, len(batch), config.ppo.minibatch):
                chosen = np.arange(start, min(start + config.ppo.minibatch, len(batch)))
                if config.method == "guided_cost":
                    each = self._read(batch, chosen)[0] - self._log_probs(batch, chosen)
                else:
                    form: RewardForm = config.reward if config.method == "gail" else "difference"
                    each = adversarial_rewards(self._logits(batch, chosen), form)
                parts.append(each.float().cpu().numpy())
        rewards: NDArray[np.float32] = np.concatenate(parts).astype(np.float32)
        if self._absorbs:
            absorbing = float(adversarial_rewards(self.rewards.absorbing, config.reward))
            lengths, last = batch.lengths(), batch.starts[1:] - 1
            ended = batch.discounts[last] == 0.0
            rewards[last] += np.where(ended, absorbing * np.maximum(self.longest - lengths, 0), 0.0)
        return rewards

    def _scaled(self, batch: Trajectories) -> Trajectories:
        """Rewards in units of three times the root mean square of returns so far, bootstraps left as they are."""
        free = replace(batch, bootstrap_values=np.zeros_like(batch.bootstrap_values))
        size = float(np.sqrt(np.mean(np.square(lambda_targets(free, 1.0)))))
        self.scale = size if self.scale == 0.0 else 0.9 * self.scale + 0.1 * size
        return replace(batch, rewards=(batch.rewards / max(1e-6, 3.0 * self.scale)).astype(np.float32))

    def state_dict(self) -> dict[str, Any]:
        """All that a later step depends on; see ``Learner.state_dict``. Guided cost's older samples are left out."""
        policy = self.policy.state_dict()
        tensors = {f"reward.{name}": each for name, each in self.rewards.state_dict().items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            tensors |= {f"reward_optimizer.{key}.{number}": each for key, each in moments.items()}
        return {"tensors": {**policy["tensors"], **tensors}, "state": {**policy["state"], "scale": self.scale}}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Goes on from a ``state_dict``. Raises ``CheckpointError`` when it is another network's."""
        tensors: Mapping[str, Tensor] = state["tensors"]
        self.policy.load_state_dict(state)
        self.rewards.load_state_dict(
            {name.removeprefix("reward."): each for name, each in tensors.items() if name.startswith("reward.")}
        )
        saved = copy.deepcopy(self.optimizer.state_dict())
        saved["state"] = {}
        for name, each in tensors.items():
            if name.startswith("reward_optimizer."):
                _, key, number = name.split(".")
                saved["state"].setdefault(int(number), {})[key] = each.clone()
        self.optimizer.load_state_dict(saved)
        self.scale = float(state["state"]["scale"])
