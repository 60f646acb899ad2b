"""What ``dagger`` reads: who is taught, by whom, and how much."""

from dataclasses import dataclass, field
from pathlib import Path

from gameil.errors import ConfigError
from gameil.experts.mixture import BetaConfig
from gameil.experts.people import PEOPLE
from gameil.learners.behavioural_cloning import CloningConfig
from gameil.stages.label_choice import Choice
from gameil.stages.labelling import Targets


@dataclass(frozen=True)
class DaggerConfig:
    """Who is taught, by whom, and how much."""

    __pydantic_config__ = {"extra": "forbid"}

    init: Path
    """Snapshot to start from."""
    game: str = ""
    """Game to play, of the snapshot's family; empty: the snapshot's own."""
    expert: str = "mcts:1000"
    """Spec of a search (``mcts:SIMULATIONS``, ``snapshot:PATH,search=N``), or ``people``, who label in a browser."""
    expert_games: int = 40
    """Games that the expert first plays against the policy; 0 takes it on trust."""
    expert_min_score: float = 0.5
    """The expert must score more than this in them: one that is weaker than its pupil teaches it worse habits."""
    rounds: int = 4
    """Rounds of playing, labelling and learning."""
    games_per_round: int = 256
    """Games of the mixture policy."""
    labels_per_round: int = 4000
    """Most positions that the expert labels."""
    label_budget: int = 0
    """Most labels of all rounds together; the rounds end when it is spent. 0: no such limit."""
    choice: Choice = "all"
    """Which positions are labelled (``label_choice``): ``all``, ``uncertain``, ``disagreeing`` or ``losing``."""
    beta: BetaConfig = field(default_factory=BetaConfig)
    targets: Targets = "soft"
    """What is learned of a label: ``soft``, its probabilities, or ``hard``, its best action."""
    label_temperature: float = 1.0
    """Labels are the expert's visits to the power of 1 / temperature: below 1 sharper."""
    temperature: float = 1.0
    """Of the policy in the mixture's games: 1 visits what the policy finds possible, 0 only its favourites."""
    opening_plies: int | None = None
    """Random plies that begin every game; None: as in series (``arena.openings.default_plies``)."""
    max_plies: int = 0
    """Games are cut after so many plies; 0: only the rules end them."""
    dataset: Path | None = None
    """Dataset of the games that the policy was pretrained on, to keep learning from."""
    dataset_share: float = 0.3
    """Its share of every batch; the rest are labels of all rounds so far."""
    control: Path | None = None
    """Dataset of further games of people: a twin of the start learns from them in place of the labels, in as many
    updates, and is measured beside the policy. None: no twin."""
    steps_per_round: int = 400
    """Gradient updates a round."""
    batch_size: int = 512
    """Positions in each."""
    learner: CloningConfig = field(default_factory=lambda: CloningConfig(learning_rate=1e-3, warmup_steps=20))
    """Begins anew each round, from the weights of the last one."""
    augment: bool = True
    """Map positions by random symmetries of the game that keep its start."""
    held_out_positions: int = 4096
    """Positions of the dataset's validation split for the forgetting meter."""
    opponent: str = ""
    """Spec of the agent that every round is measured against; empty: the parent, the snapshot started from."""
    series_games: int = 200
    """Games of each measurement, all at temperature 0."""
    processes: int = 0
    """Processes of the expert; 0: one a core."""
    threads: int = 0
    """CPU threads of the network; 0 for all cores (or what ``OMP_NUM_THREADS`` says)."""
    device: str = "auto"
    """``auto`` (CUDA where there is one), ``cpu``, ``cuda``, ``cuda:1``."""
    seed: int = 0
    """Seed of games, labels and updates."""

    def __post_init__(self) -> None:
        for name in ("rounds", "games_per_round", "labels_per_round", "steps_per_round", "batch_size", "series_games"):
            if getattr(self, name) < 1:
                raise ConfigError(f"{name} must be at least 1, got {getattr(self, name)}")
        for name in ("expert_games", "temperature", "max_plies", "held_out_positions", "processes", "threads"):
            if getattr(self, name) < 0:
                raise ConfigError(f"{name} must be at least 0, got {getattr(self, name)}")
        if self.label_budget < 0:
            raise ConfigError(f"label_budget must be at least 0, got {self.label_budget}")
        if self.control is not None and self.dataset is None:
            raise ConfigError("control needs dataset too: the twin learns from both, as the policy does")
        if self.label_temperature <= 0.0:
            raise ConfigError(f"label_temperature must be positive, got {self.label_temperature}")
        if not 0.0 < self.dataset_share < 1.0:
            raise ConfigError(f"dataset_share must be above 0 and below 1, got {self.dataset_share}")
        if self.expert == PEOPLE and (self.expert_games or self.beta.kind != "never"):
            raise ConfigError("people only label: with them as expert, expert_games must be 0 and beta.kind never")
