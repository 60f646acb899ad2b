"""A league read from its directory, while it runs or afterwards: for tables and pages."""

from collections import deque
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gameil.config import parse_config
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.games.registry import make_game
from gameil.league.config import LeagueConfig
from gameil.league.payoff import Payoff, Result
from gameil.league.players import Roster
from gameil.league.results_log import RESULTS, ResultLine, read_results
from gameil.league.state import LeagueState, read_players, read_state
from gameil.tracking.run import read_run_config


@dataclass(frozen=True, eq=False)
class ReadLeague:
    """What counts of a league."""

    config: LeagueConfig
    state: LeagueState
    roster: Roster
    payoff: Payoff

    def status(self) -> dict[str, Any]:
        """How far it is, as plain JSON values."""
        return {
            "game": self.config.game,
            "turn": self.state.turn,
            "games": self.state.games,
            "frames": self.state.frames,
            "players": len(self.roster),
            "hours": self.state.seconds / 3600.0,
            "learners": {name: asdict(each) for name, each in self.state.learners.items()},
        }


def read_league(directory: Path) -> ReadLeague:
    """Reads a league. Raises ``ConfigError`` where there is none, ``CheckpointError`` where it is damaged."""
    values = read_run_config(directory)
    if values.get("stage") != "league":
        raise ConfigError(f"{directory}: not a league but a {values.get('stage')} run")
    config = parse_config(LeagueConfig, values["config"], str(directory))
    state = read_state(directory)
    if state is None:
        raise ConfigError(f"{directory}: the league has not begun")
    roster = Roster()
    payoff = Payoff(decay=config.matchmaking.decay, min_games=config.matchmaking.min_games)
    for player in read_players(directory, state.players):
        roster.add(player)
        payoff.add_player(learns=player.learns)
    count_results(directory, config, state, roster, payoff)
    return ReadLeague(config, state, roster, payoff)


def count_results(
    directory: Path, config: LeagueConfig, state: LeagueState, roster: Roster, payoff: Payoff
) -> dict[str, ResultLine]:
    """Brings a ledger's results, and the fresh starts between them, into ``payoff`` in the order in which they were
    counted. Returns what was written of turns that do not count yet, by job."""
    game = make_game(config.game)
    later: dict[str, ResultLine] = {}
    resets = deque(state.resets)
    for line in read_results(directory / RESULTS):
        while resets and resets[0][0] < line.turn:
            payoff.reset(resets.popleft()[1])
        if line.turn >= state.turn:
            later[line.job] = line
        else:
            count_line(line, game, config, roster, payoff)
    for _, number in resets:
        payoff.reset(number)
    return later


def count_line(line: ResultLine, game: Game, config: LeagueConfig, roster: Roster, payoff: Payoff) -> None:
    """Brings one job's games into ``payoff``."""
    home, away = roster.number(line.home), roster.number(line.away)
    for score in line.scores(game, config.play.score):
        payoff.add(Result(home, away, score))
