"""Which of a run's games a report shows: the best and the worst of the agent that was measured."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from gameil.errors import GameilError
from gameil.games.game import Notation
from gameil.positions.played_game import PlayedGame, opening_plies
from gameil.positions.transcribe import transcribe
from gameil.records.formats import read_records
from gameil.records.record import RecordError

MOVE_NOTATION: dict[str, Notation] = {"chess": "san", "go": "gtp"}
"""Notation of the move list where it is not the rules engine's own."""
MAX_GAME_ACTIONS = 600
"""Longer games are not shown."""
_MOST_GAMES = 1000
"""Games of one file that are looked at."""


def recorded_games(directory: Path) -> Iterator[PlayedGame]:
    """The games in ``directory/records/``, by file name; unreadable ones are left out."""
    for path in sorted((directory / "records").glob("*")):
        if path.suffix not in (".pgn", ".sgf", ".jsonl"):
            continue
        try:
            for number, record in enumerate(read_records(path)):
                if number >= _MOST_GAMES:
                    break
                played = record if isinstance(record, RecordError) else transcribe(record)
                if isinstance(played, PlayedGame):
                    yield played
        except GameilError:  # an empty or torn file beside good ones must not cost the report
            continue


def agent_of(config: Mapping[str, Any], results: Mapping[str, Any] | None) -> str | None:
    """Whose games a stage's records are about: its agent, or the winner of a tournament; None: nobody's."""
    table = (results or {}).get("table") or []
    if "agent" not in (results or {}) and table and "agent" in table[0]:
        return str(table[0]["agent"])
    agent = (results or {}).get("agent") or config.get("agent")
    return str(agent) if agent else None


def strengths_of(results: Mapping[str, Any] | None) -> dict[str, float]:
    """Opponent -> how strong it is among those that a ladder or tournament knows, under every name it may have."""
    rows = (results or {}).get("levels") or []
    found = {name: float(row["elo"]) for row in rows for name in (f"builtin:{row['level']}", str(row["spec"]))}
    table = (results or {}).get("table") or []
    found |= {str(row["agent"]): -float(place) for place, row in enumerate(table) if "against" in row}
    return found


def notable_games(
    games: Iterable[PlayedGame], agent: str | None, strengths: Mapping[str, float]
) -> list[tuple[str, PlayedGame]]:
    """``(what it is, game)``: the agent's best win, against the strongest opponent and then the shortest, and its worst
    loss, against the weakest and then the shortest. Without an agent, anybody's shortest win.

    Args:
        games: finished ones count only.
        agent: its name is the beginning of a player's name; None: anybody.
        strengths: of opponents, by name.
    """
    best: dict[str, tuple[tuple[float, int], PlayedGame]] = {}
    for played in games:
        seat = _seat_of(played, agent)
        if played.returns is None or seat is None or len(played.actions) > MAX_GAME_ACTIONS:
            continue
        won, lost = played.returns[seat] > 0, played.returns[seat] < 0
        if not (won or lost):
            continue
        others = [player.name for number, player in enumerate(played.players) if number != seat]
        strength = max((strengths.get(name or "", 0.0) for name in others), default=0.0)
        kind = "best win" if won else "worst loss"
        key = (strength if won else -strength, -len(played.actions))
        if kind not in best or key > best[kind][0]:
            best[kind] = (key, played)
    return [(kind, best[kind][1]) for kind in ("best win", "worst loss") if kind in best]


def title_of(played: PlayedGame) -> str:
    """``a against b, 1-0``."""
    names = [player.name or "?" for player in played.players] or ["?"]
    result = f", {played.result}" if played.result not in ("*", "") else ""
    return " against ".join(names) + result


def note_of(kind: str, played: PlayedGame) -> str:
    """What is said below the title: ``Best win, 34 plies, the first 4 of them given.``"""
    given = max(played.num_setup, opening_plies(played.tags))
    opening = f", the first {given} of them given" if given else ""
    return f"{kind.capitalize()}, {len(played.actions)} plies{opening}."


def _seat_of(played: PlayedGame, agent: str | None) -> int | None:
    if agent is None:
        if played.returns is None:
            return None
        return max(range(len(played.returns)), key=lambda seat: played.returns[seat])  # type: ignore[index]
    for seat, player in enumerate(played.players):
        if player.name is not None and player.name.startswith(agent):
            return seat
    return None
