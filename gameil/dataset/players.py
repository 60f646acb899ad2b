"""The games of some players: where they sat in each, and what is said when nobody of that name is there."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.errors import DatasetError
from gameil.positions.player_names import did_you_mean, name_key


def seats_of_players(dataset: Dataset, names: Sequence[str], game_ids: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """By game the seats of the players ``names``, of those of the games in which one of them played.

    Names are compared without case and double spaces. Reads the names in all these games: some seconds for a million.
    """
    asked = {name_key(name) for name in names}
    keys: dict[str | None, bool] = {None: False}
    found = {}
    for game_id in game_ids:
        players = dataset.player_names(game_id)
        for name in players:
            if name not in keys:
                keys[name] = name is not None and name_key(name) in asked
        seats = tuple(seat for seat, name in enumerate(players) if keys[name])
        if seats:
            found[game_id] = seats
    return found


def of_players(names: Sequence[str]) -> str:
    """`` of 'Ann' or 'Bob'``, for errors; empty where nobody is asked for."""
    return f" of {' or '.join(map(repr, names))}" if names else ""


def require_players(path: Path, names: Sequence[str]) -> None:
    """Raises ``DatasetError`` where one of the players has no game in the dataset, with the names like it."""
    if not names:
        return
    dataset = Dataset(path)
    games: Counter[str] = Counter()
    for game_id in dataset.game_ids().tolist():
        games.update(dict.fromkeys(name for name in dataset.player_names(game_id) if name).keys())
    known = {name_key(name) for name in games}
    for name in names:
        if name_key(name) not in known:
            raise DatasetError(f"{path}: no player {name!r} in its {len(dataset):,} games{did_you_mean(name, games)}")
