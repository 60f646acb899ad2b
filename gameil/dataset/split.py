"""Which games are kept for validation and test: by content, by date or by player."""

import hashlib
from dataclasses import dataclass
from typing import Any, Literal

from gameil.errors import ConfigError
from gameil.positions.filters import first_day, is_date, last_day
from gameil.positions.played_game import PlayedGame
from gameil.positions.player_names import name_key

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


@dataclass(frozen=True)
class SplitRule:
    """How games are divided; fixed when a dataset is made, and a function of each game alone.

    By date, of a date with unknown parts the last day that it can mean counts: training holds nothing later.
    By player, names are compared without case and double spaces. A game with a test player is a test game, else one
    with a validation player a validation game. A share s of two-player games' players holds out about 2s of the games.
    A game without names goes by its content.
    """

    __pydantic_config__ = {"extra": "forbid"}

    validation: float = 0.02
    """Share in [0, 1): of the games, or of the players where the rule is by player. Not used by date."""
    test: float = 0.02
    """Share in [0, 1): of the games, or of the players where the rule is by player. Not used by date."""
    by: Literal["content", "date", "player"] = "content"
    """content: a hash of the actions decides, so equal games stay together.
    date: games from ``validation_from`` on, and from ``test_from`` on; games without a date are for training.
    player: hashes of the names decide; training holds no game of a held-out player."""
    validation_from: str | None = None
    """First date of the validation games, YYYY, YYYY-MM or YYYY-MM-DD; only by date."""
    test_from: str | None = None
    """First date of the test games, not before ``validation_from``; only by date."""

    def __post_init__(self) -> None:
        if self.validation < 0 or self.test < 0 or self.validation + self.test >= 1:
            raise ConfigError(
                f"validation and test shares must be at least 0 and sum to less than 1, "
                f"got {self.validation} and {self.test}"
            )
        dates = [date for date in (self.validation_from, self.test_from) if date is not None]
        if bool(dates) != (self.by == "date"):
            raise ConfigError(
                f"a split by {self.by} uses no dates, got {', '.join(dates)}"
                if dates
                else "a split by date needs validation_from, test_from or both"
            )
        for date in dates:
            if not is_date(date):
                raise ConfigError(f"the dates of a split must be YYYY, YYYY-MM or YYYY-MM-DD, got {date!r}")
        if len(dates) == 2 and first_day(dates[0]) > first_day(dates[1]):
            raise ConfigError(f"validation_from {dates[0]} is after test_from {dates[1]}")

    def split_number(self, content: bytes, played: PlayedGame) -> int:
        """Index into ``SPLITS`` of the game ``played``, whose content digest is ``content``."""
        if self.by == "date":
            return self._by_date(played.date)
        if self.by == "player":
            names = {name_key(player.name) for player in played.players if player.name}
            if names:
                return self._by_hashes([_name_hash(name) for name in names])
        return self._by_hashes([content[8:16]])

    def values(self) -> dict[str, Any]:
        """Plain JSON values; those of the usual rule are the shares alone, as in datasets of schema version 1."""
        values: dict[str, Any] = {"validation": self.validation, "test": self.test}
        if self.by != "content":
            values["by"] = self.by
        for name in ("validation_from", "test_from"):
            if getattr(self, name) is not None:
                values[name] = getattr(self, name)
        return values

    def _by_hashes(self, hashes: list[bytes]) -> int:
        """Test where the first of the hashes falls below its share, validation where it falls in the next."""
        place = min(int.from_bytes(hashed, "big") for hashed in hashes) / 2**64
        if place < self.test:
            return 2
        return 1 if place < self.test + self.validation else 0

    def _by_date(self, date: str | None) -> int:
        if date is None or not date[:4].isdecimal():
            return 0
        latest = last_day(date)
        if self.test_from is not None and latest >= first_day(self.test_from):
            return 2
        return 1 if self.validation_from is not None and latest >= first_day(self.validation_from) else 0


def _name_hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8, person=b"player").digest()
