"""The players of a league, and which of them are candidates for what.

``main``: to be beaten by nobody. ``main_exploiter``: looks for weaknesses of the mains. ``league_exploiter``: looks for
weaknesses of all. ``historical``: a copy that no longer learns. ``fixed``: never learned here (levels, engines,
imitators).
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

Role = Literal["main", "main_exploiter", "league_exploiter", "historical", "fixed"]
LEARNING: tuple[Role, ...] = ("main", "main_exploiter", "league_exploiter")


@dataclass(frozen=True, slots=True)
class LeaguePlayer:
    """One player."""

    name: str
    """``main-0``, ``main-0.12`` (its 12th copy), ``easy``."""
    role: Role
    origin: str = ""
    """Of a historical player: whose copy it is."""
    origin_role: Role | None = None
    parent: str = ""
    """What its weights came from: the copy before it, or what its origin last started from."""
    snapshot_hash: str = ""
    """Of the weights; of a learning player, those of its last turn are told by the league's state instead."""
    path: str = ""
    """Snapshot directory, relative to the league's."""
    spec: str = ""
    """Of a fixed player."""
    turn: int = 0
    """Turn of the league at which it joined."""
    steps: int = 0
    """Learner steps behind it since its origin last started."""

    @property
    def learns(self) -> bool:
        return self.role in LEARNING


class Roster:
    """Who is in the league, by number, with the groups that matchmaking asks for. Players only join."""

    def __init__(self) -> None:
        self.players: list[LeaguePlayer] = []
        self._numbers: dict[str, int] = {}
        self._groups: dict[str, list[int]] = {}
        self._arrays: dict[str, NDArray[np.intp]] = {}

    def __len__(self) -> int:
        return len(self.players)

    def __getitem__(self, number: int) -> LeaguePlayer:
        return self.players[number]

    def number(self, name: str) -> int:
        """Raises ``KeyError`` for an unknown name."""
        return self._numbers[name]

    def add(self, player: LeaguePlayer) -> int:
        """Lets a player in; returns its number. Raises ``ValueError`` for a name that is taken."""
        if player.name in self._numbers:
            raise ValueError(f"two players named {player.name}")
        number = len(self.players)
        self.players.append(player)
        self._numbers[player.name] = number
        groups = [player.role]
        if player.role == "historical":
            groups += ["past", f"of {player.origin}", f"of role {player.origin_role}"]  # type: ignore[list-item]
        elif player.role == "fixed":
            groups += ["past"]  # type: ignore[list-item]
        for group in groups:
            self._groups.setdefault(group, []).append(number)
            self._arrays.pop(group, None)
        return number

    def learning(self) -> list[int]:
        """Everybody who learns."""
        return [number for number, player in enumerate(self.players) if player.learns]

    def mains(self) -> NDArray[np.intp]:
        return self._group("main")

    def past(self) -> NDArray[np.intp]:
        """Everybody who does not learn: copies and fixed players."""
        return self._group("past")

    def historical(self) -> NDArray[np.intp]:
        """All copies."""
        return self._group("historical")

    def copies_of(self, name: str) -> NDArray[np.intp]:
        """Copies of one player, oldest first."""
        return self._group(f"of {name}")

    def copies_of_role(self, role: Role) -> NDArray[np.intp]:
        """Copies of all players of one role."""
        return self._group(f"of role {role}")

    def _group(self, name: str) -> NDArray[np.intp]:
        if name not in self._arrays:
            self._arrays[name] = np.array(self._groups.get(name, []), np.intp)
        return self._arrays[name]
