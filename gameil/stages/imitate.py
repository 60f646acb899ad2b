"""Imitation by a learned reward: GAIL, AIRL, guided cost learning, and following reference games.

A policy plays, a reward network learns to tell its decisions from people's, and the policy learns to please it; the
game's own result is never read (but by ``reference``, which is told so). Opponents are the frozen start unless
``self_play`` and ``pool`` say otherwise; human accuracy is measured all along.
"""

from dataclasses import dataclass, field
from typing import Any

from gameil.learners.adversarial import AdversarialConfig
from gameil.learners.reward_network import build_reward_network
from gameil.learners.self_play_learner import SelfPlayLearner, build_self_play_learner
from gameil.rollout.self_play import SelfPlayConfig
from gameil.seeding import stream_seed
from gameil.stages.finetune import train_to_the_end
from gameil.stages.self_play_config import GuardConfig, PoolConfig, SelfPlayTrainingConfig
from gameil.stages.self_play_training import SelfPlayTraining, Start
from gameil.tracking.run import Run


@dataclass(frozen=True)
class ImitateConfig(SelfPlayTrainingConfig):
    """Whom to imitate, how, and for how long."""

    __pydantic_config__ = {"extra": "forbid"}

    adversarial: AdversarialConfig = field(default_factory=AdversarialConfig)
    """The learned reward, and what improves the policy by it."""
    self_play: SelfPlayConfig = field(
        default_factory=lambda: SelfPlayConfig(games=128, self_share=0.5, opening_plies=0, discount=0.95)
    )
    """Games an iteration. A discount below 1 keeps sums of learned rewards bounded."""
    pool: PoolConfig = field(default_factory=lambda: PoolConfig(size=1))
    """Opponents: the start alone."""
    guard: GuardConfig = field(default_factory=lambda: GuardConfig(every=0))
    """Off: who imitates people better may well score less."""


def imitate(config: ImitateConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Imitates, leaving ``snapshots/last`` (the imitator) and ``snapshots/best`` (the stronger of it and its start).

    Returns and raises what ``stages.finetune.finetune`` does, with ``method``.
    """
    adversarial = config.adversarial

    def build(start: Start) -> SelfPlayLearner:
        rewards = build_reward_network(
            start.model.config,
            start.encoder.game,
            start.encoder.shape,
            seed=stream_seed(config.seed, "reward"),
            device=config.device,
        )
        return build_self_play_learner(
            adversarial,
            start.model,
            start.teacher,
            demonstrations=start.demonstrations,
            density=start.density,
            rewards=rewards,
            directory=run.directory / "replay",
            seed=stream_seed(config.seed, "adversarial"),
            device=config.device,
        )

    training = SelfPlayTraining(
        config,
        run,
        build,
        precision=adversarial.ppo.update.precision,
        method=f"{adversarial.method} by gameil imitate",
    )
    return {"method": adversarial.method, **train_to_the_end(training, "imitating from", resume=resume)}
