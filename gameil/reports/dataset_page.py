"""A dataset on one page: what is in it, how its games are spread, and what became of every record read."""

from collections.abc import Mapping
from typing import Any

from gameil.reports.histogram import histogram
from gameil.reports.page import facts, page, shown, table
from gameil.reports.svg import escape

CHARTS = (
    ("ratings", "Ratings", "rating of a player, from"),
    ("titles", "Titles and ranks", "most frequent first"),
    ("length_steps", "Lengths", "decisions of a game, from"),
    ("outcomes", "Results", "outcome"),
    ("dates", "Dates", "date of the game"),
    ("time_classes", "Time controls", "class"),
    ("terminations", "Endings", "how the game ended"),
)
"""Key in the statistics, title, and what its names are."""
UNKNOWN = "unknown"


def dataset_page(stats: Mapping[str, Any]) -> str:
    """The HTML document of ``dataset_stats``."""
    games = stats["games"]
    subtitle = f"{games:,} games of {stats['family']}, {stats['positions']:,} positions"
    head = facts(
        [
            ("games", games),
            ("positions", stats["positions"]),
            ("bytes a game", stats["bytes_per_game"]),
            ("labels", stats["labels"]),
            ("split by", stats["split"].get("by", "content")),
            ("filters", "; ".join(_filter_text(values) for values in stats["filters"]) or "none"),
            ("sealed", stats["sealed"]),
            ("digest", stats["digest"]),
        ]
    )
    figures = [_figure(stats[key], title, x_name) for key, title, x_name in CHARTS if stats[key]]
    return page(
        f"Dataset {stats['dataset']}",
        subtitle,
        [head, _splits(stats), f'<h2>Games</h2><div class="charts">{"".join(figures)}</div>', _records(stats)],
    )


def _filter_text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {shown(value)}" for name, value in values.items())


def _splits(stats: Mapping[str, Any]) -> str:
    rows = [(name, part["games"], part["positions"]) for name, part in stats["splits"].items()]
    return "<h2>Splits</h2>" + table(("split", "games", "positions"), rows)


def _figure(bars: Mapping[str, int], title: str, x_name: str) -> str:
    known = {name: number for name, number in bars.items() if name != UNKNOWN}
    unknown = bars.get(UNKNOWN, 0)
    note = f", {unknown:,} unknown" if unknown else ""
    drawing = histogram(known, label=title, x_name=x_name) or '<p class="quiet">nothing is known</p>'
    return f"<figure><figcaption>{escape(title)}{note}</figcaption>{drawing}</figure>"


def _records(stats: Mapping[str, Any]) -> str:
    """The manifest: each source's records, then why those that are missing are."""
    rows = [
        (
            name,
            part["read"],
            part["stored"],
            part["duplicates"],
            sum(part["rejected"].values()),
            sum(part["filtered"].values()),
        )
        for name, part in [*stats["sources"].items(), ("all", stats["counts"])]
    ]
    parts = ["<h2>Records</h2>", table(("source", "read", "stored", "duplicates", "rejected", "filtered"), rows)]
    for key, title in (("rejected", "Rejected because"), ("filtered", "Filtered by"), ("tolerances", "Read leniently")):
        reasons = sorted(stats["counts"][key].items(), key=lambda item: -item[1])
        if reasons:
            parts += [f"<h3>{title}</h3>", table(("name", "records"), reasons)]
    return "".join(parts)
