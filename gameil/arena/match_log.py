"""Finished matches on disk, one JSON line each, so that an interrupted series goes on where it stopped."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from gameil.games.game import Game
from gameil.rollout.end_rules import Failure
from gameil.rollout.matches import MatchResult, Pairing, finished


class MatchLog:
    """Appends every finished match at once: a killed process loses at most the matches that were being played.

    A context manager. A line that was torn by a kill is cut off when the log is opened again.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._done: dict[int, dict[str, Any]] = {}
        self._added: set[int] = set()
        path.parent.mkdir(parents=True, exist_ok=True)
        sound = 0
        if path.exists():
            with path.open("rb") as file:
                for line in file:
                    entry = _entry(line)
                    if entry is None:
                        break
                    self._done[entry["match"]] = entry
                    sound += len(line)
        self._file = path.open("ab")
        self._file.truncate(sound)

    def __len__(self) -> int:
        return len(self._done) + len(self._added)

    def __contains__(self, match: int) -> bool:
        return match in self._done or match in self._added

    def add(self, result: MatchResult) -> None:
        """Writes a finished match through to the operating system."""
        entry = {
            "match": result.pairing.match,
            "actions": result.played.actions.tolist(),
            "returns": result.returns,
            "truncated": result.truncated,
            "moves": result.moves,
            "seconds": {name: round(spent, 6) for name, spent in result.seconds.items()},
            "ending": result.ending,
        }
        if result.failure is not None:
            entry["failure"] = asdict(result.failure)
        self._file.write(json.dumps(entry, separators=(",", ":")).encode() + b"\n")
        self._file.flush()
        self._added.add(result.pairing.match)

    def result(self, game: Game, pairing: Pairing, *, seed: int, match_prefix: str) -> MatchResult:
        """The result of a match that an earlier run finished. ``KeyError`` when it has not."""
        entry: Mapping[str, Any] = self._done[pairing.match]
        return finished(
            game,
            pairing,
            entry["actions"],
            returns=tuple(entry["returns"]),
            truncated=entry["truncated"],
            moves=dict(entry["moves"]),
            seconds=dict(entry["seconds"]),
            match_id=f"{match_prefix}/{seed}/{pairing.match}",
            ending=entry.get("ending", "rules"),
            failure=Failure(**entry["failure"]) if "failure" in entry else None,
        )

    def close(self) -> None:
        self._file.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _entry(line: bytes) -> dict[str, Any] | None:
    if not line.endswith(b"\n"):
        return None
    try:
        entry = json.loads(line)
    except ValueError:
        return None
    keys = {"match", "actions", "returns", "truncated", "moves", "seconds"}
    return entry if isinstance(entry, dict) and keys <= entry.keys() else None
