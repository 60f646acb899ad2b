"""A ladder: one agent against levels, weakest first, built in or any agents, and where it stands among them."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from gameil.agents.spec import builtin_levels, parse_spec
from gameil.arena.tables import aligned
from gameil.errors import ConfigError
from gameil.games.game import Game
from gameil.ratings.placement import Placement

USUAL_LEVELS = ("beginner", "easy", "medium", "hard")
MOST_LEVELS = 100
_AXIS = 56
"""Characters of the terminal drawing's axis."""


def checked_levels(game: Game, levels: Sequence[str]) -> dict[str, str]:
    """Level -> spec of what it is in ``game``, in the order given: names of built-in levels, and specs of agents.

    Raises ``ConfigError`` for what is neither, for one that is given twice, and for no or too many levels.
    """
    known = builtin_levels(game)
    found: dict[str, str] = {}
    for level in levels:
        if level in found:
            raise ConfigError(f"level {level!r} is on the ladder twice")
        found[level] = known[level] if level in known else _spec_of(level, known, game)
    if not 1 <= len(found) <= MOST_LEVELS:
        raise ConfigError(f"a ladder needs from 1 to {MOST_LEVELS} levels, got {len(found)}")
    return found


def split_levels(words: Sequence[str]) -> tuple[str, ...]:
    """Levels one by one, from ``easy,medium`` as from ``easy medium``; the commas of a spec are its own."""
    return tuple(name for word in words for name in ([word] if is_spec(word) else word.split(",")) if name)


def is_spec(level: str) -> bool:
    """Whether a level is an agent's spec, perhaps a wrong one, and not the name of a built-in level."""
    try:
        parse_spec(level)
    except ConfigError:
        return ":" in level
    return True


def _spec_of(level: str, known: Mapping[str, str], game: Game) -> str:
    if not is_spec(level):
        raise ConfigError(
            f"{game.id} has no level {level!r} here; there are {', '.join(known)}, and specs such as mcts:50"
        )
    return str(parse_spec(level))


def read_ratings(path: Path, levels: Mapping[str, str]) -> dict[str, float]:
    """Level -> Elo, for those of ``levels`` that the results of a ladder or tournament rate.

    Args:
        path: a run directory of a ladder or tournament, or its ``results.json``.
        levels: level -> spec; an agent of the results counts as a level by its name, its spec, or ``builtin:NAME``.

    Raises:
        ConfigError: the file cannot be read, is nothing of the kind, or rates none of the levels.
    """
    file = path / "results.json" if path.is_dir() else path
    try:
        results = json.loads(file.read_text(encoding="utf-8"))
        rows = results.get("levels") or results["table"]
        rated = {
            str(name): float(row["elo"])
            for row in rows
            if "elo" in row and row.get("met", True)
            for name in (row.get("level"), row.get("spec"), row.get("agent"))
            if name is not None
        }
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError, LookupError, AttributeError, TypeError) as error:
        raise ConfigError(f"{file}: not the results of a ladder or tournament") from error
    names = {level: (level, spec, f"builtin:{level}") for level, spec in levels.items()}
    found = {
        level: next(rated[name] for name in choices if name in rated)
        for level, choices in names.items()
        if any(name in rated for name in choices)
    }
    if not found or not all(math.isfinite(elo) for elo in found.values()):
        raise ConfigError(f"{file}: rates none of the levels {', '.join(levels)}")
    return found


def is_beyond(placement: Placement, margin: float) -> str | None:
    """``above`` where the agent is surely stronger than the strongest level by ``margin`` Elo, ``below`` likewise."""
    levels = placement.elo[:-1]
    if placement.above(int(levels.argmax())).interval.low > margin:
        return "above"
    if placement.above(int(levels.argmin())).interval.high < -margin:
        return "below"
    return None


def place_values(
    levels: Mapping[str, str], held: Mapping[int, float], games: Sequence[int], placement: Placement, beyond: str | None
) -> dict[str, Any]:
    """Where the agent and the levels stand, as plain JSON values.

    Args:
        levels: level -> spec.
        held: number of a level -> its Elo that was given; a single one is the scale's anchor.
        games: that the agent played against each level.
        placement: of these games.
        beyond: ``is_beyond``.
    """
    names = list(levels)
    distance = placement.above(placement.nearest)
    rows = [
        {
            "level": name,
            "spec": spec,
            "games": games[index],
            "elo": float(placement.elo[index]),
            "elo_interval": _ends(placement, index),
            "held": index in held,
            "met": games[index] > 0 or index in held,
        }
        for index, (name, spec) in enumerate(levels.items())
    ]
    return {
        "elo": float(placement.elo[placement.agent]),
        "elo_interval": _ends(placement, placement.agent),
        "nearest": names[placement.nearest],
        "anchor": None if len(held) > 1 else names[next(iter(held))],
        "difference": distance.difference,
        "difference_interval": [distance.interval.low, distance.interval.high],
        "beyond": beyond,
        "dispersion": placement.dispersion,
        "levels": rows,
    }


def place_text(results: Mapping[str, Any]) -> str:
    """The ladder drawn for a terminal, strongest first, and in a line where the agent stands (``place_values``)."""
    everybody = [(row["level"], row, "o" if row["met"] else ".") for row in results["levels"]]
    everybody.append((str(results["agent"]), results, "@"))
    everybody.sort(key=lambda entry: -entry[1]["elo"])
    ends = [end for _, row, mark in everybody if mark != "." for end in row["elo_interval"]]
    ends += [row["elo"] for _, row, _ in everybody]
    low, high = float(min(ends)), float(max(ends))
    step = max(1.0, high - low) / (_AXIS - 1)

    def column(elo: float) -> int:
        return round((elo - low) / step)

    cells = [["", "Elo", "95 % interval", "games", ""]]
    for name, row, mark in everybody:
        left, right = row["elo_interval"]
        line = [" "] * _AXIS
        if mark != "." and right > left:
            for place in range(column(left), column(right) + 1):
                line[place] = "=" if mark == "@" else "-"
        line[column(row["elo"])] = mark
        interval = f"{left:+.0f} to {right:+.0f}" if mark != "." and right > left else "held" if mark == "o" else ""
        cells.append([name, f"{row['elo']:+.0f}", interval, str(row["games"]), f"|{''.join(line)}|"])
    scale = f"{results['anchor']} is 0" if results["anchor"] else "levels held at the ratings given"
    notes = [
        place_line(results),
        f"Elo: {scale}; @ the agent, o levels, . levels not met: where they would be expected",
    ]
    return "\n".join([aligned(cells), *(f"  ({note})" for note in notes)])


def place_line(results: Mapping[str, Any]) -> str:
    """``39 Elo above medium (-12 to +90), after 96 games``."""
    low, high = results["difference_interval"]
    nearest, away = results["nearest"], results["difference"]
    if results["beyond"] == "above":
        return f"stronger than every level: at least {low:.0f} Elo above {nearest}, after {results['games']} games"
    if results["beyond"] == "below":
        return f"weaker than every level: at least {-high:.0f} Elo below {nearest}, after {results['games']} games"
    side = "above" if away >= 0 else "below"
    return f"{abs(away):.0f} Elo {side} {nearest} ({low:+.0f} to {high:+.0f}), after {results['games']} games"


def _ends(placement: Placement, number: int) -> list[float]:
    interval = placement.interval(number)
    return [interval.low, interval.high]
