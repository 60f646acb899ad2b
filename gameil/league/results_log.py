"""``results.jsonl``: every game of a league, one line a job, only ever appended to: payoffs follow from it.

A line is written when its job's turn is counted. What a killed run wrote and had not yet counted is read again: when
the same job comes back, the line that is there stands, and nothing is written twice.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gameil.errors import CheckpointError
from gameil.games.game import Game
from gameil.league.game_line import GameLine

RESULTS = "results.jsonl"


@dataclass(frozen=True, slots=True)
class ResultLine:
    """The games of one job."""

    job: str
    """Unique in the file."""
    turn: int
    home: str
    away: str
    games: tuple[GameLine, ...]

    def scores(self, game: Game, kind: str) -> list[float]:
        """``home``'s score of each game in [0, 1]; those that somebody failed in are left out.

        Args:
            kind: ``outcome`` or ``return``; see ``PlayConfig.score``.
        """
        found = (one.score(game, kind) for one in self.games)
        return [score for score in found if score is not None]


def append_results(path: Path, lines: list[ResultLine]) -> None:
    """Writes lines through to the disk, together. A line that a kill tore is the caller's to cut off before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(b"".join(_text(line) for line in lines))
        file.flush()
        os.fsync(file.fileno())


def read_results(path: Path) -> Iterator[ResultLine]:
    """The lines of a ledger; a missing file is an empty one. Raises ``CheckpointError`` for one that is damaged."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for number, raw in enumerate(file, 1):
            if not raw.endswith(b"\n"):
                return  # torn by a kill, or being written
            try:
                entry = json.loads(raw)
                games = tuple(
                    GameLine(one["seat"], tuple(one["returns"]), tuple(one["actions"]), one["opening"], one["ending"])
                    for one in entry["games"]
                )
                yield ResultLine(entry["job"], entry["turn"], entry["home"], entry["away"], games)
            except (ValueError, KeyError, TypeError, RecursionError) as error:
                raise CheckpointError(f"{path}: line {number} is damaged: {type(error).__name__}") from error


def _text(line: ResultLine) -> bytes:
    values: dict[str, Any] = {
        "job": line.job,
        "turn": line.turn,
        "home": line.home,
        "away": line.away,
        "games": [
            {
                "seat": one.seat,
                "returns": one.returns,
                "ending": one.ending,
                "opening": one.opening,
                "actions": one.actions,
            }
            for one in line.games
        ],
    }
    return json.dumps(values, separators=(",", ":")).encode() + b"\n"
