"""What a league is made of: ``leagues/<name>.toml``.

Numbers of AlphaStar are from Vinyals et al., "Grandmaster level in StarCraft II using multi-agent reinforcement
learning" (2019), Methods and the published pseudocode.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from gameil.agents.spec import parse_spec
from gameil.errors import ConfigError
from gameil.learners.actor_critic import ActorCriticConfig
from gameil.learners.ppo import PpoConfig
from gameil.learners.reinforce import ReinforceConfig
from gameil.models.config import ModelConfig
from gameil.positions.encoder import EncoderConfig

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")


@dataclass(frozen=True)
class PopulationConfig:
    """How many players learn. AlphaStar had one main, one main exploiter and two league exploiters for each race."""

    __pydantic_config__ = {"extra": "forbid"}

    mains: int = 1
    """Main players: to be beaten by nobody."""
    main_exploiters: int = 1
    """Each looks for weaknesses of the mains as they are."""
    league_exploiters: int = 2
    """Each looks for weaknesses of the whole league."""

    def __post_init__(self) -> None:
        if self.mains < 1 or min(self.main_exploiters, self.league_exploiters) < 0:
            raise ConfigError("population needs at least 1 main, and no number below 0")


@dataclass(frozen=True)
class MatchmakingConfig:
    """Who plays whom, by win rates of recent games."""

    __pydantic_config__ = {"extra": "forbid"}

    pfsp_share: float = 0.5
    """Share of a main's games against anybody of the past, the hardest most (AlphaStar)."""
    verification_share: float = 0.15
    """Share of a main's games against exploiters that still beat it, or own past selves that it forgot (AlphaStar)."""
    unbeaten_exploiter: float = 0.3
    """Exploiters of the past count as still beating a main below this win rate (AlphaStar)."""
    forgotten: float = 0.7
    """Past selves count as forgotten below this win rate (AlphaStar)."""
    self_play: float = 0.3
    """A main plays another as it is above this win rate; below, that one's past, the most even most (AlphaStar)."""
    exploitable: float = 0.1
    """A main exploiter plays a main as it is above this win rate; below, its past, the most even most. 0.1 in
    AlphaStar's pseudocode, 0.2 in its text."""
    decay: float = 0.99
    """Weight of a pair's older games at each new one (AlphaStar)."""
    min_games: float = 10.0
    """Pairs with fewer (decayed) games count as even (Sun et al., "TLeague", 2020: 10)."""

    def __post_init__(self) -> None:
        names = ("pfsp_share", "verification_share", "unbeaten_exploiter", "forgotten", "self_play", "exploitable")
        for name in names:
            if not 0.0 <= getattr(self, name) <= 1.0:
                raise ConfigError(f"matchmaking.{name} must be within 0 and 1, got {getattr(self, name)}")
        if self.pfsp_share + self.verification_share > 1.0:
            raise ConfigError("matchmaking.pfsp_share and verification_share are more than 1 together")
        if not 0.0 < self.decay <= 1.0 or self.min_games < 0.0:
            raise ConfigError(f"matchmaking: decay in (0, 1], min_games from 0: {self.decay}, {self.min_games}")


@dataclass(frozen=True)
class SnapshotConfig:
    """When a learning player leaves a copy of itself, and who then starts anew. Steps are a player's own turns."""

    __pydantic_config__ = {"extra": "forbid"}

    min_steps: int = 20
    """No copy earlier than this after the last one (AlphaStar: 2e9 agent steps)."""
    max_steps: int = 40
    """A copy at the latest then (AlphaStar: 4e9 agent steps)."""
    win_rate: float = 0.7
    """Between the two, a copy when the least win rate is above this: over everybody of the past, for a main exploiter
    over the mains as they are (AlphaStar)."""
    reset: float = 0.25
    """Chance of a league exploiter to start anew after a copy (AlphaStar); a main exploiter always does."""
    main_start_after: int | None = None
    """Turns of the league after which exploiters start anew from the newest copy of a main and no longer from the
    league's start, which late in training can no longer catch up (DI-star's documentation); None: never."""

    def __post_init__(self) -> None:
        if not 1 <= self.min_steps <= self.max_steps:
            raise ConfigError(f"snapshots: 1 <= min_steps <= max_steps, got {self.min_steps} and {self.max_steps}")
        if not (0.0 <= self.win_rate <= 1.0 and 0.0 <= self.reset <= 1.0):
            raise ConfigError(f"snapshots: win_rate, reset within 0 and 1, got {self.win_rate} and {self.reset}")


@dataclass(frozen=True)
class PlayConfig:
    """How the league's games are played."""

    __pydantic_config__ = {"extra": "forbid"}

    jobs: int = 4
    """Jobs of one turn of a learning player; each draws its own opponent."""
    games: int = 32
    """Games of one job, against one opponent, seats by turns."""
    evaluation_games: int = 8
    """Games of one turn between two players that no longer learn, those that met least: ratings need them."""
    opening_plies: int = 4
    """Up to so many random plies begin a game, the number drawn for each; nobody learns from them."""
    temperature: float = 1.0
    """Of all networks of the league: what plays, and learns, is ``softmax(logits / temperature)``."""
    discount: float = 1.0
    """Gamma, per decision of the seat."""
    max_plies: int = 0
    """Games are cut after so many plies, the openings included, and count as draws; 0: only the rules end them."""
    score: Literal["outcome", "return"] = "outcome"
    """What a payoff is: ``outcome``: win 1, draw 1/2, loss 0; ``return``: the share of the greatest return, for games
    where it counts by how much one wins (poker)."""
    lease_seconds: float = 600.0
    """A job that takes longer is given to another worker."""

    def __post_init__(self) -> None:
        if self.jobs < 1 or self.games < 1 or min(self.evaluation_games, self.opening_plies, self.max_plies) < 0:
            raise ConfigError("play: jobs and games must be at least 1, no number below 0")
        if not (self.temperature > 0.0 and 0.0 < self.discount <= 1.0 and self.lease_seconds > 0.0):
            raise ConfigError("play: temperature and lease_seconds must be positive, discount in (0, 1]")


@dataclass(frozen=True)
class OpponentConfig:
    """A player that never learns: a built-in level, an engine, a snapshot of people's play."""

    __pydantic_config__ = {"extra": "forbid"}

    name: str
    """What tables call it: small letters, digits, - and _."""
    agent: str
    """Spec, as everywhere: ``builtin:easy``, ``uci:stockfish,skill=3``, ``snapshot:runs/x/snapshots/best``."""

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ConfigError(f"opponent {self.name!r}: a name is a small letter, then small letters, digits, - and _")
        parse_spec(self.agent)


@dataclass(frozen=True)
class LeagueConfig:
    """A league: the game, the start, the population, the rules."""

    __pydantic_config__ = {"extra": "forbid"}

    game: str
    """Game id, such as connect_four."""
    init: Path | None = None
    """Snapshot that everybody starts from and is held near to (people's play); None: fresh weights."""
    model: ModelConfig = field(default_factory=ModelConfig)
    """Network of fresh weights, where ``init`` is None."""
    encoder: EncoderConfig = field(default_factory=EncoderConfig)
    """What fresh weights see."""
    population: PopulationConfig = field(default_factory=PopulationConfig)
    matchmaking: MatchmakingConfig = field(default_factory=MatchmakingConfig)
    snapshots: SnapshotConfig = field(default_factory=SnapshotConfig)
    play: PlayConfig = field(default_factory=PlayConfig)
    opponents: tuple[OpponentConfig, ...] = ()
    """Players that never learn; met by everybody who plays against the past."""
    learner: Literal["reinforce", "ppo", "actor_critic"] = "ppo"
    """What learns from the games; of the next three tables the one of its name counts."""
    reinforce: ReinforceConfig = field(default_factory=ReinforceConfig)
    ppo: PpoConfig = field(default_factory=PpoConfig)
    actor_critic: ActorCriticConfig = field(default_factory=ActorCriticConfig)
    cached_networks: int = 8
    """Networks that a worker keeps in memory, the least recently used one leaving: memory does not grow with the
    league."""
    device: str = "cpu"
    """Of the learner: ``auto``, ``cpu``, ``cuda``. Workers play on the CPU."""
    seed: int = 0
    """Root of all random draws."""

    def __post_init__(self) -> None:
        names = [each.name for each in self.opponents]
        if len(set(names)) != len(names):
            raise ConfigError("opponents: two have the same name")
        if any(re.match(r"(main|main-exploiter|league-exploiter)-\d", name) for name in names):
            raise ConfigError("opponents: names such as main-0 are those of the learning players")
        if self.cached_networks < 2:
            raise ConfigError(f"cached_networks must be at least 2, got {self.cached_networks}")

    @property
    def learner_config(self) -> ReinforceConfig | PpoConfig | ActorCriticConfig:
        """The table of the learner that was chosen."""
        if self.learner == "reinforce":
            return self.reinforce
        return self.ppo if self.learner == "ppo" else self.actor_critic
