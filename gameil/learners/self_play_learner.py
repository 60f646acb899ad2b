"""The learners that finetune from seat trajectories, by their configuration."""

from gameil.learners.actor_critic import ActorCritic, ActorCriticConfig
from gameil.learners.ppo import Ppo, PpoConfig
from gameil.learners.reinforce import Reinforce, ReinforceConfig
from gameil.models.inference import NetworkEvaluator
from gameil.models.policy_value import PolicyValueNet

SelfPlayLearner = Reinforce | Ppo | ActorCritic
SelfPlayLearnerConfig = ReinforceConfig | PpoConfig | ActorCriticConfig


def build_learner(
    config: SelfPlayLearnerConfig, model: PolicyValueNet, teacher: NetworkEvaluator, *, seed: int, device: str
) -> SelfPlayLearner:
    """The learner that ``config`` belongs to; it will change ``model`` and hold it near ``teacher``."""
    if isinstance(config, PpoConfig):
        return Ppo(model, teacher, config, seed=seed, device=device)
    if isinstance(config, ActorCriticConfig):
        return ActorCritic(model, teacher, config, seed=seed, device=device)
    return Reinforce(model, teacher, config, seed=seed, device=device)
