"""Finetuning: an imitator plays its past selves and learns from the results, without forgetting how people play.

Value-only warm-up, then the learner of choice against a pool of past snapshots, held near the frozen supervised policy
where it has a teacher; the forgetting meter measures held-out human moves all along, and the guard puts back a learner
that has become weaker than its parent. At the end the result meets its parent in a paired series, and a third agent
where one is named; the parent stays ``best`` when that shows no gain. Without ``init`` it is reinforcement learning
from nothing, with demonstrations where some are shown.
"""

from dataclasses import dataclass, field
from typing import Any, Literal

from gameil.learners.actor_critic import ActorCriticConfig
from gameil.learners.off_policy import OffPolicyConfig
from gameil.learners.ppo import PpoConfig
from gameil.learners.q_learning import QLearningConfig
from gameil.learners.reinforce import ReinforceConfig
from gameil.learners.self_play_learner import SelfPlayLearner, build_self_play_learner
from gameil.seeding import stream_seed
from gameil.stages.interrupts import DeferredInterrupt
from gameil.stages.self_play_config import SelfPlayTrainingConfig
from gameil.stages.self_play_results import finish_training
from gameil.stages.self_play_training import SelfPlayTraining, Start
from gameil.tracking.run import Run


@dataclass(frozen=True)
class FinetuneConfig(SelfPlayTrainingConfig):
    """What to improve, against whom, and for how long."""

    __pydantic_config__ = {"extra": "forbid"}

    learner: Literal["reinforce", "ppo", "actor_critic", "q_learning", "off_policy"] = "reinforce"
    """What learns from the games; of the next tables the one of its name counts."""
    reinforce: ReinforceConfig = field(default_factory=ReinforceConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    actor_critic: ActorCriticConfig = field(default_factory=ActorCriticConfig)
    q_learning: QLearningConfig = field(default_factory=QLearningConfig)
    off_policy: OffPolicyConfig = field(default_factory=OffPolicyConfig)

    @property
    def learner_config(
        self,
    ) -> ReinforceConfig | PpoConfig | ActorCriticConfig | QLearningConfig | OffPolicyConfig:
        """The table of the learner that was chosen."""
        tables = {
            "reinforce": self.reinforce,
            "ppo": self.ppo,
            "actor_critic": self.actor_critic,
            "q_learning": self.q_learning,
            "off_policy": self.off_policy,
        }
        return tables[self.learner]  # type: ignore[return-value]


def finetune(config: FinetuneConfig, run: Run, *, resume: bool) -> dict[str, Any]:
    """Finetunes, leaving ``snapshots/best`` (the parent, where it was not beaten) and ``snapshots/last``.

    Returns:
        ``snapshot`` (path of the best), ``last``, ``improved``, ``score_against_parent`` with its ``interval`` at the
        ``parent_temperature``, ``yardstick`` (scores of parent and result against it), ``iterations``, ``games``,
        ``frames``, ``rollbacks``, ``seconds``, and ``forgetting`` (top-1 and NLL before and after) where a dataset is
        given.

    Raises:
        ConfigError, DatasetError, CheckpointError: one line each, before any training.
        KeyboardInterrupt: Ctrl-C, after a checkpoint was saved.
    """

    def build(start: Start) -> SelfPlayLearner:
        return build_self_play_learner(
            config.learner_config,
            start.model,
            start.teacher,
            demonstrations=start.demonstrations,
            density=start.density,
            rewards=None,
            directory=run.directory / "replay",
            seed=stream_seed(config.seed, config.learner),
            device=config.device,
        )

    training = SelfPlayTraining(
        config,
        run,
        build,
        precision=config.learner_config.update.precision,
        method=f"{config.learner} in self-play by gameil finetune",
    )
    return train_to_the_end(training, "finetuning", resume=resume)


def train_to_the_end(training: SelfPlayTraining, doing: str, *, resume: bool) -> dict[str, Any]:
    """Trains under a progress bar and an orderly Ctrl-C, and collects the results."""
    config, run = training.config, training.run
    if resume:
        training.restore()
    run.say(
        f"{doing} {config.init or 'fresh weights'} ({training.game.id}): {config.self_play.games} games an iteration, "
        + " or ".join(
            ([f"{config.iterations:,} iterations"] if config.iterations else [])
            + ([f"{config.minutes:g} minutes"] if config.minutes else [])
        )
    )
    with DeferredInterrupt() as interrupt, run.progress(doing, config.iterations, "iterations") as bar:
        bar.start_at(training.iteration)
        training.train(bar, interrupt)
    return finish_training(training)
