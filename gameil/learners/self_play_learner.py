"""The learners that learn from self-play, by their configuration."""

from pathlib import Path

from gameil.learners.actor_critic import ActorCritic, ActorCriticConfig
from gameil.learners.adversarial import Adversarial, AdversarialConfig
from gameil.learners.off_policy import OffPolicy, OffPolicyConfig
from gameil.learners.ppo import Ppo, PpoConfig
from gameil.learners.q_learning import QLearning, QLearningConfig
from gameil.learners.reinforce import Reinforce, ReinforceConfig
from gameil.learners.reward_network import RewardNetwork
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet
from gameil.rollout.trajectories import Trajectories

TeacherLearner = Reinforce | Ppo | ActorCritic
"""Learners that need nothing but games, and a teacher where there is one."""
TeacherLearnerConfig = ReinforceConfig | PpoConfig | ActorCriticConfig
SelfPlayLearner = TeacherLearner | QLearning | OffPolicy | Adversarial
SelfPlayLearnerConfig = TeacherLearnerConfig | QLearningConfig | OffPolicyConfig | AdversarialConfig


def build_learner(
    config: TeacherLearnerConfig,
    model: PolicyValueNet,
    teacher: NetworkEvaluator | None,
    *,
    seed: int,
    device: str,
    demonstrations: Trajectories | None = None,
) -> TeacherLearner:
    """The learner that ``config`` belongs to; it will change ``model`` and hold it near ``teacher``."""
    if isinstance(config, PpoConfig):
        return Ppo(model, teacher, config, seed=seed, device=device, demonstrations=demonstrations)
    if isinstance(config, ActorCriticConfig):
        return ActorCritic(model, teacher, config, seed=seed, device=device, demonstrations=demonstrations)
    return Reinforce(model, teacher, config, seed=seed, device=device, demonstrations=demonstrations)


def build_self_play_learner(
    config: SelfPlayLearnerConfig,
    model: PolicyValueNet,
    teacher: NetworkEvaluator | None,
    *,
    demonstrations: Trajectories | None,
    density: NetworkEvaluator | None,
    rewards: RewardNetwork | None,
    directory: Path,
    seed: int,
    device: str,
) -> SelfPlayLearner:
    """Any of them.

    Args:
        density: policy cloned from the demonstrations, for those that need one.
        rewards: network of the learned reward, for those that learn one.
        directory: where a large replay may write.

    Raises:
        ConfigError: something that the learner needs is missing.
    """
    if isinstance(config, QLearningConfig):
        return QLearning(model, config, seed=seed, device=device, demonstrations=demonstrations, directory=directory)
    if isinstance(config, OffPolicyConfig):
        own = density if config.option == 1 else None
        return OffPolicy(model, teacher, config, demonstrations=demonstrations, density=own, seed=seed, device=device)
    if isinstance(config, AdversarialConfig):
        assert rewards is not None
        return Adversarial(
            model, teacher, rewards, config, demonstrations=demonstrations, density=density, seed=seed, device=device
        )
    return build_learner(config, model, teacher, seed=seed, device=device, demonstrations=demonstrations)
