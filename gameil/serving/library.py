"""Games that a site lets people replay: datasets and files of records, by the number that the site gives them."""

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from gameil.dataset.dataset import Dataset
from gameil.errors import DatasetError, GameilError
from gameil.games.registry import make_game
from gameil.positions.played_game import PlayedGame
from gameil.positions.transcribe import transcribe
from gameil.records.formats import parse_record, split_records
from gameil.records.record import RawRecord, RecordError
from gameil.serving.game_session import MAX_ACTIONS, GameSession, Seat

RECORDS = (".pgn", ".sgf", ".jsonl", ".kif", ".mat", ".pdn")
"""Files of records that are found in directories; others can be named one by one."""
MOST_RECORDS = 10_000
"""Games of one file of records that can be reached: it is read from its start each time."""
_MOST_SOURCES = 500


@dataclass(frozen=True, slots=True)
class Source:
    """A dataset or a file of records."""

    title: str
    path: Path
    is_dataset: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """One game of a source's list."""

    number: int
    players: str
    result: str
    plies: int
    when: str


class Library:
    """Looks for sources anew each time it lists them, so that games of running stages appear; numbers stay."""

    def __init__(self, named: Sequence[Path], runs: Path, data: Path) -> None:
        """
        Args:
            named: datasets, run directories and files of records.
            runs: directory of runs.
            data: the site's own directory.
        """
        self._named = tuple(named)
        self._runs = runs
        self._data = data
        self._numbers: dict[Path, int] = {}
        self._sources: list[Source] = []

    def sources(self) -> list[tuple[int, Source]]:
        """``(number, source)``, the named ones first."""
        found: list[Source] = []
        for path in self._named:
            found += (
                _within(path, path.name) if path.is_dir() and path.suffix != ".lmdb" else [_source(path.name, path)]
            )
        for root in (self._runs, self._data):
            found += _within(root, "")
        for source in itertools.islice(found, _MOST_SOURCES):
            if source.path not in self._numbers:
                self._numbers[source.path] = len(self._sources)
                self._sources.append(source)
        return [(self._numbers[source.path], source) for source in found if source.path in self._numbers]

    def source(self, number: int) -> Source:
        """A source by its number. Raises ``DatasetError`` where there is none."""
        if not self._sources:
            self.sources()
        if not 0 <= number < len(self._sources):
            raise DatasetError("this site has no such collection of games")
        return self._sources[number]

    def games(self, number: int, first: int, count: int) -> tuple[list[Entry], int | None]:
        """Some games of a source and how many there are (None: not known). Raises ``GameilError``."""
        source = self.source(number)
        if source.is_dataset:
            with _Opened(source.path) as dataset:
                total = len(dataset)
                numbers = range(first, min(total, first + count))
                return [_entry(number, dataset.game(number)) for number in numbers], total
        played = itertools.islice(_records(source.path, first), count)
        return [_entry(first + place, game) for place, game in enumerate(played) if game is not None], None

    def session(self, number: int, game: int) -> GameSession:
        """One game, to be walked through. Raises ``GameilError``: no such game, or one that does not replay."""
        source = self.source(number)
        if source.is_dataset:
            with _Opened(source.path) as dataset:
                return session_of(dataset.game(game))
        if not 0 <= game < MOST_RECORDS:
            raise DatasetError(f"games of a file of records are numbered from 0 to {MOST_RECORDS - 1}")
        played = next(iter(_records(source.path, game)), None)
        if played is None:
            raise DatasetError(f"{source.title}: no game {game} that can be replayed")
        return session_of(played)


class _Opened:
    """A dataset that is let go of afterwards: many may be looked at in a site's life."""

    def __init__(self, path: Path) -> None:
        self._dataset = Dataset(path)

    def __enter__(self) -> Dataset:
        return self._dataset

    def __exit__(self, *_: object) -> None:
        self._dataset.close()


def session_of(played: PlayedGame) -> GameSession:
    """A played game as a finished table. Raises ``GameilError`` where it does not replay or is too long to be shown."""
    if len(played.actions) > MAX_ACTIONS:
        raise DatasetError(f"a game of {len(played.actions):,} actions is not shown; the most are {MAX_ACTIONS:,}")
    game = make_game(played.game_id)
    names = [player.name or "?" for player in played.players]
    names += ["?"] * (game.num_players - len(names))
    session = GameSession(game, [Seat(name) for name in names[: game.num_players]], seed=0, start=played.start)
    for action in played.actions.tolist():
        session.apply(action)
    return session


def _source(title: str, path: Path) -> Source:
    return Source(title, path, path.suffix == ".lmdb" or (path / "data.mdb").is_file())


def _within(root: Path, prefix: str) -> list[Source]:
    """Datasets and files of records of a run, of a directory of runs, or of the site's own directory."""
    found: list[Path] = []
    for depth in ("", "*/", "*/*/"):
        found += sorted(root.glob(f"{depth}*.lmdb"))
        for part in ("records", "games", "collected"):
            for below in ("*", "*/*", "*/*/*") if part != "records" else ("*",):
                found += sorted(path for path in root.glob(f"{depth}{part}/{below}") if path.suffix in RECORDS)
    unique: Iterable[Path] = dict.fromkeys(found)
    return [_source(f"{prefix}/{path.relative_to(root).as_posix()}".lstrip("/"), path) for path in unique]


def _records(path: Path, skip: int) -> Iterable[PlayedGame | None]:
    """The games of a file from number ``skip`` on; None for one that cannot be replayed."""
    for raw in split_records(path, skip=skip):
        record = parse_record(raw) if isinstance(raw, RawRecord) else raw
        try:
            played = record if isinstance(record, RecordError) else transcribe(record)
        except GameilError:  # a game that gameil does not know stands among others that it does
            yield None
            continue
        yield played if isinstance(played, PlayedGame) else None


def _entry(number: int, played: PlayedGame) -> Entry:
    players = " – ".join(
        f"{player.name or '?'}" + (f" ({player.rating})" if player.rating else "") for player in played.players
    )
    result = played.result
    if result in ("*", "") and played.returns is not None:
        result = " : ".join(f"{value:+g}" for value in played.returns)
    return Entry(number, players or "?", result, len(played.actions), played.date or "")
