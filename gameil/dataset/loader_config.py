"""How positions are chosen, weighted and mixed: the loader's configuration."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from gameil.errors import ConfigError
from gameil.positions.filters import is_date
from gameil.positions.player_names import name_key
from gameil.schedules import Schedule


@dataclass(frozen=True)
class DatasetShare:
    """A further dataset of the same game and its part of every batch."""

    __pydantic_config__ = {"extra": "forbid"}

    dataset: Path
    """The dataset."""
    share: float
    """Share of a batch's rows at the beginning, in [0, 1); what further datasets leave is the main one's."""
    final_share: float | None = None
    """Share in the end; None for the same all along."""
    batches: int = 0
    """Batches from ``share`` to ``final_share``, in equal steps."""
    labels: bool = False
    """Only its labelled positions, to be played as the experts say (people or searches): ``which_labels`` says which.
    May be the main dataset itself."""

    def __post_init__(self) -> None:
        for name in ("share", "final_share"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1:
                raise ConfigError(f"loader.also: {name} of {self.dataset} must be in [0, 1), got {value}")
        if self.batches < 0:
            raise ConfigError(f"loader.also: batches must be at least 0, got {self.batches}")

    def schedule(self) -> Schedule:
        """The share by the number of the batch."""
        return Schedule(self.share, self.share if self.final_share is None else self.final_share, self.batches)


@dataclass(frozen=True)
class LoaderConfig:
    """How positions are chosen, weighted and mixed."""

    __pydantic_config__ = {"extra": "forbid"}

    batch_size: int = 512
    """Positions a batch."""
    pool_positions: int = 32768
    """Positions shuffled together; more decorrelate better and take more memory (chess: about 0.4 kB each)."""
    min_legal: int = 2
    """Positions with fewer legal actions are left out: a forced move teaches nothing."""
    positions_per_game: int = 0
    """At most so many positions of a game each epoch, drawn anew each time; 0 for all. Fewer decorrelate batches and
    keep a value head from learning games by heart: Silver et al. (2016), "Training value network", take one."""
    position_share: float = 1.0
    """Share of each game's positions each epoch, drawn anew each time, at least one; in (0, 1]."""
    players: tuple[str, ...] = ()
    """Only decisions of these players: names as records write them, case and double spaces ignored. What ``also`` adds
    is everyone's: the same dataset there is the whole as a prior."""
    rating_doubling: float = 0.0
    """Rating points of the mover that double the weight of a position's policy target; 0 weights all alike."""
    rating_unknown: int = 1500
    """Rating that positions of unrated players are weighted with."""
    recency_halving: float = 0.0
    """Years of age that halve the weight of a position's policy target; 0 weights all alike."""
    recency_unknown: str = "2000"
    """Date (YYYY, YYYY-MM or YYYY-MM-DD) that games without one are weighted with."""
    symmetries: Literal["start", "all"] = "start"
    """Which symmetries augment: those that keep the start position, or all."""
    shift_pixels: int = 0
    """Pixels that pictures are moved by at most, at random (Yarats et al. 2020 have 4 of 84); 0 leaves them."""
    which_labels: Literal["latest", "all", "best"] = "latest"
    """Where labels are learned: of each position the latest round's, the mean of all, or the best expert's."""
    experts: tuple[str, ...] = ()
    """For ``which_labels = "best"``: experts from the best to the worst; others come after them."""
    final_boards: bool = False
    """Tell with each position who owns each cell at the end of its game (Go, Othello): for ``model.ownership``."""
    also: tuple[DatasetShare, ...] = ()
    """Further datasets mixed into every batch, each read by a process of its own."""
    workers: int = 1
    """Processes that replay games ahead of training; the batches are the same ones whatever their number."""
    seed: int = 0
    """Seed of the order of games and positions, of what is drawn from each game, and of the symmetries."""

    def __post_init__(self) -> None:
        for name in ("batch_size", "min_legal", "workers"):
            if getattr(self, name) < 1:
                raise ConfigError(f"loader.{name} must be at least 1, got {getattr(self, name)}")
        if self.pool_positions < self.batch_size:
            raise ConfigError(
                f"loader.pool_positions must be at least batch_size {self.batch_size}, got {self.pool_positions}"
            )
        for name in ("positions_per_game", "rating_doubling", "recency_halving", "shift_pixels"):
            if not getattr(self, name) >= 0:
                raise ConfigError(f"loader.{name} must be at least 0, got {getattr(self, name)}")
        if self.players and self.samples:
            raise ConfigError(
                "loader.players: whole games are taken; positions_per_game and position_share are for all"
            )
        if not all(name_key(name) for name in self.players):
            raise ConfigError("loader.players: a name is empty")
        if not 0 < self.position_share <= 1:
            raise ConfigError(f"loader.position_share must be in (0, 1], got {self.position_share}")
        if not is_date(self.recency_unknown):
            raise ConfigError(
                f"loader.recency_unknown must be YYYY, YYYY-MM or YYYY-MM-DD, got {self.recency_unknown!r}"
            )
        if self.which_labels == "best" and not self.experts:
            raise ConfigError('loader.which_labels = "best" needs loader.experts, from the best to the worst')

        for name in ("share", "final_share"):
            taken = sum(getattr(one, name) or 0.0 for one in self.also)
            if taken >= 1:
                raise ConfigError(f"loader.also: {name}s sum to {taken}, which leaves the main dataset nothing")

    @property
    def samples(self) -> bool:
        """Whether an epoch takes a part of each game only."""
        return self.positions_per_game > 0 or self.position_share < 1
