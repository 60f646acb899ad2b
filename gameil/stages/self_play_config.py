"""What `finetune` and `imitate` have in common: where training starts, who is played, what is shown and measured."""

from dataclasses import dataclass, field
from pathlib import Path

from gameil.dataset.schema import Split
from gameil.errors import ConfigError
from gameil.experience.demonstrations import DemonstrationConfig
from gameil.models.config import ModelConfig
from gameil.positions.encoder import EncoderConfig
from gameil.rollout.opening_statistics import OpeningsConfig
from gameil.rollout.self_play import SelfPlayConfig


@dataclass(frozen=True)
class PoolConfig:
    """The pool of past selves that the learner plays against; the start is always in it."""

    __pydantic_config__ = {"extra": "forbid"}

    every: int = 10
    """Iterations between two chances to join the pool (Silver et al. 2016: 500 updates)."""
    min_score: float = 0.52
    """The learner joins when it scored at least this against the pool in the iterations since the last chance: copies
    that are not stronger would only crowd out the others."""
    size: int = 12
    """Most snapshots kept, the start included; the oldest other one leaves. 1: the start alone, for ever."""

    def __post_init__(self) -> None:
        if self.every < 1 or self.size < 1:
            raise ConfigError(f"pool.every and pool.size must be at least 1, got {self.every} and {self.size}")
        if not 0.0 <= self.min_score <= 1.0:
            raise ConfigError(f"pool.min_score must be within 0 and 1, got {self.min_score}")


@dataclass(frozen=True)
class GuardConfig:
    """Looks now and then whether the learner has become weaker than what it started from, by a sequential test.

    A learner that has is put back to where the last test found it no weaker, with half its learning rate.
    """

    __pydantic_config__ = {"extra": "forbid"}

    every: int = 10
    """Iterations between two tests; 0 for none. Without ``init`` there is nothing to lose and no test."""
    games: int = 60
    """Most games of a test, both sides by their likeliest moves, from paired openings."""
    elo0: float = -80.0
    """Weaker by that much: H0, after which the learner is put back."""
    elo1: float = 0.0
    """As strong: H1."""
    error: float = 0.05
    """Greatest probability of either wrong decision."""
    rollbacks: int = 3
    """Training ends early when the learner was put back this often."""

    def __post_init__(self) -> None:
        if self.every < 0 or self.games < 2 or self.rollbacks < 1:
            raise ConfigError(
                "guard.every must be at least 0, guard.games at least 2, guard.rollbacks at least 1: "
                f"{self.every}, {self.games}, {self.rollbacks}"
            )
        if not self.elo0 < self.elo1 or not 0.0 < self.error < 0.5:
            raise ConfigError(
                f"guard.elo0 must be below guard.elo1, guard.error within 0 and 0.5: {self.elo0:g}, {self.elo1:g}, "
                f"{self.error:g}"
            )


@dataclass(frozen=True)
class SelfPlayTrainingConfig:
    """Training from games against past selves."""

    __pydantic_config__ = {"extra": "forbid"}

    init: Path | None = None
    """Snapshot to start from: frozen, it is the teacher of the KL term and the parent. None: fresh weights of
    ``model``, without a teacher."""
    game: str = ""
    """Game to play, of the snapshot's family (``go(komi=5.5)``); empty: the snapshot's own. Needed without ``init``."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Network, without ``init``."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """What the network sees, without ``init``."""
    density: Path | None = None
    """Snapshot cloned from the same people, where a method needs the density of their play; None: ``init``."""
    demonstrations: DemonstrationConfig = field(default_factory=DemonstrationConfig)
    """People's games that are shown."""
    iterations: int | None = None
    """Budget in iterations (self-play, then one learner step); repeatable."""
    minutes: float | None = None
    """Budget in minutes of wall time, the final series left out."""
    self_play: SelfPlayConfig = field(default_factory=SelfPlayConfig)
    openings: OpeningsConfig = field(default_factory=OpeningsConfig)
    """People's openings that the policy is told, and rewarded for playing: ``opening=`` dials them at play."""
    pool: PoolConfig = field(default_factory=PoolConfig)
    partners: tuple[Path, ...] = ()
    """Snapshots that hold the other seats in place of past selves, as they are, to the end: an imitator of people as
    the partner in a game that is won together. Empty: the pool."""
    guard: GuardConfig = field(default_factory=GuardConfig)
    workers: int = 0
    """Processes that play; 0: this one does. The games are the same ones whatever their number."""
    dataset: Path | None = None
    """Dataset of people's games for the forgetting meter; None measures nothing."""
    split: Split = "validation"
    """Its split."""
    forgetting_every: int = 10
    """Iterations between two measurements."""
    forgetting_positions: int = 4096
    """Positions at each."""
    series_games: int = 200
    """Games of the final series against the parent, by the learner's likeliest moves."""
    parent_temperatures: tuple[float, ...] = (0.0,)
    """Temperatures of the parent's bare policy; it meets the result at the best of them (series of half as many games
    against its likeliest moves): an argmax copy of a network beats its sampling self."""
    yardstick: str = ""
    """Spec of a third agent, such as ``mcts:100``, that the result and its parent both meet at the end: who has only
    learned to beat its own past is found out there. Empty: the parent alone decides."""
    yardstick_every: int = 0
    """Iterations between two series against the yardstick on the way; 0 for none."""
    yardstick_games: int = 40
    """Games of each of those."""
    checkpoint_seconds: float = 30.0
    """Longest time that a kill can cost."""
    threads: int = 0
    """CPU threads of the network; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    seed: int = 0
    """Seed of weights, games and updates."""

    def __post_init__(self) -> None:
        if self.iterations is None and self.minutes is None:
            raise ConfigError("a budget is needed: iterations, minutes or both (then the first to end counts)")
        positive = ("iterations", "minutes", "forgetting_every", "forgetting_positions", "series_games")
        for name in (*positive, "yardstick_games"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f"{name} must be above 0, got {value}")
        for name in ("threads", "checkpoint_seconds", "workers", "yardstick_every"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.init is None and not self.game:
            raise ConfigError("init names the snapshot to start from; without one, game says what to play from nothing")
        if self.yardstick_every and not self.yardstick:
            raise ConfigError("yardstick_every needs a yardstick")
        if not self.parent_temperatures or min(self.parent_temperatures) < 0.0:
            raise ConfigError(f"parent_temperatures must be numbers of at least 0, got {self.parent_temperatures}")
