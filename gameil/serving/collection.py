"""Collection mode: many people at once play agents or each other, and their games are kept as demonstrations. No web.

Everything happens on the event loop of the site; agents answer in their own threads.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from gameil.config import COMMAND_LINE_ONLY
from gameil.errors import ConfigError, GameError, GameilError
from gameil.experts.people import person_name
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.records.record import PlayerInfo
from gameil.seeding import stream_seed
from gameil.serving.agent_service import AgentService
from gameil.serving.collected_games import DEFAULT_CONSENT, CollectedGames, Consent
from gameil.serving.game_session import GameSession, Seat
from gameil.serving.live_game import TICK_SECONDS
from gameil.serving.live_table import LiveTable
from gameil.serving.opponents import Choice
from gameil.serving.tables import AnyTable, make_table

_MOST_CONSENT = 20_000


@dataclass(frozen=True)
class CollectionConfig:
    """Whose games are kept, of which games, after which consent."""

    __pydantic_config__ = {"extra": "forbid"}

    games: tuple[str, ...] = ()
    """Game ids that people are asked to play, such as connect_four; none: nothing is collected."""
    consent: Path | None = field(default=None, metadata=COMMAND_LINE_ONLY)
    """Text file with what people agree to before they play; None: a plain text about records, names and training."""
    opponents: tuple[str, ...] = ()
    """Names of the site's agents that people may play; none: all that the site offers for a game."""
    people: bool = True
    """People may play each other."""
    max_games: int = 200
    """Games at a time; whoever comes later is asked to come back."""
    idle_minutes: float = 10.0
    """A game in which nobody moved for so long ends, and is kept as far as it went."""

    def __post_init__(self) -> None:
        if self.max_games < 1 or not self.idle_minutes > 0:
            raise ConfigError(
                f"collection: max_games and idle_minutes must be above 0, got {self.max_games} and {self.idle_minutes}"
            )


@dataclass(eq=False)
class CollectedTable:
    """One game of the collection."""

    table: AnyTable
    seats: dict[str, int]
    """Visitor -> seat, of the people."""
    touched: float
    """Clock at the last change."""
    notice: str = ""
    """Why it ended early, for the players."""
    kept: bool = False
    """It is on the disk, or had no move worth keeping."""

    @property
    def session(self) -> GameSession:
        return self.table.session

    @property
    def over(self) -> bool:
        return self.kept or bool(self.notice) or self.session.is_over


@dataclass(frozen=True, slots=True)
class Waiting:
    """Somebody who wants to play another person."""

    visitor: str
    name: str
    since: float


class Collection:
    """The tables of the collection: who waits, who plays, what is kept."""

    def __init__(
        self,
        config: CollectionConfig,
        agents: AgentService,
        data: Path,
        *,
        seed: int = 0,
        tick_seconds: float = TICK_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``tick_seconds``: of a step of games in real time.

        Raises ``ConfigError``: an unknown game, or a consent text that cannot be read.
        """
        self.config = config
        self._tick_seconds = tick_seconds
        self.consent = Consent(_read_consent(config.consent))
        try:
            self.games: dict[str, Game] = {game_id: make_game(game_id) for game_id in config.games}
        except GameError as error:
            raise ConfigError(f"collection.games: {error}") from error
        self.kept = CollectedGames(data, self.consent)
        self._agents = agents
        self._seed = seed
        self._clock = clock
        self._count = 0
        self._waiting: dict[str, Waiting] = {}
        """By game id."""
        self._tables: dict[str, CollectedTable] = {}
        """By visitor."""

    def opponents(self, game_id: str) -> list[str]:
        """Names of the agents that people may play. Raises ``ConfigError`` for a game that is not collected."""
        offered = [opponent.name for opponent in self._agents.opponents(self._game(game_id))]
        wanted = self.config.opponents
        return [name for name in offered if not wanted or name in wanted]

    def table(self, visitor: str) -> CollectedTable | None:
        """The table at which a visitor sits, also when its game is over; None where there is none."""
        return self._tables.get(visitor)

    def waits(self, visitor: str) -> str | None:
        """Id of the game for which a visitor waits for another person."""
        return next((game_id for game_id, one in self._waiting.items() if one.visitor == visitor), None)

    def join(self, visitor: str, name: str, game_id: str, opponent: str | None, *, agreed: bool) -> None:
        """A visitor begins a game with an agent, or with another person, at once or when one comes.

        Args:
            visitor: name of the browser (``access.new_visitor``).
            name: what the person is called in the record.
            game_id: one of ``games``.
            opponent: name of an agent that is offered; None: another person.
            agreed: to the consent text.

        Raises:
            ConfigError: no consent, a bad name, or a game or opponent that is not offered.
            GameError: too many games are being played, or the visitor is in one.
        """
        if not agreed:
            raise ConfigError("agree to the text first: nothing is recorded without it")
        name = person_name(name)
        game = self._game(game_id)
        self.expire()
        table = self._tables.get(visitor)
        if table is not None and not table.over:
            raise GameError("you are in a game already")
        if self.running >= self.config.max_games:
            raise GameError("all tables are taken: come back in a while")
        self.leave(visitor)
        if opponent is not None:
            if opponent not in self.opponents(game_id):
                raise ConfigError("this opponent is not offered")
            self._begin(game, [(visitor, name)], Choice(opponent))
            return
        if not self.config.people or game.num_players != 2:
            raise ConfigError("people do not play each other here")
        other = self._waiting.pop(game_id, None)
        if other is None:
            self._waiting[game_id] = Waiting(visitor, name, self._clock())
        else:
            self._begin(game, [(other.visitor, other.name), (visitor, name)], None)

    @property
    def running(self) -> int:
        """Games that are being played."""
        return len({id(table) for table in self._tables.values() if not table.over})

    def act(self, visitor: str, action: int) -> None:
        """The visitor's move. Raises ``GameError`` when it is not theirs to make, ``IllegalActionError``."""
        table = self._seated(visitor)
        if isinstance(table.table, LiveTable):
            raise GameError("this game is played in real time")
        table.table.act(table.seats[visitor], action)

    def resign(self, visitor: str) -> None:
        """The visitor gives up; a game in real time ends for all. Raises ``GameError`` where there is no game."""
        table = self._seated(visitor)
        if isinstance(table.table, LiveTable):
            table.table.stop()
        else:
            table.session.resign(table.seats[visitor])

    def leave(self, visitor: str) -> None:
        """The visitor goes: waits no more, and a running game ends, kept as far as it went."""
        for game_id in [game_id for game_id, one in self._waiting.items() if one.visitor == visitor]:
            del self._waiting[game_id]
        table = self._tables.pop(visitor, None)
        if table is not None and not table.over:
            self._stop(table, "your opponent has left")

    def expire(self) -> None:
        """Ends games and waits in which nothing has happened for long, and forgets tables that are over."""
        now = self._clock()
        limit = 60.0 * self.config.idle_minutes
        for table in list(self._tables.values()):
            if not table.over and now - table.touched > limit:
                self._stop(table, "nobody has moved for long")
        for visitor, table in list(self._tables.items()):
            if now - table.touched > 2 * limit:
                del self._tables[visitor]
        for game_id, one in list(self._waiting.items()):
            if now - one.since > limit:
                del self._waiting[game_id]

    def close(self) -> None:
        """Keeps all running games as far as they went: the site shuts down."""
        for table in list(self._tables.values()):
            if not table.over:
                self._stop(table, "the site was shut down")

    def _game(self, game_id: str) -> Game:
        if game_id not in self.games:
            raise ConfigError("this game is not collected here")
        return self.games[game_id]

    def _seated(self, visitor: str) -> CollectedTable:
        table = self._tables.get(visitor)
        if table is None or table.over:
            raise GameError("you are in no game")
        return table

    def _begin(self, game: Game, people: Sequence[tuple[str, str]], agent: Choice | None) -> None:
        """Seats change from game to game, so that nobody always moves first."""
        first = self._count % game.num_players
        self._count += 1
        order = [(seat + first) % game.num_players for seat in range(game.num_players)]
        seats = [Seat(agent.name, agent) if agent is not None else Seat("") for _ in order]
        taken: dict[str, int] = {}
        for (visitor, name), seat in zip(people, order, strict=False):
            seats[seat] = Seat(name)
            taken[visitor] = seat
        seed = stream_seed(self._seed, "collection", self._count)
        session = GameSession(game, seats, seed=seed)
        made = make_table(session, self._agents, tick_seconds=self._tick_seconds, seed=seed)
        table = CollectedTable(made, taken, self._clock())
        for visitor in taken:
            self._tables[visitor] = table
        session.listen(lambda: self._changed(table))
        table.table.go_on()

    def _changed(self, table: CollectedTable) -> None:
        """After each move: keeps the game when it is over, ends it where the agent fails."""
        table.touched = self._clock()
        if table.session.is_over:
            self._keep(table)
        elif table.table.problem and not table.kept:
            self._stop(table, f"the agent failed: {table.table.problem}")

    def _stop(self, table: CollectedTable, notice: str) -> None:
        table.notice = notice
        if isinstance(table.table, LiveTable):
            table.table.stop()
        self._keep(table)
        table.session.changed()

    def _keep(self, table: CollectedTable) -> None:
        """Writes the game down, once, where it is worth it."""
        if table.kept:
            return
        table.kept = True
        table.table.close()
        session = table.session
        if not table.table.worth_keeping:
            return
        players = tuple(PlayerInfo(seat.name, title=None if seat.agent is None else "BOT") for seat in session.seats)
        try:
            self.kept.save(replace(table.table.played(), players=players), datetime.now(UTC))
        except GameilError as error:  # a full disk ends no other game; the players are told
            table.notice = f"this game could not be kept: {error}"
            session.changed()


def _read_consent(path: Path | None) -> str:
    if path is None:
        return DEFAULT_CONSENT
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"collection.consent: {path} cannot be read as text: {error}") from error
    if not 0 < len(text) <= _MOST_CONSENT:
        raise ConfigError(f"collection.consent: {path} must hold 1 to {_MOST_CONSENT:,} characters, got {len(text):,}")
    return text
