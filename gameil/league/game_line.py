"""One game as a league keeps it, and as the record that it is written as."""

from dataclasses import dataclass

import numpy as np

from gameil.games.game import Game
from gameil.positions.played_game import MATCH_TAG, OPENING_TAG, PlayedGame
from gameil.records.record import PlayerInfo, Provenance

PREFIX = "league"
FAILED = "failure"


@dataclass(frozen=True, slots=True)
class GameLine:
    """One game as the league's results keep it."""

    seat: int
    """``home``'s; all others are ``away``'s."""
    returns: tuple[float, ...]
    """Per seat, in the game's unit; all 0 of one that was cut or failed."""
    actions: tuple[int, ...]
    opening: int
    """Number of random actions at the start, chance included."""
    ending: str
    """``rules``, ``limit`` or ``failure``."""

    def score(self, game: Game, kind: str) -> float | None:
        """``home``'s score in [0, 1]; None of a game that somebody failed in. A game that was cut is a draw.

        Args:
            kind: ``outcome`` or ``return``; see ``PlayConfig.score``.
        """
        if self.ending == FAILED:
            return None
        mine = self.returns[self.seat]
        if kind == "return":
            largest = max(1e-9, *(abs(bound) for bound in game.reward_range))
            return min(1.0, max(0.0, 0.5 + mine / largest / 2.0))
        others = [value for seat, value in enumerate(self.returns) if seat != self.seat]
        ahead = mine - sum(others) / max(1, len(others))
        return 0.5 if abs(ahead) < 1e-9 else float(ahead > 0)


def played_game(line: GameLine, game: Game, *, job: str, number: int, home: str, away: str) -> PlayedGame:
    """The game as records are made from it; its ``match_id`` is ``league/JOB/NUMBER``."""
    match_id = f"{PREFIX}/{job}/{number}"
    known = line.ending == "rules"
    largest = max(1.0, *(abs(bound) for bound in game.reward_range))
    return PlayedGame(
        game_id=game.id,
        actions=np.array(line.actions, np.uint32),
        source=Provenance("gameil:league", number),
        num_setup=min(len(line.actions), line.opening),
        returns=tuple(value / largest for value in line.returns) if known else None,
        termination="rules" if known else "unknown",
        players=tuple(PlayerInfo(home if seat == line.seat else away) for seat in range(game.num_players)),
        event="gameil league",
        tags={MATCH_TAG: match_id, OPENING_TAG: str(line.opening)},
        match_id=match_id,
    )
