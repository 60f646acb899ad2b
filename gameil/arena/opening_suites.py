"""Which openings a series or tournament starts from: random ones, a dataset's most frequent ones, a file's."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from gameil.arena.openings import Opening, default_plies, random_openings
from gameil.dataset.dataset import Dataset
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import RecordError

MOST_OPENINGS = 100_000
"""Openings taken from one file at most."""
DATASET_PLIES = 6
"""Plies of a dataset's openings where nothing else is said."""


@dataclass(frozen=True)
class OpeningsConfig:
    """Where games start. Each opening is played once from every seat."""

    __pydantic_config__ = {"extra": "forbid"}

    plies: int | None = None
    """Plies of the openings: random ones (None: 1 in tiny games, else 4 or 6), or so many first plies of the dataset's
    or the file's games (None: 6, and all that the file's records hold)."""
    dataset: Path | None = None
    """Take the most frequent openings of this dataset instead of random ones."""
    file: Path | None = None
    """Take the openings of this file of records (.pgn, .sgf, .jsonl ...) instead of random ones."""

    def __post_init__(self) -> None:
        if self.plies is not None and self.plies < 0:
            raise ConfigError(f"openings.plies must be at least 0, got {self.plies}")
        if self.dataset is not None and self.file is not None:
            raise ConfigError("openings come from a dataset or from a file, not from both")


def opening_suite(config: OpeningsConfig, game: Game, count: int, *, seed: int) -> list[Opening]:
    """``count`` openings, or as many as the dataset or the file holds where that is fewer.

    Random opening ``i`` depends on the seed and on those before it only: a longer series begins with a shorter one's.

    Raises:
        ConfigError: the dataset or the file has no opening of this game.
    """
    if config.file is not None:
        return file_openings(config.file, game, plies=config.plies)[:count]
    if config.dataset is not None:
        plies = DATASET_PLIES if config.plies is None else config.plies
        return dataset_openings(config.dataset, game, count, plies=plies)
    plies = default_plies(game) if config.plies is None else config.plies
    return random_openings(game, count, plies=plies, seed=seed)


def dataset_openings(path: Path, game: Game, count: int, *, plies: int) -> list[Opening]:
    """The ``count`` most frequent first ``plies`` actions of a dataset's games; of equally frequent ones the one whose
    actions come first. Games from other start positions, with setup, or shorter than ``plies`` + 1 do not count.

    Raises ``ConfigError`` where no game has so many plies, ``DatasetError`` for a dataset of another family.
    """
    dataset = Dataset(path, family=game.family)
    try:
        seen: Counter[tuple[int, ...]] = Counter()
        for number in range(len(dataset)):
            played = dataset.game_for_replay(number)
            if played.start is None and played.num_setup == 0 and len(played.actions) > plies:
                seen[tuple(played.actions[:plies].tolist())] += 1
    finally:
        dataset.close()
    ordered = sorted(seen.items(), key=lambda item: (-item[1], item[0]))
    if not ordered:
        raise ConfigError(f"{path}: no game from the usual start is longer than {plies} plies")
    return [Opening(actions) for actions, _ in ordered[:count]]


def file_openings(path: Path, game: Game, *, plies: int | None = None) -> list[Opening]:
    """The openings that a file of records holds, each once, in its order; any format that ``ingest`` reads.

    Args:
        path: short records, one an opening.
        game: whose rules they must be of (its family; komi and the like may differ).
        plies: take so many plies of each; None: all.

    Raises:
        ConfigError: a record cannot be played, is of another game, starts elsewhere or ends the game; or there is none.
    """
    openings: dict[tuple[int, ...], None] = {}
    for number, record in enumerate(read_records(path), start=1):
        played = record if isinstance(record, RecordError) else transcribe(record)
        if isinstance(played, RecordError):
            raise ConfigError(f"{path}: opening {number}: {played.detail}")
        actions = _checked(played, game, f"{path}: opening {number}", plies)
        openings[actions] = None
        if len(openings) > MOST_OPENINGS:
            raise ConfigError(f"{path}: more than {MOST_OPENINGS} openings")
    if not openings:
        raise ConfigError(f"{path}: holds no opening")
    return [Opening(actions) for actions in openings]


def _checked(played: PlayedGame, game: Game, where: str, plies: int | None) -> tuple[int, ...]:
    if played.start is not None:
        raise ConfigError(f"{where}: starts from a position of its own, not from the usual start")
    state = game.initial_state()
    taken = tuple(played.actions.tolist())[:plies]
    for ply, action in enumerate(taken):
        if state.is_terminal() or action not in state.legal_actions():
            raise ConfigError(f"{where}: ply {ply + 1} is not legal in {game.id} (it is of {played.game_id})")
        state.apply(action)
    if state.is_terminal():
        raise ConfigError(f"{where}: ends the game")
    return taken
