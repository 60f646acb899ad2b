"""What every page of the site may use, and how the site is configured. Knows nothing of the web framework."""

import re
from dataclasses import dataclass, field
from pathlib import Path

from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError
from gameil.serving.agent_service import AgentService
from gameil.serving.collection import CollectionConfig
from gameil.serving.library import Library
from gameil.serving.limits import LimitsConfig
from gameil.serving.live_game import TICK_SECONDS
from gameil.serving.menu import GamesMenu
from gameil.serving.tables import Tables

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ._+()-]{0,59}")
"""What an agent may be called on the site."""


@dataclass(frozen=True)
class ServeConfig:
    """A site where people play, watch, leave demonstrations and label."""

    __pydantic_config__ = {"extra": "forbid"}

    agents: tuple[str, ...] = field(default=(), metadata=COMMAND_LINE_ONLY)
    """NAME=SPEC of each agent that the site offers besides the built-in levels and the snapshots found in ``runs``;
    from the command line only: a spec names files and programs. Browsers name agents, never specs."""
    games: tuple[str, ...] = ()
    """Game ids offered first, such as go(board_size=9); none: the boards that gameil draws, then all others."""
    data: Path = Path("served")
    """Directory for what people leave: finished games, labels. The only one that is written to."""
    watch: tuple[Path, ...] = field(default=(), metadata=COMMAND_LINE_ONLY)
    """Datasets (.lmdb), run directories and files of records whose games can be replayed, besides those in ``runs``."""
    runs: Path = Path("runs")
    """Directory of the runs whose snapshots and games are offered."""
    leagues: Path = Path("leagues")
    """Directory of the leagues whose standings are shown."""
    labels: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """Dataset whose queued positions people label (``gameil label`` and ``gameil dagger`` queue them); their labels are
    written into it."""
    people_per_position: int = 1
    """People who are to label each position."""
    collection: CollectionConfig = field(default_factory=CollectionConfig)
    """Collection of people's games as demonstrations."""
    host: str = "127.0.0.1"
    """Address to listen on. The default can be reached from this machine only; any other wants tokens, which are
    printed as links."""
    names: tuple[str, ...] = ()
    """Host names under which a proxy shows the site to others; tokens are wanted then too."""
    limits: LimitsConfig = field(default_factory=LimitsConfig)
    """What one address may ask of the site."""
    port: int = 8080
    """Port to listen on; 0 takes a free one."""
    tick_seconds: float = TICK_SECONDS
    """Seconds of a step of games that are played in real time (Overcooked); at least 0.02."""
    max_tables: int = 200
    """Games that may be open at once; the longest unused one is closed for a new one once it is idle."""
    idle_minutes: float = 60.0
    """A game that nobody looked at for so long is closed, minutes."""
    max_agents: int = 16
    """Agents kept in memory at once (an agent at another strength counts again); the longest unused one goes first."""
    seed: int = 0
    """Root of all random draws: chance, agents."""
    engines: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """TOML file with [engines.NAME] tables, besides the user's own; from the command line only: it runs programs."""

    def __post_init__(self) -> None:
        if not 0 <= self.port < 65536:
            raise ConfigError(f"port={self.port}: must be from 0 to 65535")
        for name in ("max_tables", "max_agents", "idle_minutes", "people_per_position"):
            if getattr(self, name) <= 0:
                raise ConfigError(f"{name}={getattr(self, name)}: must be above 0")
        if not 0.02 <= self.tick_seconds <= 10.0:
            raise ConfigError(f"tick_seconds={self.tick_seconds}: must be from 0.02 to 10")
        names = [self.named(text)[0] for text in self.agents]
        if len(set(names)) != len(names):
            raise ConfigError(f"agents: a name is given twice: {', '.join(names)}")

    @staticmethod
    def named(text: str) -> tuple[str, str]:
        """``NAME=SPEC`` taken apart at the first ``=``. Raises ``ConfigError``."""
        name, equals, spec = text.partition("=")
        if not equals or not _NAME.fullmatch(name):
            raise ConfigError(f"agents: {text[:80]!r}: must be NAME=SPEC, NAME of up to 60 letters, digits and ._+()-")
        return name, spec


@dataclass(frozen=True)
class Site:
    """What every page may use."""

    config: ServeConfig
    agents: AgentService
    """Registered agents, by name only."""
    tables: Tables
    """The games that are open."""
    menu: GamesMenu
    """The games that can be chosen."""
    library: Library
    """The games that can be replayed."""

    @property
    def data(self) -> Path:
        """The only directory that is written to."""
        return self.config.data
