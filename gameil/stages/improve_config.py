"""What ``improve`` reads: what improves, how it plays itself, and what it learns from."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gameil.errors import ConfigError
from gameil.experience.resignation import ResignConfig
from gameil.experience.window import WindowConfig
from gameil.learners.behavioural_cloning import CloningConfig
from gameil.models.config import ModelConfig
from gameil.positions.encoder import EncoderConfig
from gameil.rollout.search_play import SearchPlayConfig
from gameil.schedules import Schedule
from gameil.stages.improve_measures import MeasuringConfig
from gameil.stages.search_networks import NetworkConfig

Method = Literal["expert_iteration", "guided_policy_search"]


@dataclass(frozen=True)
class ImproveConfig:
    """What improves, how it plays, and what it learns from."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str = ""
    """Game to play; with ``init`` of the snapshot's family, and empty for the snapshot's own."""
    init: Path | None = None
    """Snapshot to start from; None for fresh weights."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Network, for fresh weights."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """What the network sees, for fresh weights."""
    method: Method = "expert_iteration"
    """``expert_iteration``: learn the search's policy; ``guided_policy_search``: a step of bounded KL towards it."""
    epsilon: float = 0.1
    """Of guided policy search: greatest mean KL of the step, in nats."""
    iterations: int | None = None
    """Stop after so many iterations; None for no such limit."""
    minutes: float | None = None
    """Stop after so many minutes of playing and learning, measuring left out; None for no such limit."""
    labels_per_iteration: int = 8192
    """Full searches between two versions of the network."""
    self_play: SearchPlayConfig = field(default_factory=SearchPlayConfig)
    """How games are begun, searched and ended."""
    network: NetworkConfig = field(default_factory=NetworkConfig)
    """What runs the network in self-play."""
    resign: ResignConfig = field(default_factory=ResignConfig)
    """When games are given up."""
    outcome_share: float = 0.5
    """Share of the game's outcome in the value to be learned; the rest is the search's value. In [0, 1]."""
    reanalysed: float = 0.0
    """Positions of older games searched again with the newest network, as a share of the new labels."""
    window: WindowConfig = field(default_factory=WindowConfig)
    """How many of the newest labels are learned from."""
    passes: float = 4.0
    """How often a label is learned from on average, whatever the window: sets the updates of an iteration."""
    batch_size: int = 256
    """Positions in an update: many small ones, since new labels are what is scarce."""
    dataset: Path | None = None
    """Dataset of people's games to learn from as well, and to measure how much of them is forgotten."""
    dataset_share: Schedule = field(default_factory=lambda: Schedule(0.25, 0.25, 0))
    """Their share of every batch, by the number of the update; read only with ``dataset``."""
    learner: CloningConfig = field(
        default_factory=lambda: CloningConfig(
            learning_rate=2e-3, warmup_steps=100, final_share=0.05, value_weight=1.0, ema_decay=0.99
        )
    )
    """Updates; the learning rate's cosine ends with the budget. Values are labels of every position here, not one
    result a game, so they weigh as much as the policy. The averaged weights play, and lag by an iteration or two."""
    augment: bool = True
    """Map positions by random symmetries of the game that keep its start."""
    measuring: MeasuringConfig = field(default_factory=MeasuringConfig)
    """Against whom, how often, with how many simulations."""
    threads: int = 0
    """CPU threads; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """Of learning and play: ``auto``, ``cpu``, ``cuda``."""
    seed: int = 0
    """Seed of weights, games and updates."""

    def __post_init__(self) -> None:
        if self.iterations is None and self.minutes is None:
            raise ConfigError("give a budget: iterations or minutes")
        if self.init is None and not self.game:
            raise ConfigError("give a game, or init, a snapshot to start from")
        if not self.epsilon > 0.0 or not self.passes > 0.0:
            raise ConfigError(f"epsilon and passes must be positive, got {self.epsilon} and {self.passes}")
        for name in ("outcome_share", "reanalysed"):
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        for name in ("labels_per_iteration", "batch_size"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for share in (self.dataset_share.start, self.dataset_share.end):
            if not 0.0 <= share < 1.0:
                raise ConfigError(f"dataset_share must stay in [0, 1), got {share}")

    @property
    def expert(self) -> str:
        """What the labels say of who made them."""
        return f"{'gps' if self.method == 'guided_policy_search' else 'gumbel'}:{self.self_play.simulations}"
