"""What a league has on the disk, ``leagues/<name>/``, and the order in which it is written.

    results.jsonl     every game, one line a job          appended; the ledger
    records/          every game as PGN, SGF, JSONL ...   appended; cut to what is counted when a run goes on
    players.jsonl     all players: hashes and lineage     appended; likewise
    snapshots/NAME/   the weights of each copy            written once, whole
    learners/NAME/    checkpoints of who learns           the last two of each
    live/HASH/        what the learners play with now     written whole, removed when no job names it
    state.json        what counts                         replaced in one step, last of all

A turn of the league counts when ``state.json`` says so. A run that was killed before goes back to the turn before, does
the same jobs again, which are part of the state, and finds again whatever it had written of them. Random draws are
keyed by seed, turn and job: there is no stream whose position could be lost.
"""

import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from gameil.errors import CheckpointError
from gameil.league.match_jobs import Entrant, MatchTask
from gameil.league.players import LeaguePlayer
from gameil.tracking.log import cut_torn_line
from gameil.tracking.run import write_json

FORMAT_VERSION = 1
STATE = "state.json"
PLAYERS = "players.jsonl"
LIVE = "live"


@dataclass
class LearnerState:
    """A learning player, its weights left out."""

    live_hash: str = ""
    live_path: str = ""
    """Snapshot that plays its next turn, relative to the league's directory."""
    turns: int = 0
    """Turns learned from; its checkpoint's number."""
    steps: int = 0
    """Turns since its last copy."""
    copies: int = 0
    restarts: int = 0
    start: str = ""
    """Snapshot that it last started from, relative to the league's directory."""
    parent: str = ""
    """Name of what its next copy comes from: its last copy, or what it last started from."""


@dataclass
class LeagueState:
    """All that counts besides the ledger, the players and the weights."""

    turn: int = 0
    """Turns counted."""
    players: int = 0
    """Lines of ``players.jsonl`` that count."""
    learners: dict[str, LearnerState] = field(default_factory=dict)
    pending: dict[int, dict[str, MatchTask]] = field(default_factory=dict)
    """Jobs of each turn to come that is under way, by id."""
    resets: list[tuple[int, int]] = field(default_factory=list)
    """``(turn, player)``: who started anew when that turn was counted."""
    records: tuple[str, int] = ("", 0)
    """File of records being written, relative, and its length."""
    frames: int = 0
    """Actions of all games learned from."""
    games: int = 0
    """Games counted, those that somebody failed in included."""
    seconds: float = 0.0
    """Time at work."""


def write_state(directory: Path, state: LeagueState) -> None:
    """Replaces ``state.json`` in one step."""
    values: dict[str, Any] = {"format_version": FORMAT_VERSION, **asdict(state)}
    write_json(directory / STATE, values)


def read_state(directory: Path) -> LeagueState | None:
    """The state; None where there is none yet. Raises ``CheckpointError`` in one line where it is damaged."""
    path = directory / STATE
    if not path.exists():
        return None
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        version = values.pop("format_version")
        if version != FORMAT_VERSION:
            raise CheckpointError(f"{path}: league format {version!r}, this gameil reads {FORMAT_VERSION}")
        values["learners"] = {name: LearnerState(**each) for name, each in values["learners"].items()}
        values["pending"] = {
            int(turn): {name: _task(task) for name, task in jobs.items()} for turn, jobs in values["pending"].items()
        }
        values["resets"] = [(int(turn), int(player)) for turn, player in values["resets"]]
        values["records"] = tuple(values["records"])
        return LeagueState(**values)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged: {type(error).__name__}: {error}") from error


def _task(values: dict[str, Any]) -> MatchTask:
    return MatchTask(**{**values, "home": Entrant(**values["home"]), "away": Entrant(**values["away"])})


def append_players(directory: Path, players: Iterable[LeaguePlayer]) -> None:
    """Writes players through to the disk."""
    with (directory / PLAYERS).open("ab") as file:
        file.write(b"".join(json.dumps(asdict(player)).encode() + b"\n" for player in players))
        file.flush()
        os.fsync(file.fileno())


def read_players(directory: Path, count: int | None = None) -> list[LeaguePlayer]:
    """The first ``count`` players, None for all that are whole. Raises ``CheckpointError`` where there are fewer."""
    path = directory / PLAYERS
    lines = path.read_bytes().splitlines(keepends=True) if path.exists() else []
    whole = [line for line in lines if line.endswith(b"\n")][:count]
    if count is not None and len(whole) < count:
        raise CheckpointError(f"{path}: {len(whole)} players, the league's state knows {count}")
    try:
        return [LeaguePlayer(**json.loads(line)) for line in whole]
    except (ValueError, TypeError, RecursionError) as error:
        raise CheckpointError(f"{path}: damaged: {error}") from error


def cut_players(directory: Path, count: int) -> None:
    """Takes away players that joined in a turn that was never counted; they will join again."""
    path = directory / PLAYERS
    if path.exists():
        cut_torn_line(path)
        lines = path.read_bytes().splitlines(keepends=True)
        with path.open("rb+") as file:
            file.truncate(sum(len(line) for line in lines[:count]))


def append_text(path: Path, text: str) -> int:
    """Appends records through to the disk; returns the file's length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("ab") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def cut_records(directory: Path, records: tuple[str, int]) -> None:
    """Takes away records of a turn that was never counted, and files begun by it."""
    name, length = records
    for path in (directory / "records").glob("turns-*"):
        own = str(path.relative_to(directory))
        if own > name:
            path.unlink()
        elif own == name and path.stat().st_size > length:
            os.truncate(path, length)


def remove_live(directory: Path, wanted: set[str]) -> list[str]:
    """Removes what the learners played with before, except for the hashes ``wanted``; returns those removed."""
    gone = [path for path in (directory / LIVE).glob("*") if path.name not in wanted]
    for path in gone:
        shutil.rmtree(path, ignore_errors=True)
    return [path.name for path in gone]
