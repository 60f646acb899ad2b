"""What is in a dataset: counts, splits, and how ratings, lengths, results, dates and time controls are spread."""

import os
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gameil.dataset.dataset import Dataset
from gameil.dataset.schema import SPLITS
from gameil.errors import DatasetError
from gameil.positions.filters import filter_values
from gameil.positions.time_control import time_class
from gameil.reports.dataset_page import UNKNOWN, dataset_page
from gameil.stages.data import printable
from gameil.stages.processes import map_in_order

_CHUNK = 1024
_RATING_STEP = 100
_LENGTH_BARS = 25
_MOST_TITLES = 16
_MOST_PLAYERS = 16
_MOST_DATES = 36
"""Dates are shown by month where nearly all lie within so many months, else by as few years as need no more rows."""
_DATE_STEPS = (1, *(12 * years * 10**power for power in range(4) for years in (1, 2, 5)))
"""Months that are one row: 1, then those of 1, 2, 5, 10 ... years."""
_FAR_OUT = 0.002
"""Share of the games whose dates, on either side, are not told apart."""
_BAR = 32
_CLASSES = ("bullet", "blitz", "rapid", "classical", "correspondence", UNKNOWN)


@dataclass
class _Spread:
    """Numbers of games, or of ratings, by name."""

    ratings: Counter[int] = field(default_factory=Counter)
    outcomes: Counter[str] = field(default_factory=Counter)
    months: Counter[str] = field(default_factory=Counter)
    time_classes: Counter[str] = field(default_factory=Counter)
    terminations: Counter[str] = field(default_factory=Counter)
    titles: Counter[str] = field(default_factory=Counter)
    players: Counter[str] = field(default_factory=Counter)
    unrated: int = 0

    def add(self, other: "_Spread") -> None:
        for name in ("ratings", "outcomes", "months", "time_classes", "terminations", "titles", "players"):
            getattr(self, name).update(getattr(other, name))
        self.unrated += other.unrated


def dataset_stats(
    path: Path, *, workers: int = 0, progress: Callable[[int], None] = lambda number: None
) -> dict[str, Any]:
    """Numbers about a dataset as plain JSON values: counts, splits, lengths, ratings, results, dates, sizes.

    Args:
        workers: processes that read games; 0 for one each processor.
        progress: told the number of games read.
    """
    dataset = Dataset(path)
    meta = dataset.meta
    index = dataset.index()
    lengths = index["decisions"].astype(np.int64)
    spread = _Spread()
    chunks = (range(first, min(first + _CHUNK, len(index))) for first in range(0, len(index), _CHUNK))
    for done, part in map_in_order(partial(_spread_of, path), chunks, workers):
        spread.add(part)
        progress(done)
    counts = dataset.counts()
    size = sum(dataset.sizes().values())
    return {
        "dataset": str(path),
        "family": meta.family,
        "schema_version": meta.schema_version,
        "created_with": meta.created_with,
        "sealed": meta.sealed,
        "digest": dataset.digest(),
        "split": meta.split.values(),
        "filters": [filter_values(one) for one in meta.filters],
        "games": len(index),
        "positions": int(lengths.sum()),
        "splits": {
            split: {
                "games": int((index["split"] == number).sum()),
                "positions": int(lengths[index["split"] == number].sum()),
            }
            for number, split in enumerate(SPLITS)
        },
        "lengths": _quantiles(lengths),
        "length_steps": _length_steps(lengths),
        "outcomes": dict(sorted(spread.outcomes.items(), key=lambda item: (not item[0].startswith("seat"), item[0]))),
        "ratings": _steps(spread.ratings, _RATING_STEP) | ({UNKNOWN: spread.unrated} if spread.unrated else {}),
        "titles": dict(spread.titles.most_common(_MOST_TITLES)),
        "players": dict(spread.players.most_common(_MOST_PLAYERS)),
        "dates": _dates(spread.months),
        "time_classes": {name: spread.time_classes[name] for name in _CLASSES if spread.time_classes[name]},
        "terminations": dict(spread.terminations.most_common()),
        "labels": dataset.num_labels(),
        "counts": counts.total.values(),
        "sources": {name: source.values() for name, source in sorted(counts.sources.items())},
        "bytes": size,
        "bytes_per_game": round(size / max(1, len(index)), 1),
        "bytes_by_table": dataset.sizes(),
    }


def write_picture(stats: dict[str, Any], out: Path) -> None:
    """Writes ``dataset_stats`` as one self-contained HTML page, there whole or not at all."""
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    try:
        temporary.write_text(dataset_page(stats), encoding="utf-8")
        temporary.replace(out)
    except OSError as error:
        raise DatasetError(f"{out}: cannot be written: {error.strerror}") from error
    finally:
        temporary.unlink(missing_ok=True)


def stats_lines(stats: dict[str, Any]) -> list[str]:
    """``dataset_stats`` for people, with bars of number signs."""
    counts = stats["counts"]
    sealed = ", sealed" if stats["sealed"] else ""
    split = ", ".join(f"{name} {value}" for name, value in ({"by": "content"} | stats["split"]).items())
    lines = [
        f"{stats['dataset']}: {stats['games']:,} games of {stats['family']}, {stats['positions']:,} positions{sealed}",
        f"  {stats['bytes_per_game']:g} bytes a game; digest {stats['digest']}; schema version "
        f"{stats['schema_version']}",
        *(
            "  filter: " + printable(", ".join(f"{name} {value}" for name, value in values.items()))
            for values in stats["filters"]
        ),
        "",
        f"{'split':<10} {'games':>8} {'positions':>12}   ({split})",
        *(f"{name:<10} {part['games']:>8,} {part['positions']:>12,}" for name, part in stats["splits"].items()),
        "",
        "decisions a game: " + ", ".join(f"{name} {value:,}" for name, value in stats["lengths"].items()),
    ]
    for title, key in (
        ("outcome", "outcomes"),
        ("rating", "ratings"),
        ("title or rank", "titles"),
        ("games of the most frequent players", "players"),
        ("date", "dates"),
        ("time control", "time_classes"),
    ):
        lines += _bars(title, stats[key])
    if stats["labels"]:
        lines += ["", f"labels: {stats['labels']:,}"]
    return lines + _manifest_lines(stats, counts)


def _manifest_lines(stats: dict[str, Any], counts: dict[str, Any]) -> list[str]:
    columns = ("read", "stored", "duplicate", "rejected", "filtered")
    lines = ["", f"{'source':<40}" + "".join(f" {column:>9}" for column in columns)]
    for name, source in [*stats["sources"].items(), ("all", counts)]:
        name = printable(name)
        shown = name if len(name) <= 40 else f"...{name[-37:]}"
        numbers = (
            *(source[key] for key in ("read", "stored", "duplicates")),
            *(sum(source[key].values()) for key in ("rejected", "filtered")),
        )
        lines.append(f"{shown:<40}" + "".join(f" {number:>9,}" for number in numbers))
    lines += _bars("rejected because", counts["rejected"]) + _bars("filtered by", counts["filtered"])
    lines += _bars("read leniently", counts["tolerances"])
    if counts["after_end"]:
        lines += ["", f"moves after the rules' end, left out: {counts['after_end']:,}"]
    return lines


def _spread_of(path: Path, game_ids: range) -> tuple[int, _Spread]:
    dataset = Dataset(path)
    spread = _Spread()
    for game_id in game_ids:
        played = dataset.game(game_id)
        spread.outcomes[_outcome(played.returns)] += 1
        date = played.date or ""
        spread.months[date[:7] if date[:4].isdecimal() else UNKNOWN] += 1
        spread.time_classes[time_class(played.time_control, played.event, played.tags) or UNKNOWN] += 1
        spread.terminations[played.termination] += 1
        spread.players.update(dict.fromkeys(player.name for player in played.players if player.name).keys())
        for player in played.players:
            if player.title is not None:
                spread.titles[player.title] += 1
            if player.rating is None:
                spread.unrated += 1
            else:
                spread.ratings[player.rating] += 1
    return len(game_ids), spread


def _outcome(returns: tuple[float, ...] | None) -> str:
    """``seat 0 wins`` and the like; the best return alone wins."""
    if returns is None or not returns:
        return UNKNOWN
    best = max(returns)
    winners = [seat for seat, value in enumerate(returns) if value == best]
    return f"seat {winners[0]} wins" if len(winners) == 1 else "draw"


def _quantiles(lengths: NDArray[np.int64]) -> dict[str, int]:
    if not len(lengths):
        return {}
    names = {"least": 0.0, "tenth": 0.1, "median": 0.5, "nine tenths": 0.9, "most": 1.0}
    return {name: int(np.quantile(lengths, share, method="nearest")) for name, share in names.items()}


def _length_steps(lengths: NDArray[np.int64]) -> dict[str, int]:
    """Games by length in equal steps; the longest two in a thousand are in the last one."""
    if not len(lengths):
        return {}
    most = int(np.quantile(lengths, 0.998, method="nearest"))
    sizes = (factor * 10**power for power in range(8) for factor in (1, 2, 5))
    step = next(size for size in sizes if most // size < _LENGTH_BARS)
    last = most // step * step
    steps = _steps(Counter(np.minimum(lengths, last).tolist()), step)
    if int(lengths.max()) >= last + step:
        steps[f"{last}+"] = steps.pop(str(last))
    return steps


def _steps(numbers: Counter[int], step: int) -> dict[str, int]:
    """Numbers by the lower end of their step, empty steps between included (few: ratings are bounded)."""
    sums: Counter[int] = Counter()
    for value, number in numbers.items():
        sums[value // step] += number
    if not sums:
        return {}
    low, high = min(sums), max(sums)
    places: Iterable[int] = range(low, high + 1) if high - low < 1000 else sorted(sums)
    return {str(place * step): sums[place] for place in places}


def _dates(months: Counter[str]) -> dict[str, int]:
    """Games by month where nearly all lie within few, else by 1, 2, 5, 10 ... years; the few far out on either side.

    A month that a date does not tell counts as its year's first.
    """
    known: Counter[str] = Counter()
    for month, number in months.items():
        if month != UNKNOWN:
            known[month if month[5:].isdecimal() else f"{month[:4]}-01"] += number
    unknown = {UNKNOWN: months[UNKNOWN]} if months[UNKNOWN] else {}
    if not known:
        return unknown
    places = sorted((int(month[:4]) * 12 + int(month[5:]) - 1, number) for month, number in known.items())
    first, last = _middle(places)
    size = next(size for size in _DATE_STEPS if last // size - first // size < _MOST_DATES)
    steps: Counter[int] = Counter()
    for place, number in places:
        steps[place // size] += number
    low, high = _middle(sorted(steps.items()))

    def name(step: int) -> str:
        years = size // 12
        if not years:
            return f"{step // 12}-{step % 12 + 1:02}"
        return str(step * years) if years == 1 else f"{step * years}-{step * years + years - 1}"

    before = sum(number for step, number in steps.items() if step < low)
    after = sum(number for step, number in steps.items() if step > high)
    inside = {name(step): steps[step] for step in range(low, high + 1)}
    return ({"earlier": before} if before else {}) | inside | ({"later": after} if after else {}) | unknown


def _middle(places: list[tuple[int, int]]) -> tuple[int, int]:
    """First and last of the places, in order, that hold all numbers but ``_FAR_OUT`` on either side."""
    total = sum(number for _, number in places)
    ends = []
    for ordered in (places, places[::-1]):
        left_out = 0
        for place, number in ordered:
            left_out += number
            if left_out > _FAR_OUT * total:
                ends.append(place)
                break
    return ends[0], ends[1]


def _bars(title: str, numbers: dict[str, int]) -> list[str]:
    """A row a name. What is unknown has no bar, which would dwarf the known ones."""
    if not numbers:
        return []
    most = max([1, *(number for name, number in numbers.items() if name != UNKNOWN)])
    width = max(len(printable(name)) for name in numbers)
    rows = []
    for name, number in numbers.items():
        bar = "" if name == UNKNOWN else "#" * max(number > 0, round(_BAR * number / most))
        rows.append(f"  {printable(name):<{width}} {number:>9,} {bar}".rstrip())
    return ["", title, *rows]
